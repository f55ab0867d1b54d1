"""Looks at what an agent that may write has really done: files, diff, test runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypedDict

import anyio

from agents.agent import CommandRun
from agents.events import Details, Found, Progressed
from agents.roles import Role
from agents.workspace.changes import Workspace
from agents.workspace.source_facts import source_facts
from agents.workspace.stoppable import in_stoppable_thread
from workflows.build_feature.contract import FileChanged, TestRun
from workflows.build_feature.facts import code_details, code_summary
from workflows.build_feature.observed_tests import observed_tests
from workflows.build_feature.state import Json
from workflows.context import WorkflowContext
from workflows.reports import AgentReport, ArtifactReport, Say

LAST_LOOK_SECONDS = 10.0
"""How long it may take to see what an agent that failed has left."""


class Observed(TypedDict):
    """What a state has to hold for its run's workspace to be observed.

    Attributes:
        baseline: How the workspace was when the run began: from `Workspace.baseline`.
        files: Files changed since then, at the last look.
        diff: The same as a unified diff.
        changes_known: Whether that look could compare.
    """

    baseline: str
    files: list[Json]
    diff: str
    changes_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was seen after an agent's round.

    Attributes:
        known: Whether the workspace could be compared with how it was.
        changed: Whether it has changed in this round; None where that is not known.
        files: Every file changed since the run began, as in the state; where they are not known, those of before.
        diff: The same as a unified diff.
        runs: The agent's test runs in this round.
        summary: One line for people.
        details: Facts for the event that reports the round.
    """

    known: bool
    changed: bool | None
    files: list[Json]
    diff: str
    runs: list[TestRun]
    summary: str
    details: Details

    @property
    def tests_run(self) -> list[Json]:
        """The test runs, as in the state."""
        return [run.model_dump() for run in self.runs]


def workspace_of(context: WorkflowContext) -> Workspace:
    """The run's workspace, to be observed."""
    return Workspace(context.workspace, context.commands, context.private_directory / "workspace", context.run_id)


async def observe(
    role: Role, commands: Sequence[CommandRun], state: Observed, context: WorkflowContext, say: Say
) -> Observation:
    """Compare the workspace with how it was when the run began, and report the diff.

    Args:
        role: Who has worked.
        commands: What it has run.
        state: Before this round.
        context: The run's.
        say: The node's stream writer.
    """
    changes = await workspace_of(context).changes_since(state["baseline"])
    diff = changes.diff
    if changes.problem:
        say(AgentReport(role.name, Progressed(message=changes.problem)))
        diff = f"# {changes.problem}\n{diff}"
    files = [FileChanged(path=change.path, change=change.change).model_dump() for change in changes.files]
    if diff != state["diff"]:
        title = "Changes since the run began"
        say(ArtifactReport(agent=role.name, name="changes.diff", media_type="text/x-diff", text=diff, title=title))
    present = [change.path for change in changes.files if change.change != "deleted"]
    facts = await in_stoppable_thread(partial(source_facts, context.workspace, present))
    runs = observed_tests(commands)
    compared = changes.known and state["changes_known"]
    return Observation(
        known=changes.known,
        changed=(diff, files) != (state["diff"], state["files"]) if compared else None,
        files=files if changes.known else state["files"],
        diff=diff,
        runs=runs,
        summary=code_summary(changes, facts, runs),
        details=code_details(changes, facts, runs),
    )


async def report_what_is_left(
    role: Role, commands: Sequence[CommandRun], state: Observed, context: WorkflowContext, say: Say
) -> None:
    """Report what an agent has left that failed, within `LAST_LOOK_SECONDS`.

    Args:
        role: Who has failed.
        commands: What it has run.
        state: Before this round.
        context: The run's.
        say: The node's stream writer.
    """
    with anyio.move_on_after(LAST_LOOK_SECONDS) as look:
        seen = await observe(role, commands, state, context, say)
        tests = [run.model_dump(include={"command", "passed", "seconds"}) for run in seen.runs]
        details = {**seen.details, "tests": tests}
        say(AgentReport(role.name, Found(message=f"failed, and left: {seen.summary}", details=details)))
    if look.cancelled_caught:
        say(AgentReport(role.name, Progressed(message="what it has left could not be seen in time")))
