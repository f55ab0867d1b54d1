"""Shows the end of a run in a terminal: Markdown rendered, sixteen colours."""

from collections.abc import Sequence
from typing import TextIO, assert_never

from rich.console import Console, ConsoleRenderable, Group
from rich.constrain import Constrain
from rich.markdown import Markdown
from rich.text import Text
from rich.theme import Theme

from mcp_server.terminal.ending import Block, Blocks
from mcp_server.terminal.live_region import WIDEST
from mcp_server.terminal.transcript import Entry

_THEME = Theme({"markdown.code": "bold cyan", "markdown.h1": "bold", "markdown.h2": "bold", "markdown.h3": "bold"})
"""Without the backgrounds that rich gives these, which stand out on light terminals."""
_LONG_TEXT_LINES = 60
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_blocks(told: Blocks, stream: TextIO) -> None:
    """Show blocks.

    Args:
        told: The blocks.
        stream: A terminal.
    """
    console = Console(file=stream, theme=_THEME, highlight=False, markup=False, emoji=False)
    console.print()
    for block in told:
        console.print(_drawn(block))


def _drawn(block: Block) -> ConsoleRenderable:
    match block.kind:
        case "bad":
            return Entry(Text(), Text(block.text, style="bold red"))
        case "note":
            return Entry(Text(), Text(block.text))
        case "title":
            return Group(Text(), Entry(Text(), Text(block.text, style="bold cyan")))
        case "item":
            return Entry(Text("  • ", style="dim"), Text(block.text))
        case "answer":
            return _markdown(block.text.splitlines())
        case "markdown":
            lines = block.text.splitlines()
            return _cut(_markdown(lines[:_LONG_TEXT_LINES]), len(lines))
        case "diff":
            return _diff(block.text)
        case "fine_print":
            return Group(Text(), Entry(Text(), Text(block.text, style="dim")))
        case _:
            assert_never(block.kind)


def _markdown(lines: Sequence[str]) -> ConsoleRenderable:
    shown = Markdown(
        "\n".join(lines),
        hyperlinks=False,  # a link shows where it leads
        code_theme="ansi_dark",
        inline_code_theme="ansi_dark",
    )
    return Constrain(shown, WIDEST)


def _diff(text: str) -> ConsoleRenderable:
    lines = text.splitlines()
    shown = [Entry(Text(), Text(line, style=_DIFF_STYLES.get(line[:1], ""))) for line in lines[:_LONG_TEXT_LINES]]
    return _cut(Group(*shown), len(lines))


def _cut(shown: ConsoleRenderable, lines: int) -> ConsoleRenderable:
    rest = lines - _LONG_TEXT_LINES
    return Group(shown, Text(f"… {rest} more lines", style="dim")) if rest > 0 else shown
