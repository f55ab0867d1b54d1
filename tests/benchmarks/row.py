"""One line of the benchmarks' table."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured figure.

    Attributes:
        name: What was measured.
        figure: What came out, with its unit.
        target: What it is to reach.
        reached: Whether it did; None where nothing is to be reached.
    """

    name: str
    figure: str
    target: str = ""
    reached: bool | None = None


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| measured | figure | to reach | reached |", "|---|---|---|---|"]
    for row in rows:
        reached = {True: "yes", False: "**no**", None: ""}[row.reached]
        lines.append(f"| {row.name} | {row.figure} | {row.target} | {reached} |")
    return "\n".join(lines)
