"""How much of what is reviewed is handed to the reviewers, and what is left out. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.workspace.file_patches import FilePatch
from workflows.wording import counted

MOST_DIFF_CHARACTERS = 120_000
"""Of a diff: about 30,000 tokens, which every reviewer reads. What is left out they can still read as files."""
LEAST_PART_CHARACTERS = 4_000
"""A part of a file's changes that is shorter than this is not worth giving."""
MOST_LISTED_FILES = 1_000
"""Files of a tree that are listed."""
MOST_LEFT_OUT = 50
"""How many files that were left out are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the reviewers are given.

    Attributes:
        text: The diff, or the list of files.
        files: The files in it, in their order.
        left_out: What is not in it, or only in part, and why.
    """

    text: str
    files: tuple[str, ...]
    left_out: tuple[str, ...]


def of_patches(patches: Sequence[FilePatch]) -> Selection:
    """As many whole files of a diff as there is room for, the smallest changes first, and a part of one more."""
    room = MOST_DIFF_CHARACTERS
    given: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for patch in sorted(patches, key=lambda patch: len(patch.text)):
        if not patch.has_lines:
            left_out[patch.path] = "no lines are shown: it is binary, too large, or only its mode has changed"
        elif len(patch.text) <= room:
            given[patch.path] = patch.text
            room -= len(patch.text)
        elif room >= LEAST_PART_CHARACTERS:
            part = patch.text[:room].rpartition("\n")[0]
            given[patch.path] = f"{part}\n[... the rest of the changes of {patch.path} is left out here]\n"
            left_out[patch.path] = f"only the first {len(part):,} of {len(patch.text):,} characters of its changes"
            room = 0
        else:
            left_out[patch.path] = f"no room for its changes, {len(patch.text):,} characters"
    order = [patch.path for patch in patches]
    return Selection(
        text="".join(given[path] for path in order if path in given),
        files=tuple(path for path in order if path in given),
        left_out=named(f"{path}: {left_out[path]}" for path in order if path in left_out),
    )


def of_files(lines: Sequence[tuple[str, int]], left_out: Sequence[str]) -> Selection:
    """A list of files, with how many lines each of them has.

    Args:
        lines: Paths and their lines, in order.
        left_out: What is not among them, and why.
    """
    listed, rest = lines[:MOST_LISTED_FILES], lines[MOST_LISTED_FILES:]
    return Selection(
        text="\n".join(f"{path} ({counted(count, 'line')})" for path, count in listed),
        files=tuple(path for path, _ in listed),
        left_out=named([*left_out, *(f"{path}: no room for it in the list" for path, _ in rest)]),
    )


def named(left_out: Iterable[str]) -> tuple[str, ...]:
    """The first of what was left out, and how many more there are."""
    all_of_it = tuple(left_out)
    more = len(all_of_it) - MOST_LEFT_OUT
    return (*all_of_it[:MOST_LEFT_OUT], f"and {more:,} more") if more > 0 else all_of_it
