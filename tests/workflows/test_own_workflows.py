"""Where workflows of one's own are found: in files, in modules, in packages that are installed."""

import importlib
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from tests.workflows.test_catalog import OWN
from workflows import entry_points as offers
from workflows.catalog import BUILT_IN, Catalog
from workflows.own_workflows import load
from workflows.runs.errors import WorkflowBroken, WorkflowNotFound

GRAPH = """
from typing import TypedDict
from langgraph.graph import START, StateGraph

class State(TypedDict, total=False):
    topic: str

def build(state):
    graph = StateGraph(state)
    graph.add_node("work", lambda state: {"topic": state["topic"].upper()})
    graph.add_edge(START, "work")
    return graph

moss = build(State).compile()
"""


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


@pytest.fixture
def graph_file(tmp_path: Path) -> Path:
    path = tmp_path / "grove.py"
    path.write_text(GRAPH)
    return path


def test_a_compiled_graph_is_taken_as_it_is(graph_file: Path) -> None:
    assert [load(f"{graph_file}{name}").name for name in (":moss", "")] == ["moss", "moss"]


def test_of_several_graphs_one_must_be_named(graph_file: Path) -> None:
    graph_file.write_text(GRAPH + "fern = build(State).compile()\n")

    with pytest.raises(WorkflowNotFound, match="several graphs in it: moss, fern"):
        load(str(graph_file))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("other = build(State)", "other is a graph that is not compiled"),
        ("other = build(dict).compile()", "nothing says what the graph other takes"),
    ],
)
def test_a_graph_that_can_be_no_tool_is_told_with_what_helps(graph_file: Path, code: str, message: str) -> None:
    graph_file.write_text(f"{GRAPH}{code}\n")

    with pytest.raises(WorkflowBroken, match=message) as caught:
        load(f"{graph_file}:other")

    assert caught.value.recovery


def test_installed_packages_offer_theirs_by_entry_points(graph_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"grove": "grove:moss", "gone": "no_such_module_anywhere:graph"}
    offered = EntryPoints(EntryPoint(name, place, "agent_workflows") for name, place in places.items())

    def entry_points(*, group: str) -> EntryPoints:
        return offered.select(group=group)

    monkeypatch.setattr(offers, "entry_points", entry_points)
    monkeypatch.setattr(sys, "path", [str(graph_file.parent), *sys.path])
    importlib.invalidate_caches()

    catalog = Catalog.with_own()

    assert [known.name for known in catalog.workflows] == [*(known.name for known in BUILT_IN), "grove"]
    (left_out,) = catalog.left_out
    assert "The entry point gone = no_such_module_anywhere:graph cannot be imported" in left_out.message
    del sys.modules["grove"]


def test_a_file_can_name_its_workflow(own_file: Path) -> None:
    assert load(f"{own_file}:OTHER").name == "own"


def test_a_module_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_installed.py").write_text(OWN)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    importlib.invalidate_caches()

    assert load("own_installed").name == "own"
    assert load("own_installed:OTHER").name == "own"
    del sys.modules["own_installed"]


def test_files_of_one_name_in_two_places_are_two(tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "own.py").write_text(OWN.replace('name="own"', f'name="own_{place}"'))

    names = [load(str(tmp_path / place / "own.py")).name for place in ("a", "b")]

    assert names == ["own_a", "own_b"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("missing.py", "There is no file .*missing.py"),
        ("no_such_module_anywhere", "There is no module 'no_such_module_anywhere'"),
        ("no_such_package.inner:WORKFLOW", "There is no module"),
        ("json", "there is no WORKFLOW in it"),
        ("what is this?", "names no workflow"),
        ("", "names no workflow"),
    ],
)
def test_what_is_not_there_is_named(spec: str, message: str) -> None:
    with pytest.raises(WorkflowNotFound, match=message) as caught:
        load(spec)

    assert caught.value.recovery


def test_what_is_no_workflow_is_named(own_file: Path) -> None:
    with pytest.raises(WorkflowBroken, match="NUMBER is a int, neither a"):
        load(f"{own_file}:NUMBER")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_code_that_cannot_be_imported_is_told_with_its_cause(tmp_path: Path, code: str, message: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(code)
    before = set(sys.modules)

    with pytest.raises(WorkflowBroken, match=message) as caught:
        load(str(path))

    assert str(path) in caught.value.message
    assert set(sys.modules) == before


def test_a_module_that_misses_another_is_broken_and_not_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_half.py").write_text("import no_such_module_anywhere")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    importlib.invalidate_caches()

    with pytest.raises(WorkflowBroken, match="own_half cannot be imported"):
        load("own_half")
