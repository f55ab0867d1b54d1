"""The rules of the house that no linter checks."""

import ast
import io
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("agents", "workflows", "mcp_server")
CODE = (*FLOORS, "tests", "examples")

SOURCES = (".py", ".ts", ".tsx", ".css")
LONGEST = 400
LONGER_FOR_A_REASON = {"workflows/runs/events.py": "the closed union of all that a run can say, as the contract has it"}
"""A file that may be longer than `LONGEST` lines, and why no smaller file would be easier to read."""

HEAVY = ("langgraph", "langchain_core", "langsmith", "anthropic", "aiosqlite", "rich")
"""What a client would wait for if the server, or the command, imported it before it knows what is wanted."""
BEHIND = ("sqlite3", "psutil", "mcp_server.handlers", "mcp_server.assembly", "workflows.catalog", "agents.agent")
"""What the answer to a client's first words would wait for as well."""
IDLE = ("psutil",)
"""What an idle server would carry, which has told its tools and no more."""
WIRE = ("mcp", "starlette", "uvicorn", "langgraph", "langchain_core", "anthropic", "aiosqlite")
"""What a command of the terminal would make a person wait for that only looks at runs."""

PLACE_ON_A_MACHINE = re.compile(
    r"(?<![\w.~$})>*-])/(?:home|Users|root|work|tmp|private/tmp|var/folders)/(?!somebody\b)\w"
    r"|\b[A-Za-z]:\\+Users\\(?!\\?somebody\b)"
)
"""A path that exists on one machine only. Where a test needs one as a sample, it belongs to `somebody`."""

SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore|pyright:\s*ignore|pragma:\s*no\s+(?:cover|branch))")
SUPPRESSION_WITH_REASON = re.compile(
    SUPPRESSION.pattern + r"(?::?\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*|\[[\w, -]+\])?\s+[-#] \w+\W+\w+"
)
CHECKER_SETTING = re.compile(r"#\s*(?:pyright|mypy|ruff):(?!\s*ignore)")


def files_of_the_project() -> list[str]:
    """The files that are, or would be, committed: relative to the root, with forward slashes."""
    if (ROOT / ".git").exists():
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, timeout=30)
        names = os.fsdecode(done.stdout).split("\0")
        return sorted(name for name in set(names) if name and (ROOT / name).is_file())
    # An unpacked source distribution has no repository; what a tool left there is not in these folders.
    found = (path for folder in (*CODE, "docs") for path in (ROOT / folder).rglob("*") if path.is_file())
    return sorted(path.relative_to(ROOT).as_posix() for path in found if "__pycache__" not in path.parts)


FILES = files_of_the_project()


def modules(*folders: str) -> Iterator[str]:
    return (name for name in FILES if name.endswith(".py") and name.partition("/")[0] in folders)


def text_of(name: str) -> str:
    """A file's text; empty for a file that is none."""
    try:
        return (ROOT / name).read_text("utf-8")
    except UnicodeDecodeError:
        return ""


def lines_with(pattern: re.Pattern[str], text: str) -> list[str]:
    return [f"{number}: {line.strip()}" for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


def in_file(name: str, lines: list[str]) -> list[str]:
    return [f"{name}:{line}" for line in lines]


def comments(text: str) -> Iterator[tuple[int, str]]:
    """A module's comments, each with the number of its line."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def suppressions_without_reason(text: str) -> list[str]:
    """The suppressed checks that do not say why: in the same comment, after a dash or a second `#`.

    A setting for a whole file cannot carry text of its own; it stands under a comment that gives the reason.
    """
    if not SUPPRESSION.search(text) and not CHECKER_SETTING.search(text):
        return []  # most files; to tell comments from other text takes a while
    found = dict(comments(text))
    return [
        f"{number}: {comment}"
        for number, comment in found.items()
        if (SUPPRESSION.search(comment) and not SUPPRESSION_WITH_REASON.search(comment))
        or (CHECKER_SETTING.match(comment) and number - 1 not in found)
    ]


def test_the_house_has_its_three_floors() -> None:
    assert all(f"{floor}/__init__.py" in FILES for floor in FLOORS)


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    here = [re.escape(str(path)) for path in (ROOT, Path.home()) if len(path.parts) > 2]
    place = re.compile("|".join([PLACE_ON_A_MACHINE.pattern, *(rf"{path}(?![\w-])" for path in here)]))

    # A recording is kept as it was recorded.
    written = [name for name in FILES if not name.startswith("tests/recordings/")]

    assert [line for name in written for line in in_file(name, lines_with(place, text_of(name)))] == []


def test_every_module_says_what_it_is_about() -> None:
    silent = [name for name in modules(*FLOORS) if ast.get_docstring(ast.parse(text_of(name))) is None]

    assert silent == []


def test_no_file_of_the_three_floors_is_too_long_to_read() -> None:
    sources = [name for name in FILES if name.partition("/")[0] in FLOORS and name.endswith(SOURCES)]
    lengths = {name: len(text_of(name).splitlines()) for name in sources}
    longer = {name for name, length in lengths.items() if length > LONGEST}

    assert longer == set(LONGER_FOR_A_REASON)


def test_every_suppressed_check_says_why() -> None:
    silent = (in_file(name, suppressions_without_reason(text_of(name))) for name in modules(*CODE))

    assert [line for lines in silent for line in lines] == []


@pytest.mark.parametrize(
    ("modules", "left_out"),
    [
        ("mcp_server.cli, mcp_server.commands.serve", (*HEAVY, *BEHIND, "mcp", "mcp_types")),
        ("mcp_server.cli, mcp_server.commands.serve, mcp_server.serving", (*HEAVY, *BEHIND)),
        ("mcp_server.handlers", (*HEAVY, *IDLE)),
        ("mcp_server.http.serving", HEAVY),
        ("mcp_server.commands.runs, mcp_server.commands.watch, mcp_server.commands.answer", WIRE),
    ],
    ids=["a probe", "the first answer", "an idle server", "a server over HTTP", "a command of the terminal"],
)
def test_who_waits_does_not_wait_for_what_is_not_needed_yet(modules: str, left_out: tuple[str, ...]) -> None:
    script = f"import sys, {modules}; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30)

    assert done.returncode == 0, done.stderr
    assert sorted(set(done.stdout.split()).intersection(left_out)) == []


@pytest.mark.parametrize(
    "parts", [("", "home", "ann", "x"), ("", "Users", "ann"), ("see ", "tmp", "x"), ("file://", "work", "main")]
)
def test_a_place_on_a_machine_is_recognised(parts: tuple[str, ...]) -> None:
    assert PLACE_ON_A_MACHINE.search("/".join(parts))


@pytest.mark.parametrize(
    "parts",
    [("https://a.example", "home", "x"), ("~", "work", "x"), ("{root}", "tmp", "x"), ("", "home", "somebody", "x")],
)
def test_what_is_on_every_machine_or_on_none_is_no_place_on_a_machine(parts: tuple[str, ...]) -> None:
    assert not PLACE_ON_A_MACHINE.search("/".join(parts))


@pytest.mark.parametrize(
    "comment",
    [
        "x = 1  # noqa",
        "x = 1  # noqa: E501",
        "x = 1  # noqa: E501, F401 - ",
        "x = 1  # type: ignore[misc]",
        "x = 1  # pyright: ignore[reportCallIssue, reportAny]",
        "x = 1  # pragma: no cover",
        "\n# pyright: basic",
    ],
)
def test_a_suppression_without_reason_is_found(comment: str) -> None:
    assert suppressions_without_reason(comment)


@pytest.mark.parametrize(
    "comment",
    [
        "x = 1  # noqa: E501 - the address is one word",
        "x = 1  # noqa: E501, F401 - said in the line above",
        "x = 1  # pyright: ignore[reportCallIssue, reportAny] - fields known only now",
        "x = 1  # type: ignore[misc]  # the library's mistake",
        "x = 1  # pragma: no cover - only on Windows",
        "# the library has no types at all\n# pyright: basic",
        'text = "# noqa"',
    ],
)
def test_a_suppression_with_its_reason_passes(comment: str) -> None:
    assert suppressions_without_reason(comment) == []
