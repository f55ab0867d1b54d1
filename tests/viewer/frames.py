"""How long a page's main thread worked for a frame: what people see as a page that stutters, or does not."""

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict, cast

from playwright.async_api import Browser, Page

TASK = "ThreadControllerImpl::RunTask"
"""What Chromium calls a task of a thread in its traces. Nothing else is traced: the rest would cost the page time."""
FRAME = "ScheduledActionSendBeginMainFrame"
"""Where the task is from that makes a frame: scripts' animation frames, style, layout and painting."""
MAIN_THREAD = "CrRendererMain"
PAUSE_US = 1000
"""Microseconds without a task in which a frame could have begun."""


class TraceEvent(TypedDict):
    """What is read of an event of Chromium's trace. Times are microseconds; `tdur` is processor time of the thread."""

    name: str
    pid: int
    tid: int
    ts: NotRequired[int]
    dur: NotRequired[int]
    tdur: NotRequired[int]
    args: dict[str, object]


@dataclass(slots=True)
class MainThread:
    """Work of a page's main thread.

    Attributes:
        frames: Milliseconds of processor time for every frame, longest first: of the task that made it, and of all that
            ran between the frame before, or a pause, and it. Empty before the watching has ended.
    """

    frames: list[float] = field(default_factory=list[float])


@asynccontextmanager
async def main_thread(browser: Browser, page: Page) -> AsyncGenerator[MainThread, None]:
    """Watch what the main thread of a page does, for as long as this lasts.

    It is told in processor time of that thread, not in time that passes: a machine that does something else besides,
    and gives the thread no processor, does not make the page slower than it is.

    Args:
        browser: It must trace nothing else meanwhile.
        page: What is watched.
    """
    seen = MainThread()
    await browser.start_tracing(page=page, categories=["toplevel"])
    try:
        yield seen
    finally:
        trace = await browser.stop_tracing()
    seen.frames = sorted(_frames(cast("list[TraceEvent]", json.loads(trace)["traceEvents"])), reverse=True)


def _frames(events: list[TraceEvent]) -> Iterable[float]:
    threads = {(event["pid"], event["tid"]): event["args"].get("name") for event in events if _names_thread(event)}
    tasks = [event for event in events if event["name"] == TASK and "tdur" in event]
    work, ended = 0.0, 0
    for task in sorted(tasks, key=lambda task: task.get("ts", 0)):
        if threads.get((task["pid"], task["tid"])) != MAIN_THREAD:
            continue
        if task.get("ts", 0) - ended > PAUSE_US:
            yield work
            work = 0.0
        work += task.get("tdur", 0) / 1000
        ended = task.get("ts", 0) + task.get("dur", 0)
        if task["args"].get("src_func") == FRAME:
            yield work
            work = 0.0
    yield work


def _names_thread(event: TraceEvent) -> bool:
    return event["name"] == "thread_name"


SHOWN = """(seq) => new Promise((resolve) => {
    const isShown = () => document.querySelector("main.run")?.dataset.seq === String(seq);
    const look = () => isShown() ? resolve() : setTimeout(look, 50);
    look();
})"""


async def shown(page: Page, seq: int) -> None:
    """Wait until a page shows its run as it was after an event.

    It costs the page next to nothing: `expect` would look through the whole of it, again and again, in the time that is
    measured.

    Args:
        page: Shows a run, or is about to.
        seq: Number of the event.
    """
    await page.evaluate(SHOWN, seq)
