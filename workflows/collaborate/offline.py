"""The script of `collaborate` without a model: for trying the server out.

What its agents say is written down here. What they do is real: files are written, the review reads them and names the
faults that are in them, tests run. Every statement about an outcome is made from that outcome.

It ignores the wording of the task and the language: it always writes the same small module, in a folder that did not
exist before.
"""

import re
import shlex
import sys
from pathlib import Path

from agents.agent import AgentTask
from agents.roles import ARCHITECT
from agents.script import Decide, Edit, Glob, Played, Read, Run, Script, Think, Turn, Write
from workflows.collaborate import offline_files as files

_FOLDER = "durations"
_CHOSEN_FOLDER = re.compile(rf"({_FOLDER}(?:_\d+)?)/durations\.py")
_NO_MODEL = "Scripted, without a model: task and language were ignored, and what is always written here was written."


def script_for(task: AgentTask) -> Script:
    """The script of the run that a task belongs to; the folder its files go to is chosen now.

    A run that is gone on with after an interruption has one already, which is named in the task.
    """
    chosen = _CHOSEN_FOLDER.search(task.prompt) if task.role != ARCHITECT.name else None
    play = _Play(chosen[1] if chosen else _fresh_folder(task.workspace))
    return {
        "architect": [play.design()],
        "coder": [play.code()],
        "reviewer": lambda _: play.review(),
        "refiner": lambda _: play.refine(),
        "tester": [play.test()],
        "documenter": [play.document()],
    }


def _fresh_folder(workspace: Path) -> str:
    """A name that nothing in the workspace has yet."""
    name, number = _FOLDER, 1
    while (workspace / name).exists() or (workspace / name).is_symlink():
        number += 1
        name = f"{_FOLDER}_{number}"
    return name


class _Play:
    """One run.

    Args:
        folder: Where the files go, relative to the workspace.
    """

    def __init__(self, folder: str) -> None:
        self._module = f"{folder}/durations.py"
        self._tests = f"{folder}/test_durations.py"
        self._readme = f"{folder}/README.md"
        # -B: no `__pycache__` in somebody's workspace.
        arguments = ("-B", "-m", "unittest", "discover", "-s", folder)
        self._run_tests = _python(*arguments)
        self._advice = shlex.join(("python3", *arguments))
        code = (
            f'import sys; sys.path.insert(0, "{folder}"); from durations import in_words; '
            f"print(in_words({files.EXAMPLE_SECONDS}))"
        )
        self._try_it = _python("-B", "-c", code)

    def design(self) -> Turn:
        """Look at what is there, and hand over the design."""
        text = files.DESIGN.format(no_model=_NO_MODEL, module=self._module, command=self._advice)
        return Turn(
            steps=(
                Glob("*"),
                Think("One pure function is enough. It needs no dependency, and each of its rules can be tested."),
                Decide("one pure function, standard library only", {"instead_of": "a class for spans of time"}),
            ),
            text=text,
        )

    def code(self) -> Turn:
        """The first version: it works for the usual case, and has two faults."""
        return Turn(
            steps=(
                Think("I go through the units from the largest to the smallest, and keep what is left."),
                Write(self._module, files.MODULE),
                self._try_it,
            ),
            text=lambda played: _account(played, f"I wrote the function in `{self._module}`."),
        )

    def review(self) -> Turn:
        """Read the module as it is now, and name what is in it."""
        return Turn(
            steps=(
                Think("I read what is really there, and follow the edges: nothing, one, below zero."),
                Read(self._module),
            ),
            data=self._reviewed,
        )

    def refine(self) -> Turn:
        """Mend what the review names."""
        return Turn(
            steps=(
                Read(self._module),
                Think("Both findings are true. A span below zero is refused; one of a unit gets no plural."),
                Edit(self._module, files.RETURNS, files.RETURNS_AFTER),
                Edit(self._module, files.FAULTY_BEGIN, files.BEGIN_AFTER),
                Edit(self._module, files.FAULTY_PART, files.PART_AFTER),
                self._try_it,
            ),
            text=lambda played: _account(played, "I did what the review asks for."),
        )

    def test(self) -> Turn:
        """Write a test for each rule, and run them."""
        return Turn(
            steps=(
                Think("One test for each rule of the design, and one for what the review was about."),
                Write(self._tests, files.TESTS),
                self._run_tests,
            ),
            text=lambda played: _account(played, f"One test for each rule of the design, in `{self._tests}`."),
        )

    def document(self) -> Turn:
        """Write a README beside the code, and try its example."""

        def text(played: Played) -> str:
            printed = played.outcomes[-1].output.strip()
            if not (played.outcomes[-1].ok and printed == files.EXAMPLE_WORDS):
                return f"{files.README}\n**The example does not hold:** it printed {printed!r}.\n"
            written = self._readme in played.files
            return (
                f"{files.README}\n{'' if written else f'This could not be written to `{self._readme}`. '}{_NO_MODEL}\n"
            )

        return Turn(
            steps=(
                Read(self._module),
                Think("The example has to be true, so I run it."),
                Write(self._readme, files.README),
                self._try_it,
            ),
            text=text,
        )

    def _reviewed(self, played: Played) -> dict[str, object]:
        """The review, from what was read."""
        reading = played.outcomes[0]
        source = reading.output if reading.ok else ""
        findings: list[dict[str, object]] = []
        if not reading.ok:
            findings.append(self._finding(None, "high", f"There is no module to review: {reading.output}", "Write it."))
        if files.FAULTY_BEGIN in source and files.BEGIN_AFTER not in source:
            findings.append(
                self._finding(
                    _line_of(source, files.FAULTY_BEGIN),
                    "high",
                    "A span below zero is not refused: in_words(-5) gives '-1 days, 23 hours'.",
                    "Raise ValueError, and document it.",
                )
            )
        if files.FAULTY_PART in source:
            findings.append(
                self._finding(
                    _line_of(source, files.FAULTY_PART),
                    "medium",
                    "One of a unit is told in the plural: in_words(60) gives '1 minutes'.",
                    "Leave the s out where the count is 1.",
                )
            )
        if reading.ok and not findings:
            findings.append(
                self._finding(
                    _line_of(source, "divmod"),
                    "low",
                    "Fractions are not refused though whole seconds are asked for: in_words(90.5) gives "
                    "'1.0 minute, 30.0 seconds'.",
                    "Refuse them, or round.",
                )
            )
        approved = reading.ok and all(finding["severity"] == "low" for finding in findings)
        return {
            "verdict": "approved" if approved else "changes_requested",
            "summary": "The task is done." if approved else "The usual case works; the edges do not.",
            "findings": findings,
        }

    def _finding(self, line: int | None, severity: str, claim: str, suggestion: str) -> dict[str, object]:
        return {"file": self._module, "line": line, "severity": severity, "claim": claim, "suggestion": suggestion}


def _python(*arguments: str) -> Run:
    """A run of this Python, shown by its own name without the directory it lies in."""
    return Run((sys.executable, *arguments), shown=shlex.join((Path(sys.executable).name, *arguments)))


def _account(played: Played, what: str) -> str:
    """What an agent says about its round, from how it came out."""
    failed = [f"{type(outcome.step).__name__} failed: {outcome.output}" for outcome in played.failures]
    ended = [f"`{run.command}` {'ended well' if run.ok else 'failed'}." for run in played.commands]
    wrote = f"Files written: {', '.join(played.files) or 'none'}."
    return " ".join([what, wrote, *ended, *(f"\n- {problem}" for problem in failed)])


def _line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1
