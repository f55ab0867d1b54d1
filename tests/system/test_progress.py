"""Progress of a call, on the wire: what each line is, when it comes, and that nothing is told that is not in the log.

The rules that hold for every line of every call (rising, at most 10 a second, one line, gapless, none after the
answer) are checked by `WireClient.audit` at the end of every connection of every test.
"""

from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tests.fakes import claude_cli
from tests.system.place import FAKE_CLAUDE, OWN_WORKFLOWS, Place
from tests.system.wire import Json, WireClient

pytestmark = pytest.mark.anyio

TELLING = {
    "workflow_started",
    "stage_started",
    "supervisor_event",
    "reasoning_step",
    "tool_start",
    "workflow_completed",
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place.below(tmp_path_factory.mktemp("progress"))


@pytest.fixture(scope="module")
async def client(place: Place) -> AsyncGenerator[WireClient]:
    """A server that has run a workflow before, as it is after its first moments."""
    async with place.server("--offline", "--workflow", str(OWN_WORKFLOWS / "talk.py")) as client:
        await client.open()
        (place.workspace / "go").touch()
        await client.answer(await client.call("talk", {"task": "warm up"}, progress=False))
        (place.workspace / "go").unlink()
        yield client


@pytest.fixture(scope="module")
async def request_of_a_run(client: WireClient) -> int:
    """A call of build_feature that was answered."""
    request = await client.call("build_feature", {"task": "slugs"})
    await client.answer(request)
    return request


def is_telling(event: Json) -> bool:
    """Whether this must reach the client as a line of its own."""
    if event["type"] == "agent_event":
        return event["event_type"] in {"think", "decision", "result"}
    return event["type"] in TELLING


def without_range(event: Json) -> Json:
    return {name: value for name, value in event.items() if name not in {"first_seq", "last_seq"}}


def assert_true_to_log(told: Sequence[Json], log: Sequence[Json]) -> None:
    """Every event that was told is in the log just so, and together they cover all of it."""
    assert [without_range(event) for event in told] == [log[event["seq"] - 1] for event in told]
    assert told[0]["first_seq"] == 1
    assert told[-1]["last_seq"] == len(log)


async def test_the_first_line_comes_at_once_and_names_the_run(client: WireClient, request_of_a_run: int) -> None:
    line, event = client.lines(request_of_a_run)[0], client.events(request_of_a_run)[0]
    assert line.at - client.sent_at(request_of_a_run) < 1.0  # 0.1 s are promised; the benchmark measures that
    assert event["type"] == "workflow_started"
    assert event["run_id"] in line.message["params"]["message"]


async def test_a_run_is_told_true_to_its_log_up_to_a_last_line_before_the_result(
    client: WireClient, request_of_a_run: int
) -> None:
    told = client.events(request_of_a_run)
    assert_true_to_log(told, await client.log_of(told[0]["run_id"]))
    assert told[-1]["type"] == "workflow_completed"
    *earlier, last = [frame["progress"] for frame in client.frames(request_of_a_run)]
    assert last == 100 > max(earlier)


async def test_everything_telling_is_a_line_of_its_own_in_its_order(client: WireClient, place: Place) -> None:
    request = await client.call("talk", {"task": "about much"})
    await client.progress(request, type="agent_event", event_type="result", message="talker: result 1")
    (place.workspace / "go").touch()
    result = (await client.answer(request))["result"]["structuredContent"]
    (place.workspace / "go").unlink()
    told, log = client.events(request), await client.log_of(result["run_id"])
    assert_true_to_log(told, log)
    assert [event["seq"] for event in told if is_telling(event)] == [event["seq"] for event in log if is_telling(event)]
    assert len([event for event in told if is_telling(event)]) == 11
    pieces = [event for event in log if event["type"] == "token_stream"]
    assert len([event for event in told if event["type"] == "token_stream"]) <= 2 < len(pieces)
    texts = [frame["message"] for frame in client.frames(request)]
    for start in ("talker 🧠 thought 0", "talker 🎯 decision 1", "talker 🔧 Read a.py", "talker ✅ result 1"):
        assert any(text.startswith(start) for text in texts), texts


async def test_a_call_without_a_progress_token_is_told_nothing(client: WireClient) -> None:
    before = len(client.received)
    request = await client.call("build_feature", {"task": "slugs in silence"}, progress=False)
    answer = await client.answer(request)
    assert answer["result"]["structuredContent"]["status"] == "completed"
    assert [item.message for item in client.received[before:]] == [answer]


async def test_a_silent_agent_is_no_silent_call(tmp_path: Path) -> None:
    place = Place.below(tmp_path, AGENT_WORKFLOWS_CLAUDE=str(FAKE_CLAUDE), FAKE_CLAUDE=claude_cli.works_on.__name__)
    async with place.server() as client:
        await client.open()
        request = await client.call("build_feature", {"task": "nothing happens"})

        def beats() -> list[Json]:
            return [event for event in client.events(request) if event.get("waiting_for") == "model"]

        # At the program's real pace: no setting makes it faster, and a faster one would prove nothing.
        await client.message(lambda _: len(beats()) == 2, within=30)
        await client.told("cancel_run", {"run_id": beats()[0]["run_id"]})
        times = [line.at for line in client.lines(request)]
        assert max(later - earlier for earlier, later in pairwise(times)) < 10
        assert {(beat["type"], beat["agent"]) for beat in beats()} == {("heartbeat", "supervisor")}
        assert all("waiting for the model" in beat["message"] for beat in beats())
        assert beats()[1]["seconds"] > beats()[0]["seconds"] > 0
