"""How a run's workspace was when the run began."""

from agents.events import Progressed
from agents.workspace.changes import Workspace
from workflows.context import WorkflowContext
from workflows.reports import AgentReport, Say


def workspace_of(context: WorkflowContext) -> Workspace:
    """The run's workspace, to be observed."""
    return Workspace(context.workspace, context.commands, context.private_directory / "workspace", context.run_id)


async def noted_baseline(agent: str, context: WorkflowContext, say: Say) -> str:
    """Note how the workspace looks before anybody changes it, for the state's `baseline`.

    It belongs into a node of its own: a run that is resumed must not take half of its own work for what was there
    before.

    Args:
        agent: In whose name a problem is told.
        context: The run's.
        say: The node's stream writer.

    Returns:
        Empty where it could not be noted: what changes is then unknown, and said to be.
    """
    try:
        return await workspace_of(context).baseline()
    except OSError as error:  # the work can be done all the same
        problem = f"How the workspace looks could not be noted, so its changes will be unknown: {error}"
        say(AgentReport(agent, Progressed(message=problem)))
        return ""
