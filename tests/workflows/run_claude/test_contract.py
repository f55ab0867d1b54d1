import subprocess
import sys

import pytest
from pydantic import BaseModel, ValidationError

from workflows.run_claude.contract import MOST_TURNS, USUAL_TOOLS, RunClaudeInput, RunClaudeOutput
from workflows.run_claude.role import role_for, told


def test_the_prompt_is_needed_stripped_and_bounded() -> None:
    assert RunClaudeInput(prompt=" do it\n").prompt == "do it"
    for prompt in ("", " \n", "x" * 50_001):
        with pytest.raises(ValidationError):
            RunClaudeInput(prompt=prompt)


@pytest.mark.parametrize("turns", [0, -1, MOST_TURNS + 1])
def test_the_limit_of_turns_is_bounded(turns: int) -> None:
    with pytest.raises(ValidationError):
        RunClaudeInput(prompt="do it", max_turns=turns)


def test_a_tool_that_is_none_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(ValidationError, match=r"there is no tool 'bash' to give; did you mean 'Bash'\?"):
        RunClaudeInput(prompt="do it", allowed_tools=["Read", "bash"])


def test_every_field_tells_a_model_what_it_is() -> None:
    def described(model: type[BaseModel]) -> bool:
        return all(field.description for field in model.model_fields.values())

    assert described(RunClaudeInput)
    assert described(RunClaudeOutput)


def test_the_usual_tools_stay_off_the_web() -> None:
    assert "Agent" in USUAL_TOOLS
    assert not {"WebFetch", "WebSearch"} & set(USUAL_TOOLS)


@pytest.mark.parametrize(
    ("tools", "access", "line"),
    [
        ([], "write", "that reaches commands, which nothing confines to the workspace"),
        (["Read", "Grep"], "read", "may use Read, Grep; nothing of that leaves the workspace"),
        (["Read", "WebFetch"], "read", "may use Read, WebFetch; that reaches the web"),
        (["mcp__cases"], "none", "may use mcp__cases; that reaches connected MCP servers"),
    ],
)
def test_the_role_gets_what_its_tools_need_and_says_what_reaches_further(
    tools: list[str], access: str, line: str
) -> None:
    role = role_for(tools, 7)

    assert (role.access, role.max_turns) == (access, 7)
    assert line in told(role)


def test_to_know_the_workflow_nothing_heavy_is_imported() -> None:
    script = (
        "import sys, workflows.run_claude.contract; print([m for m in ('langgraph', 'psutil') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.strip() == "[]"
