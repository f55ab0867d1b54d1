"""Live text on its way into the log: cut into pieces in which a secret can be recognised.

A model's text comes in pieces of a few characters, and a secret that is spread over three of them is in none. So the
last word of what an agent has said is held back until it is over; live text lags by a word, and no more.
"""

from collections.abc import Iterator
from dataclasses import replace

from workflows.runs.events import EventBody, LastEvent, TokenStream
from workflows.runs.redaction import Redactor, in_private_key

LONGEST_HELD = 200
"""Characters that are held back of what never ends, for example a long address."""
LONGEST_KEY_HELD = 8000
"""Characters that are held back of a private key, which is many lines long."""


class LiveText:
    """What of the live text of a run's agents is held back.

    Args:
        redactor: Knows what a secret may begin with.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held: dict[tuple[str, str], TokenStream] = {}

    def said(self, body: EventBody) -> Iterator[EventBody]:
        """What may enter the log now that this has happened, in order."""
        match body:
            case TokenStream():
                yield from self.flushed(body.agent, but=body.channel)
                yield from self._continued(body)
            case _ if isinstance(body, LastEvent):
                yield from self.flushed()
                yield body
            case _:
                agent = getattr(body, "agent", "")
                if agent:
                    yield from self.flushed(agent)
                yield body

    def flushed(self, agent: str = "", *, but: str = "") -> Iterator[TokenStream]:
        """What is held back, from now on held no more.

        Args:
            agent: Of this agent; empty for all.
            but: Not of this channel.
        """
        for key in [key for key in self._held if agent in {"", key[0]} and key[1] != but]:
            yield self._held.pop(key)

    def _continued(self, body: TokenStream) -> Iterator[TokenStream]:
        key = (body.agent, body.channel)
        before = self._held.pop(key, None)
        text = body.text if before is None else before.text + body.text
        begin = self._redactor.held_from(text)
        held = text[begin:]
        longest = LONGEST_KEY_HELD if in_private_key(held) else LONGEST_HELD
        if len(held) > longest:
            begin = len(text)
        if begin:
            yield replace(body, text=text[:begin])
        if begin < len(text):
            self._held[key] = replace(body, text=text[begin:])
