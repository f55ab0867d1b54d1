"""A run as JSON lines, for programs."""

import json
from types import TracebackType
from typing import Self, TextIO

from workflows.runs.event_json import encode, to_json_object
from workflows.runs.events import RunEvent


class JsonView:
    """One event per line, the same object as in the log and over the wire.

    Args:
        stream: Where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, event: RunEvent) -> None:
        """Write the event, at once."""
        line = encode(event).decode()
        if not (self._stream.encoding or "utf-8").lower().startswith("utf"):
            line = json.dumps(to_json_object(event), ensure_ascii=True)  # what every encoding can say
        self._stream.write(line + "\n")
        self._stream.flush()

    def note(self, text: str) -> None:
        """Nothing: a program reads events only."""
