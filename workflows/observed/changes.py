"""What has changed in a run's workspace since the run began."""

from agents.events import Progressed
from agents.workspace.changes import WorkspaceChanges
from workflows.context import WorkflowContext
from workflows.observed.baseline import workspace_of
from workflows.observed.file_changed import FileChanged
from workflows.plain_state import Json
from workflows.reports import AgentReport, ArtifactReport, Say


async def changes_since(baseline: str, agent: str, context: WorkflowContext, say: Say) -> WorkspaceChanges:
    """Compare the workspace with how it was, and say what stands against it.

    Args:
        baseline: From `noted_baseline`.
        agent: In whose name a problem is told.
        context: The run's.
        say: The node's stream writer.
    """
    changes = await workspace_of(context).changes_since(baseline)
    if changes.problem:
        say(AgentReport(agent, Progressed(message=changes.problem)))
    return changes


def files_changed(changes: WorkspaceChanges) -> list[Json]:
    """The files, as in the state."""
    return [FileChanged(path=change.path, change=change.change).model_dump() for change in changes.files]


def diff_artifact(agent: str, diff: str) -> ArtifactReport:
    """The changes as they are kept whole.

    Args:
        agent: Who has worked last.
        diff: A unified diff.
    """
    title = "Changes since the run began"
    return ArtifactReport(agent=agent, name="changes.diff", media_type="text/x-diff", text=diff, title=title)
