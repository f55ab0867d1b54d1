"""Another process that uses a log: `python -m tests.workflows.runs.log_process WHAT DIRECTORY ...`.

It tells what it has done line by line on stdout.
"""

import asyncio
import sys
from pathlib import Path

from tests.workflows.runs.storage import a_run, opened, say, texts
from workflows.runs.errors import LogUnavailable
from workflows.runs.sqlite import commit as sqlite_commit
from workflows.runs.sqlite.log import open_sqlite_log


def tell(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201 - how this process speaks


async def append(directory: Path, run_id: str) -> None:
    """Append to a run for ever; tell the number of the newest event that is durable."""
    async with open_sqlite_log(directory) as log:
        writer = await opened(log, run_id, "child")
        while True:
            for _ in range(50):
                say(writer, str(writer.last_seq + 1))
            await writer.flush()
            tell(writer.last_seq)
            for _ in range(50):
                say(writer, str(writer.last_seq + 1))
            await asyncio.sleep(0)


async def create(directory: Path, run_id: str) -> None:
    """Ask for a run that others ask for as well; tell which run it became."""
    async with open_sqlite_log(directory) as log:
        tell("open")
        await asyncio.to_thread(sys.stdin.readline)
        run, created = await log.create(a_run(run_id, "same"))
        tell(run.run_id, created)


async def fill(directory: Path, run_id: str) -> None:
    """Append on a disk that becomes full and has room again; tell what happens."""
    import resource  # there is none on Windows

    sqlite_commit.PATIENCE_SECONDS = 0.2
    async with open_sqlite_log(directory) as log:
        writer = await opened(log, run_id, "child")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, before[1]))
        for number in range(3000):
            say(writer, str(number))
        try:
            await writer.flush()
        except LogUnavailable as error:
            tell(error.kind, error.message)
        say(writer, "3000")
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        await writer.flush()
        tell(*texts(await log.read(run_id, limit=5000)))


if __name__ == "__main__":
    asyncio.run({"append": append, "create": create, "fill": fill}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3]))
