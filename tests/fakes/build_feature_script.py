"""A model that plays the whole conversation of `build_feature`: every role, for real `claude` processes.

It decides from the request alone: who is asked is in the system prompt (the role's instructions), where the work
stands is in the prompt and in the tool results so far. So who is asked, how often and in which order is for the graph
to say.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from agents.roles import ARCHITECT, CODESMITH, RESEARCH, RESPONDER, REVIEWFIX, SUPERVISOR, Role
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import (
    Answer,
    Reply,
    Script,
    ScriptFailed,
    Text,
    Thinking,
    ToolUse,
    by_marker,
    call,
    say,
)
from workflows.build_feature.contract import Finding, Review
from workflows.build_feature.decision import Decision

PLAN = ("research", "architect", "codesmith", "reviewfix", "codesmith", "reviewfix", "finish")
"""Who goes in which round; the first review sends the work back, the second approves it."""

TASK = "Add slugify.py with a function slugify(title: str) -> str that turns a title into a URL slug, with tests."
MODULE, TESTS = "slugify.py", "test_slugify.py"
TEST_COMMAND = "python3 -m unittest -v"

FIRST_MODULE = '''\
"""Titles as URL slugs."""


def slugify(title: str) -> str:
    """Lower case, with a hyphen for every blank."""
    return title.strip().lower().replace(" ", "-")
'''
WEAK_LINE = 'return title.strip().lower().replace(" ", "-")'
STRONG_LINE = 'return "-".join(title.lower().split())'
FIRST_TESTS = """\
import unittest

from slugify import slugify


class SlugifyTest(unittest.TestCase):
    def test_blanks_become_hyphens(self) -> None:
        self.assertEqual(slugify("Hello World"), "hello-world")
"""
MORE_TESTS = """
    def test_several_blanks_become_one_hyphen(self) -> None:
        self.assertEqual(slugify("a  b"), "a-b")
"""

NOTES = "- The directory holds no code yet: nothing to fit in with.\n- Python and its standard library are enough."
DESIGN = f"""\
## Components
- **slugify** ({MODULE}): turns a title into a slug

## Interfaces
`slugify(title: str) -> str`

## Behaviour
Lower case; any run of blanks is one hyphen.

## Tests
`{TEST_COMMAND}`"""
FIRST_ACCOUNT = f"I wrote {MODULE} and {TESTS}; `{TEST_COMMAND}` passed."
SECOND_ACCOUNT = f"Runs of blanks are one hyphen now, with a test for it; `{TEST_COMMAND}` passed."
THOUGHT = "A slug is the lower-case title with hyphens for blanks."
ANSWER = f"`slugify` is built in `{MODULE}`, reviewed, and its tests pass."

FINDING = Finding(
    file=MODULE,
    line=6,
    severity="high",
    claim='slugify("a  b") gives "a--b"; the design asks for one hyphen per run of blanks.',
    suggestion="Split at blanks and join with hyphens; add a test.",
    fixed=False,
)
FIRST_REVIEW = Review(verdict="changes_requested", summary="Runs of blanks are wrong.", findings=[FINDING])
SECOND_REVIEW = Review(verdict="approved", summary="Runs of blanks are right now, and tested.", findings=[])

_CONFIDENCE = 0.9
_INSTRUCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "research": "Find out what slugify has to fit in with.",
        "architect": "Design slugify.",
        "codesmith": "Build slugify with its tests, and do what the last review asks for.",
        "reviewfix": "Review slugify and its tests.",
        "finish": "Tell what was built.",
    }
)
_ROUNDS_SO_FAR = re.compile(r"^Rounds so far: (\d+)", re.MULTILINE)


def build_feature_model(plan: Sequence[str] = PLAN) -> Script:
    """The script for all roles.

    Args:
        plan: Whom the supervisor sends, by the number of rounds done so far; the last must be `finish`.
    """

    def supervisor(request: ModelRequest) -> Answer:
        return _decision(request, plan)

    return _checked(
        by_marker(
            {
                marker_of(SUPERVISOR): supervisor,
                marker_of(RESEARCH): _research,
                marker_of(ARCHITECT): _architect,
                marker_of(CODESMITH): _codesmith,
                marker_of(REVIEWFIX): _reviewfix,
                marker_of(RESPONDER): lambda _: say(ANSWER),
            }
        )
    )


def marker_of(role: Role) -> str:
    """By which a role's requests are known: the first line of its instructions."""
    return role.instructions.splitlines()[0]


def _checked(script: Script) -> Script:
    """Refuse to call a tool that the request does not offer: then the role was given the wrong access."""

    def answer(request: ModelRequest) -> Answer:
        chosen = script(request)
        assert isinstance(chosen, Reply)
        for block in chosen.blocks:
            if isinstance(block, ToolUse) and block.name not in request.tools:
                raise ScriptFailed(f"{block.name} is not offered; there are {request.tools}.")
        return chosen

    return answer


def _decision(request: ModelRequest, plan: Sequence[str]) -> Reply:
    found = _ROUNDS_SO_FAR.search(request.prompt)
    if found is None:
        raise ScriptFailed("The supervisor's prompt does not say how many rounds there were.")
    rounds = int(found[1])
    if rounds >= len(plan):
        raise ScriptFailed(f"The supervisor was asked after {rounds} rounds; its plan has {len(plan)}.")
    decision = Decision.model_validate(
        {
            "analysis": f"{rounds} rounds are done.",
            "reasoning": f"The plan has {plan[rounds]} in this place.",
            "confidence": _CONFIDENCE,
            "next_agent": plan[rounds],
            "instructions": _INSTRUCTIONS[plan[rounds]],
        }
    )
    return Reply((ToolUse("StructuredOutput", decision.model_dump(mode="json")),))


def _research(request: ModelRequest) -> Reply:
    return _step(request, call("Grep", pattern="def "), say(NOTES))


def _architect(request: ModelRequest) -> Reply:
    return _step(request, call("Glob", pattern="*.py"), say(DESIGN))


def _codesmith(request: ModelRequest) -> Reply:
    module, tests = (f"{request.working_directory}/{name}" for name in (MODULE, TESTS))
    run_tests = call("Bash", command=TEST_COMMAND, description="Run the tests")
    if "<review>" not in request.prompt:
        first = Reply((Thinking(THOUGHT), Text("First the module."), *_write(module, FIRST_MODULE).blocks))
        return _step(request, first, _write(tests, FIRST_TESTS), run_tests, say(FIRST_ACCOUNT))
    return _step(
        request,
        call("Read", file_path=module),
        call("Edit", file_path=module, old_string=WEAK_LINE, new_string=STRONG_LINE),
        call("Read", file_path=tests),
        _write(tests, FIRST_TESTS + MORE_TESTS),
        run_tests,
        say(SECOND_ACCOUNT),
    )


def _reviewfix(request: ModelRequest) -> Reply:
    review = SECOND_REVIEW if "<review>" in request.prompt else FIRST_REVIEW
    return _step(
        request,
        call("Read", file_path=f"{request.working_directory}/{MODULE}"),
        call("Bash", command=TEST_COMMAND, description="Run the tests"),
        Reply((ToolUse("StructuredOutput", review.model_dump(mode="json")),)),
    )


def _write(path: str, content: str) -> Reply:
    return call("Write", file_path=path, content=content)


def _step(request: ModelRequest, *replies: Reply) -> Reply:
    failed = [f"{result.tool}: {result.text[:300]}" for result in request.tool_results if not result.ok]
    if failed:
        raise ScriptFailed(f"A tool call failed that should not: {failed}")
    if request.step >= len(replies):
        raise ScriptFailed(f"The conversation goes on after its end: {request.tool_results[-1]}")
    return replies[request.step]
