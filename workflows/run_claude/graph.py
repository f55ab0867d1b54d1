"""The graph of `run_claude`: survey -> claude.

`survey` notes how the workspace looks before anybody changes it, in a node of its own: a run that is resumed must not
take half of its own work for what was there before.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from agents.errors import AgentError, AgentMisconfigured, ReplyInvalid, TurnLimitReached
from agents.events import Found, Progressed
from agents.roles import CLAUDE, Role
from agents.workspace.changes import Workspace, WorkspaceChanges
from workflows.build_feature.contract import FileChanged
from workflows.context import WorkflowContext
from workflows.reports import AgentReport, ArtifactReport, Say
from workflows.run_claude.contract import CommandDone
from workflows.run_claude.role import role_for, told
from workflows.run_claude.state import State, Update
from workflows.team import Team

if TYPE_CHECKING:
    from workflows.workflow import Graph

GraphRuntime: TypeAlias = Runtime[WorkflowContext]

LAST_LOOK_SECONDS = 10.0
"""How long it may take to see what an agent that failed has left."""
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
    try:
        return Update(baseline=await _workspace(context).baseline())
    except OSError as error:  # the work can be done all the same; what it changes is then unknown, and said to be
        problem = f"How the workspace looks could not be noted, so its changes will be unknown: {error}"
        _report(runtime.stream_writer, problem)
        return Update(baseline="")


async def claude(state: State, runtime: GraphRuntime) -> Update:
    """Have it work, and look at what has really changed, also where it fails."""
    context, say = runtime.context, runtime.stream_writer
    role = role_for(state["allowed_tools"], state["max_turns"])
    _report(say, told(role))
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
    summary = f"{_changes_told(changes)}; {_counted(len(commands), 'command')}"
    say(AgentReport(role.name, Found(message=summary, details={"cost_usd": cost, "commands": len(commands)})))
    return Update(
        answer=answer,
        files=_files(changes),
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


def _workspace(context: WorkflowContext) -> Workspace:
    return Workspace(context.workspace, context.commands, context.private_directory / "workspace", context.run_id)


async def _observed(role: Role, state: State, context: WorkflowContext, say: Say) -> WorkspaceChanges:
    if role.access != "write":
        return WorkspaceChanges(files=(), diff="")
    changes = await _workspace(context).changes_since(state["baseline"])
    if changes.problem:
        _report(say, changes.problem)
    if changes.diff:
        title = "Changes since the run began"
        say(
            ArtifactReport(
                agent=role.name, name="changes.diff", media_type="text/x-diff", text=changes.diff, title=title
            )
        )
    return changes


async def _report_what_is_left(role: Role, state: State, context: WorkflowContext, say: Say) -> None:
    with anyio.move_on_after(LAST_LOOK_SECONDS) as look:
        changes = await _observed(role, state, context, say)
        files = [f"{change.change} {change.path}" for change in changes.files]
        found = Found(message=f"failed, and left: {_changes_told(changes)}", details={"files": files})
        say(AgentReport(role.name, found))
    if look.cancelled_caught:
        _report(say, "what it has left could not be seen in time")


def _helpful(error: AgentError, role: Role) -> AgentError:
    """The same error; of a limit of turns with the remedy that this workflow offers."""
    if not isinstance(error, TurnLimitReached):
        return error
    remedies = ("Raise max_turns, or split the task into smaller ones",)
    return TurnLimitReached(
        f"Claude used all of its {role.max_turns} rounds.", recovery=remedies, partial=error.partial
    )


def _files(changes: WorkspaceChanges) -> list[dict[str, object]] | None:
    if not changes.known:
        return None
    return [FileChanged(path=change.path, change=change.change).model_dump() for change in changes.files]


def _changes_told(changes: WorkspaceChanges) -> str:
    if not changes.known:
        return "changes unknown"
    return f"{_counted(len(changes.files), 'file')} changed (+{changes.lines.added} -{changes.lines.removed} lines)"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _report(say: Say, message: str) -> None:
    say(AgentReport(CLAUDE.name, Progressed(message=message)))
