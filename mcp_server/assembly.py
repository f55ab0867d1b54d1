"""The one place where everything is built: settings in, a working server's parts out."""

import asyncio
import importlib
import logging
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from agents.agent import Agent
from agents.command_runner import CommandRunner
from agents.processes.registry import ProcessRegistry
from mcp_server.client_clocks import Patience
from mcp_server.module_loading import load
from mcp_server.settings import Settings
from mcp_server.team_choice import CLAUDE_AGENT, Agents, Workbench, notes_on
from mcp_server.waiters import Waiters
from mcp_server.workspaces import Workspaces
from workflows.catalog import Catalog
from workflows.runs.engine import StartedRun
from workflows.runs.graph_steps import GraphRunner
from workflows.runs.local_engine import LocalEngine
from workflows.runs.log import EventLog
from workflows.runs.observed_writer import Observe
from workflows.runs.process_lock import ProcessLock
from workflows.runs.redaction import Redactor
from workflows.runs.sqlite.log import SqliteEventLog
from workflows.runs.worktree_places import WorktreePlaces
from workflows.team import Team

if TYPE_CHECKING:
    from agents.tools.tool import ToolSource

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assembly:
    """A server's parts.

    Attributes:
        catalog: Which workflows there are.
        workspaces: Where they may work.
        log: Where runs are kept.
        engine: Runs them.
        children: Every child process of this server.
        lock: Tells other processes that this one lives.
        waiters: Who waits for the end of a run.
        patience: How long calls may take.
        on_request: Is told of every run that a client asked for.
    """

    catalog: Catalog
    workspaces: Workspaces
    log: EventLog
    engine: LocalEngine
    children: ProcessRegistry
    lock: ProcessLock
    waiters: Waiters
    patience: Patience = field(default_factory=Patience)
    on_request: Callable[[StartedRun], None] = lambda _: None


@asynccontextmanager
async def assemble(
    settings: Settings,
    catalog: Catalog,
    *,
    environ: Mapping[str, str] = os.environ,
    observe: Observe | None = None,
) -> AsyncGenerator[Assembly, None]:
    """Build everything, and take it down again: children first, then runs, then the log.

    Args:
        settings: The settings.
        catalog: Which workflows there are.
        environ: This process's environment.
        observe: Is shown what happens in the runs of this process; None for nobody.

    Raises:
        workflows.runs.errors.LogUnavailable: The data directory cannot be used.
    """
    for note in notes_on(settings):
        logger.warning("%s", note)
    children = ProcessRegistry()
    agents = Agents(Workbench(settings, children, environ, _connected(settings, children, environ)))
    with ProcessLock(settings.home / "processes") as lock:
        log = await SqliteEventLog.start(settings.home)
        engine = LocalEngine(
            log=log,
            lock=lock,
            team=_team(settings, catalog, agents, children),
            commands=CommandRunner(children).run,
            private_directory=settings.home / "private",
            places=WorktreePlaces(settings.home / "worktrees", log, CommandRunner(children).run),
            open_graphs=lambda: _open_graphs(settings),
            redactor=Redactor(environ),
            max_runs=settings.max_runs,
            workflow_named=catalog.get,
            observe=observe,
        )
        patience = Patience(settings.task_grace_seconds, settings.client_seconds)
        try:
            workspaces = Workspaces(settings.roots)
            yield Assembly(catalog, workspaces, log, engine, children, lock, Waiters(engine), patience)
        finally:
            children.signal_all()
            await engine.close()
            await log.close(0.1)
            await children.close()
            await agents.aclose()


def _connected(settings: Settings, children: ProcessRegistry, environ: Mapping[str, str]) -> "Sequence[ToolSource]":
    if settings.mcp_config is None:
        return ()
    from mcp_server.mcp_tools import ConnectedServers  # an MCP client, which most servers never need

    return (ConnectedServers(settings.mcp_config, children, environ),)


def _team(settings: Settings, catalog: Catalog, agents: Agents, children: ProcessRegistry) -> Team:
    return Team(default=_scripted(catalog, children)) if settings.offline else agents.team


def _scripted(catalog: Catalog, children: ProcessRegistry) -> Agent:
    module = importlib.import_module("workflows.offline_scripts")  # only needed offline
    return cast("Agent", module.offline_agent(catalog.workflows, CommandRunner(children).run))


async def _open_graphs(settings: Settings) -> GraphRunner:
    """Import what only runs need, in a thread: it takes about a second, and the server goes on answering."""
    module = await asyncio.to_thread(load, "workflows.runs.graph_runner")
    if not settings.offline:
        await asyncio.to_thread(load, CLAUDE_AGENT)
    return cast(
        "GraphRunner",
        await module.LangGraphRunner.open(settings.home / "checkpoints.sqlite3", tracing=settings.tracing),
    )
