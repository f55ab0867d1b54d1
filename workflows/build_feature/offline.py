"""Scripted agents for `build_feature` without a model: for the demo, and for trying the server out.

What they say is written down here. What they do is real: the files are written, the tests run, and the review tries the
code and finds what is really wrong with it. Every statement about an outcome is made from that outcome.

They ignore the wording of the task: they always build the same small module, in a folder that did not exist before.
"""

import shlex
import sys
from pathlib import Path

from agents.agent import AgentTask, CommandRun
from agents.script import Decide, Edit, Glob, Played, Read, Run, Script, Think, Turn, Write
from workflows.build_feature import offline_files as files

_FOLDER = "slugs"
_PROBE_TITLE = "Cr\\u00e8me Br\\u00fbl\\u00e9e"
"""With its escapes, so that it survives any terminal and any locale."""
_PROBE_SLUG = "creme-brulee"
_EXAMPLE = """
```python
from slugify import slugify

slugify("Crème Brûlée, the easy way")  # creme-brulee-the-easy-way
```
"""
_NO_MODEL = "Scripted, without a model: the wording of the task was ignored, and what is always built here was built."


def script_for(task: AgentTask) -> Script:
    """The script of the run that a task belongs to."""
    return build_feature_script(task.workspace)


def build_feature_script(workspace: Path) -> Script:
    """The script of one run.

    Args:
        workspace: Where its files will be; the folder they go to is chosen now.
    """
    play = _Play(_fresh_folder(workspace))
    return {
        "supervisor": play.supervise,
        "research": [play.research()],
        "architect": [play.design()],
        "codesmith": [play.build(), play.repair()],
        "reviewfix": [play.review(), play.review_again()],
        "responder": [play.answer()],
    }


def _fresh_folder(workspace: Path) -> str:
    """A name that nothing in the workspace has yet."""
    name, number = _FOLDER, 1
    while (workspace / name).exists() or (workspace / name).is_symlink():
        number += 1
        name = f"{_FOLDER}_{number}"
    return name


class _Play:
    """One run: its turns, and what has come of those that were played.

    Args:
        folder: Where the files go, relative to the workspace.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._module = f"{folder}/slugify.py"
        self._tests = f"{folder}/test_slugify.py"
        # -B: no `__pycache__` in somebody's workspace.
        arguments = ("-B", "-m", "unittest", "discover", "-s", folder)
        self._run_tests = _python(*arguments)
        self._advice = shlex.join(("python3", *arguments))
        code = (
            f'import sys; sys.path.insert(0, "{folder}"); from slugify import slugify; print(slugify("{_PROBE_TITLE}"))'
        )
        self._try_accents = _python("-B", "-c", code)
        self._done: list[str] = []
        self._approved = False
        self._last_tests: CommandRun | None = None

    # Who goes next follows from what was done and how it came out.

    def supervise(self, task: AgentTask) -> Turn:
        """The supervisor's turn, whichever it is."""
        del task  # scripted: its wording is ignored
        match self._done:
            case []:
                return _decision("Nothing is done yet.", "First somebody has to see what is there.", "research")
            case [*_, "research"]:
                return _decision(
                    "The workspace is known, a design is missing.", "A short design comes before the code.", "architect"
                )
            case [*_, "architect"]:
                return _decision("There is a design and no code.", "The design can be built now.", "codesmith")
            case [*_, "codesmith"]:
                return _decision(
                    f"Code was written or changed; {self._told_tests()}.",
                    "Nobody has reviewed the newest code yet.",
                    "reviewfix",
                )
            case [*_, "reviewfix"] if self._approved:
                return _decision(f"The review approves the work; {self._told_tests()}.", "Nothing is open.", "finish")
            case [*_, "reviewfix"] if self._done.count("codesmith") == 1:
                return _decision(
                    f"The review asks for changes; {self._told_tests()}.",
                    "The review has found wrong behaviour, which codesmith can repair.",
                    "codesmith",
                )
            case _:
                return _decision(
                    f"The review asks for changes again; {self._told_tests()}.",
                    "The script has no further repair, so the answer has to say what is open.",
                    "finish",
                )

    def research(self) -> Turn:
        """Look at what is there."""

        def notes(played: Played) -> str:
            self._done.append("research")
            listing = played.outcomes[0]
            names = [] if not listing.ok or listing.output == "No files found" else listing.output.splitlines()
            there = f"{len(names)} files, for example {', '.join(names[:5])}" if names else "no files"
            return (
                f"# Notes\n\n- At the top of the workspace there are {there}.\n"
                f"- Nothing there is named `{self._folder}`, so the new files go to a folder of that name and cannot "
                f"collide with anything.\n- {_NO_MODEL}\n"
            )

        return Turn(steps=(Think("Before anything is written I look at what is already there."), Glob("*")), text=notes)

    def design(self) -> Turn:
        """Hand over the design."""

        def text(played: Played) -> str:
            del played
            self._done.append("architect")
            return files.DESIGN.format(folder=self._folder, tests=self._advice)

        return Turn(
            steps=(
                Think("One pure function is enough. It needs no dependency, and each of its rules can be tested."),
                Decide("one pure function, standard library only", {"instead_of": "a class with options"}),
            ),
            text=text,
        )

    def build(self) -> Turn:
        """The first round: code and tests that pass, and a gap that they do not show."""
        return Turn(
            steps=(
                Think("I begin with the plain rule: lower case, and every run of other characters becomes a hyphen."),
                Write(self._module, files.MODULE),
                Write(self._tests, files.TESTS),
                self._run_tests,
            ),
            text=lambda played: self._told_work(played, "I wrote the module and a test for each rule of the design."),
        )

    def repair(self) -> Turn:
        """The second round: first a test that fails, then the repair."""
        return Turn(
            steps=(
                Think("I first write down what the review has found as tests, and see them fail."),
                Edit(self._tests, files.TEST_ANCHOR, files.TEST_ANCHOR_AFTER),
                self._run_tests,
                Think("Now the repair: take letters apart, drop the accents, keep the letters."),
                Edit(self._module, files.IMPORT, files.IMPORT_AFTER),
                Edit(self._module, files.LOWER, files.LOWER_AFTER),
                Edit(self._module, files.END, files.END_AFTER),
                self._run_tests,
            ),
            text=lambda played: self._told_work(played, "I wrote tests for what the review found, then the repair."),
        )

    def review(self) -> Turn:
        """Try what the tests do not cover."""
        return Turn(
            steps=(
                Read(self._module),
                self._run_tests,
                Think("The tests only use plain English. Titles have accents, so I try one."),
                self._try_accents,
            ),
            data=self._reviewed,
        )

    def review_again(self) -> Turn:
        """Look at the repair, and fix a gap in the documentation."""
        return Turn(
            steps=(
                Read(self._module),
                self._try_accents,
                Think("The docstring does not say what becomes of letters of other scripts. I add that myself."),
                Edit(self._module, files.RETURNS, files.RETURNS_AFTER),
                self._run_tests,
            ),
            data=self._reviewed,
        )

    def answer(self) -> Turn:
        """Say what came of it."""

        def text(played: Played) -> str:
            del played
            outcome = "was built, tested and approved" if self._approved else "was built, and is not approved"
            ended = self._last_tests.output.strip().splitlines()[-1:] if self._last_tests else []
            return (
                f"A small module that turns titles into URL slugs {outcome}; {self._told_tests()}.\n\n"
                f"**{_NO_MODEL}**\n\n"
                f"- `{self._module}`: the function `slugify(title, max_length=60)`\n"
                f"- `{self._tests}`: its tests; run them with `{self._advice}`"
                f"{f'; `{self._run_tests.shown}` ended with `{ended[0]}` here' if ended else ''}\n"
                f"{_EXAMPLE if self._approved else ''}"
            )

        return Turn(text=text)

    def _reviewed(self, played: Played) -> dict[str, object]:
        """The review, from what the reviewer has seen."""
        self._done.append("reviewfix")
        tests = [command for command in played.commands if command.command == self._run_tests.shown]
        tests_pass = bool(tests) and tests[-1].ok
        self._last_tests = tests[-1] if tests else self._last_tests
        findings: list[dict[str, object]] = []
        for outcome in played.outcomes:
            if outcome.step == self._try_accents and outcome.output.strip() != _PROBE_SLUG:
                findings.append(self._finding_about_accents(outcome.output.strip()))
            if isinstance(outcome.step, Edit) and outcome.ok:
                findings.append(self._finding_about_docstring(fixed=tests_pass))
        if not tests_pass:
            findings.insert(0, self._finding_about_tests(tests[-1].output if tests else "they did not run"))
        self._approved = tests_pass and not any(finding["severity"] == "high" for finding in findings)
        summary = (
            "The task is done and the tests pass." if self._approved else "There is wrong behaviour left to repair."
        )
        verdict = "approved" if self._approved else "changes_requested"
        return {"verdict": verdict, "summary": summary, "findings": findings}

    def _finding_about_accents(self, seen: str) -> dict[str, object]:
        return {
            "file": self._module,
            "line": _line_of(files.MODULE, files.LOWER),
            "severity": "high",
            "claim": f"Letters with accents are lost: slugify('{_PROBE_TITLE}') gave {seen!r}, not {_PROBE_SLUG!r}.",
            "suggestion": "Take letters apart with unicodedata, drop the accents, keep the letters; test it.",
            "fixed": False,
        }

    def _finding_about_docstring(self, *, fixed: bool) -> dict[str, object]:
        return {
            "file": self._module,
            "line": None,
            "severity": "low",
            "claim": "The docstring did not say what becomes of letters of other scripts.",
            "suggestion": "Say that they are left out.",
            "fixed": fixed,
        }

    def _finding_about_tests(self, output: str) -> dict[str, object]:
        return {
            "file": self._tests,
            "line": None,
            "severity": "high",
            "claim": f"The tests do not pass: {' '.join(output.split())[-300:]}",
            "suggestion": "Repair the code until they pass.",
            "fixed": False,
        }

    def _told_work(self, played: Played, what: str) -> str:
        """What codesmith says about its round, from how it came out."""
        self._done.append("codesmith")
        tests = [command for command in played.commands if command.command == self._run_tests.shown]
        self._last_tests = tests[-1] if tests else None
        failed = [
            f"{type(outcome.step).__name__} failed: {outcome.output}"
            for outcome in played.failures
            if not isinstance(outcome.step, Run)
        ]
        problems = "".join(f"\n- {problem}" for problem in failed)
        wrote = f"Files written: {', '.join(played.files) or 'none'}."
        return f"{what} {wrote} Test command: `{self._run_tests.shown}`; {self._told_tests()}.{problems}"

    def _told_tests(self) -> str:
        if self._last_tests is None:
            return "no tests have run"
        return "the last test run passed" if self._last_tests.ok else "the last test run failed"


def _python(*arguments: str) -> Run:
    """A run of this Python, shown by its own name without the directory it lies in."""
    return Run((sys.executable, *arguments), shown=shlex.join((Path(sys.executable).name, *arguments)))


def _decision(analysis: str, reasoning: str, next_agent: str) -> Turn:
    return Turn(
        data={
            "analysis": analysis,
            "reasoning": reasoning,
            "confidence": 1.0,  # a script is sure of its next line
            "next_agent": next_agent,
            "instructions": _INSTRUCTIONS[next_agent],
        }
    )


_INSTRUCTIONS = {
    "research": "Look at what is already in the workspace, so that nothing is overwritten.",
    "architect": "Design a small module that turns titles into URL slugs.",
    "codesmith": "Build what the design says, repair what the last review found, and run the tests.",
    "reviewfix": "Review the newest code, run the tests, and try what they do not cover.",
    "finish": "Say what was built, how the tests ended, what is open, and that no model was at work.",
}


def _line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1
