"""Runs a workflow's graph with scripted agents and keeps everything that came out of it."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import anyio
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
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
from workflows.runs.run import GateReply
from workflows.team import Team
from workflows.workflow import Workflow

_ASKED = "__interrupt__"
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
        answers: What a person says to the questions of its nodes, in order.
    """

    workflow: Workflow
    workspace: Path
    agent: Agent
    reports: list[Report] = field(default_factory=list[Report])
    updates: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list[tuple[str, Mapping[str, Any]]])
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])
    limits: Limits = field(default_factory=Limits)
    answers: Sequence[GateReply] = ()

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
            for start in (begin, *map(_resumption, self.answers)):
                async for part in graph.astream(
                    start, config, context=context, stream_mode=["custom", "updates"], version="v2", durability="sync"
                ):
                    self._keep(part, seen)
        self.state = (await graph.aget_state(config)).values
        fields = self.workflow.output_model.model_fields
        return self.workflow.output_model.model_validate({name: self.state[name] for name in fields})

    def _keep(self, part: Mapping[str, Any], seen: Callable[[Report], None] | None) -> None:
        if part["type"] == "custom":
            self.reports.append(part["data"])
            if seen is not None:
                seen(part["data"])
        else:
            self.updates += [(node, update) for node, update in part["data"].items() if node != _ASKED]

    @property
    def nodes(self) -> list[str]:
        """Which nodes ran, in order."""
        return [name for name, _ in self.updates]

    @property
    def edges(self) -> set[tuple[str, str]]:
        """Which edges of the graph were gone along; for a graph whose side by side nodes have one name."""
        way = ["__start__", *(name for name, _ in groupby(self.nodes)), "__end__"]
        return set(pairwise(way))

    @property
    def supervisor(self) -> list[SupervisorReport]:
        return [report for report in self.reports if isinstance(report, SupervisorReport)]

    def artifacts(self, name: str) -> list[ArtifactReport]:
        return [report for report in self.reports if isinstance(report, ArtifactReport) and report.name == name]

    def said(self, agent: str) -> list[AgentSaid]:
        return [report.said for report in self.reports if isinstance(report, AgentReport) and report.agent == agent]

    def found(self, agent: str) -> list[Found]:
        return [said for said in self.said(agent) if isinstance(said, Found)]


def edges_of(workflow: Workflow) -> set[tuple[str, str]]:
    """All edges of a workflow's graph."""
    return {(edge.source, edge.target) for edge in _build(workflow).compile().get_graph().edges}


def _resumption(reply: GateReply) -> object:
    answer: Command[str] = Command(resume={"outcome": reply.outcome, "answer": reply.answer, "by": reply.by})
    return answer


def _build(workflow: Workflow) -> Any:
    if not isinstance(workflow.graph, str):
        return workflow.graph()
    module, _, attribute = workflow.graph.partition(":")
    return getattr(importlib.import_module(module), attribute)()
