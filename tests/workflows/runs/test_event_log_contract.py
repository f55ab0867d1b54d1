"""What every log of runs does, whatever it keeps them in."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflows.runs.storage import OpenLog, a_run, end, find_out, opened, say, storage, texts, watched
from workflows.runs.errors import InputRejected, LogUnavailable, RunNotFound, RunTakenOver
from workflows.runs.event_json import decode
from workflows.runs.events import (
    GateOpened,
    RunEvent,
    StageStarted,
    ToolStart,
    Truncation,
    UsageRecorded,
    WorkflowError,
    WorkflowStarted,
)
from workflows.runs.log import Artifact, ArtifactInfo, EventLog, RunWriter
from workflows.runs.projection import project_all
from workflows.runs.run import CancelRequest, GateReply, Run, RunFilter, RunStatus, Steering

pytestmark = pytest.mark.anyio

KINDS = ("sqlite", "memory")


@pytest.fixture(params=KINDS)
async def open_log(request: pytest.FixtureRequest) -> AsyncGenerator[OpenLog, None]:
    async with storage(request.param) as open_one:
        yield open_one


@pytest.fixture
async def log(open_log: OpenLog) -> EventLog:
    return await open_log()


@pytest.fixture
async def other(open_log: OpenLog) -> EventLog:
    """The log as another process has it."""
    return await open_log()


async def said_and_stored(writer: RunWriter, text: str) -> None:
    say(writer, text)
    await writer.flush()


async def row(log: EventLog, run_id: str = "run-1") -> Run:
    run = await log.get(run_id)
    assert run is not None
    return run


# Writing


async def test_events_are_numbered_from_one_without_a_gap(log: EventLog) -> None:
    writer = await opened(log)

    seqs = [say(writer, str(number)).seq for number in range(1200)]
    await writer.flush()

    assert seqs == list(range(1, 1201))
    assert [event.seq for event in await log.read("run-1", limit=2000)] == seqs
    assert writer.last_seq == 1200


async def test_what_was_appended_is_what_is_read(log: EventLog) -> None:
    writer = await opened(log)
    cut = Truncation(field="details.text", uri="runs://run-1/artifacts/a.txt", bytes=9000)

    said = say(writer, "a")
    body = UsageRecorded(agent="coder", model="m", input_tokens=1, output_tokens=2, cost_usd=None)
    used = writer.append(body, message="used", progress=2.5, truncated=(cut,))
    await writer.flush()

    assert await log.read("run-1") == [said, used]


@pytest.mark.parametrize(
    ("after", "limit"), [(0, 500), (0, 2000), (499, 2), (500, 500), (733, 10), (1199, 5), (1200, 5)]
)
async def test_texts_are_the_same_events_as_they_are_kept(log: EventLog, after: int, limit: int) -> None:
    writer = await opened(log)
    for number in range(1200):
        say(writer, f'{number} "}},{{"run_id":"run-1","seq":{number + 2}, \u2028 \n')
        if number % 7 == 0:
            await writer.flush()  # rows of several lengths
    await writer.flush()

    read = await log.read_texts("run-1", after, limit)

    events = await log.read("run-1", after, limit)
    assert [decode(one.json) for one in read] == list(events)
    assert [(one.seq, one.type) for one in read] == [(event.seq, event.type) for event in events]
    assert not any(b"\n" in one.json for one in read)


async def test_a_run_that_is_not_there_has_no_texts(log: EventLog) -> None:
    assert list(await log.read_texts("run-1")) == []


async def test_half_a_character_does_not_end_a_run(log: EventLog) -> None:
    writer = await opened(log)

    said = say(writer, "half: \ud83d")
    await writer.flush()

    assert said.message == "half: ?"
    assert await log.read("run-1") == [said]


async def test_what_json_cannot_hold_is_kept_as_text(log: EventLog) -> None:
    writer = await opened(log)

    appended = writer.append(
        WorkflowError(kind="k", error="e", blame="server", recovery=("r",), partial={"at": 1j, "big": 2**70}),
        message="m",
        progress=1.0,
    )
    await writer.flush()

    assert await log.read("run-1") == [appended]
    assert appended.body == replace(appended.body, partial={"at": "1j", "big": str(2**70)})


async def test_a_flush_makes_events_durable(log: EventLog, other: EventLog) -> None:
    writer = await opened(log)

    said = say(writer, "a")
    await writer.flush()

    assert await other.read("run-1") == [said]


async def test_a_flush_of_the_log_makes_every_run_durable(log: EventLog, other: EventLog) -> None:
    first, second = await opened(log, "run-1"), await opened(log, "run-2")

    said = [say(first, "a"), say(second, "b")]
    await log.flush()

    assert [*await other.read("run-1"), *await other.read("run-2")] == said


async def test_nothing_has_to_be_flushed_to_become_durable(log: EventLog, other: EventLog) -> None:
    writer = await opened(log)
    say(writer, "a")
    end(writer)

    with anyio.fail_after(5):
        assert texts(await watched(other)) == ["a", "done"]


async def test_the_row_is_a_projection_of_the_log(log: EventLog, other: EventLog) -> None:
    created, _ = await log.create(a_run())
    writer = await log.open("run-1", "here")
    writer.append(WorkflowStarted(workflow="ask", input={}, stages=(), offline=False), message="go", progress=0.0)
    writer.append(StageStarted(stage="answer", round=1), message="answer", progress=1.0)
    body = UsageRecorded(agent="coder", model="m", input_tokens=3, output_tokens=4, cost_usd=0.5)
    writer.append(body, message="used", progress=2.0)
    await writer.flush()
    midway = await row(other)
    end(writer)
    await writer.flush()

    events = await other.read("run-1")
    assert midway == project_all(replace(created, process="here"), events[:3])
    assert (midway.status, midway.stage, midway.usage.input_tokens) == ("running", "answer", 3)
    assert await row(other) == project_all(replace(created, process="here"), events)
    assert (await row(other)).result == {"answer": "because"}


async def test_nothing_comes_after_the_last_event(log: EventLog) -> None:
    writer = await opened(log)
    end(writer)

    with pytest.raises(RunTakenOver, match="ended"):
        say(writer, "late")
    await writer.flush()
    again = await log.open("run-1", "here")
    with pytest.raises(RunTakenOver, match="ended"):
        say(again, "later")

    assert texts(await log.read("run-1")) == ["done"]


# One writer at a time


async def test_a_run_that_is_not_there_cannot_be_opened(log: EventLog) -> None:
    with pytest.raises(RunNotFound, match="run-9"):
        await log.open("run-9", "here")


async def test_opening_a_run_takes_it_from_its_writer(log: EventLog, other: EventLog) -> None:
    zombie = await opened(log)
    say(zombie, "before")
    await zombie.flush()

    heir = await other.open("run-1", "there")
    say(zombie, "too late")
    with pytest.raises(RunTakenOver):
        await zombie.flush()
    with pytest.raises(RunTakenOver):
        say(zombie, "much too late")
    with pytest.raises(RunTakenOver):
        zombie.save_artifact(Artifact(name="a.md", media_type="text/markdown", body=b"a"))
    say(heir, "after")
    await heir.flush()

    assert [(event.seq, event.message) for event in await log.read("run-1")] == [(1, "before"), (2, "after")]
    assert (await row(log)).process == "there"


async def test_opening_a_run_again_in_the_same_process_takes_it_too(log: EventLog) -> None:
    zombie = await opened(log)
    say(zombie, "before")

    heir = await log.open("run-1", "here")
    with pytest.raises(RunTakenOver):
        say(zombie, "too late")
    say(heir, "after")
    await heir.flush()

    assert texts(await log.read("run-1")) == ["before", "after"]


async def test_the_end_of_one_writer_does_not_touch_the_others(log: EventLog, other: EventLog) -> None:
    writers = [await opened(log, f"run-{number}") for number in range(5)]
    await other.open("run-2", "there")

    for writer in writers:
        say(writer, "a")
        writer.save_artifact(Artifact(name="a.md", media_type="text/markdown", body=b"a"))
    await log.flush()

    stored = {f"run-{number}": texts(await log.read(f"run-{number}")) for number in range(5)}
    assert stored == {"run-0": ["a"], "run-1": ["a"], "run-2": [], "run-3": ["a"], "run-4": ["a"]}
    assert await log.artifacts("run-2") == []
    assert len(await log.artifacts("run-3")) == 1


# Reading


async def test_a_log_is_read_in_pages(log: EventLog) -> None:
    writer = await opened(log)
    for number in range(1, 1601):
        say(writer, str(number))
        if number % 7 == 0:
            await writer.flush()
    await writer.flush()

    pages: list[Sequence[RunEvent]] = []
    after = 0
    while page := await log.read("run-1", after, 300):
        pages.append(page)
        after = page[-1].seq

    assert [len(page) for page in pages] == [300] * 5 + [100]
    assert texts([event for page in pages for event in page]) == [str(number) for number in range(1, 1601)]
    assert texts(await log.read("run-1", 10, 3)) == ["11", "12", "13"]
    assert await log.read("run-1", 0, 0) == []


async def test_reading_begins_behind_any_event_whatever_the_events_say(log: EventLog) -> None:
    """What an event says can look like the beginning of another one."""
    writer = await opened(log)
    for _ in range(12):
        looks_like_events: list[object] = [{"run_id": "run-1", "seq": seq, "time": ""} for seq in range(1, 14)]
        call = ToolStart(
            agent="a", tool="t", call_id="c", input={"like": looks_like_events, "x": [[], looks_like_events]}
        )
        writer.append(call, message='{"run_id":"run-1","seq":7,', progress=1)
    await writer.flush()

    whole = await log.read("run-1")
    assert [await log.read("run-1", after) for after in range(13)] == [whole[after:] for after in range(13)]


@pytest.mark.parametrize(("limit", "expected"), [(0, []), (2, ["6", "7"]), (7, list("1234567")), (9, list("1234567"))])
async def test_a_run_is_read_with_its_newest_events(log: EventLog, limit: int, expected: list[str]) -> None:
    writer = await opened(log)
    for number in range(1, 8):
        say(writer, str(number))
    await writer.flush()

    tail = await log.tail("run-1", limit)
    assert tail is not None
    assert (tail.run, texts(tail.events)) == (await log.get("run-1"), expected)


async def test_a_run_that_is_not_there_has_no_row_and_no_events(log: EventLog) -> None:
    assert await log.get("run-9") is None
    assert await log.tail("run-9", 5) is None
    assert await log.read("run-9") == []
    assert await log.artifacts("run-9") == []
    assert await log.artifact("run-9", "a.md") is None


# Watching


async def test_nobody_sees_an_event_that_is_not_durable(log: EventLog, other: EventLog) -> None:
    writer = await opened(log)

    async def write() -> None:
        for number in range(300):
            say(writer, str(number))
            await anyio.lowlevel.checkpoint()
        end(writer)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            async for batch in log.watch("run-1"):
                if batch:
                    assert await other.read("run-1", batch[0].seq - 1, len(batch)) == list(batch)


async def test_a_watcher_goes_from_the_past_into_the_present_without_gap_or_repeat(log: EventLog) -> None:
    writer = await opened(log)
    for _ in range(1200):
        say(writer, "past")
    await writer.flush()

    seen: list[RunEvent] = []
    with anyio.fail_after(5):
        async for batch in log.watch("run-1", after=5):
            seen += batch
            if writer.last_seq < 2400:
                for _ in range(100):
                    say(writer, "present")
            elif seen[-1].seq == writer.last_seq and seen[-1].message == "present":
                end(writer)

    assert [event.seq for event in seen] == list(range(6, writer.last_seq + 1))
    assert texts(seen[-2:]) == ["present", "done"]


async def test_watchers_have_cursors_of_their_own(log: EventLog) -> None:
    writer = await opened(log)
    say(writer, "a")
    await writer.flush()

    with anyio.fail_after(5):
        async with aclosing(log.watch("run-1")) as early, aclosing(log.watch("run-1", after=1)) as late:
            assert texts(await anext(early)) == ["a"]
            say(writer, "b")
            assert texts(await anext(late)) == ["b"]
            say(writer, "c")
            assert texts(await anext(late)) == ["c"]
            assert texts([*await anext(early), *await anext(early)]) == ["b", "c"]


async def test_a_slow_watcher_misses_nothing_and_keeps_nobody_waiting(log: EventLog) -> None:
    writer = await opened(log)
    seen: list[RunEvent] = []

    with anyio.fail_after(5):
        async with aclosing(log.watch("run-1")) as slow:
            say(writer, "0")
            seen += await anext(slow)
            for number in range(1, 3000):  # while the watcher is busy with what it has
                say(writer, str(number))
                if number % 500 == 0:
                    await writer.flush()
            end(writer)
            await writer.flush()
            async for batch in slow:
                seen += batch

    assert [event.seq for event in seen] == list(range(1, 3002))


async def test_a_watch_ends_after_the_last_event(log: EventLog, other: EventLog) -> None:
    writer = await opened(log)
    seen: list[list[str]] = []

    async def watch(through: EventLog) -> None:
        seen.append(texts(await watched(through)))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch, log)
            tasks.start_soon(watch, other)
            await anyio.lowlevel.checkpoint()
            say(writer, "a")
            end(writer)

    assert seen == [["a", "done"]] * 2


@pytest.mark.parametrize("after", [2, 7])
async def test_watching_on_from_the_end_ends_at_once(log: EventLog, after: int) -> None:
    writer = await opened(log)
    say(writer, "a")
    end(writer)
    await writer.flush()

    with anyio.fail_after(5):
        assert await watched(log, after=after) == []


async def test_watching_from_beyond_the_newest_event_ends_with_the_run(log: EventLog, other: EventLog) -> None:
    writer = await opened(log)

    with anyio.fail_after(5):
        async with aclosing(log.watch("run-1", after=9)) as here, aclosing(other.watch("run-1", after=9)) as there:
            assert (await anext(here), await anext(there)) == ((), ())
            end(writer)
            assert [batch async for batch in here if batch] == []
            assert [batch async for batch in there if batch] == []


async def test_quiet_is_told_by_empty_batches(log: EventLog) -> None:
    writer = await opened(log)

    with anyio.fail_after(5):
        async with aclosing(log.watch("run-1")) as watch:
            assert list(await anext(watch)) == []
            assert list(await anext(watch)) == []
            say(writer, "a")
            assert texts(await anext(watch)) == ["a"]


async def test_runs_of_other_processes_are_watched_as_well(log: EventLog, other: EventLog) -> None:
    writer = await opened(other)

    with anyio.fail_after(5):
        async with aclosing(log.watch("run-1")) as watch:
            for text in ("a", "b", "c"):
                say(writer, text)
                batch = await anext(watch)
                while not batch:
                    batch = await anext(watch)
                assert texts(batch) == [text]


async def test_a_run_that_is_not_there_cannot_be_watched(log: EventLog) -> None:
    with pytest.raises(RunNotFound, match="run-9"):
        await watched(log, "run-9")


async def test_a_watcher_that_goes_leaves_no_task_behind(log: EventLog) -> None:
    writer = await opened(log)
    before = asyncio.all_tasks()

    with anyio.fail_after(5):
        async with aclosing(log.watch("run-1")) as watch:
            say(writer, "a")
            await anext(watch)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watched, log)
            say(writer, "b")
            await writer.flush()
            tasks.cancel_scope.cancel()
        await writer.flush()

    assert asyncio.all_tasks() == before


async def test_a_watch_can_begin_anew_when_the_last_one_has_just_ended(log: EventLog, other: EventLog) -> None:
    writer = await opened(other)

    with anyio.fail_after(5):
        for text in ("a", "b"):
            async with aclosing(log.watch("run-1", after=writer.last_seq)) as watch:
                assert list(await anext(watch)) == []
                say(writer, text)
                assert texts(await anext(watch)) == [text]


async def test_closing_the_log_ends_its_watchers(log: EventLog) -> None:
    await opened(log)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watched, log)
            await anyio.lowlevel.checkpoint()
            await log.close()


# Finding runs, and finding them again


async def test_the_same_request_joins_the_active_run(log: EventLog, other: EventLog) -> None:
    first, created = await log.create(a_run("run-1", "same"))
    second, created_again = await other.create(a_run("run-2", "same"))

    assert (created, created_again) == (True, False)
    assert first == second
    assert await other.get("run-2") is None


@pytest.mark.parametrize(
    ("owner", "key"), [("bob", "same"), ("ann", "different")], ids=["of somebody else", "with another key"]
)
async def test_another_request_is_another_run(log: EventLog, owner: str, key: str) -> None:
    await log.create(a_run("run-1", "same"))

    _, created = await log.create(a_run("run-2", key, owner))

    assert created


async def test_requests_without_a_key_join_nothing(log: EventLog) -> None:
    await log.create(a_run("run-1", ""))

    _, created = await log.create(a_run("run-2", ""))

    assert created


async def test_a_run_that_is_over_is_not_joined_and_an_interrupted_one_is(log: EventLog) -> None:
    await log.create(a_run("run-1", "same"))
    writer = await log.open("run-1", "here")
    end(writer)
    await writer.flush()
    _, second_created = await log.create(a_run("run-2", "same"))
    await log.open("run-2", "here")
    await log.interrupt("run-2", "here")
    third, third_created = await log.create(a_run("run-3", "same"))

    assert (second_created, third_created) == (True, False)
    assert (third.run_id, third.status) == ("run-2", "interrupted")


async def test_of_several_that_claim_an_interrupted_run_one_gets_it(log: EventLog, other: EventLog) -> None:
    await log.create(a_run("run-1"))
    writer = await log.open("run-1", "dead")
    await log.interrupt("run-1", "dead")

    claims = await asyncio.gather(*(each.claim("run-1", f"process-{n}") for n in range(3) for each in (log, other)))

    assert sum(claims) == 1
    run = await log.get("run-1")
    assert run is not None
    assert (run.status, run.process.startswith("process-")) == ("queued", True)
    with pytest.raises(RunTakenOver):
        await said_and_stored(writer, "from the grave")


async def test_a_run_at_work_or_at_its_end_cannot_be_claimed(log: EventLog) -> None:
    await log.create(a_run("run-1"))
    writer = await log.open("run-1", "here")
    assert not await log.claim("run-1", "other")
    end(writer)
    await writer.flush()
    assert not await log.claim("run-1", "other")
    assert not await log.claim("nobody", "other")


async def test_a_parked_run_belongs_to_no_process_until_somebody_claims_it(log: EventLog) -> None:
    await log.create(a_run("run-1"))
    writer = await log.open("run-1", "here")
    writer.append(GateOpened(gate_id="1-a", question="Go on?", schema={"type": "object"}), message="", progress=1)
    await log.park("run-1", "here")
    run = await log.get("run-1")
    assert run is not None
    assert (run.status, run.process, run.parked) == ("waiting", "", True)
    assert [(gate.gate_id, gate.question, gate.schema) for gate in run.gates] == [("1-a", "Go on?", {"type": "object"})]
    with pytest.raises(RunTakenOver):
        await said_and_stored(writer, "too late")
    assert await log.claim("run-1", "there")
    assert not await log.claim("run-1", "here")


async def test_words_reach_the_process_that_works_on_the_run_once_and_when_it_can_hear_them(
    log: EventLog, other: EventLog
) -> None:
    await log.create(a_run("run-1"))
    await log.open("run-1", "here")
    words = [Steering(text="mind the tests", by="Ann"), GateReply(gate_id="1-a", outcome="accepted", answer={"a": [1]})]
    for word in words:
        await other.leave_word("run-1", word)

    assert list(await log.take_words("elsewhere", ["run-1"])) == []
    assert list(await log.take_words("here", [])) == []
    assert list(await log.take_words("here", ["run-2"])) == []
    assert list(await log.take_words("here", ["run-2", "run-1"])) == [("run-1", word) for word in words]
    assert list(await log.take_words("here", ["run-1"])) == []


async def test_requests_at_the_same_time_create_one_run(log: EventLog, other: EventLog) -> None:
    outcomes: list[tuple[Run, bool]] = []

    async def create(number: int) -> None:
        outcomes.append(await (log, other)[number % 2].create(a_run(f"run-{number}", "same")))

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(create, number)

    assert sum(created for _, created in outcomes) == 1
    assert len({run.run_id for run, _ in outcomes}) == 1


async def test_a_run_comes_back_as_it_was_stored(log: EventLog, other: EventLog) -> None:
    run = replace(a_run(), offline=True, process="here", input={"nested": {"list": [1, "zwei", None]}})

    created, _ = await log.create(run)

    assert created == replace(run, created_at=created.created_at, updated_at=created.created_at)
    assert created.created_at
    assert await other.get("run-1") == created


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (RunFilter(), ["run-4", "run-3", "run-2", "run-1"]),
        (RunFilter(limit=2), ["run-4", "run-3"]),
        (RunFilter(limit=0), []),
        (RunFilter(owner="ann"), ["run-3", "run-2", "run-1"]),
        (RunFilter(workflow="research"), ["run-2"]),
        (RunFilter(workspace="/srv/other"), ["run-3"]),
        (RunFilter(statuses=frozenset[RunStatus]({"completed"})), ["run-1"]),
        (RunFilter(statuses=frozenset[RunStatus]({"completed", "queued"}), owner="ann"), ["run-3", "run-2", "run-1"]),
        (RunFilter(statuses=frozenset()), []),
        (RunFilter(before="2026-01-03"), ["run-2", "run-1"]),
    ],
)
async def test_runs_are_found_newest_first(log: EventLog, filter: RunFilter, expected: list[str]) -> None:
    await log.create(a_run("run-1", created_at="2026-01-01T00:00:00.000+00:00"))
    await log.create(a_run("run-2", workflow="research", created_at="2026-01-02T00:00:00.000+00:00"))
    await log.create(a_run("run-3", workspace="/srv/other", created_at="2026-01-03T00:00:00.000+00:00"))
    await log.create(a_run("run-4", owner="bob", created_at="2026-01-04T00:00:00.000+00:00"))
    writer = await log.open("run-1", "here")
    end(writer)
    await writer.flush()

    assert [run.run_id for run in await log.find(filter)] == expected


async def test_pages_of_runs_leave_none_out_even_if_all_began_at_once(log: EventLog) -> None:
    for number in range(10):
        await log.create(a_run(f"run-{number}", created_at="2026-01-01T00:00:00.000+00:00"))

    found: list[str] = []
    before: str | None = None
    while page := await log.find(RunFilter(limit=3, before=before)):
        found += [run.run_id for run in page]
        before = page[-1].created_at

    assert found == [f"run-{number}" for number in reversed(range(10))]


# Interrupting and cancelling


async def test_only_an_active_run_of_that_process_is_interrupted(log: EventLog) -> None:
    writer = await opened(log, process="here")

    assert not await log.interrupt("run-1", "there")
    assert not await log.interrupt("run-9", "here")
    assert (await row(log)).status == "queued"
    assert await log.interrupt("run-1", "here")
    assert (await row(log)).status == "interrupted"
    assert not await log.interrupt("run-1", "here")
    with pytest.raises(RunTakenOver):
        say(writer, "too late")


async def test_what_was_appended_before_an_interruption_is_kept(log: EventLog) -> None:
    writer = await opened(log)
    say(writer, "a")

    await log.interrupt("run-1", "here")

    assert texts(await log.read("run-1")) == ["a"]
    assert (await row(log)).last_seq == 1


async def test_a_process_that_was_thought_dead_stores_nothing_more(log: EventLog, other: EventLog) -> None:
    writer = await opened(log)

    assert await other.interrupt("run-1", "here")
    say(writer, "alive")
    with pytest.raises(RunTakenOver):
        await writer.flush()

    assert await log.read("run-1") == []
    assert (await row(log)).status == "interrupted"


async def test_an_interrupted_run_runs_again_with_its_next_event(log: EventLog) -> None:
    await opened(log)
    await log.interrupt("run-1", "here")

    heir = await log.open("run-1", "there")
    say(heir, "again")
    await heir.flush()

    assert ((await row(log)).status, (await row(log)).process) == ("running", "there")


async def test_a_finished_run_is_not_interrupted(log: EventLog) -> None:
    writer = await opened(log)
    end(writer)

    assert not await log.interrupt("run-1", "here")
    assert (await row(log)).status == "completed"


async def test_requests_to_cancel_reach_the_process_that_runs_the_run(log: EventLog, other: EventLog) -> None:
    await opened(log, "run-1", "here")
    await opened(log, "run-2", "there")
    await opened(log, "run-3", "here")

    await other.request_cancel("run-1", CancelRequest(by="ann", reason="changed my mind"))
    await other.request_cancel("run-1", CancelRequest(by="bob", reason="me too"))
    await other.request_cancel("run-2", CancelRequest(by="ann", reason="this too"))

    assert await log.cancel_requests("here") == {"run-1": CancelRequest(by="ann", reason="changed my mind")}
    assert await log.cancel_requests("nowhere") == {}


async def test_nobody_is_asked_to_cancel_what_is_over(log: EventLog) -> None:
    writer = await opened(log)
    await log.request_cancel("run-1", CancelRequest(by="ann", reason=""))
    end(writer)
    await writer.flush()

    assert await log.cancel_requests("here") == {}


async def test_a_run_that_is_not_there_cannot_be_cancelled(log: EventLog) -> None:
    with pytest.raises(RunNotFound, match="run-9"):
        await log.request_cancel("run-9", CancelRequest(by="ann", reason=""))


# Artifacts


async def test_artifacts_are_kept_in_the_order_of_making(log: EventLog, other: EventLog) -> None:
    writer = await opened(log)
    writer.save_artifact(Artifact(name="design.md", media_type="text/markdown", body=b"draft"))
    writer.save_artifact(Artifact(name="code.zip", media_type="application/zip", body=b"\x00\xff"))
    writer.save_artifact(Artifact(name="design.md", media_type="text/plain", body=b"final"))
    await writer.flush()

    assert await other.artifacts("run-1") == [
        ArtifactInfo(name="design.md", media_type="text/plain", bytes=5),
        ArtifactInfo(name="code.zip", media_type="application/zip", bytes=2),
    ]
    replaced = Artifact(name="design.md", media_type="text/plain", body=b"final")
    assert await other.artifact("run-1", "design.md") == replaced
    assert await other.artifact("run-1", "nothing.md") is None


async def test_an_artifact_is_there_when_the_event_that_names_it_is_seen(log: EventLog) -> None:
    writer = await opened(log)

    with anyio.fail_after(5):
        async with aclosing(log.watch("run-1")) as watch:
            await anext(watch)
            writer.save_artifact(Artifact(name="a.md", media_type="text/markdown", body=b"a"))
            find_out(writer, "a.md")
            await anext(watch)
            assert await log.artifact("run-1", "a.md") is not None


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a b", "ä", "a\n", "x" * 201])
async def test_an_artifact_has_a_plain_name(log: EventLog, name: str) -> None:
    writer = await opened(log)

    with pytest.raises(InputRejected) as raised:
        writer.save_artifact(Artifact(name=name, media_type="text/plain", body=b""))

    assert raised.value.field == "name"


# Closing


async def test_closing_stores_what_was_appended(log: EventLog, other: EventLog) -> None:
    writer = await opened(log)
    say(writer, "a")

    await log.close()
    await log.close()

    assert texts(await other.read("run-1")) == ["a"]


async def test_a_closed_log_says_so(log: EventLog) -> None:
    writer = await opened(log)
    await log.close()

    with pytest.raises(LogUnavailable, match="closed"):
        say(writer, "late")
    with pytest.raises(LogUnavailable, match="closed"):
        await writer.flush()
    with pytest.raises(LogUnavailable, match="closed"):
        await log.get("run-1")
    with pytest.raises(LogUnavailable, match="closed"):
        await log.create(a_run("run-2"))
    with pytest.raises(LogUnavailable, match="closed"):
        await watched(log)


# Whatever the order of things

STEP = st.tuples(st.sampled_from(["append", "append", "append", "flush", "yield", "take over"]), st.integers(0, 2))


@pytest.mark.parametrize("kind", KINDS)
@given(steps=st.lists(STEP, max_size=60))
@settings(max_examples=40, deadline=None)
def test_logs_have_no_gap_whatever_happens_in_which_order(kind: str, steps: list[tuple[str, int]]) -> None:
    asyncio.run(go_through(kind, steps))


async def go_through(kind: str, steps: list[tuple[str, int]]) -> None:
    """Two processes write three runs in some order, and take them from each other; two watchers see everything."""
    async with storage(kind) as open_log:
        logs = [await open_log(), await open_log()]
        run_ids = ["run-0", "run-1", "run-2"]
        writers: list[RunWriter] = [await opened(logs[0], run_id) for run_id in run_ids]
        attempts = [0, 0, 0]
        durable: defaultdict[tuple[int, int], int] = defaultdict(int)
        counts: defaultdict[tuple[int, int], int] = defaultdict(int)
        for step, run in steps:
            attempt = (run, attempts[run])
            if step == "append":
                say(writers[run], f"{attempts[run]} {counts[attempt]}")
                counts[attempt] += 1
            elif step == "flush":
                await writers[run].flush()
                durable[attempt] = counts[attempt]
            elif step == "yield":
                await anyio.lowlevel.checkpoint()
            else:
                attempts[run] += 1
                writers[run] = await logs[attempts[run] % 2].open(run_ids[run], "anybody")
        for writer in writers:
            end(writer)
            await writer.flush()
        for run, run_id in enumerate(run_ids):
            for log in logs:
                with anyio.fail_after(5):
                    check(await watched(log, run_id), run, durable)


def check(seen: Sequence[RunEvent], run: int, durable: dict[tuple[int, int], int]) -> None:
    assert [event.seq for event in seen] == list(range(1, len(seen) + 1))
    by_attempt: defaultdict[int, list[int]] = defaultdict(list)
    order: list[int] = []
    for event in seen[:-1]:
        attempt, count = map(int, event.message.split())
        by_attempt[attempt].append(count)
        order.append(attempt)
    assert order == sorted(order)
    assert all(counts == list(range(len(counts))) for counts in by_attempt.values())
    assert all(len(by_attempt[attempt]) >= flushed for (of_run, attempt), flushed in durable.items() if of_run == run)


async def test_runs_can_be_listed_by_when_they_began(log: EventLog) -> None:
    for day in (1, 2, 3):
        await log.create(a_run(f"run-{day}", created_at=f"2026-01-0{day}T00:00:00.000+00:00"))
    found = await log.find(RunFilter(since="2026-01-02T00:00:00.000+00:00", before="2026-01-03T00:00:00.000+00:00"))
    assert [run.run_id for run in found] == ["run-2"]
