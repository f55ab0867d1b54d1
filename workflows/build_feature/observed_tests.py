"""Which of the commands an agent ran were runs of tests, and whether these tests passed. Pure.

A command's exit code is not always its tests' outcome: in `pytest | tail` it is the one of `tail`. Where it is not, the
summary in the output is read; where that does not tell either, the outcome is not known, and is not guessed.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from agents.agent import CommandRun
from workflows.build_feature.contract import TestRun

OUTPUT_CHARACTERS = 2000
"""How much of the end of a test run's output is kept."""

_SEPARATOR = re.compile(r"(&&|\|\||[;|&\n])")
_WRAPPERS = frozenset({"env", "time", "nice", "xvfb-run", "npx", "pnpx", "bunx", "exec", "command"})
_RUNNERS_WITH_RUN = frozenset({"uv", "poetry", "pipenv", "pdm", "hatch", "rye", "conda"})
_ALWAYS_TESTS = frozenset(
    {"pytest", "py.test", "nosetests", "tox", "jest", "vitest", "mocha", "ava", "rspec", "phpunit", "ctest", "trial"}
)
_TESTS_WITH_TARGET = {
    "bazel": {"test"},
    "bun": {"test"},
    "cargo": {"test", "nextest", "t"},
    "deno": {"test"},
    "dotnet": {"test"},
    "go": {"test"},
    "gradle": {"test", "check"},
    "gradlew": {"test", "check"},
    "just": {"test", "check"},
    "make": {"test", "tests", "check"},
    "mix": {"test"},
    "mvn": {"test", "verify"},
    "mvnw": {"test", "verify"},
    "node": {"--test"},
    "nox": {"test", "tests"},
    "npm": {"test", "t", "tst"},
    "pnpm": {"test", "t"},
    "rails": {"test"},
    "rake": {"test", "spec"},
    "swift": {"test"},
    "yarn": {"test"},
}
_TAKE_SEVERAL_TARGETS = frozenset({"gradle", "gradlew", "just", "make", "mvn", "mvnw", "rake"})
_SCRIPT_RUNNERS = frozenset({"npm", "pnpm", "yarn", "bun"})
_PYTHON = re.compile(r"^(python|pypy|py)(\d(\.\d+)?)?(\.exe)?$")
_PYTHON_TEST_MODULES = frozenset({"pytest", "unittest", "nose2", "tox", "doctest", "trial"})
_HERE_DOCUMENT = re.compile(r"(?<!<)<<-?\s*(['\"]?)([A-Za-z_]\w*)\1")
_OPTION_OR_DURATION = re.compile(r"^(-.*|\d+(\.\d+)?[smhd]?)$")
_NO_RUN = frozenset({"--version", "--help", "-h", "--collect-only", "--co"})
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")

_FAILED = re.compile(
    r"^FAILED \((failures|errors|unexpected)"  # unittest
    r"|^=+ .*\b[1-9]\d* (failed|errors?)\b.*=+$|^[1-9]\d* failed\b"  # pytest, with and without -q
    r"|^test result: FAILED"  # cargo
    r"|^(FAIL|--- FAIL:)\s"  # go, jest
    r"|^Tests:\s+[1-9]\d* failed"  # jest
    r"|^\s+Tests\s+[1-9]\d* failed"  # vitest
    r"|^# fail [1-9]",  # node --test
    re.MULTILINE,
)
_PASSED = re.compile(
    r"^OK( \(|$)"  # unittest
    r"|^=+ [1-9]\d* passed.*=+$|^[1-9]\d* passed\b"  # pytest
    r"|^test result: ok\."  # cargo
    r"|^ok\s+\S+\s+(\d|\(cached\))"  # go
    r"|^Tests:\s+(\d+ \w+, )*[1-9]\d* passed"  # jest
    r"|^\s+Tests\s+[1-9]\d* passed"  # vitest
    r"|^# fail 0$",  # node --test
    re.MULTILINE,
)


def observed_tests(commands: Sequence[CommandRun]) -> list[TestRun]:
    """The runs of tests among observed commands, in their order."""
    return [_as_test_run(command) for command in commands if is_test_command(command.command)]


def is_test_command(command: str) -> bool:
    """Whether a command line runs tests; words like `pytest` elsewhere in it do not count."""
    return any(_runs_tests(part.words) for part in _parts(command))


def passed(command: CommandRun) -> bool | None:
    """Whether the tests of a test run passed; None where that cannot be told."""
    parts = _parts(command.command)
    tests = [index for index, part in enumerate(parts) if _runs_tests(part.words)]
    if tests and _exit_code_tells(parts, tests, ok=command.ok):
        return command.ok
    if _FAILED.search(command.output):
        return False
    return True if _PASSED.search(command.output) else None


@dataclass(frozen=True, slots=True)
class _Part:
    """A simple command of a command line, and the separator after it."""

    words: list[str]
    after: str


def _parts(command: str) -> list[_Part]:
    pieces = _SEPARATOR.split(_without_quoted(command))
    found = [
        _Part(_words(text), after.strip(" ")) for text, after in zip(pieces[::2], [*pieces[1::2], ""], strict=True)
    ]
    return [part for part in found if part.words] or [_Part([], "")]


def _exit_code_tells(parts: Sequence["_Part"], tests: Sequence[int], *, ok: bool) -> bool:
    """Whether the exit code of the whole line is the outcome of the tests in it."""
    first, last = tests[0], tests[-1]
    before, between = parts[:first], parts[first:last]
    if any(part.after in {"||", "&"} for part in before) or any(part.after != "&&" for part in between):
        return False
    if last == len(parts) - 1:
        return parts[last].after in {"", ";", "\n"}
    return ok and all(part.after == "&&" for part in parts[last:-1]) and parts[-1].after in {"", ";", "\n"}


def _without_quoted(command: str) -> str:
    """The command line without the texts in it: here-documents, separators inside quotes, redirections."""
    command = _without_here_documents(command)
    quoted = re.sub(r"'[^']*'|\"[^\"]*\"", lambda match: _SEPARATOR.sub(" ", match.group()), command)
    return re.sub(r"\d?>&\d|&>", " ", quoted)


def _without_here_documents(command: str) -> str:
    kept: list[str] = []
    open_until: list[str] = []
    for line in command.split("\n"):
        if not open_until:
            kept.append(_HERE_DOCUMENT.sub(" ", line))
            open_until = [match[2] for match in _HERE_DOCUMENT.finditer(line)]
        elif line.strip() == open_until[0]:
            del open_until[0]
    return "\n".join(kept)


def _words(text: str) -> list[str]:
    try:
        words = shlex.split(text.strip(" ()"), comments=False)
    except ValueError:  # an open quote
        words = text.split()
    return _unwrapped(words)


def _unwrapped(words: list[str]) -> list[str]:
    """Without what stands before the program itself."""
    while words:
        name = _name(words[0])
        if _ASSIGNMENT.match(words[0]) or name in _WRAPPERS:
            words = words[1:]
        elif name == "timeout":
            words = words[1:]
            while words and _OPTION_OR_DURATION.match(words[0]):
                words = words[1:]
        elif name in _RUNNERS_WITH_RUN and "run" in words[1:3]:
            words = words[words.index("run") + 1 :]
        else:
            return words
    return words


def _runs_tests(words: Sequence[str]) -> bool:
    if not words:
        return False
    name, arguments = _name(words[0]), list(words[1:])
    if name in _ALWAYS_TESTS:
        return _NO_RUN.isdisjoint(arguments)
    if _PYTHON.match(name):
        return _python_runs_tests(arguments)
    if name in _SCRIPT_RUNNERS and arguments[:1] == ["run"]:
        return bool(arguments[1:]) and arguments[1].split(":")[0] in {"test", "tests"}
    targets = [argument for argument in arguments if not argument.startswith("-") or argument == "--test"]
    looked_at = targets if name in _TAKE_SEVERAL_TARGETS else targets[:1]
    return any(target.split(":")[-1] in _TESTS_WITH_TARGET.get(name, ()) for target in looked_at)


def _python_runs_tests(arguments: list[str]) -> bool:
    if "-m" in arguments[:-1]:
        return arguments[arguments.index("-m") + 1] in _PYTHON_TEST_MODULES
    script = next((argument for argument in arguments if not argument.startswith("-")), "")
    if _name(script) == "manage.py":
        return "test" in arguments
    return bool(re.match(r"^(test_.*|.*_test|runtests)\.py$", _name(script)))


def _name(word: str) -> str:
    return re.split(r"[/\\]", word)[-1]


def _as_test_run(command: CommandRun) -> TestRun:
    return TestRun(
        command=command.command,
        passed=passed(command),
        seconds=round(command.seconds, 3),
        output=command.output[-OUTPUT_CHARACTERS:],
    )
