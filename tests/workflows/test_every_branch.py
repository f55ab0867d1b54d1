"""The scripts that are played without a model go along every edge of their graphs."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agents.command_runner import CommandRunner
from agents.processes.registry import ProcessRegistry
from tests.workflows.graph_play import GraphPlay, edges_of
from workflows.catalog import BUILT_IN, Catalog
from workflows.offline_scripts import offline_agent
from workflows.runs.run import GateReply

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Way:
    """One run: its input, and what a person says to its questions."""

    given: Mapping[str, Any]
    answers: Sequence[GateReply] = ()


def said(*, approved: bool) -> GateReply:
    return GateReply(gate_id="", outcome="accepted", answer={"approved": approved}, by="Ann")


NO_ANSWER = GateReply(gate_id="", outcome="declined", by="Ann")
WAYS: Mapping[str, Sequence[Way]] = {
    "build_feature": [
        Way({"task": "anything"}),
        Way({"task": "anything", "approve_plan": True}, [said(approved=False), said(approved=True)]),
        Way({"task": "anything", "approve_plan": True}, [NO_ANSWER]),
    ],
    "collaborate": [Way({"task": "anything"}), Way({"task": "anything", "with_tests": False})],
    "research": [Way({"question": "anything"})],
    "review_code": [Way({})],
    "ask": [Way({"question": "anything"})],
    "run_claude": [Way({"prompt": "anything"})],
}
"""By workflow."""


@pytest.fixture
async def children() -> AsyncGenerator[ProcessRegistry]:
    registry = ProcessRegistry()
    yield registry
    await registry.close()


def test_every_workflow_has_ways() -> None:
    assert set(WAYS) == {workflow.name for workflow in BUILT_IN}


@pytest.mark.parametrize("name", WAYS)
async def test_every_edge_is_gone_along(name: str, tmp_path: Path, children: ProcessRegistry) -> None:
    workflow = Catalog(BUILT_IN).get(name)
    gone: set[tuple[str, str]] = set()
    for number, way in enumerate(WAYS[name]):
        workspace = tmp_path / str(number)
        workspace.mkdir()
        (workspace / "store.py").write_text("def load(path):\n    return eval(open(path).read())\n")
        agent = offline_agent([workflow], CommandRunner(children).run)
        play = GraphPlay(workflow, workspace, agent, answers=way.answers)
        await play.run(**way.given)
        gone |= play.edges

    assert gone == edges_of(workflow)
