"""Runs a workflow's graph with scripted agents and keeps everything that came out of it."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import anyio
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from agents.agent import Agent
from agents.command_runner import CommandRunner, RunCommand
from agents.events import AgentSaid, Found
from agents.processes.registry import ProcessRegistry
from agents.script import Script
from agents.scripted_agent import ScriptedAgent
from workflows.budget import Budget, Limits
from workflows.context import WorkflowContext
from workflows.reports import AgentReport, ArtifactReport, Report, SupervisorReport
from workflows.team import Team
from workflows.workflow import Workflow

RUN_ID = f"run-{uuid4().hex}"
"""Also the mark of its child processes, so it is not that of a test that runs at the same time."""


@dataclass(slots=True)
class GraphPlay:
    """One run of a graph.

    Attributes:
        workflow: Whose graph.
        workspace: Where its agents work.
        agent: Fills every role.
        reports: What its nodes reported, in order.
        updates: What its nodes returned, in order, with their names.
        state: As it was at the end.
        limits: What it may use.
    """

    workflow: Workflow
    workspace: Path
    agent: Agent
    reports: list[Report] = field(default_factory=list[Report])
    updates: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list[tuple[str, Mapping[str, Any]]])
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def of(cls, workflow: Workflow, workspace: Path, script: Script, run_command: RunCommand) -> "GraphPlay":
        return cls(workflow, workspace, ScriptedAgent(script, run_command))

    async def run(self, seen: Callable[[Report], None] | None = None, **arguments: object) -> BaseModel:
        """Run it to its end.

        Args:
            seen: Called with each report as it comes.
            arguments: Its input.

        Returns:
            Its output, checked against the output model.
        """
        with TemporaryDirectory() as private:
            registry = ProcessRegistry()
            try:
                return await self._run(seen, arguments, registry, Path(private))
            finally:
                await registry.close()

    async def _run(
        self,
        seen: Callable[[Report], None] | None,
        arguments: Mapping[str, object],
        registry: ProcessRegistry,
        private: Path,
    ) -> BaseModel:
        graph = _build(self.workflow).compile(checkpointer=InMemorySaver())
        config = {"configurable": {"thread_id": RUN_ID}, "recursion_limit": self.workflow.max_steps}
        context = WorkflowContext(
            run_id=RUN_ID,
            workspace=self.workspace,
            team=Team(self.agent),
            budget=Budget(self.limits),
            commands=CommandRunner(registry).run,
            private_directory=private,
            workflow=self.workflow.name,
        )
        begin = self.workflow.input_model.model_validate(arguments).model_dump(mode="json")
        with anyio.fail_after(30):
            async for part in graph.astream(
                begin, config, context=context, stream_mode=["custom", "updates"], version="v2", durability="sync"
            ):
                if part["type"] == "custom":
                    self.reports.append(part["data"])
                    if seen is not None:
                        seen(part["data"])
                else:
                    self.updates += part["data"].items()
        self.state = (await graph.aget_state(config)).values
        fields = self.workflow.output_model.model_fields
        return self.workflow.output_model.model_validate({name: self.state[name] for name in fields})

    @property
    def nodes(self) -> list[str]:
        """Which nodes ran, in order."""
        return [name for name, _ in self.updates]

    @property
    def supervisor(self) -> list[SupervisorReport]:
        return [report for report in self.reports if isinstance(report, SupervisorReport)]

    def artifacts(self, name: str) -> list[ArtifactReport]:
        return [report for report in self.reports if isinstance(report, ArtifactReport) and report.name == name]

    def said(self, agent: str) -> list[AgentSaid]:
        return [report.said for report in self.reports if isinstance(report, AgentReport) and report.agent == agent]

    def found(self, agent: str) -> list[Found]:
        return [said for said in self.said(agent) if isinstance(said, Found)]


def _build(workflow: Workflow) -> Any:
    if not isinstance(workflow.graph, str):
        return workflow.graph()
    module, _, attribute = workflow.graph.partition(":")
    return getattr(importlib.import_module(module), attribute)()
