import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mcp_server.results import result_json
from mcp_server.terminal.results import print_result, print_structured_result
from tests.mcp_server.story import RUN_ID, WORKSPACE
from workflows.runs.events import Json
from workflows.runs.log import ArtifactInfo
from workflows.runs.run import Run, RunFailure, RunUsage

ANSWER = "## Done\n\nThe flag is **there**, see [the docs](https://a.example/x)."
DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-old [bold]x[/bold]\n+new"
RESULT: Json = {
    "answer": ANSWER,
    "diff": DIFF,
    "files": [{"path": "src/x.py", "change": "modified"}, {"path": "tests/test_x.py", "change": "added"}],
    "review": {
        "verdict": "approve",
        "score": 9,
        "findings": [
            {"file": "x.py", "line": 3, "severity": "minor", "claim": "unused", "suggestion": "drop it", "fixed": True}
        ],
    },
    "tests_run": [
        {"command": "python -m unittest", "passed": False, "seconds": 1.4, "output": "FAILED"},
        {"command": "make check", "passed": None, "seconds": 9, "output": ""},
        {"command": "python -m unittest", "passed": True, "seconds": 1.2, "output": "OK"},
    ],
    "rounds": [{"agent": "codesmith", "instructions": "Write it.", "outcome": "Wrote it."}],
    "sources": [{"title": "Docs", "url": "https://a.example"}],
    "depth": 2,
    "extra": {"a": [1, 2]},
    "notes": "",
}
DONE = Run(
    run_id=RUN_ID,
    workflow="build_feature",
    input={},
    workspace=WORKSPACE,
    owner="local",
    key="k",
    status="completed",
    usage=RunUsage(input_tokens=120_000, output_tokens=3_000, cost_usd=0.31),
    result=RESULT,
    final_response=ANSWER,
    created_at="2026-11-21T12:00:00+00:00",
    ended_at="2026-11-21T18:02:10+00:00",
    seconds=130,
)
FAILED = replace(
    DONE,
    status="failed",
    result=None,
    final_response="",
    failure=RunFailure(
        kind="rate_limited",
        message="The provider refused ten requests.",
        blame="provider",
        recovery=("Wait a few minutes and try again",),
        partial={"research": {"notes": "cli.py writes it"}},
    ),
)
ARTIFACTS = [ArtifactInfo(name="design.md", media_type="text/markdown", bytes=5123)]


class Terminal(io.StringIO):
    """A terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)


def plain(run: Run) -> str:
    stream = io.StringIO()
    print_result(run, ARTIFACTS, stream=stream)
    return stream.getvalue()


def test_a_completed_run_in_plain_text() -> None:
    assert (
        plain(DONE)
        == f"""
{ANSWER}

Files changed
  - src/x.py · modified
  - tests/test_x.py · added

Tests run
  - ✘ python -m unittest · 1.4 s
  - ? make check · 9 s
  - ✔ python -m unittest · 1.2 s

Review: approve
  - score: 9
  - x.py:3 [minor] unused → drop it (fixed)

Sources
  - Docs <https://a.example>

Diff
{DIFF}

Rounds
  - codesmith: Wrote it.

Depth: 2

Extra
  - a: [1, 2]

Kept whole
  - design.md · 5,123 bytes · runs://{RUN_ID}/artifacts/design.md

2 min 10 s · 120,000 tokens read, 3,000 written · $0.31 · run {RUN_ID}
files in {WORKSPACE}
"""
    )


def test_a_failed_run_says_what_happened_whose_fault_it_is_what_helps_and_what_was_finished() -> None:
    assert plain(FAILED).startswith("""
build_feature failed (rate_limited): The provider refused ten requests.
Cause lies with: the model's provider

What helps
  - Wait a few minutes and try again

Finished before
  - research: {"notes": "cli.py writes it"}
""")


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (replace(DONE, offline=True), "\noffline: scripted agents, no model · 2 min 10 s"),
        (replace(DONE, usage=RunUsage(input_tokens=1, cost_usd=None)), "1 tokens read, 0 written · cost unknown"),
        (replace(DONE, usage=RunUsage(cost_usd=None)), "2 min 10 s · cost unknown · run"),
        (replace(DONE, usage=RunUsage()), f"\n2 min 10 s · run {RUN_ID}"),
        (replace(FAILED, failure=None, message="lost"), "build_feature failed: lost"),
        (replace(FAILED, status="interrupted"), f"agent-workflows resume {RUN_ID}"),
        (replace(DONE, status="running", final_response="", message="codesmith: Edit"), "is running: codesmith: Edit"),
        (
            replace(FAILED, status="cancelled", failure=RunFailure(kind="cancelled", message="Esc.", blame="caller")),
            "build_feature was cancelled (cancelled): Esc.\n\n",
        ),
    ],
)
def test_other_ends(run: Run, words: str) -> None:
    assert words in plain(run)


def test_in_a_terminal_markdown_is_rendered_and_links_show_where_they_lead() -> None:
    stream = Terminal()
    print_result(DONE, ARTIFACTS, stream=stream)
    text = stream.getvalue()

    assert "\x1b[1mthere\x1b[0m" in text
    assert "https://a.example/x" in text
    assert "\x1b]8" not in text
    assert "\x1b[31m-old [bold]x[/bold]\x1b[0m" in text


def test_the_result_of_a_tool_call_is_shown_like_the_run() -> None:
    stream = io.StringIO()
    print_structured_result(result_json(replace(DONE, offline=True), ARTIFACTS), stream=stream)
    text = stream.getvalue()

    assert text.startswith("\nOffline: scripted agents, no model. ## Done\n")
    assert text.count("The flag is **there**") == 1
    assert "Files changed\n  - src/x.py · modified" in text
    assert "2 min 10 s · 120,000 tokens read" in text


def test_the_error_of_a_tool_call_is_shown_like_the_failure() -> None:
    stream = io.StringIO()
    print_structured_result(result_json(FAILED, []), stream=stream)

    assert "The run failed (rate_limited): The provider refused ten requests." in stream.getvalue()
    assert "  - Wait a few minutes and try again" in stream.getvalue()


def test_a_long_answer_is_never_cut() -> None:
    stream = Terminal()
    print_result(replace(DONE, final_response="line\n\n" * 99 + "the end", result={}), [], stream=stream)

    assert "the end" in stream.getvalue()
    assert "more lines" not in stream.getvalue()


def test_what_is_no_result_is_refused() -> None:
    with pytest.raises(ValidationError):
        print_structured_result({"summary": 1}, stream=io.StringIO())


def test_a_long_text_is_cut_in_a_terminal_and_a_long_list_everywhere() -> None:
    stream = Terminal()
    design = "".join(f"row{number}\n\n" for number in range(100))
    print_result(replace(DONE, result={"design": design}), [], stream=stream)

    assert "row29" in stream.getvalue()
    assert "row31" not in stream.getvalue()
    assert "… 139 more lines" in stream.getvalue()
    assert "  - … 20 more\n" in plain(replace(DONE, result={"files": [f"f{n}.py" for n in range(50)]}))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=80)
    | st.sampled_from(["\x1b[2J\x9b5A", "[/bold]", "# x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["files", "review", "tests_run", "sources", "diff", "verdict", "x"]) | st.text(max_size=12)


@given(st.dictionaries(KEYS, JSON, max_size=4), st.text(max_size=200))
def test_no_result_can_break_the_end(result: Json, answer: str) -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        print_result(replace(DONE, result=result, final_response=answer), ARTIFACTS, stream=stream)

    assert not set(pipe.getvalue()) & set("\x1b\x9b\x07\u202e")
    assert not set(terminal.getvalue()) & set("\x9b\x07\u202e")
    assert "\x1b[2J" not in terminal.getvalue()
