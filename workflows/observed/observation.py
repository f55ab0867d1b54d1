"""What is seen of the work of an agent that may write: files, diff, test runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypedDict

from agents.agent import CommandRun
from agents.events import Details, Found
from agents.roles import Role
from agents.workspace.source_facts import source_facts
from agents.workspace.stoppable import in_stoppable_thread
from workflows.context import WorkflowContext
from workflows.observed.changes import changes_since, diff_artifact, files_changed
from workflows.observed.code_facts import code_details, code_summary
from workflows.observed.last_look import last_look
from workflows.observed.observed_tests import observed_tests
from workflows.observed.run_of_tests import TestRun
from workflows.plain_state import Json
from workflows.reports import Say


class Observed(TypedDict):
    """What a state has to hold for its run's workspace to be observed.

    Attributes:
        baseline: How the workspace was when the run began: from `noted_baseline`.
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
    changes = await changes_since(state["baseline"], role.name, context, say)
    diff = f"# {changes.problem}\n{changes.diff}" if changes.problem else changes.diff
    files = files_changed(changes)
    if diff != state["diff"]:
        say(diff_artifact(role.name, diff))
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
    """Report what an agent has left that failed, if it can be seen in time.

    Args:
        role: Who has failed.
        commands: What it has run.
        state: Before this round.
        context: The run's.
        say: The node's stream writer.
    """

    async def look() -> Found:
        seen = await observe(role, commands, state, context, say)
        tests = [run.model_dump(include={"command", "passed", "seconds"}) for run in seen.runs]
        return Found(message=f"failed, and left: {seen.summary}", details={**seen.details, "tests": tests})

    await last_look(role.name, look, say)
