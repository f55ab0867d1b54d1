"""Bytes to lines, without I/O: what the Claude CLI writes is one JSON object per line.

Only the newline byte ends a line. Text in the CLI's JSON is raw UTF-8, so U+2028, U+2029 and U+0085 stand inside
lines, and `str.splitlines()` (or a text stream with universal newlines) would cut such lines apart.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LineTooLong:
    """A line that was longer than the bound; its content is gone.

    Attributes:
        bytes: Its length in bytes, without the newline.
    """

    bytes: int


class LineFramer:
    """Cuts a byte stream, however it arrives, into lines.

    Work is linear in the input: a tail that waits for its newline is neither searched nor copied again until that
    newline arrives. Memory is bounded by `max_line_bytes` and the largest piece fed.

    Args:
        max_line_bytes: Longest line that is kept, in bytes before the newline. A tool result stands up to three
            times on its line, and lines of several MB are ordinary; the bound only stops a runaway.
    """

    def __init__(self, max_line_bytes: int = 64 * 1024 * 1024) -> None:
        self._max_line_bytes = max_line_bytes
        self._tail = bytearray()
        self._size = 0  # of the unfinished line; goes on counting while an over-long one is dropped

    def feed(self, data: bytes) -> list[bytes | LineTooLong]:
        """Take the next piece of the stream.

        Args:
            data: Any number of bytes.

        Returns:
            The lines that are complete now, in order, without the newline and without one carriage return before
            it; blank lines are left out.
        """
        lines = data.split(b"\n")
        rest = lines.pop()
        framed: list[bytes | LineTooLong] = []
        if lines and self._size:
            self._finish(lines.pop(0), framed)
        if len(data) > self._max_line_bytes or b"\r" in data:
            for line in lines:
                self._finish(line, framed)
        else:
            framed.extend(filter(None, lines))
        self._keep(rest)
        return framed

    def close(self) -> list[bytes | LineTooLong]:
        """End the stream.

        Returns:
            The last line if it had no newline (only a process that was killed leaves one), else nothing.
        """
        framed: list[bytes | LineTooLong] = []
        self._finish(b"", framed)
        return framed

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._max_line_bytes:
            self._tail += piece
        else:
            self._tail.clear()

    def _finish(self, end: bytes, framed: list[bytes | LineTooLong]) -> None:
        """Complete the unfinished line with its end, and add it unless it is blank."""
        self._keep(end)
        size, line = self._size, bytes(self._tail)
        self._tail.clear()
        self._size = 0
        if size > self._max_line_bytes:
            framed.append(LineTooLong(size))
        elif line := line.removesuffix(b"\r"):
            framed.append(line)
