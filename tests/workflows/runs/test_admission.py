from workflows.runs.admission import LONGEST_VALUE, Admission
from workflows.runs.events import AgentEvent, ToolEnd, ToolStart
from workflows.runs.log import Artifact
from workflows.runs.redaction import Redactor


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
