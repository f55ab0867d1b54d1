"""How long clients wait for an answer: the one thing about a client that no request declares.

Everything else a server needs to know of a client is in the request itself (its capabilities, its era, its progress
token) and is taken from there. A client that is not in this table is taken to wait as long as it takes.
"""

from dataclasses import dataclass

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


def patience_of(name: str | None, clocks: tuple[ClientClock, ...] = CLOCKS) -> float | None:
    """Within how many seconds a client must be answered; None if it waits.

    Args:
        name: Its name as it stands in `clientInfo`; None if it has not said.
        clocks: The table.
    """
    for clock in clocks:
        if name is not None and name.lower().startswith(clock.name):
            return clock.seconds - min(LONGEST_MARGIN_SECONDS, MARGIN * clock.seconds)
    return None


def shortest(*seconds: float | None) -> float | None:
    """The shortest of some limits, None among them meaning no limit."""
    limits = [limit for limit in seconds if limit is not None]
    return min(limits) if limits else None
