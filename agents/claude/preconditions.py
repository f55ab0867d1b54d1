"""What must hold before a `claude` is started."""

import os
from collections.abc import Mapping

from agents.agent import AgentTask
from agents.errors import AgentMisconfigured, CostLimitReached, TimeLimitReached, TurnLimitReached
from agents.processes.environment import MAX_DEPTH, depth_of


def refuse_what_cannot_work(task: AgentTask, environ: Mapping[str, str]) -> None:
    """Check what the CLI would not, or would take for something else.

    Args:
        task: What is asked.
        environ: The environment of this server.

    Raises:
        AgentError: Names the field and its problem.
    """
    if not task.workspace.is_dir():
        raise AgentMisconfigured(
            f"The workspace {task.workspace} is not an existing directory.",
            recovery=("Create it, or pass the path of another one as `workspace`",),
        )
    if not os.access(task.workspace, os.R_OK | os.X_OK):
        raise AgentMisconfigured(
            f"The workspace {task.workspace} may not be read by this user.",
            recovery=("Change its permissions, or pass another one as `workspace`",),
        )
    if task.max_turns is not None and task.max_turns < 1:  # the CLI takes 0 for "no limit"
        raise TurnLimitReached(f"max_turns is {task.max_turns}: no round is left.")
    if task.max_cost_usd is not None and task.max_cost_usd <= 0:
        raise CostLimitReached("Nothing is left of the money the run may cost (max_cost_usd).")
    if task.max_seconds is not None and task.max_seconds <= 0:
        raise TimeLimitReached("Nothing is left of the time the run may take (max_seconds).")
    if depth_of(environ) >= MAX_DEPTH:
        raise AgentMisconfigured(
            f"This server runs inside {MAX_DEPTH} others that agents have started; no further agent is started.",
            recovery=("Do this piece of work directly, without starting another workflow",),
        )
