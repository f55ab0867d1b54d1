"""Twenty calls on one connection, all of them in the middle of their work at the same time."""

import json
import re
from pathlib import Path

import pytest

from tests.system.own_workflows.echoes import HALF
from tests.system.place import OWN_WORKFLOWS, Place
from tests.system.test_progress import assert_true_to_log
from tests.system.wire import LEGACY, MODERN

pytestmark = pytest.mark.anyio

CALLS = 20
TASKS = tuple(f"task-{number:02}" for number in range(CALLS))


def tasks_in(*said: object) -> set[str]:
    """The tasks that are named anywhere in it."""
    return set(re.findall(r"task-\d\d", json.dumps(said)))


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_no_line_of_a_call_is_of_another_calls_run(tmp_path: Path, era: str) -> None:
    place = Place.below(tmp_path, AGENT_WORKFLOWS_MAX_RUNS=str(CALLS))
    async with place.server("--offline", "--workflow", str(OWN_WORKFLOWS / "echoes.py"), era=era) as client:
        await client.open()
        requests = [await client.call("echoes", {"task": task}) for task in TASKS]
        for request, task in zip(requests, TASKS, strict=True):
            await client.progress(request, message=f"left: {HALF} {task}")
        (place.workspace / "go").touch()
        answers = [await client.answer(request) for request in requests]
        logs = [await client.log_of(client.events(request)[0]["run_id"]) for request in requests]

    runs = [answer["result"]["structuredContent"]["run_id"] for answer in answers]
    assert len(set(runs)) == CALLS
    for request, task, run_id, answer, log in zip(requests, TASKS, runs, answers, logs, strict=True):
        frames = client.frames(request)
        assert len(frames) > 5
        assert {event["run_id"] for event in client.events(request)} == {run_id}
        assert tasks_in(frames) == tasks_in(answer) == tasks_in(log) == {task}
        assert_true_to_log(client.events(request), log)
