import logging

import pytest

from tests.fakes.event_log import MemoryEventLog
from workflows.runs.events import AgentEvent, RunEvent
from workflows.runs.log import Artifact
from workflows.runs.observed_writer import Observe, ObservedWriter
from workflows.runs.run import Run

pytestmark = pytest.mark.anyio

RUN = Run(run_id="one", workflow="echo", input={}, workspace="/srv", owner="local", key="")
SAID = AgentEvent(agent="echo", event_type="think", details={"text": "hm"})


async def written(observe: Observe) -> tuple[MemoryEventLog, ObservedWriter]:
    log = MemoryEventLog()
    await log.create(RUN)
    return log, ObservedWriter(await log.open("one", ""), RUN, observe)


async def test_what_is_appended_is_shown_in_order_and_is_in_the_log() -> None:
    shown: list[RunEvent] = []
    log, writer = await written(lambda _run, event: shown.append(event))

    for _ in range(3):
        writer.append(SAID, message="hm", progress=1)
    writer.save_artifact(Artifact(name="a.txt", media_type="text/plain", body=b"a"))
    await writer.flush()

    assert [event.seq for event in shown] == [1, 2, 3]
    assert list(await log.read("one")) == shown
    assert [artifact.name for artifact in await log.artifacts("one")] == ["a.txt"]
    assert writer.last_seq == 3


async def test_an_observer_that_fails_costs_the_run_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_run: Run, _event: RunEvent) -> None:
        raise ValueError("it looked wrong")

    log, writer = await written(fail)
    with caplog.at_level(logging.ERROR):
        writer.append(SAID, message="hm", progress=1)
        await writer.flush()

    assert len(await log.read("one")) == 1
    assert "it looked wrong" in caplog.text
