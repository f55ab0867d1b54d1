"""What is played with `--offline` in the place of models: each workflow's own script."""

import importlib
from collections.abc import Sequence

from agents.agent import AgentTask
from agents.command_runner import RunCommand
from agents.errors import ScriptEnded
from agents.script import Script
from agents.scripted_agent import ScriptedAgent
from workflows.runs.errors import WorkflowBroken
from workflows.workflow import Workflow


def offline_agent(workflows: Sequence[Workflow], run_command: RunCommand) -> ScriptedAgent:
    """The agent that fills every role of every workflow, without a model.

    Args:
        workflows: Those it can play; one that has no script is refused when its first agent is asked.
        run_command: Runs the scripts' commands.
    """
    by_name = {workflow.name: workflow for workflow in workflows}

    def script_for(task: AgentTask) -> Script:
        workflow = by_name.get(task.workflow)
        if workflow is None or workflow.offline is None:
            raise ScriptEnded(
                f"The workflow {task.workflow!r} has no script to be played offline.",
                recovery=("Run it without --offline", "or give its Workflow an `offline`: docs/own-workflow.md"),
            )
        return _made(workflow, task)

    return ScriptedAgent(script_for, run_command)


def _made(workflow: Workflow, task: AgentTask) -> Script:
    """The script of a task's run.

    Raises:
        WorkflowBroken: It cannot be loaded or made: whatever its module raises is its author's to mend.
    """
    make = workflow.offline
    try:
        if isinstance(make, str):
            module_name, _, attribute = make.partition(":")
            make = getattr(importlib.import_module(module_name), attribute)
        return make(task) if make is not None else {}
    except Exception as error:  # somebody's own code: it can raise anything
        raise WorkflowBroken(
            f"The offline script of workflow {workflow.name!r} cannot be made: {type(error).__name__}: {error}",
            recovery=("Report it to the workflow's author, or mend what its `offline` names",),
        ) from error
