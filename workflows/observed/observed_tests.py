"""Which of the commands an agent ran were runs of tests, and whether these tests passed. Pure.

A command's exit code is not always its tests' outcome: in `pytest | tail` it is the one of `tail`. Where it is not, the
summary in the output is read; where that does not tell either, or no test was run at all, the outcome is not known, and
is not guessed.
"""

from collections.abc import Sequence

from agents.agent import CommandRun
from workflows.observed.command_line import SimpleCommand, commands_of
from workflows.observed.known_runners import is_negated, proof_of
from workflows.observed.run_of_tests import TestRun
from workflows.observed.runner_summaries import told_by

OUTPUT_CHARACTERS = 2000
"""How much of the end of a test run's output is kept."""


def observed_tests(commands: Sequence[CommandRun]) -> list[TestRun]:
    """The runs of tests among observed commands, in their order."""
    return [_as_test_run(command) for command in commands if is_test_command(command.command)]


def is_test_command(command: str) -> bool:
    """Whether a command line runs tests; words like `pytest` elsewhere in it do not count."""
    return any(proof_of(part.words) for part in commands_of(command))


def passed(command: CommandRun) -> bool | None:
    """Whether the tests of a test run passed; None where that cannot be told."""
    parts = commands_of(command.command)
    proofs = {place: proof for place, part in enumerate(parts) if (proof := proof_of(part.words))}
    told = told_by(command.output)
    if told == "none_ran" or not proofs:
        return None
    if _exit_code_tells(parts, list(proofs), ok=command.ok):
        if not command.ok:
            return False
        if "exit_code" in proofs.values():
            return None if told == "failed" else True  # both at once: somebody ignored the failure, or printed it
    return None if told == "nothing" else told == "passed"


def _exit_code_tells(parts: Sequence[SimpleCommand], tests: Sequence[int], *, ok: bool) -> bool:
    """Whether the exit code of the whole line is the outcome of the tests in it."""
    first, last = tests[0], tests[-1]
    before, between = parts[:first], parts[first:last]
    if any(is_negated(part.words) for part in parts):
        return False
    if any(part.after in {"||", "&"} for part in before) or any(part.after != "&&" for part in between):
        return False
    if last == len(parts) - 1:
        return parts[last].after in {"", ";"}
    return ok and all(part.after == "&&" for part in parts[last:-1]) and parts[-1].after in {"", ";"}


def _as_test_run(command: CommandRun) -> TestRun:
    return TestRun(
        command=command.command,
        passed=passed(command),
        seconds=round(command.seconds, 3),
        output=command.output[-OUTPUT_CHARACTERS:],
    )
