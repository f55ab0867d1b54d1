"""A run outlives its call, its client and its server, and nothing that was finished is done again."""

import signal
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.system.own_workflows.stages import NAMES
from tests.system.place import OWN_WORKFLOWS, Place
from tests.system.wire import LEGACY, MODERN, Json, WireClient

pytestmark = pytest.mark.anyio

ERAS = pytest.mark.parametrize("era", [MODERN, LEGACY])


def serve(place: Place, era: str = MODERN, *, name: str = "wire") -> AbstractAsyncContextManager[WireClient]:
    arguments = ("--offline", "--workflow", str(OWN_WORKFLOWS / "stages.py"))
    return place.server(*arguments, era=era, name=name)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.below(tmp_path)


async def killed_in(place: Place, stage: str, era: str = MODERN) -> str:
    """A run whose server was killed in a stage; its id."""
    (place.workspace / f"hold-{stage}").touch()
    async with serve(place, era) as client:
        await client.open()
        request = await client.call("stages", {"task": "go"})
        event = await client.progress(request, message=f"worker: {stage} is under way")
        client.kill(signal.SIGKILL)
        await client.ended()
    (place.workspace / f"hold-{stage}").unlink()
    return str(event["run_id"])


def done(place: Place) -> list[str]:
    return (place.workspace / "done.txt").read_text().split()


def completed(events: list[Json]) -> list[str]:
    return [event["stage"] for event in events if event["type"] == "stage_completed"]


@ERAS
async def test_after_a_kill_in_the_third_of_four_stages_the_same_call_goes_on(place: Place, era: str) -> None:
    run_id = await killed_in(place, "check", era)
    async with serve(place, era) as client:
        await client.open()
        request = await client.call("stages", {"task": "go"})
        first = await client.progress(request)
        result = (await client.answer(request))["result"]["structuredContent"]
        events = await client.log_of(run_id)
        lines = client.frames(request)
    assert first["run_id"] == result["run_id"] == run_id
    assert lines[0]["message"].startswith(f"resumed run {run_id}")
    assert (result["status"], result["result"]) == ("completed", {"answer": "go plan build check tell"})
    assert done(place) == ["plan", "build", "check", "check", "tell"]
    assert completed(events) == list(NAMES)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    (resumed,) = (event for event in events if event["type"] == "workflow_resumed")
    assert resumed["next"] == ["check"]


async def test_a_log_whose_last_write_was_torn_goes_on_from_what_is_whole(place: Place) -> None:
    run_id = await killed_in(place, "check")
    torn = place.home / "runs.sqlite3-wal"
    whole = torn.read_bytes()
    torn.write_bytes(whole[:-100])
    async with serve(place) as client:
        await client.open()
        result = await client.told("stages", {"task": "go"})
        events = await client.log_of(run_id)
    assert (result["run_id"], result["status"]) == (run_id, "completed")
    assert done(place) == ["plan", "build", "check", "check", "tell"]
    assert completed(events) == list(NAMES)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


async def test_nobody_is_charged_until_somebody_asks(place: Place) -> None:
    run_id = await killed_in(place, "build")
    async with serve(place) as client:
        await client.open()
        (listed,) = (await client.told("list_runs", {}))["runs"]
        report = await client.told("get_run", {"run_id": run_id, "wait_seconds": 1})
        assert (listed["status"], report["status"]) == ("interrupted", "interrupted")
        assert "resume_run" in report["summary"]
        assert done(place) == ["plan", "build"]
        resumed = await client.told("resume_run", {"run_id": run_id})
    assert (resumed["status"], resumed["result"]) == ("completed", {"answer": "go plan build check tell"})
    assert done(place) == ["plan", "build", "build", "check", "tell"]


async def test_resuming_a_run_that_is_over_or_nobodys_is_refused_in_words(place: Place) -> None:
    async with serve(place) as client:
        await client.open()
        run = await client.told("stages", {"task": "go"})
        over = await client.called("resume_run", {"run_id": run["run_id"]})
        unknown = await client.called("resume_run", {"run_id": "nobody"})
    assert "is over: it is completed" in over["content"][0]["text"]
    assert "there is no run 'nobody'" in unknown["content"][0]["text"]
    assert over["isError"]
    assert unknown["isError"]


async def test_the_terminal_resumes_too(place: Place) -> None:
    run_id = await killed_in(place, "tell")
    ended = await place.command("resume", run_id[:8], "--offline", "--workflow", str(OWN_WORKFLOWS / "stages.py"))
    assert ended.exit_code == 0, ended.stderr
    assert "go plan build check tell" in ended.stdout
    assert done(place) == ["plan", "build", "check", "tell", "tell"]


async def test_a_client_whose_clock_is_known_is_answered_before_it_gives_up(tmp_path: Path) -> None:
    place = Place.below(tmp_path, AGENT_WORKFLOWS_CLIENT_SECONDS="wire-in-a-hurry=1")
    (place.workspace / "hold-plan").touch()
    async with serve(place, name="wire-in-a-hurry") as client:
        await client.open()
        handle = await client.told("stages", {"task": "go"})
        assert handle["status"] in {"queued", "running"}, "its first stage is held until it is answered"
        assert f"get_run with run_id {handle['run_id']}" in handle["summary"]
        (place.workspace / "hold-plan").unlink()
        again = await client.told("stages", {"task": "go"})
        assert again["run_id"] == handle["run_id"] or again["status"] == "completed"
        await client.over(handle["run_id"])
    assert done(place) == list(NAMES)


async def test_a_fork_begins_after_a_stage_with_another_input_and_a_replay_calls_nobody(place: Place) -> None:
    async with serve(place) as client:
        await client.open()
        source = await client.told("stages", {"task": "go"})
        fork = await client.told(
            "fork_run", {"run_id": source["run_id"], "stage": "build", "changes": {"task": "anew"}}
        )
        before = done(place)
        request = await client.call("replay_run", {"run_id": source["run_id"], "speed": 1000})
        replayed = (await client.answer(request))["result"]["structuredContent"]
        lines = client.frames(request)
    assert fork["run_id"] != source["run_id"]
    assert fork["result"] == {"answer": "go plan build check tell"}
    assert before == [*NAMES, "check", "tell"] == done(place)
    assert replayed == source
    assert lines[0]["message"].startswith(f"replay of run {source['run_id']}")
    assert lines[-1]["progress"] == 100


@pytest.fixture
async def client(place: Place) -> AsyncGenerator[WireClient]:
    async with serve(place) as client:
        await client.open()
        yield client


async def test_an_instruction_reaches_a_run_under_way(place: Place, client: WireClient) -> None:
    (place.workspace / "hold-plan").touch()
    request = await client.call("stages", {"task": "go"})
    run_id = (await client.progress(request, message="worker: plan is under way"))["run_id"]
    steered = await client.told("steer_run", {"run_id": run_id, "text": "mind the tests"})
    assert steered["run_id"] == run_id
    event = await client.progress(request, message="wire: mind the tests")
    assert event["type"] == "agent_event"
    (place.workspace / "hold-plan").unlink()
    await client.answer(request)
    late = await client.called("steer_run", {"run_id": run_id, "text": "too late"})
    assert "is over" in late["content"][0]["text"]
