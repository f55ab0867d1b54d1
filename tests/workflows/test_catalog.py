import dataclasses
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from mcp_server.handlers import Tools
from workflows.build_feature.contract import WORKFLOW as BUILD_FEATURE
from workflows.catalog import BUILT_IN, RESERVED_FIELDS, RESERVED_NAMES, Catalog
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


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(WorkflowBroken, match="two workflows named 'own'"):
        Catalog([workflow(), workflow()])


def test_one_that_cannot_be_used_is_left_out_by_name_and_does_not_stop_the_others(tmp_path: Path) -> None:
    thing = OWN.replace("class In(", "class Thing: ...\n\nclass In(").replace(
        "text: str", "thing: Thing\n    model_config = {'arbitrary_types_allowed': True}"
    )
    files = {
        "raises.py": "1 / 0",
        "own.py": OWN,
        "asks.py": OWN.replace("text: str", "workspace: str"),
        "thing.py": thing.replace('name="own"', 'name="thing"'),
    }
    for name, code in files.items():
        (tmp_path / name).write_text(code)
    specs = ["raises.py", "missing.py", "own.py", "own.py:OTHER", "own.py:NUMBER", "asks.py", "thing.py"]

    catalog = Catalog.with_own([str(tmp_path / spec) for spec in specs])

    assert catalog.workflows[len(BUILT_IN) :] == (catalog.get("own"),)
    words = [
        "raises.py cannot be imported: ZeroDivisionError",
        "There is no file .*missing.py",
        "own.py:OTHER: there is a workflow named 'own' already",
        "own.py:NUMBER: NUMBER is a int",
        "'own' cannot be used: its input field 'workspace'",
        "'thing' cannot be used: In has no JSON schema",
    ]
    assert len(catalog.left_out) == len(words)
    for error, said in zip(catalog.left_out, words, strict=True):
        assert re.search(said, error.message)
        assert error.recovery
    with pytest.raises(WorkflowNotFound) as caught:
        catalog.get("raises")
    assert any("ZeroDivisionError" in remedy for remedy in caught.value.recovery)


def test_no_workflow_can_take_the_name_of_another_tool() -> None:
    others = {tool.name for tool in Tools(Catalog([])).definitions}

    assert others == RESERVED_NAMES


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
