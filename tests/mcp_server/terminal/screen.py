"""A terminal, as far as the live view uses one: text, colours (ignored), moving up, and erasing lines."""

import io
import re

from rich.cells import cell_len, chop_cells
from rich.console import Console

_PART = re.compile(r"\x1b\[(\?25)?(\d*)(?:;\d+)*([A-Za-z])|\r|\n|[^\x1b\r\n]+|\x1b")


class Screen(io.StringIO):
    """What a person would see, scrollback included.

    Args:
        width: Columns.
        height: Rows.
    """

    def __init__(self, width: int, height: int = 40) -> None:
        super().__init__()
        self.console = Console(
            file=self,
            width=width,
            height=height,
            force_terminal=True,
            color_system="standard",
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )
        self.width = width
        self.rows = [""]
        self.row = 0
        self.cursor_shown = True
        self.writes = 0

    def write(self, text: str, /) -> int:
        self.writes += 1
        for part in _PART.finditer(text):
            self._obey(part)
        return super().write(text)

    def _obey(self, part: "re.Match[str]") -> None:
        private, number, letter = part.groups()
        match part.group():
            case "\n":
                self.row += 1
                if self.row == len(self.rows):
                    self.rows.append("")
            case "\r" | "\x1b":
                pass
            case text if letter is None:
                self.rows[self.row] += text
                assert cell_len(self.rows[self.row]) <= self.width
            case _ if private:
                self.cursor_shown = letter == "h"
            case _ if letter == "A":
                self.row = max(0, self.row - int(number or 1))
            case _ if letter == "K":
                self.rows[self.row] = ""
            case _:
                assert letter == "m", f"the live view used {part.group()!r}"

    def make_narrower(self, width: int) -> None:
        """Change the width as terminals do: rows that no longer fit go on in the next one."""
        self.rows = [piece for row in self.rows for piece in chop_cells(row, width) or [""]]
        self.row = len(self.rows) - 1
        self.console.width = self.width = width

    @property
    def text(self) -> str:
        """All rows, as a person reads them."""
        return "\n".join(row.replace("\u00a0", " ").rstrip() for row in self.rows).rstrip("\n")
