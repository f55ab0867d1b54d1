"""Another process with runs in one repository: `python -m tests.workflows.runs.places_process HOME WORKSPACE RUN`.

It waits for a line on stdin, then opens a place for every run at once, changes a file in each, and closes them. It
tells each run's branch, and what it changed, line by line on stdout.
"""

import json
import sys
from pathlib import Path

import anyio

from agents.command_runner import command_runner
from tests.fakes.event_log import MemoryEventLog, MemoryStore
from workflows.runs.places import Wish
from workflows.runs.worktree_places import WorktreePlaces


async def main(home: Path, workspace: Path, run_ids: list[str]) -> None:
    async with command_runner() as runner:
        places = WorktreePlaces(home / "worktrees", MemoryEventLog(MemoryStore()), runner.run)

        async def work(run_id: str) -> None:
            wish = Wish(run_id=run_id, workflow="small", workspace=workspace, mode="worktree", strict=True)
            place = await places.open(wish)
            others = [path.name for path in place.directory.glob("from-*")]
            (place.directory / f"from-{run_id}.txt").write_text(f"{run_id}\n")
            (place.directory / "shared.txt").write_text(f"{run_id} was here\n")
            changes = await places.close(run_id)
            said = {"run": run_id, "branch": changes.branch, "diff": changes.diff, "others": others}
            print(json.dumps(said), flush=True)  # noqa: T201 - how this process speaks

        print("ready", flush=True)  # noqa: T201 - how this process speaks
        await anyio.to_thread.run_sync(sys.stdin.readline)
        async with anyio.create_task_group() as tasks:
            for run_id in run_ids:
                tasks.start_soon(work, run_id)


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
