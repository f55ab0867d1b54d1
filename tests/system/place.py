"""Where the servers of a test live: a data directory and a workspace, and a mark on all their processes."""

import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import anyio
import psutil
from anyio.abc import Process

from mcp_server.assembly import assemble
from mcp_server.own_runs import own_run
from mcp_server.owner import OWNER
from mcp_server.settings import load_settings
from tests.system.wire import MODERN, Json, WireClient, own_command, wire_client
from tests.waiting import until
from workflows.catalog import Catalog
from workflows.runs.events import RunEvent
from workflows.runs.log import EventLog
from workflows.runs.run import Run

MARK = "TEST_PLACE"
"""Environment variable by which every descendant of a server is found, re-parented ones too.

Not one of the program's own names: those it keeps from its children.
"""
LOOK_SECONDS = 0.05
"""Between two looks at the process table, which is much work."""
OWN_WORKFLOWS = Path(__file__).parent / "own_workflows"
FAKE_CLAUDE = Path(__file__).parents[1] / "fakes" / "claude_cli.py"


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place for servers and terminal commands that share their runs.

    Attributes:
        home: The data directory.
        workspace: An empty directory, the only root.
        environment: Further variables for everything that is started here.
        mark: Value of `MARK` in the environment of everything that is started here.
    """

    home: Path
    workspace: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    mark: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def below(cls, directory: Path, **environment: str) -> "Place":
        """A new place in a directory."""
        workspace = directory / "workspace"
        workspace.mkdir()
        return cls(directory / "home", workspace, environment)

    def variables(self) -> dict[str, str]:
        """The whole environment of what is started here."""
        own = {"AGENT_WORKFLOWS_HOME": str(self.home), "AGENT_WORKFLOWS_ROOTS": str(self.workspace), MARK: self.mark}
        return {**os.environ, **own, **self.environment}

    def server(
        self,
        *arguments: str,
        era: str = MODERN,
        capabilities: Json | None = None,
        name: str = "wire",
    ) -> AbstractAsyncContextManager[WireClient]:
        """A server, `agent-workflows serve` with these arguments, and a client of it."""
        return wire_client(
            *own_command(),
            "serve",
            *arguments,
            era=era,
            capabilities=capabilities,
            name=name,
            environment=self.variables(),
            cwd=self.workspace,
        )

    async def found(self, run_id: str) -> tuple[Run, list[RunEvent]]:
        """A run and its events, as the test's own process finds them: to start another one takes seconds."""
        settings = load_settings(home=self.home, roots=[self.workspace])
        async with assemble(settings, Catalog(())) as assembly:
            run = await own_run(assembly, run_id, OWNER)
            return run, [event async for event in every_event(assembly.log, run_id)]

    async def command(self, *arguments: str, within: float = 20) -> Ended:
        """Run a terminal command to its end."""
        async with self.process(*arguments) as process:
            return await ended(process, within)

    @asynccontextmanager
    async def process(self, *arguments: str) -> AsyncGenerator[Process, None]:
        """A terminal command while it runs; it is killed at the end if it still lives."""
        process = await anyio.open_process(  # noqa: TID251 - ended right below
            [*own_command(), *arguments], env=self.variables(), cwd=self.workspace
        )
        try:
            yield process
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(5):
                if process.returncode is None:
                    process.kill()
                await process.aclose()

    def processes(self) -> list[psutil.Process]:
        """Everything that was started here and still lives."""
        return [process for process in psutil.process_iter() if _mark_of(process) == self.mark]

    def shows(self, *endings: str) -> bool:
        """Whether for each of these there lives a process whose command line ends so."""
        commands = [command_of(process) for process in self.processes()]
        return all(any(command.endswith(ending) for command in commands) for ending in endings)

    def agents_at_work(self, server: Process) -> list[str]:
        """Command lines of what lives beside a server and its watchdog."""
        others = [process for process in self.processes() if process.pid != server.pid]
        return [command for process in others if "watchdog.py" not in (command := command_of(process))]

    async def populated(self, *endings: str, within: float = 30) -> None:
        """Wait until for each of these there lives a process whose command line ends so."""
        await until(lambda: self.shows(*endings), within, every=LOOK_SECONDS)

    async def without_agents(self, server: Process, within: float) -> None:
        """Wait until nothing lives beside a server and its watchdog."""
        await until(lambda: not self.agents_at_work(server), within, every=LOOK_SECONDS)

    async def deserted(self, within: float) -> None:
        """Wait until nothing that was started here lives; what does so long is killed, and an error."""
        try:
            await until(lambda: not self.processes(), within, every=LOOK_SECONDS)
        except TimeoutError:
            left = self.processes()
            names = [command_of(process) for process in left]
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
            raise AssertionError(f"still there after {within} s: {names}") from None


async def every_event(log: EventLog, run_id: str) -> AsyncGenerator[RunEvent, None]:
    """All events of a run that there are."""
    after = 0
    while page := await log.read(run_id, after):
        for event in page:
            yield event
        after = page[-1].seq


async def ended(process: Process, within: float = 20) -> Ended:
    """Wait for the end of a process, and read what it writes."""
    outputs: dict[str, bytes] = {}

    async def read(name: str, stream: anyio.abc.ByteReceiveStream | None) -> None:
        assert stream is not None
        outputs[name] = b"".join([chunk async for chunk in stream])

    with anyio.fail_after(within):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read, "stdout", process.stdout)
            tasks.start_soon(read, "stderr", process.stderr)
        code = await process.wait()
    return Ended(code, outputs["stdout"].decode(), outputs["stderr"].decode())


def _mark_of(process: psutil.Process) -> str | None:
    with suppress(psutil.Error):
        if process.status() != psutil.STATUS_ZOMBIE:
            return process.environ().get(MARK)
    return None


def command_of(process: psutil.Process) -> str:
    """Its command line; empty if it has ended."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
