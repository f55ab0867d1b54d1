"""A graph that knows nothing of this program, through the real server: beside others that cannot be offered."""

from pathlib import Path

import jsonschema
import pytest

from tests.system.place import Place
from tests.system.test_progress import assert_true_to_log
from tests.system.wire import MODERN

pytestmark = pytest.mark.anyio

EXAMPLE = Path(__file__).parents[2] / "examples" / "bare_graph.py"


async def test_it_is_a_tool_that_streams_asks_and_goes_on_and_broken_ones_do_not_stop_it(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    (tmp_path / "broken.py").write_text("import no_such_module_anywhere\n")
    clash = tmp_path / "clash.py"
    clash.write_text(EXAMPLE.read_text().replace('name="postcard"', 'name="research"'))
    offered = (f"--workflow={path}" for path in (tmp_path / "broken.py", clash, EXAMPLE))
    async with place.server(*offered, era=MODERN, capabilities={}) as client:
        told = (await client.open())["result"]
        assert "broken.py cannot be imported" in told["instructions"]
        assert "there is a workflow named 'research' already" in told["instructions"]

        (tool,) = [tool for tool in (await client.asked("tools/list"))["result"]["tools"] if tool["name"] == "postcard"]
        assert {"topic", "text", "sent", "workspace", "max_cost_usd"} <= set(tool["inputSchema"]["properties"])
        assert "approve" in await client.resource("workflows://postcard/graph")

        request = await client.call("postcard", {"topic": "snow"})
        waiting = (await client.answer(request))["result"]["structuredContent"]
        assert waiting["status"] == "waiting"
        assert "Shall this postcard be sent?" in waiting["summary"]
        assert_true_to_log(client.events(request), await client.log_of(waiting["run_id"]))

        done = await client.told("answer_run", {"run_id": waiting["run_id"], "answer": "yes"})
        jsonschema.validate(done, tool["outputSchema"])
        assert done["result"] == {"topic": "snow", "text": "Snow fell all night. Wish you were here!", "sent": True}

        log = await client.log_of(done["run_id"])
        tokens = [event["text"] for event in log if event["type"] == "token_stream"]
        assert "".join(tokens) == "Snow fell all night. Wish you were here!"
        assert len(tokens) > 3
        assert [event["stage"] for event in log if event["type"] == "stage_completed"] == ["write", "approve", "stamp"]
        assert any(event["message"].endswith("the stamp is on") for event in log)
    await place.deserted(3)
    assert "A workflow is left out" in client.said
