"""What is in source files, counted instead of claimed. Blocks: call it in a thread."""

import ast
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from agents.workspace.stoppable import Check

MOST_SOURCES = 1_000
"""How many files are looked into."""
LARGEST_SOURCE_BYTES = 1024 * 1024
"""Larger files are no sources that somebody wrote."""

_LANGUAGES = {
    ".c": "C", ".cc": "C++", ".cpp": "C++", ".cs": "C#", ".css": "CSS", ".ex": "Elixir", ".go": "Go", ".h": "C",
    ".html": "HTML", ".java": "Java", ".js": "JavaScript", ".jsx": "JavaScript", ".kt": "Kotlin", ".lua": "Lua",
    ".mjs": "JavaScript", ".php": "PHP", ".py": "Python", ".pyi": "Python", ".rb": "Ruby", ".rs": "Rust",
    ".scala": "Scala", ".sh": "Shell", ".sql": "SQL", ".swift": "Swift", ".ts": "TypeScript", ".tsx": "TypeScript",
}  # fmt: skip
_TEST_NAME = re.compile(
    r"^(test_.*|.*_test|.*\.test|.*\.spec|.*_spec|.*Tests?)$"  # of the name without its last suffix
)
_TEST_FOLDERS = frozenset({"test", "tests", "spec", "__tests__"})
_TEST_IN_RUST = "#[test]"


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Facts of some files.

    Attributes:
        language: The one most lines are in; empty if none is known.
        lines: Lines of the files in a known language, whoever wrote them.
        has_tests: Whether there are tests among them.
        has_docstrings: Whether every public function and class has a docstring, tests left out; None without Python.
    """

    language: str
    lines: int
    has_tests: bool
    has_docstrings: bool | None


def source_facts(workspace: Path, paths: Sequence[str], check: Check) -> SourceFacts:
    """Look into files.

    Args:
        workspace: Existing directory.
        paths: Relative to it; what is not there, or no text, counts as nothing.
        check: Called before every file.
    """
    lines: Counter[str] = Counter()
    documented: list[bool] = []
    has_tests = False
    for path in paths[:MOST_SOURCES]:
        check()
        language = _LANGUAGES.get(PurePosixPath(path).suffix.lower())
        text = _text_of(workspace / path) if language else None
        if language is None or text is None:
            continue
        lines[language] += len(text.splitlines())
        is_test = is_test_file(path)
        has_tests = has_tests or is_test or (language == "Rust" and _TEST_IN_RUST in text)
        if language == "Python" and not is_test:
            documented += _documented(text)
    language = max(lines, key=lambda name: lines[name], default="")
    has_docstrings = all(documented) if documented else None
    return SourceFacts(language, sum(lines.values()), has_tests, has_docstrings)


def is_test_file(path: str) -> bool:
    """Whether a file holds tests, by the naming rules of the usual test runners."""
    pure = PurePosixPath(path)
    return bool(_TEST_NAME.match(pure.stem)) or not _TEST_FOLDERS.isdisjoint(pure.parts[:-1])


def _documented(text: str) -> list[bool]:
    """For each public function and class of a Python module, whether it has a docstring."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):  # what is no Python documents nothing
        return [False]
    return [
        ast.get_docstring(node) is not None
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]


def _text_of(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_SOURCE_BYTES:
            return None
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
