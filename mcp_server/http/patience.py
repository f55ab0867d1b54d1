"""How long the server waits for what others do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds, each a bound.

    Attributes:
        head: From a connection to its first request's whole head.
        body: From a request's head to its body's end.
        quiet: After which a silent stream gets a comment; proxies close what is silent, many after 60 s.
        unread: For which a client may leave unread what was sent to it.
    """

    head: float = 10.0
    body: float = 10.0
    quiet: float = 10.0
    unread: float = 60.0
