"""The one runner of a process when it is closed: nothing is opened any more that nobody would close."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import anyio
import pytest

from workflows.runs.errors import LogUnavailable
from workflows.runs.graph_runner import LangGraphRunner
from workflows.runs.shared_graphs import SharedGraphs
from workflows.runs.sqlite.log import SqliteEventLog

pytestmark = pytest.mark.anyio


class Runner(LangGraphRunner):
    """Knows what became of it."""

    closed = False
    swept = False

    async def close(self) -> None:
        """See the port."""
        await super().close()
        self.closed = True

    async def remembered(self) -> Sequence[str]:
        """See the port."""
        self.swept = True
        return await super().remembered()


class Place:
    """Opens runners one at a time, when it may, and knows them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.opened: list[Runner] = []
        self.asked = anyio.Event()
        self.may_open = asyncio.Event()
        self.may_open.set()

    async def open(self) -> Runner:
        self.asked.set()
        await self.may_open.wait()
        runner = await Runner.open(self._path)
        assert isinstance(runner, Runner)
        self.opened.append(runner)
        return runner


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "checkpoints.sqlite3")


@pytest.fixture
async def log(tmp_path: Path) -> AsyncGenerator[SqliteEventLog]:
    log = await SqliteEventLog.start(tmp_path)
    yield log
    await log.close()


async def test_after_the_end_nothing_is_opened_again(place: Place, log: SqliteEventLog) -> None:
    graphs = SharedGraphs(place.open, log)
    await graphs.opened()
    await graphs.close()

    with pytest.raises(LogUnavailable, match="shutting down"):
        await graphs.opened()

    assert [runner.closed for runner in place.opened] == [True]


async def test_where_nothing_was_opened_nothing_is_opened_after_the_end(place: Place, log: SqliteEventLog) -> None:
    graphs = SharedGraphs(place.open, log)
    await graphs.close()

    with pytest.raises(LogUnavailable, match="shutting down"):
        await graphs.opened()

    assert place.opened == []


async def test_what_is_still_being_opened_at_the_end_is_closed_and_not_swept(place: Place, log: SqliteEventLog) -> None:
    place.may_open.clear()
    graphs = SharedGraphs(place.open, log)
    waiting = asyncio.create_task(graphs.opened())
    await place.asked.wait()
    with anyio.fail_after(5):
        await graphs.close()
        place.may_open.set()

        with pytest.raises(LogUnavailable, match="shutting down"):
            await waiting

    assert [(runner.closed, runner.swept) for runner in place.opened] == [(True, False)]


async def test_at_the_end_nothing_is_forgotten_any_more(place: Place, log: SqliteEventLog) -> None:
    graphs = SharedGraphs(place.open, log)
    await graphs.opened()
    await graphs.close()

    await graphs.forget("run-1")

    assert [runner.closed for runner in place.opened] == [True]
