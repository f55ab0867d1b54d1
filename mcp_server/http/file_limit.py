"""How many files this process may have open: every connection is one, and many systems begin with 1,024."""

import logging
import sys

logger = logging.getLogger(__name__)

OTHERS = 256
"""Files that are open for something else: the log, the pipes of agents' processes."""


def allow_connections(most: int) -> None:
    """Raise the limit so far that so many connections can be had, or say that it cannot be raised.

    Without that, a server that could hold no more would not be able to say so either. Windows has no such limit.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + OTHERS
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        logger.warning(
            "AGENT_WORKFLOWS_MAX_CONNECTIONS is %d, and this process may have %d files open: raise the system's limit "
            "(ulimit -Hn), or set fewer connections",
            most,
            allowed,
        )
