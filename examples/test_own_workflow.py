"""How a workflow of your own is tested: its agents play a script, so no model is asked and nothing is left to chance.

Run it with `pytest examples/test_own_workflow.py`.
"""

import asyncio
from pathlib import Path
from typing import Any

from own_workflow import HaikuOutput, build

from agents.command_runner import command_runner
from agents.script import Script, Turn
from agents.scripted_agent import ScriptedAgent
from workflows.budget import Budget, Limits
from workflows.context import WorkflowContext
from workflows.team import Team


async def played(script: Script, subject: str, workspace: Path) -> HaikuOutput:
    """Run the graph from its input to its output, with the script in every role."""
    async with command_runner() as commands:
        context = WorkflowContext(
            run_id="test",
            workspace=workspace,
            team=Team(ScriptedAgent(script, commands.run)),
            budget=Budget(Limits()),
            commands=commands.run,
            private_directory=workspace.parent / "private",
        )
        graph: Any = build()
        return HaikuOutput.model_validate(await graph.compile().ainvoke({"subject": subject}, context=context))


def test_the_critic_sends_a_haiku_back_until_it_is_good(tmp_path: Path) -> None:
    """One turn for each time a role is asked: words for the poet, the reply's fields for the critic."""
    script: Script = {
        "poet": [Turn(text="First snow."), Turn(text="First snow on the pond,\nand ...")],
        "critic": [
            Turn(data={"approved": False, "advice": "A haiku has three lines."}),
            Turn(data={"approved": True, "advice": ""}),
        ],
    }

    output = asyncio.run(played(script, "the first snow", tmp_path))

    assert output == HaikuOutput(haiku="First snow on the pond,\nand ...", approved=True, versions=2)
