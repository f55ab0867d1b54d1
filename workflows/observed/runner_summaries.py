"""What test runners write at the end of a run: whether tests failed, passed, or none were run. Pure."""

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

Told: TypeAlias = Literal["failed", "passed", "none_ran", "nothing"]
"""What an output tells of tests. `nothing`: it says nothing about them."""

_COUNT = (
    r"\d+ (?:passed|passing|failed|failing|errors?|failures?|skipped|deselected|xfailed|xpassed|warnings?|todo|pending"
    r"|total|filtered out|ignored|measured|tests?|examples?|assertions?)\b"
)
_COUNTS = re.compile(
    r"^[=\s]*"
    r"(?:Tests:?\s+|Test Files:?\s+|Test Suites:\s+|test result: \w+\. |(?:ok|FAILED) \| |Summary \[[^]]*\] |OK \()?"
    rf"((?:{_COUNT}(?: run| completed)?[,;:|. ]*(?:and )?)+)"
)
"""A line of counts: pytest, jest, vitest, mocha, cargo, nextest, deno, rspec, gradle, phpunit, doctest."""
_CTEST = re.compile(r"^\d+% tests passed, (\d+) tests? failed out of (\d+)")
_NAMED_COUNTS = re.compile(
    r"^(?:\[\w+\] )?(?:Tests run: |Tests: |(?:Passed|Failed)!\s+- )(?=.*(?:Failures|Errors|Failed|Passed|Assertions): )"
)
"""A line of counts with their names before them: Maven, phpunit, dotnet."""
_NAMED_COUNT = re.compile(r"(Tests run|Failures|Errors|Failed|Passed):\s+(\d+)")
_NODE_COUNT = re.compile(r"^(?:#|\u2139) (pass|fail|cancelled) (\d+)$")
_RAN = re.compile(r"^Ran (\d+) tests? in ")

_FAILED = re.compile(
    r"^FAIL$|^FAIL\s|^--- FAIL: "  # go, jest
    r"|^FAILED\b|^ERROR \S+(\.py|::)|^\*\*\*Test Failed"  # unittest, pytest's list of what failed, doctest
    r"|^test result: FAILED|^error: test failed"  # cargo
    r"|^g?make(\[\d+\])?: .*\bError \d+|^BUILD FAILED|^npm (ERR!|error) .*(ELIFECYCLE|Test failed)",
    re.MULTILINE,
)
_PASSED = re.compile(
    r"^OK( \((?!\d)|$)"  # unittest
    r"|^ok\s+\S+\s+(\d\S*|\(cached\))(?!.*\[no tests)",  # go
    re.MULTILINE,
)
_NONE_RAN = re.compile(
    r"\bno tests ran\b|^NO TESTS RAN|\[no test files\]|\[no tests to run\]|^\s*no tests?( files?)? (were )?found"
    r"|^\s*no tests (executed|to run)|collected 0 items|^running 0 tests$|no test is available"
    r"|^make(\[\d+\])?: (nothing to be done|.* is up to date)"
    r"|: (command )?not found$|^\S*python\S*: No module named ",
    re.MULTILINE | re.IGNORECASE,
)
_BAD = frozenset({"failed", "failing", "error", "errors", "failure", "failures", "Failures", "Errors", "Failed"})
_GOOD = frozenset({"passed", "passing"})
_LEFT_OUT = frozenset({"skipped", "deselected", "ignored"})


def told_by(output: str) -> Told:
    """What an output tells; one failed test outweighs all that passed.

    Args:
        output: Of a command that runs tests, or the end of it.
    """
    counts = list(_counts(output))
    if _FAILED.search(output) or any(number and name in _BAD for number, name in counts):
        return "failed"
    if any(number and name in _GOOD for number, name in counts):
        return "passed"
    ran = [number for number, name in counts if name == "ran"]
    if _PASSED.search(output) and not (ran and not any(ran)):
        return "passed"
    if any(name in _GOOD or name == "ran" or (number and name in _LEFT_OUT) for number, name in counts):
        return "none_ran"
    return "none_ran" if _NONE_RAN.search(output) else "nothing"


def _counts(output: str) -> Iterator[tuple[int, str]]:
    """Numbers and what they count; `ran` where only the number of tests is told."""
    for line in output.splitlines():
        if node := _NODE_COUNT.match(line):
            yield int(node[2]), "passed" if node[1] == "pass" else "failed"
        elif ran := _RAN.match(line):
            yield int(ran[1]), "ran"
        elif ctest := _CTEST.match(line):
            yield int(ctest[1]), "failed"
            yield int(ctest[2]) - int(ctest[1]), "passed"
        elif _NAMED_COUNTS.match(line):
            yield from _named(line)
        elif counted := _COUNTS.match(line):
            yield from _of_line(line, counted[1])


def _of_line(line: str, counted: str) -> Iterator[tuple[int, str]]:
    counts = [(int(number), name) for number, name in re.findall(r"(\d+) ([a-zA-Z]+)", counted)]
    yield from counts
    names = {name for _, name in counts}
    tests = sum(number for number, name in counts if name in {"test", "tests", "example", "examples"})
    if names & (_GOOD | {"run"}):
        return
    if names & _BAD or line.startswith("OK ("):  # rspec, phpunit: all of them, and how many of them failed
        yield tests, "passed"


def _named(line: str) -> Iterator[tuple[int, str]]:
    counts = [(name, int(number)) for name, number in _NAMED_COUNT.findall(line)]
    for name, number in counts:
        if name in {"Passed", "Tests run"}:
            yield number, "passed"
        else:
            yield number, name
