"""What `run_claude` takes and gives. Imports no graph library."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from agents.claude.tool_rules import NEEDS, SUB_AGENTS, ToolRule, ToolRuleInvalid
from workflows.observed.file_changed import FileChanged
from workflows.workflow import Stage, Workflow

LONGEST_PROMPT = 50_000
"""Characters of the prompt; what is longer belongs into a file that the prompt names."""
MOST_TURNS = 200
"""The largest `max_turns`."""
USUAL_TOOLS = (*(tool for tool, need in NEEDS.items() if need in {"read", "write"}), SUB_AGENTS)
"""The tools it has if none are named: everything in the workspace, a shell, and sub-agents. Not the web."""


def _checked(text: str) -> str:
    try:
        return str(ToolRule.parse(text))
    except ToolRuleInvalid as error:
        raise PydanticCustomError("tool_unknown", "{problem}", {"problem": error.message}) from error


AllowedTool: TypeAlias = Annotated[str, StringConstraints(max_length=500), AfterValidator(_checked)]


class RunClaudeInput(BaseModel):
    """What Claude is to do."""

    model_config = ConfigDict(extra="forbid")

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_PROMPT)] = Field(
        description="What to do, complete in itself: it sees the workspace, not this conversation. "
        "At most 50,000 characters; put what is longer into a file in the workspace and name it.",
        examples=["Find out why test_parser.py fails, and mend it"],
    )
    allowed_tools: list[AllowedTool] = Field(
        default=[],
        max_length=50,
        description=f"The only tools it may use; by default {', '.join(USUAL_TOOLS)}. Read, Grep and Glob alone make "
        "it read-only. Bash can be narrowed: 'Bash(git log *)'. WebSearch and WebFetch reach the web, and are there "
        "only if they are named; so are the tools of connected MCP servers, as 'mcp__<server>' or "
        "'mcp__<server>__<tool>'.",
        examples=[["Read", "Grep", "Glob", "Bash(git log *)"]],
    )
    max_turns: int | None = Field(
        default=None,
        ge=1,
        le=MOST_TURNS,
        description="Stop after this many rounds between the model and its tools; by default 100.",
    )


class CommandDone(BaseModel):
    """A shell command it ran, as observed."""

    command: str = Field(description="The command line.")
    ok: bool = Field(description="Whether it succeeded.")
    seconds: float = Field(description="How long it took.")


class RunClaudeOutput(BaseModel):
    """What came of it."""

    answer: str = Field(description="Its answer, as it gave it.")
    files: list[FileChanged] | None = Field(
        description="Files that changed during the run, as observed in the workspace, whoever changed them; null where "
        "that could not be observed. Empty without a look where none of its tools can write."
    )
    commands: list[CommandDone] = Field(description="Shell commands that have ended, in the order they began.")
    cost_usd: float | None = Field(description="US dollars; null if the price of a part of it is unknown.")


WORKFLOW = Workflow(
    name="run_claude",
    title="Run Claude",
    description="Has one Claude Code agent work on a prompt in a workspace, with its sub-agents, and reports "
    "everything it does while it does it. Writes files and runs commands there unless allowed_tools leaves it only "
    "reading ones. Use it for one piece of work that needs no team; build_feature plans, builds and reviews. Returns "
    "the answer, the files that changed, the commands that ran, and the cost.",
    input_model=RunClaudeInput,
    output_model=RunClaudeOutput,
    response_field="answer",
    stages=(Stage(name="claude", title="Claude at work", share=1.0),),
    graph="workflows.run_claude.graph:build",
    writes=True,
    max_steps=10,
    offline="workflows.run_claude.offline:script_for",
)
