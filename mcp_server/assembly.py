"""The one place where everything is built: settings in, a working server's parts out."""

import asyncio
import importlib
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from agents.agent import Agent, AgentReply, AgentTask
from agents.claude.locate import find_claude
from agents.command_runner import CommandRunner
from agents.events import Emit
from agents.processes.registry import ProcessRegistry
from mcp_server.settings import Settings
from mcp_server.workspaces import Workspaces
from workflows.catalog import Catalog
from workflows.runs.graph_steps import GraphRunner
from workflows.runs.local_engine import LocalEngine
from workflows.runs.log import EventLog
from workflows.runs.process_lock import ProcessLock
from workflows.runs.redaction import Redactor
from workflows.runs.sqlite.log import SqliteEventLog
from workflows.team import Team

OWNER = "local"
"""Whose runs they are while there is only one user: the one who started the server."""

_CLAUDE_AGENT = "agents.claude.agent"


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
    """

    catalog: Catalog
    workspaces: Workspaces
    log: EventLog
    engine: LocalEngine
    children: ProcessRegistry
    lock: ProcessLock


@asynccontextmanager
async def assemble(
    settings: Settings, catalog: Catalog, *, environ: Mapping[str, str] = os.environ
) -> AsyncGenerator[Assembly, None]:
    """Build everything, and take it down again: children first, then runs, then the log.

    Args:
        settings: The settings.
        catalog: Which workflows there are.
        environ: This process's environment.

    Raises:
        workflows.runs.errors.LogUnavailable: The data directory cannot be used.
    """
    children = ProcessRegistry()
    with ProcessLock(settings.home / "processes") as lock:
        log = await SqliteEventLog.start(settings.home)
        engine = LocalEngine(
            log=log,
            lock=lock,
            team=_team(settings, catalog, children, environ),
            commands=CommandRunner(children).run,
            private_directory=settings.home / "private",
            open_graphs=lambda: _open_graphs(settings),
            redactor=Redactor(environ),
            max_runs=settings.max_runs,
            workflow_named=catalog.get,
        )
        try:
            yield Assembly(catalog, Workspaces(settings.roots), log, engine, children, lock)
        finally:
            children.signal_all()
            await engine.close()
            await log.close(0.1)
            await children.close()


def _team(settings: Settings, catalog: Catalog, children: ProcessRegistry, environ: Mapping[str, str]) -> Team:
    if settings.offline:
        return Team(default=_scripted(catalog, children))

    def executable() -> Path:
        return find_claude(settings.claude, environ)

    def claude(model: str | None) -> Agent:
        return _LateClaude(executable, children, model, environ, settings.mcp_config)

    models = {role: spec.partition(":")[2] or None for role, spec in settings.models.items()}
    return Team(default=claude(None), by_role={role: claude(model) for role, model in models.items()})


def _scripted(catalog: Catalog, children: ProcessRegistry) -> Agent:
    module = importlib.import_module("workflows.offline_scripts")  # only needed offline
    return cast("Agent", module.offline_agent(catalog.workflows, CommandRunner(children).run))


@dataclass(frozen=True, slots=True)
class _LateClaude:
    """A `ClaudeAgent` whose module is loaded by the first run; a twentieth of the server's start, and of its memory.

    Attributes:
        executable: As in `ClaudeAgent`; so are the others.
    """

    executable: Callable[[], Path]
    children: ProcessRegistry
    model: str | None
    environ: Mapping[str, str]
    mcp_config: Path | None
    offline: bool = False

    @property
    def name(self) -> str:
        return f"claude-cli:{self.model}" if self.model else "claude-cli"

    async def run(self, task: AgentTask, emit: Emit) -> AgentReply:
        module = importlib.import_module(_CLAUDE_AGENT)
        agent = module.ClaudeAgent(
            self.executable, self.children, model=self.model, environ=self.environ, mcp_config=self.mcp_config
        )
        return await cast("Agent", agent).run(task, emit)


async def _open_graphs(settings: Settings) -> GraphRunner:
    """Import what only runs need, in a thread: it takes about a second, and the server goes on answering."""
    module = await asyncio.to_thread(importlib.import_module, "workflows.runs.graph_runner")
    if not settings.offline:
        await asyncio.to_thread(importlib.import_module, _CLAUDE_AGENT)
    return cast(
        "GraphRunner",
        await module.LangGraphRunner.open(settings.home / "checkpoints.sqlite3", tracing=settings.tracing),
    )
