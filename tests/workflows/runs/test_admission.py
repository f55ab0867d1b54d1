from pathlib import Path

import orjson
import pytest
from pydantic import BaseModel

from workflows.runs.admission import LARGEST_OUTPUT, LONGEST_VALUE, Admission
from workflows.runs.event_json import encode
from workflows.runs.events import AgentEvent, RunEvent, ToolEnd, ToolStart, WorkflowCompleted, WorkflowEvent
from workflows.runs.log import Artifact
from workflows.runs.redaction import Redactor
from workflows.runs.sqlite.writer import check_artifact


def admission(kept: list[Artifact], **environ: str) -> Admission:
    return Admission("r1", Redactor(environ), kept.append)


def test_a_small_event_enters_as_it_is() -> None:
    kept: list[Artifact] = []
    body = ToolStart(agent="codesmith", tool="Edit", call_id="c1", input={"path": "a.py", "times": 2, "all": True})
    assert admission(kept).admit(body) == (body, ())
    assert kept == []


def test_a_large_value_is_cut_and_kept_whole_as_an_artifact() -> None:
    kept: list[Artifact] = []
    text = "é" * (LONGEST_VALUE + 1)
    body, truncated = admission(kept).admit(
        ToolEnd(agent="codesmith", tool="Bash", call_id="c1", seconds=1, ok=True, output=text)
    )
    assert len(body.output) < LONGEST_VALUE
    assert body.output.endswith("…")
    assert kept[0].body.decode() == text
    assert truncated[0].field == "output"
    assert truncated[0].uri == f"runs://r1/artifacts/{kept[0].name}"
    assert truncated[0].bytes == len(text.encode())


def test_a_large_value_deep_inside_is_named_by_its_path() -> None:
    kept: list[Artifact] = []
    details = {"edits": [{"text": "x" * 5000}, {"text": "short"}]}
    _, truncated = admission(kept).admit(AgentEvent(agent="a", event_type="progress", details=details))
    assert [cut.field for cut in truncated] == ["details.edits[0].text"]


def test_the_same_large_value_twice_is_one_artifact() -> None:
    kept: list[Artifact] = []
    details = {"a": "x" * 5000, "b": "x" * 5000}
    admission(kept).admit(AgentEvent(agent="a", event_type="progress", details=details))
    assert len({artifact.name for artifact in kept}) == 1


def test_secrets_are_masked_in_events_and_in_what_is_kept_of_them() -> None:
    kept: list[Artifact] = []
    door = admission(kept, MY_TOKEN="very-secret-value")
    body, _ = door.admit(AgentEvent(agent="a", event_type="think", details={"text": "very-secret-value " + "x" * 5000}))
    door.artifact("notes.md", "text/markdown", "it is very-secret-value")
    assert "very-secret-value" not in str(body)
    assert all(b"very-secret-value" not in artifact.body for artifact in kept)


class Model(BaseModel):
    text: str


SECRET = "sk-ant-api03-ABCDEFGHIJKLMNOPQRSTUV"


def test_what_is_no_json_yet_is_masked_and_cut_as_well() -> None:
    kept: list[Artifact] = []
    update = {
        "path": Path("/x") / SECRET,
        "model": Model(text=SECRET),
        "bytes": SECRET.encode(),
        "set": {SECRET},
        "big": Model(text="x" * 20_000),
        SECRET: 1,
    }
    body, truncated = admission(kept).admit(WorkflowEvent(node="n", state_update=update))
    assert SECRET not in str(body)
    assert body.state_update["model"] == {"text": "***"}
    assert body.state_update["***"] == 1
    assert len(str(body)) < 5000
    assert [cut.field for cut in truncated] == ["state_update.big.text"]


def test_keys_that_are_masked_stay_apart() -> None:
    update = {SECRET: 1, SECRET + "x": 2}
    body, _ = admission([]).admit(WorkflowEvent(node="n", state_update=update))
    assert body.state_update == {"***": 1, "***-2": 2}


def test_a_call_id_is_no_exception() -> None:
    body, _ = admission([]).admit(ToolStart(agent="a", tool="t", call_id=SECRET, input={}))
    assert body.call_id == "***"


@pytest.mark.parametrize(
    "update",
    [
        {"files": [{"path": f"src/some/dir/file{number}.py", "change": "added"} for number in range(20_000)]},
        {str(number): "x" * 100 for number in range(20_000)},
        {"texts": ["x" * 5000] * 1000},
        {"deep": {"deeper": [["x" * 3000] * 500]}},
    ],
    ids=["a long list", "many keys", "many long texts", "deep inside"],
)
def test_an_event_that_is_too_large_as_a_whole_keeps_an_excerpt(update: dict[str, object]) -> None:
    kept: list[Artifact] = []
    body, truncated = admission(kept).admit(WorkflowEvent(node="n", state_update=update))
    event = RunEvent(run_id="r1", seq=1, time="t", message="m", progress=0, body=body, truncated=truncated)
    assert len(encode(event)) <= 64_000
    assert body.state_update
    assert [cut.field for cut in truncated] == ["state_update"]
    assert orjson.loads(kept[-1].body) == update
    assert len(kept) == 1


def completed(**result: object) -> WorkflowCompleted:
    answer = str(result.get("answer", ""))
    return WorkflowCompleted(final_response=answer, result=result, usage={}, seconds=1, tool_calls=0, steps=1)


@pytest.mark.parametrize("length", [LONGEST_VALUE + 1, 14_000])
def test_a_long_answer_is_whole_in_the_run_s_end(length: int) -> None:
    kept: list[Artifact] = []
    body, truncated = admission(kept).admit(completed(answer="x" * length))
    assert body.result == {"answer": "x" * length}
    assert body.final_response == "x" * length
    assert (truncated, kept) == ((), [])


@pytest.mark.parametrize(
    "result",
    [
        {"answer": "x" * 100_000},
        {"answer": "é" * 29_000},
        {"answer": "short", "files": [f"file {number}" for number in range(20_000)]},
    ],
    ids=["text", "not ASCII", "list"],
)
def test_a_result_that_is_too_long_is_kept_whole_as_an_artifact_that_is_listed(result: dict[str, object]) -> None:
    kept: list[Artifact] = []
    body, truncated = admission(kept).admit(completed(**result))
    assert len(orjson.dumps([body.result, body.final_response]).decode()) <= LARGEST_OUTPUT
    assert body.final_response[:5] == str(result["answer"])[:5]
    assert [artifact.name for artifact in kept] == ["result.json"]
    assert orjson.loads(kept[0].body) == result
    assert {cut.uri for cut in truncated} == {"runs://r1/artifacts/result.json"}


def test_another_text_under_the_same_name_is_kept_beside_the_first() -> None:
    kept: list[Artifact] = []
    door = admission(kept)
    names = [
        door.artifact(name, "text/markdown", text)[0]
        for name, text in [("n.md", "1"), ("n.md", "2"), ("n.md", "2"), ("n.md", "3"), ("README", "1"), ("README", "2")]
    ]
    assert names == ["n.md", "n-2.md", "n-2.md", "n-3.md", "README", "README-2"]
    assert {artifact.name: artifact.body for artifact in kept}["n.md"] == b"1"


def test_a_name_that_cannot_be_one_is_made_one() -> None:
    kept: list[Artifact] = []
    name, uri = admission(kept).artifact("my notes/é.md", "text/markdown", "text")
    assert name == "my-notes--.md"
    assert uri.endswith("/my-notes--.md")
    check_artifact(kept[0])
