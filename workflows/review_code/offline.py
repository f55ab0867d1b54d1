"""The script of `review_code` without a model: for trying the server out.

What its reviewers find is really in the files they really read: each looks for a few lines that are worth a finding in
Python, and nothing else. A model reviews; this only shows how a review goes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from agents.agent import AgentTask
from agents.review_roles import REVIEWERS, Aspect
from agents.script import Act, Played, Read, Script, Think, Turn
from agents.workspace.source_facts import is_test_file
from workflows.wording import counted

_MOST_READ = 20
"""How many files each reviewer reads."""
_FILES = re.compile(r"<files>\n(.*?)\n</files>", re.DOTALL)
_LINES_OF_A_LIST = re.compile(r" \(\d+ lines?\)$")
_NO_MODEL = "Scripted, without a model: only a few kinds of lines in Python files were looked for."


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A line that is worth a finding.

    Attributes:
        line: What it looks like.
        severity: Of the finding.
        claim: What is wrong with it.
        suggestion: What to do.
    """

    line: re.Pattern[str]
    severity: str
    claim: str
    suggestion: str


_EVALUATES = re.compile(r"(?<![\w.])eval\(")
_PATTERNS: Mapping[Aspect, Sequence[_Pattern]] = MappingProxyType[Aspect, Sequence[_Pattern]](
    {
        "correctness": (
            _Pattern(
                re.compile(r"^\s*except\s*:"),
                "medium",
                "A bare except takes every error, KeyboardInterrupt and SystemExit too, and hides its cause.",
                "Name the errors that are expected here.",
            ),
            _Pattern(
                re.compile(r"^\s*def .*=\s*(\[\]|\{\})"),
                "high",
                "The default value is made once and shared: what one call puts into it, the next one finds there.",
                "Take None as the default, and make a new value in the function.",
            ),
            _Pattern(
                _EVALUATES,
                "medium",
                "eval runs the text as code: text that is no expression raises SyntaxError, and nothing catches it.",
                "Parse the text, for example with ast.literal_eval.",
            ),
        ),
        "security": (
            _Pattern(
                _EVALUATES,
                "high",
                "eval runs any code that is in the text: an expression that deletes files is one.",
                "Parse the text, for example with ast.literal_eval.",
            ),
            _Pattern(
                re.compile(r"shell\s*=\s*True"),
                "high",
                "A shell reads the command: a name with `;` in it becomes a second command.",
                "Pass a list of arguments, without a shell.",
            ),
        ),
        "performance": (
            _Pattern(
                re.compile(r"^\s+for .* in .*\.readlines\(\)"),
                "low",
                "The whole file is read into memory before its first line is used.",
                "Go through the file itself, line by line.",
            ),
        ),
        "tests": (),
    }
)
_UNTESTED = _Pattern(
    re.compile(r"^\s*(async )?def (?!_)"),
    "medium",
    "Nothing tests this: among the files under review there is no test.",
    "Write a test that shows what it does, and one for the edge of it.",
)


def script_for(task: AgentTask) -> Script:
    """The script of the run that a task belongs to."""
    del task  # each reviewer looks into its own
    return {role.name: _play(aspect) for aspect, role in REVIEWERS.items()}


def _play(aspect: Aspect) -> Act:
    def act(task: AgentTask) -> Turn:
        paths = _paths(task.prompt)
        sources = [path for path in paths if path.endswith(".py") and not is_test_file(path)][:_MOST_READ]
        tested = any(is_test_file(path) for path in paths)
        patterns = _PATTERNS[aspect] if aspect != "tests" else () if tested else (_UNTESTED,)

        def reviewed(played: Played) -> dict[str, object]:
            findings = list(_findings(patterns, played, once=aspect == "tests"))
            read = [outcome for outcome in played.outcomes if outcome.ok]
            files = f"{counted(len(read), 'Python file')} read"
            return {"summary": f"{files}. {_NO_MODEL}", "findings": findings}

        thought = Think(f"I read what is under review, and look at nothing but {aspect}.")
        return Turn(steps=(thought, *(Read(path) for path in sources)), data=reviewed)

    return act


def _paths(prompt: str) -> list[str]:
    """The files that a prompt names."""
    found = _FILES.search(prompt)
    return [_LINES_OF_A_LIST.sub("", line) for line in found[1].split("\n")] if found else []


def _findings(patterns: Sequence[_Pattern], played: Played, *, once: bool) -> Iterator[dict[str, object]]:
    """What is in the files that were read; with `once`, only the first in each file."""
    for outcome in played.outcomes:
        if not outcome.ok or not isinstance(outcome.step, Read):
            continue
        for number, line in enumerate(outcome.output.split("\n"), 1):
            found = [pattern for pattern in patterns if pattern.line.search(line)]
            for pattern in found:
                yield {
                    "file": outcome.step.path,
                    "line": number,
                    "severity": pattern.severity,
                    "claim": pattern.claim,
                    "suggestion": pattern.suggestion,
                }
            if found and once:
                break
