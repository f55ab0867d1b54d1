"""Looks at what an agent that may write has really done: files, diff, test runs."""

from dataclasses import dataclass

import anyio.to_thread

from agents.agent import AgentReply
from agents.command_runner import command_runner
from agents.events import Details, Progressed
from agents.roles import Role
from agents.workspace.changes import Workspace
from agents.workspace.source_facts import source_facts
from workflows.build_feature.contract import FileChanged, TestRun
from workflows.build_feature.facts import code_details, code_summary
from workflows.build_feature.observed_tests import observed_tests
from workflows.build_feature.state import Json, State
from workflows.context import WorkflowContext
from workflows.reports import AgentReport, ArtifactReport, Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was seen after an agent's round.

    Attributes:
        files: Every file changed since the run began, as in the state.
        diff: The same as a unified diff.
        runs: The agent's test runs in this round.
        summary: One line for people.
        details: Facts for the event that reports the round.
    """

    files: list[Json]
    diff: str
    runs: list[TestRun]
    summary: str
    details: Details

    @property
    def tests_run(self) -> list[Json]:
        """The test runs, as in the state."""
        return [run.model_dump() for run in self.runs]


async def observe(role: Role, reply: AgentReply, state: State, context: WorkflowContext, say: Say) -> Observation:
    """Compare the workspace with how it was when the run began, and report the diff.

    Args:
        role: Who has worked.
        reply: What came of it; only its observed commands are used.
        state: Before this round.
        context: The run's.
        say: The node's stream writer.
    """
    async with command_runner() as commands:
        workspace = Workspace(context.workspace, commands.run, context.run_id)
        changes = await workspace.changes_since(state["baseline"])
    diff = changes.diff
    if changes.problem:
        say(AgentReport(role.name, Progressed(message=changes.problem)))
        diff = f"# {changes.problem}\n{diff}"
    if diff != state["diff"]:
        title = "Changes since the run began"
        say(ArtifactReport(agent=role.name, name="changes.diff", media_type="text/x-diff", text=diff, title=title))
    present = [change.path for change in changes.files if change.change != "deleted"]
    facts = await anyio.to_thread.run_sync(source_facts, context.workspace, present)
    runs = observed_tests(reply.commands)
    return Observation(
        files=[FileChanged(path=change.path, change=change.change).model_dump() for change in changes.files],
        diff=diff,
        runs=runs,
        summary=code_summary(changes.files, facts, runs),
        details=code_details(changes.files, facts, runs),
    )
