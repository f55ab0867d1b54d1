"""Models that play `collaborate` and `review_code` for real `claude` processes.

They decide from the request alone, so who is asked, how often and in which order is for the graphs to say.
"""

from collections.abc import Callable

from pydantic import BaseModel

from agents.review_roles import REVIEWERS
from agents.roles import ARCHITECT, CODER, DOCUMENTER, REVIEWER, TESTER
from tests.fakes.build_feature_script import (
    DESIGN,
    FIRST_MODULE,
    FIRST_TESTS,
    MODULE,
    TEST_COMMAND,
    TESTS,
    marker_of,
)
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import Answer, Reply, Script, ScriptFailed, ToolUse, by_marker, call, say
from workflows.collaborate.contract import ReviewReply as Verdict
from workflows.findings import Finding
from workflows.review_code.contract import ReviewReply

FINDING = Finding(
    file=MODULE,
    line=6,
    severity="high",
    claim='slugify("a  b") gives "a--b"; the design asks for one hyphen per run of blanks.',
    suggestion="Split at blanks and join with hyphens.",
)
DOCUMENTATION = "# slugify\n\n`slugify(title)` turns a title into a URL slug."


def collaborate_model() -> Script:
    """The script for the roles of `collaborate`; the review approves, with a small finding."""
    small = FINDING.model_copy(update={"severity": "low"})
    review = Verdict(verdict="approved", summary="Good enough.", findings=[small])
    return by_marker(
        {
            marker_of(ARCHITECT): lambda _: say(DESIGN),
            marker_of(CODER): lambda request: _next(
                request, _write(request, MODULE, FIRST_MODULE), say("I wrote the module.")
            ),
            marker_of(REVIEWER): lambda request: _next(request, _read(request, MODULE), _structured(review)),
            marker_of(TESTER): lambda request: _next(
                request,
                _write(request, TESTS, FIRST_TESTS),
                call("Bash", command=TEST_COMMAND, description="Run the tests"),
                say("The rule is tested."),
            ),
            marker_of(DOCUMENTER): lambda _: say(DOCUMENTATION),
        }
    )


def review_code_model() -> Script:
    """The script for all reviewers of `review_code`: two find the same, one names a line that is not there."""
    other_words = FINDING.model_copy(update={"claim": 'For "a  b" slugify gives "a--b", not one hyphen per run'})
    nowhere = FINDING.model_copy(update={"line": 99})
    findings = {"correctness": [FINDING], "security": [nowhere], "performance": [], "tests": [other_words]}

    def reviews(found: list[Finding]) -> Callable[[ModelRequest], Answer]:
        reply = ReviewReply(summary="I have read it.", findings=found)
        return lambda request: _next(request, _read(request, MODULE), _structured(reply))

    return by_marker({marker_of(role): reviews(findings[aspect]) for aspect, role in REVIEWERS.items()})


def _structured(reply: BaseModel) -> Reply:
    return Reply((ToolUse("StructuredOutput", reply.model_dump(mode="json")),))


def _read(request: ModelRequest, name: str) -> Reply:
    return call("Read", file_path=_path(request, name))


def _write(request: ModelRequest, name: str, content: str) -> Reply:
    return call("Write", file_path=_path(request, name), content=content)


def _path(request: ModelRequest, name: str) -> str:
    return f"{request.working_directory}/{name}"


def _next(request: ModelRequest, *replies: Reply) -> Reply:
    """The answer after as many tool results as there are, each of which has to be a good one."""
    failed = [f"{result.tool}: {result.text[:300]}" for result in request.tool_results if not result.ok]
    if failed or request.step >= len(replies):
        raise ScriptFailed(f"The conversation does not go as it should: {failed or request.tool_results[-1]}")
    reply = replies[request.step]
    for block in reply.blocks:
        if isinstance(block, ToolUse) and block.name not in request.tools:
            raise ScriptFailed(f"{block.name} is not offered; there are {request.tools}.")
    return reply
