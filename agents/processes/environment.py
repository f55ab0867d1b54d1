"""The environment of a child process: what marks it as ours, whatever it runs. Pure."""

import re
from collections.abc import Mapping

RUN_VARIABLE = "AGENT_WORKFLOWS_RUN"
"""Which run a process belongs to; for people who look at a process list."""
CHILD_VARIABLE = "AGENT_WORKFLOWS_CHILD"
"""Which child of a server a process descends from. Every descendant inherits it, also one that has changed its parent,
its session and its process group; that is how it is found again. Where servers run inside each other's agents it is a
path of markers, outermost first: `outer/inner`."""
DEPTH_VARIABLE = "AGENT_WORKFLOWS_DEPTH"
"""How many servers there are above a process."""

MAX_DEPTH = 3
"""How many servers may run inside each other's agents. An agent may use this program once more for a part of its work;
more than a few levels is a workflow that calls itself."""


def child_environment(environ: Mapping[str, str], *, run_id: str, marker: str) -> dict[str, str]:
    """The environment a child is started with: ours, but for our own settings, and the marks by which it is found.

    Our settings are kept back because they are for a server, and may hold its secrets.

    Args:
        environ: The environment of this server.
        run_id: The run the child works for; empty if none.
        marker: Unique to the child; no `/` in it.
    """
    outer = environ.get(CHILD_VARIABLE)
    return {
        **{name: value for name, value in environ.items() if not name.startswith("AGENT_WORKFLOWS_")},
        RUN_VARIABLE: run_id,
        CHILD_VARIABLE: f"{outer}/{marker}" if outer else marker,
        DEPTH_VARIABLE: str(depth_of(environ) + 1),
    }


def depth_of(environ: Mapping[str, str]) -> int:
    """How many servers there are above this process; 0 for one that a person or a client started."""
    value = environ.get(DEPTH_VARIABLE, "")
    return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else 0
