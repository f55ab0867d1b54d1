import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from agents.command_runner import command_runner
from agents.script import Script, Turn
from tests.workflows.graph_play import GraphPlay
from workflows.catalog import Catalog
from workflows.workflow import Workflow

pytestmark = pytest.mark.anyio

FILE = Path(__file__).parents[2] / "examples" / "own_workflow.py"


def haiku() -> Workflow:
    return Catalog.with_own([str(FILE)]).get("haiku")


async def written(tmp_path: Path, script: Script) -> tuple[GraphPlay, dict[str, object]]:
    async with command_runner() as runner:
        play = GraphPlay.of(haiku(), tmp_path, script, runner.run)
        output: BaseModel = await play.run(subject="rain")
    return play, output.model_dump()


async def test_the_critic_sends_it_back_until_it_is_good(tmp_path: Path) -> None:
    script: Script = {
        "poet": [Turn(text="first"), Turn(text="second")],
        "critic": [Turn(data={"approved": False, "advice": "shorter"}), Turn(data={"approved": True, "advice": ""})],
    }

    play, output = await written(tmp_path, script)

    assert output == {"haiku": "second", "approved": True, "versions": 2}
    assert play.nodes == ["poet", "critic", "poet", "critic"]
    assert [report.text for report in play.artifacts("haiku.txt")] == ["first", "second"]


async def test_the_poet_hears_what_the_critic_says(tmp_path: Path) -> None:
    prompts: list[str] = []

    script: Script = {
        "poet": lambda task: (prompts.append(task.prompt), Turn(text="a haiku"))[1],
        "critic": [Turn(data={"approved": False, "advice": "shorter"}), Turn(data={"approved": True, "advice": ""})],
    }

    await written(tmp_path, script)

    assert "rain" in prompts[0]
    assert "a haiku" in prompts[1]
    assert "shorter" in prompts[1]


async def test_they_do_not_disagree_for_ever(tmp_path: Path) -> None:
    never = [Turn(data={"approved": False, "advice": "no"})] * 9

    _, output = await written(tmp_path, {"poet": [Turn(text="again")] * 9, "critic": never})

    assert output == {"haiku": "again", "approved": False, "versions": 3}


def test_to_offer_it_the_graph_library_is_not_imported() -> None:
    code = f"import sys; from workflows.catalog import load; load({str(FILE)!r}); print('langgraph' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.strip() == "False"
