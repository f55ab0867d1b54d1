import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

from mcp_server.results import LARGEST_RESULT, WorkflowResult, result_json, seconds_of
from workflows.runs.admission import RESULT
from workflows.runs.log import ArtifactInfo
from workflows.runs.run import Run, RunStatus


class Output(BaseModel):
    answer: str
    tests_run: list[dict[str, str]] = []


RUN = Run(
    run_id="r1",
    workflow="build_feature",
    input={},
    workspace="/w",
    owner="local",
    key="k",
    status="completed",
    result={"answer": "done"},
    final_response="done",
    created_at="2026-11-21T12:00:00+00:00",
    updated_at="2026-11-21T12:00:30+00:00",
    ended_at="2026-11-21T12:01:00+00:00",
    seconds=20,
)


def test_a_small_result_is_whole_and_says_so() -> None:
    result = WorkflowResult[Output].model_validate(result_json(RUN, []))
    assert result.result == Output(answer="done")
    assert result.summary == "done"
    assert result.shortened == []


def test_whole_values_of_events_are_not_listed_as_made_by_an_agent() -> None:
    infos = [ArtifactInfo(name=name, media_type="text/plain", bytes=1) for name in ("cut-1.txt", "design.md")]
    result = WorkflowResult[Output].model_validate(result_json(RUN, infos))
    assert [artifact.uri for artifact in result.artifacts] == ["runs://r1/artifacts/design.md"]


def test_a_large_result_fits_keeps_its_shape_and_names_what_was_cut() -> None:
    runs = [{"command": f"pytest {number}", "output": "x" * 900} for number in range(300)]
    large = replace(RUN, result={"answer": "y" * 9000, "tests_run": runs})
    structured = result_json(large, [])
    result = WorkflowResult[Output].model_validate(structured)
    assert len(json.dumps(structured)) <= LARGEST_RESULT
    assert result.result is not None
    assert result.result.tests_run[0]["command"] == "pytest 0"
    assert result.result.tests_run[-1]["command"] == "pytest 299", "the last run of the tests is the one that counts"
    assert "result.answer" in result.shortened
    assert any(part.startswith("result.tests_run (") for part in result.shortened)


def test_a_result_that_was_cut_when_it_was_kept_says_where_all_of_it_is() -> None:
    infos = [ArtifactInfo(name=RESULT, media_type="application/json", bytes=300_000)]
    assert result_json(RUN, infos)["shortened"] == ["result (all of it is in result.json)"]
    large = replace(RUN, result={"answer": "y" * 50_000})
    assert result_json(large, infos)["shortened"] == ["result (all of it is in result.json)", "result.answer"]


def test_an_object_with_very_many_keys_is_bounded() -> None:
    large = replace(RUN, result={f"key {number}": "z" * 50 for number in range(5000)})
    assert len(json.dumps(result_json(large, []))) <= LARGEST_RESULT


@pytest.mark.parametrize("status", ["completed", "waiting", "interrupted", "queued"])
def test_the_seconds_of_a_run_that_nobody_works_on_stand_still(status: RunStatus) -> None:
    assert seconds_of(replace(RUN, status=status)) == 20


def test_the_seconds_of_a_run_at_work_go_on_from_its_newest_event() -> None:
    a_minute_ago = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    at_work = replace(RUN, status="running", updated_at=a_minute_ago, ended_at="")
    assert 80 <= seconds_of(at_work) < 1000


def test_a_result_tells_the_seconds_at_work_and_not_those_since_it_was_asked_for() -> None:
    assert result_json(RUN, [])["usage"] == {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0, "seconds": 20}


def test_a_run_that_goes_on_says_how_to_ask_again() -> None:
    going = replace(RUN, status="running", result=None, progress=41.7, message="codesmith: Edit a.py", ended_at="")
    summary = str(result_json(going, [])["summary"])
    for expected in ("42 %", "codesmith: Edit a.py", "get_run", "r1"):
        assert expected in summary
