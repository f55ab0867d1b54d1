"""The graph of `run_claude`: survey -> claude.

`survey` notes how the workspace looks before anybody changes it; why in a node of its own, `noted_baseline` says.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from agents.errors import AgentError, AgentMisconfigured, ReplyInvalid, TurnLimitReached
from agents.events import Found, Progressed
from agents.roles import CLAUDE, Role
from agents.workspace.changes import WorkspaceChanges
from workflows.context import WorkflowContext
from workflows.observed.baseline import noted_baseline
from workflows.observed.changes import changes_since, diff_artifact, files_changed
from workflows.observed.last_look import last_look
from workflows.reports import AgentReport, ArtifactReport, Say
from workflows.run_claude.contract import CommandDone
from workflows.run_claude.role import role_for, told
from workflows.run_claude.state import State, Update
from workflows.team import Team
from workflows.wording import counted

if TYPE_CHECKING:
    from workflows.workflow import Graph

GraphRuntime: TypeAlias = Runtime[WorkflowContext]

_CLAUDE_CLI = "claude-cli"


def build() -> "Graph":
    """The graph, uncompiled."""
    graph: Any = StateGraph(State, context_schema=WorkflowContext)  # the library's own types are only partly known
    graph.add_node("survey", survey)
    graph.add_node("claude", claude)
    graph.add_edge(START, "survey")
    graph.add_edge("survey", "claude")
    graph.add_edge("claude", END)
    return graph


async def survey(state: State, runtime: GraphRuntime) -> Update:
    """Check that it is Claude who will work, and note how the workspace looks if it may write."""
    context = runtime.context
    _refuse_others(context.team)
    role = role_for(state["allowed_tools"], state["max_turns"])
    if role.access != "write":
        return Update(baseline="")
    return Update(baseline=await noted_baseline(role.name, context, runtime.stream_writer))


async def claude(state: State, runtime: GraphRuntime) -> Update:
    """Have it work, and look at what has really changed, also where it fails."""
    context, say = runtime.context, runtime.stream_writer
    role = role_for(state["allowed_tools"], state["max_turns"])
    say(AgentReport(role.name, Progressed(message=told(role))))
    try:
        reply = await context.perform(role, state["prompt"], say)
    except AgentError as error:
        await _report_what_is_left(role, state, context, say)
        raise _helpful(error, role) from error
    answer = reply.text.strip()
    if not answer:
        raise ReplyInvalid("Claude ended without an answer.")
    say(ArtifactReport(agent=role.name, name="answer.md", media_type="text/markdown", text=answer, title="Answer"))
    changes = await _observed(role, state, context, say)
    cost = reply.usage.cost_usd
    commands = [CommandDone(command=run.command, ok=run.ok, seconds=run.seconds) for run in reply.commands]
    summary = f"{_changes_told(changes)}; {counted(len(commands), 'command')}"
    say(AgentReport(role.name, Found(message=summary, details={"cost_usd": cost, "commands": len(commands)})))
    return Update(
        answer=answer,
        files=files_changed(changes) if changes.known else None,
        commands=[command.model_dump() for command in commands],
        cost_usd=cost,
    )


def _refuse_others(team: Team) -> None:
    """See that the role is filled by the Claude CLI, or by a script that says it is one.

    Raises:
        AgentMisconfigured: It is filled by another agent, which has no such tools and sub-agents.
    """
    agent = team.agent_for(CLAUDE.name)
    if not agent.offline and not agent.name.startswith(_CLAUDE_CLI):
        raise AgentMisconfigured(
            f"run_claude runs the Claude CLI, and the role {CLAUDE.name} is set to run on {agent.name}.",
            recovery=("Install Claude Code, and set AGENT_WORKFLOWS_MODEL_CLAUDE=claude-cli", "or use `ask`"),
        )


async def _observed(role: Role, state: State, context: WorkflowContext, say: Say) -> WorkspaceChanges:
    if role.access != "write":
        return WorkspaceChanges(files=(), diff="")
    changes = await changes_since(state["baseline"], role.name, context, say)
    if changes.diff:
        say(diff_artifact(role.name, changes.diff))
    return changes


async def _report_what_is_left(role: Role, state: State, context: WorkflowContext, say: Say) -> None:
    async def look() -> Found:
        changes = await _observed(role, state, context, say)
        files = [f"{change.change} {change.path}" for change in changes.files]
        return Found(message=f"failed, and left: {_changes_told(changes)}", details={"files": files})

    await last_look(role.name, look, say)


def _helpful(error: AgentError, role: Role) -> AgentError:
    """The same error; of a limit of turns with the remedy that this workflow offers."""
    if not isinstance(error, TurnLimitReached):
        return error
    remedies = ("Raise max_turns, or split the task into smaller ones",)
    return TurnLimitReached(
        f"Claude used all of its {role.max_turns} rounds.", recovery=remedies, partial=error.partial
    )


def _changes_told(changes: WorkspaceChanges) -> str:
    if not changes.known:
        return "changes unknown"
    return f"{counted(len(changes.files), 'file')} changed (+{changes.lines.added} -{changes.lines.removed} lines)"
