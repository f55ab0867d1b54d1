"""What `run`, `watch` and `cancel` have in common: a run in this process's log, followed to its end."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import anyio
import click

from mcp_server.assembly import Assembly, assemble
from mcp_server.failures import run_error_in
from mcp_server.own_runs import own_run
from mcp_server.settings import Settings
from mcp_server.terminal.results import print_result
from mcp_server.terminal.view import View, choose_view
from workflows.catalog import Catalog
from workflows.runs.errors import RunError
from workflows.runs.events import GateOpened
from workflows.runs.run import Run

EXIT_CODES = {"completed": 0, "failed": 1, "cancelled": 130, "interrupted": 3, "waiting": 4}


def with_assembly(settings: Settings, catalog: Catalog, act: Callable[[Assembly], Awaitable[int]]) -> None:
    """Build everything, act, take it down, and exit with what `act` returned. Errors become one clear message."""

    async def main() -> int:
        async with assemble(settings, catalog) as assembly:
            return await act(assembly)

    try:
        code = anyio.run(main)
    except RunError as error:
        raise _complaint(error) from error
    except BrokenPipeError:
        code = leave_broken_pipe()
    except BaseExceptionGroup as group:
        error = run_error_in(group)
        if error is not None:
            raise _complaint(error) from group
        if group.split(BrokenPipeError)[1] is not None:
            raise
        code = leave_broken_pipe()
    sys.exit(code)


def leave_broken_pipe() -> int:
    """Whoever read our output has gone, as in `| head`: nothing more is written, and there is nothing to complain of.

    Returns:
        The exit code of a program that SIGPIPE ended.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter complains at its exit
    return 128 + 13


def _complaint(error: RunError) -> click.ClickException:
    return click.ClickException("\n".join([error.message, *error.recovery]))


async def follow_to_the_end(assembly: Assembly, run: Run, *, as_json: bool, own: bool) -> int:
    """Show a run until it is over, then what came of it.

    Args:
        assembly: The parts.
        run: The run.
        as_json: Whether to print events as JSON instead.
        own: Whether it was started here; then Ctrl-C cancels it, else it only stops watching.

    Returns:
        An exit code, see `EXIT_CODES`.
    """
    with choose_view(sys.stdout, json=as_json, workspace=run.workspace) as view:
        async with anyio.create_task_group() as tasks:
            if own:
                tasks.start_soon(_cancel_on_signal, assembly, run.run_id, view)
            asked = False
            async with aclosing(assembly.engine.follow(run.run_id)) as batches:
                async for events in batches:
                    for event in events:
                        view.show(event)
                        asked = asked or (isinstance(event.body, GateOpened) and event.body.parked)
                    if asked and await _waits(assembly, run.run_id, events[-1].seq):
                        break  # it holds nothing while it waits, and nor do we
            tasks.cancel_scope.cancel()
    ended = await own_run(assembly, run.run_id, run.owner)
    if not as_json:
        print_result(ended, await assembly.log.artifacts(run.run_id), stream=sys.stdout)
    return EXIT_CODES.get(ended.status, 1)


async def _waits(assembly: Assembly, run_id: str, shown: int) -> bool:
    """Whether a run waits for an answer, and all it has said before is shown; earlier questions may be answered."""
    run = await assembly.log.get(run_id)
    return run is not None and run.status == "waiting" and run.last_seq <= shown


async def _cancel_on_signal(assembly: Assembly, run_id: str, view: View) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            view.note("cancelling the run …")
            assembly.engine.cancel_soon(run_id, by="terminal", reason="interrupted at the terminal")
