"""How long clients wait for an answer: the one thing about a client that no request declares.

Everything else a server needs to know of a client is in the request itself (its capabilities, its era, its progress
token) and is taken from there. A client that is not in this table is taken to wait as long as it takes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from mcp_server.arrival import arrived

MARGIN = 0.15
"""Part of a client's time that is left for the answer to arrive."""
LONGEST_MARGIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ClientClock:
    """A client's patience with one call.

    Attributes:
        name: How the client's name begins, lower case, as it stands in `clientInfo`.
        seconds: After how long it gives a call up, whether there is progress or not.
        source: Where the figure is from.
    """

    name: str
    seconds: float
    source: str


_REPORTED = "reported by users of it; not measured here"
CLOCKS = (
    ClientClock("claude-ai", 60, f"Claude Desktop and claude.ai: {_REPORTED} (others report 240 s)"),
    ClientClock("claude desktop", 60, _REPORTED),
    ClientClock("codex", 60, f"its documented default; {_REPORTED}"),
    ClientClock("copilot-cli", 60, _REPORTED),
    ClientClock("github-copilot-cli", 60, _REPORTED),
    ClientClock("opencode", 60, _REPORTED),
    ClientClock("kiro", 60, _REPORTED),
    ClientClock("amazon-q", 60, _REPORTED),
    ClientClock("antigravity", 180, _REPORTED),
    ClientClock("goose", 300, _REPORTED),
)
"""Clients that end every call after a fixed time. Claude Code is not among them: it waits 27.8 h by default."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long calls may take.

    Attributes:
        task_grace_seconds: How long a call that could be a task shows its progress first: what comes later is seen less
            well in clients.
        client_seconds: What is known of clients on this machine; goes before the table. 0 means that one waits.
    """

    task_grace_seconds: float = 4.0
    client_seconds: Mapping[str, float] = field(default_factory=dict[str, float])

    def of(self, name: str) -> float | None:
        """Within how many seconds a client must be answered; None if it waits.

        Args:
            name: Its name as it stands in `clientInfo`.
        """
        name = name.lower()
        known = [(given.lower(), seconds) for given, seconds in self.client_seconds.items()]
        for beginning, seconds in (*known, *((clock.name, clock.seconds) for clock in CLOCKS)):
            if name.startswith(beginning):
                return seconds - min(LONGEST_MARGIN_SECONDS, MARGIN * seconds) if seconds else None
        return None

    def answer_by(self, name: str, wait_seconds: float | None = None) -> float:
        """By when the request of the current task must be answered, by the event loop's clock; infinity if it need not.

        Args:
            name: As above.
            wait_seconds: How long its caller wants to wait; None: as long as it takes.
        """
        return arrived() + min(seconds for seconds in (wait_seconds, self.of(name), math.inf) if seconds is not None)
