"""Tools that look at the workspace: read, list, search."""

from collections.abc import Iterator
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import TextIO

import regex
from pydantic import Field

from agents.tools.inside import Inside
from agents.tools.path_pattern import path_pattern
from agents.tools.tool import Tool, ToolFailed, ToolOutcome
from agents.tools.typed_tool import Arguments, TypedTool
from agents.workspace.stoppable import Check, in_stoppable_thread

READ_LINES = 2000
"""How many lines a read gives, unless it asks for fewer."""
LINE_CHARACTERS = 2000
"""How much of a line is shown."""
LISTED_FILES = 500
"""How many files a listing names."""
FOUND_LINES = 200
"""How many lines a search shows."""
SEARCHED_BYTES = 2 * 1024 * 1024
"""Files that are larger are not searched, and named as such."""
SEARCH_SECONDS = 10.0
"""How long one file may take to search: some expressions never end on some texts."""
_BINARY_PROBE_BYTES = 8192
_PIECE_CHARACTERS = 64 * 1024
_NAMED_FILES = 5


class ReadArguments(Arguments):
    """What to read."""

    file_path: str = Field(description="The file, relative to the working directory.")
    offset: int = Field(default=1, ge=1, description="The first line to read, counted from 1.")
    limit: int = Field(default=READ_LINES, ge=1, le=READ_LINES, description="How many lines to read.")


class GlobArguments(Arguments):
    """What to list."""

    pattern: str = Field(description="Which files, for example `**/*.py` or `src/*.{ts,tsx}`.")
    path: str = Field(default=".", description="Directory to look in; the pattern is relative to it.")


class GrepArguments(Arguments):
    """What to search for."""

    pattern: str = Field(description="A regular expression, matched line by line.")
    path: str = Field(default=".", description="File or directory to search.")
    glob: str = Field(default="**", description="Which files below the directory, for example `**/*.py`.")
    ignore_case: bool = Field(default=False, description="Whether upper and lower case are the same.")


def reading_tools(inside: Inside) -> tuple[Tool, ...]:
    """The tools.

    Args:
        inside: The workspace.
    """

    async def read(arguments: ReadArguments) -> ToolOutcome:
        return ToolOutcome(output=await in_stoppable_thread(lambda check: _read(inside, arguments, check)))

    async def list_files(arguments: GlobArguments) -> ToolOutcome:
        return ToolOutcome(output=await in_stoppable_thread(lambda check: _list(inside, arguments, check)))

    async def search(arguments: GrepArguments) -> ToolOutcome:
        return ToolOutcome(output=await in_stoppable_thread(lambda check: _search(inside, arguments, check)))

    return (
        TypedTool(
            name="Read",
            description="Reads a text file of the working directory. Every line comes with its number.",
            takes=ReadArguments,
            act=read,
        ),
        TypedTool(
            name="Glob",
            description="Lists files of the working directory by a pattern. Version control's own and installed "
            "packages' directories are left out.",
            takes=GlobArguments,
            act=list_files,
        ),
        TypedTool(
            name="Grep",
            description="Searches text files of the working directory for a regular expression; shows path, line "
            "number and line.",
            takes=GrepArguments,
            act=search,
        ),
    )


def _read(inside: Inside, arguments: ReadArguments, check: Check) -> str:
    path = inside.file(arguments.file_path)
    _refuse_binary(path, arguments.file_path)
    first = arguments.offset
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = list(islice(_shown_lines(file, check), first - 1, first - 1 + arguments.limit))
        more = bool(file.readline(1))
    if not lines:
        return "(the file is empty)" if first == 1 else f"(the file has fewer than {first} lines)"
    numbered = [f"{number}\t{line}" for number, line in enumerate(lines, first)]
    if more:
        numbered.append(f"(more follows; go on with offset {first + len(lines)})")
    return "\n".join(numbered)


def _shown_lines(file: TextIO, check: Check) -> Iterator[str]:
    """What is shown of each line; no line is held as a whole, a file can be a single one of any length."""
    while line := file.readline(LINE_CHARACTERS + 1):
        piece = line
        while piece and not piece.endswith("\n"):
            check()
            piece = file.readline(_PIECE_CHARACTERS)
        check()
        yield line.rstrip("\n")[:LINE_CHARACTERS]


def _list(inside: Inside, arguments: GlobArguments, check: Check) -> str:
    found = _matching(inside, arguments.path, arguments.pattern, check)
    names = [inside.shown(path) for path in islice(found, LISTED_FILES)]
    if next(found, None) is not None:
        names.append("(more follows; use a narrower pattern)")
    return "\n".join(names) or "No files found"


def _search(inside: Inside, arguments: GrepArguments, check: Check) -> str:
    try:
        pattern = regex.compile(arguments.pattern, regex.IGNORECASE if arguments.ignore_case else 0)
    except (regex.error, RecursionError) as error:
        raise ToolFailed(f"the pattern is no regular expression: {error}") from error
    below = inside.path(arguments.path)
    paths = iter((below,)) if below.is_file() else _matching(inside, arguments.path, arguments.glob, check)
    skipped: dict[str, list[str]] = {}
    found = _found_lines(inside, paths, pattern, check, skipped)
    lines = list(islice(found, FOUND_LINES)) or ["Nothing found"]
    if next(found, None) is not None:
        lines.append("(more follows; use a narrower pattern)")
    for why, files in skipped.items():
        lines.append(f"({len(files)} {why}: {', '.join(files[:_NAMED_FILES])})")
    return "\n".join(lines)


def _found_lines(
    inside: Inside, paths: Iterator[Path], pattern: "regex.Pattern[str]", check: Check, skipped: dict[str, list[str]]
) -> Iterator[str]:
    for path in paths:
        check()
        try:
            if path.stat().st_size > SEARCHED_BYTES:
                skipped.setdefault("too large to search", []).append(inside.shown(path))
                continue
            lines = _lines_of(path)
        except OSError:  # it is not for us to read, or has gone meanwhile
            skipped.setdefault("that cannot be read", []).append(inside.shown(path))
            continue
        for number, line in enumerate(lines, 1):
            try:
                # Concurrent: it lets go of the interpreter's lock, so that the event loop goes on meanwhile.
                matched = pattern.search(line, timeout=SEARCH_SECONDS, concurrent=True)
            except TimeoutError as error:
                raise ToolFailed(f"the pattern took more than {SEARCH_SECONDS:.0f} s on one line") from error
            if matched:
                yield f"{inside.shown(path)}:{number}: {line[:LINE_CHARACTERS]}"


def _matching(inside: Inside, below: str, pattern: str, check: Check) -> Iterator[Path]:
    start, wanted = inside.path(below), path_pattern(pattern)
    return (path for path in inside.files(below, check) if wanted.matches(path.relative_to(start).as_posix()))


def _lines_of(path: Path) -> list[str]:
    """The lines of a text file; none of what is no text."""
    content = path.read_bytes()
    if b"\0" in content[:_BINARY_PROBE_BYTES]:
        return []
    # As `open` ends lines; `str.splitlines` also does at form feeds and others, and would number them otherwise.
    return [line.rstrip("\n") for line in StringIO(content.decode(errors="replace"), newline=None)]


def _refuse_binary(path: Path, given: str) -> None:
    with path.open("rb") as file:
        if b"\0" in file.read(_BINARY_PROBE_BYTES):
            raise ToolFailed(f"{given} is no text file")
