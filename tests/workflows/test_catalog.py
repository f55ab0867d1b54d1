import dataclasses
import importlib
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from workflows.build_feature.contract import WORKFLOW as BUILD_FEATURE
from workflows.catalog import BUILT_IN, RESERVED_FIELDS, Catalog, load
from workflows.runs.errors import WorkflowBroken, WorkflowNotFound
from workflows.workflow import Stage, Workflow

OWN = """
from pydantic import BaseModel
from workflows.workflow import Stage, Workflow

class In(BaseModel):
    text: str

class Out(BaseModel):
    answer: str

WORKFLOW = Workflow(
    name="own", title="Own", description="d", input_model=In, output_model=Out, response_field="answer",
    stages=(Stage(name="a", title="A", share=1.0),), graph="somewhere:build",
)
OTHER = WORKFLOW
NUMBER = 3
"""


class TextInput(BaseModel):
    text: str


class AnswerOutput(BaseModel):
    answer: str


def workflow(**changes: object) -> Workflow:
    whole = Workflow(
        name="own",
        title="Own",
        description="d",
        input_model=TextInput,
        output_model=AnswerOutput,
        response_field="answer",
        stages=(Stage(name="a", title="A", share=1.0),),
        graph="somewhere:build",
    )
    return dataclasses.replace(whole, **changes)  # pyright: ignore[reportArgumentType] - some are wrong on purpose


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def test_the_built_in_workflows_are_there() -> None:
    catalog = Catalog.with_own()

    assert catalog.workflows == BUILT_IN
    assert catalog.workflows[0] is BUILD_FEATURE
    assert catalog.get("build_feature") is BUILD_FEATURE


def test_one_of_ones_own_comes_after_them(own_file: Path) -> None:
    catalog = Catalog.with_own([str(own_file)])

    assert [known.name for known in catalog.workflows] == [*(known.name for known in BUILT_IN), "own"]


def test_an_unknown_name_is_told_with_what_there_is() -> None:
    with pytest.raises(WorkflowNotFound, match="'build_featur'") as caught:
        Catalog.with_own().get("build_featur")

    assert caught.value.recovery[0] == "Did you mean 'build_feature'?"
    assert caught.value.blame == "caller"


def test_two_of_one_name_are_refused(own_file: Path) -> None:
    with pytest.raises(WorkflowBroken, match="two workflows named 'own'"):
        Catalog.with_own([str(own_file), f"{own_file}:OTHER"])


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
    with pytest.raises(WorkflowBroken, match="NUMBER is a int, not a"):
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


@pytest.mark.parametrize("field", sorted(RESERVED_FIELDS))
def test_an_input_field_named_like_a_common_option_is_refused(field: str) -> None:
    model = type("Input", (BaseModel,), {"__annotations__": {field: str}})

    with pytest.raises(WorkflowBroken, match=f"'own' cannot be used: its input field '{field}'"):
        Catalog([workflow(input_model=model)])


def test_so_is_an_alias_of_that_name() -> None:
    class Input(BaseModel):
        place: str = Field(alias="workspace")

    with pytest.raises(WorkflowBroken, match="'workspace'"):
        Catalog([workflow(input_model=Input)])


@pytest.mark.parametrize("name", ["", "with blank", "1st", "has-dash", "ä", "x" * 49, "new\nline"])
def test_a_name_that_is_no_tool_name_is_refused(name: str) -> None:
    with pytest.raises(WorkflowBroken, match="is no tool name"):
        Catalog([workflow(name=name)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "get_run"}, "the name of a tool of this server"),
        ({"response_field": "words"}, "'words' is no field of AnswerOutput"),
        ({"stages": ()}, "it has no stages"),
        ({"stages": (Stage(name="a", title="A", share=1.0),) * 2}, "two stages named 'a'"),
        ({"stages": (Stage(name="a", title="A", share=0.0),)}, "share of its stage 'a'"),
        ({"stages": (Stage(name="a", title="A", share=float("nan")),)}, "share of its stage 'a'"),
        ({"graph": "somewhere.build"}, "its graph 'somewhere.build' is no place"),
        ({"offline": "somewhere.script"}, "its offline 'somewhere.script' is no place"),
        ({"max_steps": 0}, "max_steps"),
    ],
)
def test_what_cannot_work_is_refused_with_what_helps(changes: dict[str, object], message: str) -> None:
    with pytest.raises(WorkflowBroken, match=message) as caught:
        Catalog([workflow(**changes)])

    assert caught.value.recovery
