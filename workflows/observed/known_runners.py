"""Which programs run tests, and with which arguments they do something else instead. Pure."""

import itertools
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeAlias

from workflows.observed.command_line import name_of

Proof: TypeAlias = Literal["exit_code", "summary"]
"""What tells that the tests of a run have passed: its exit code, or only what it writes, because it also ends well
where it has run nothing."""

_PREFIXES = frozenset(
    {"env", "time", "nice", "xvfb-run", "npx", "pnpx", "bunx", "uvx", "exec", "command", "sudo", "stdbuf", "timeout"}
    | {"if", "then", "else", "elif", "while", "until", "do", "!"}
)
_PREFIX_OPTIONS_WITH_VALUE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "env": frozenset({"-u", "-C"}),
        "npx": frozenset({"-p", "--package"}),
        "sudo": frozenset({"-u", "-g"}),
        "timeout": frozenset({"-s", "--signal"}),
        "uvx": frozenset({"--with", "--from", "--python", "-p"}),
    }
)
_RUNNERS_WITH_RUN = frozenset({"uv", "poetry", "pipenv", "pipx", "pdm", "hatch", "rye", "conda", "mamba", "pixi"})
_RUN_OPTIONS_WITH_VALUE = frozenset(
    {"--with", "--with-editable", "--with-requirements", "--extra", "--group", "--python", "-p", "--package"}
    | {"--project", "--directory", "--env-file", "--index", "--index-url", "--refresh-package", "-n", "--name", "-e"}
)
_ALWAYS_TESTS = frozenset(
    {"pytest", "py.test", "nosetests", "nose2", "tox", "jest", "vitest", "mocha", "ava", "rspec", "phpunit", "ctest"}
    | {"trial"}
)
_TARGETS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "bazel": frozenset({"test"}),
        "bun": frozenset({"test"}),
        "cargo": frozenset({"test", "nextest", "t"}),
        "deno": frozenset({"test"}),
        "dotnet": frozenset({"test"}),
        "go": frozenset({"test"}),
        "gradle": frozenset({"test", "check"}),
        "gradlew": frozenset({"test", "check"}),
        "hatch": frozenset({"test"}),
        "just": frozenset({"test", "tests", "check"}),
        "make": frozenset({"test", "tests", "check"}),
        "mix": frozenset({"test"}),
        "mvn": frozenset({"test", "verify"}),
        "mvnw": frozenset({"test", "verify"}),
        "node": frozenset({"--test"}),
        "nox": frozenset({"test", "tests"}),
        "npm": frozenset({"test", "t", "tst"}),
        "playwright": frozenset({"test"}),
        "pnpm": frozenset({"test", "t"}),
        "rails": frozenset({"test"}),
        "rake": frozenset({"test", "spec"}),
        "swift": frozenset({"test"}),
        "yarn": frozenset({"test"}),
    }
)
_TAKE_SEVERAL_TARGETS = frozenset({"gradle", "gradlew", "just", "make", "mvn", "mvnw", "nox", "rake"})
_SCRIPT_RUNNERS = frozenset({"npm", "pnpm", "yarn", "bun"})
_OPTIONS_WITH_VALUE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "go": frozenset({"-C"}),
        "just": frozenset({"-f", "--justfile", "-d", "--working-directory"}),
        "make": frozenset({"-C", "--directory", "-f", "--file", "-I", "-o", "-W"}),
        "mvn": frozenset({"-f", "--file", "-pl", "-P"}),
        "mvnw": frozenset({"-f", "--file", "-pl", "-P"}),
        "gradle": frozenset({"-p", "--project-dir", "-b"}),
        "gradlew": frozenset({"-p", "--project-dir", "-b"}),
        "npm": frozenset({"-C", "--prefix", "-w", "--workspace"}),
        "pnpm": frozenset({"-C", "--dir", "-F", "--filter"}),
        "yarn": frozenset({"--cwd"}),
    }
)

_ANYWHERE_NO_RUN = re.compile(r"--version|--help|-h|--list-?tests?|--dry-run")
_NO_RUN: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "pytest": re.compile(
            r"-V|--co|--collect-?only|--fixtures|--funcargs|--fixtures-per-test|--markers|--setup-(only|plan)|--cache-show"
        ),
        "cargo": re.compile(r"--no-run|--list|list"),
        "ctest": re.compile(r"-N|--show-only(=.*)?"),
        "dotnet": re.compile(r"-t"),
        "go": re.compile(r"-c|-n|-list(=.*)?"),
        "gradle": re.compile(r"-m|-x"),
        "jest": re.compile(r"--listTests|--showConfig|--init|--clearCache"),
        "just": re.compile(r"-n|-l|--list|-s|--show|--summary"),
        "make": re.compile(r"-[bBdeikKLprRsSwv]*[nqt]|--just-print|--recon|--question|--touch"),
        "mocha": re.compile(r"--list-files"),
        "mvn": re.compile(r"-DskipTests(=true)?|-Dmaven\.test\.skip(=true)?"),
        "nox": re.compile(r"-l|--list|--install-only"),
        "phpunit": re.compile(r"--list-\S+"),
        "playwright": re.compile(r"--list"),
        "tox": re.compile(r"-l|-a|-n|--listenvs(-all)?|--notest|--showconfig|--devenv"),
        "vitest": re.compile(r"list|init|bench"),
    }
)
_SAME_OPTIONS = MappingProxyType({"py.test": "pytest", "gradlew": "gradle", "mvnw": "mvn"})
_TOX_OTHER_COMMANDS = frozenset({"list", "l", "config", "c", "devenv", "d", "depends", "de", "exec", "e", "quickstart"})
_TEST_ENVIRONMENT = re.compile(
    r"(^|-)(py\d*|pypy\d*|\d+\.\d+|tests?|unit(tests?)?|integration|pytest|all)($|-)", re.IGNORECASE
)

_PYTHON = re.compile(r"^(python|pypy|py)(\d(\.\d+)?)?(\.exe)?$")
_PYTHON_MODULES = frozenset({"pytest", "unittest", "nose2", "tox", "doctest", "trial", "coverage"})
_TEST_SCRIPT = re.compile(r"^(test_.*|.*_test|runtests)\.py$")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_OPTION_OR_DURATION = re.compile(r"^(-.*|\d+(\.\d+)?[smhd]?)$")


def proof_of(words: Sequence[str]) -> Proof | None:
    """By what one can tell that the tests which a program runs have passed; None if it runs none.

    Args:
        words: The program and its arguments.
    """
    words = _unwrapped(words)
    return _proof(name_of(words[0]), words[1:]) if words else None


def is_negated(words: Sequence[str]) -> bool:
    """Whether the exit code is turned round, or decides what comes next."""
    return bool(words) and words[0] in {"!", "if", "elif", "while", "until"}


def _unwrapped(words: Sequence[str]) -> list[str]:
    """Without what stands before the program itself."""
    words = list(words)
    while words:
        name = name_of(words[0])
        if _ASSIGNMENT.match(words[0]):
            words = words[1:]
        elif name in _PREFIXES:
            words = _without_options(words[1:], _PREFIX_OPTIONS_WITH_VALUE.get(name, frozenset[str]()))
        elif name in _RUNNERS_WITH_RUN and "run" in words[1:4]:
            words = words[words.index("run") + 1 :]
            if words[:1] == ["-m"] or words[:1] == ["--module"]:
                return ["python", "-m", *words[1:]]
            words = _without_options(words, _RUN_OPTIONS_WITH_VALUE)
        else:
            return words
    return words


def _without_options(words: Sequence[str], with_value: frozenset[str]) -> list[str]:
    words = list(words)
    while words and _OPTION_OR_DURATION.match(words[0]):
        words = words[2:] if words[0] in with_value else words[1:]
    return words


def _proof(name: str, arguments: Sequence[str]) -> Proof | None:
    if any(_ANYWHERE_NO_RUN.fullmatch(argument) for argument in arguments):
        return None
    if _PYTHON.match(name):
        return _python_proof(arguments)
    if name == "coverage":
        return _python_proof(arguments[1:]) if arguments[:1] == ["run"] else None
    no_run = _NO_RUN.get(_SAME_OPTIONS.get(name, name))
    if no_run is not None and any(no_run.fullmatch(argument) for argument in arguments):
        return None
    if name == "tox":
        return "exit_code" if _tox_runs_tests(arguments) else None
    if name in _ALWAYS_TESTS:
        return "exit_code"
    if _TEST_SCRIPT.match(name):
        return "summary"
    return "exit_code" if _has_test_target(name, arguments) else None


def _has_test_target(name: str, arguments: Sequence[str]) -> bool:
    targets = _targets(name, arguments)
    if name in _SCRIPT_RUNNERS:
        if targets[:1] in (["run"], ["run-script"]):
            return bool(targets[1:]) and targets[1].split(":")[0] in {"test", "tests"}
        if (targets[1:2] if targets[:1] == ["exec"] else targets[:1]) and targets[
            targets[0] == "exec"
        ] in _ALWAYS_TESTS:
            return True
    looked_at = targets if name in _TAKE_SEVERAL_TARGETS else targets[:1]
    return any(target.split(":")[-1] in _TARGETS.get(name, ()) for target in looked_at)


def _targets(name: str, arguments: Sequence[str]) -> list[str]:
    """The arguments that are neither options nor values of options."""
    with_value = _OPTIONS_WITH_VALUE.get(name, frozenset[str]())
    return [
        argument
        for before, argument in zip(["", *arguments], arguments, strict=False)
        if before not in with_value and (argument[:1] not in "-+" or argument == "--test")
    ]


def _tox_runs_tests(arguments: Sequence[str]) -> bool:
    first = next((argument for argument in arguments if not argument.startswith("-")), "")
    if arguments[:1] == [first] and first in _TOX_OTHER_COMMANDS:
        return False
    named = [after for before, after in itertools.pairwise(arguments) if before in {"-e", "--env"}]
    named += [argument[2:].lstrip("=") for argument in arguments if re.match(r"-e.", argument)]
    return not named or any(_TEST_ENVIRONMENT.search(name) for names in named for name in names.split(","))


def _python_proof(arguments: Sequence[str]) -> Proof | None:
    place = next((place for place, word in enumerate(arguments) if word == "-m" or not word.startswith("-")), None)
    if place is None:
        return None
    if arguments[place] == "-m":
        module, rest = next(iter(arguments[place + 1 :]), ""), arguments[place + 2 :]
        if module not in _PYTHON_MODULES:
            return None
        return "exit_code" if module == "unittest" else "summary" if module == "doctest" else _proof(module, rest)
    script = name_of(arguments[place])
    if script == "manage.py":
        return "exit_code" if "test" in arguments else None
    return "summary" if _TEST_SCRIPT.match(script) else None
