"""How many lines a unified diff adds and removes. Pure."""

import re
from dataclasses import dataclass

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class DiffLines:
    """Lines of a diff.

    Attributes:
        added: New or changed ones, as they are now.
        removed: Gone or changed ones, as they were.
        complete: False if there are more than were counted: something was not shown, or cut.
    """

    added: int = 0
    removed: int = 0
    complete: bool = True


def diff_lines(diff: str) -> DiffLines:
    """Count the lines of a unified diff.

    Args:
        diff: Of any number of files.
    """
    added = removed = old_left = new_left = 0
    complete = True
    for line in diff.split("\n"):
        if old_left <= 0 and new_left <= 0:
            complete = complete and not (line.startswith("#") and "not shown" in line)
            if hunk := _HUNK.match(line):
                old_left, new_left = int(hunk[1] or 1), int(hunk[2] or 1)
        elif line.startswith("+"):
            added, new_left = added + 1, new_left - 1
        elif line.startswith("-"):
            removed, old_left = removed + 1, old_left - 1
        elif not line.startswith("\\"):
            old_left, new_left = old_left - 1, new_left - 1
    return DiffLines(added, removed, complete and old_left <= 0 and new_left <= 0)
