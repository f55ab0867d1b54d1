import json
from pathlib import Path

from mcp_server.handlers import Tools
from tests.conformance.__main__ import EXPECTED, unexpected, written
from tests.conformance.clients import ABOUT_RUNS, WORKFLOWS, Session
from tests.conformance.suite import Scenario, read, warnings
from workflows.catalog import Catalog

OUTPUT = """\
=== SUMMARY ===
✓ ping: 2 passed, 0 failed
✗ tasks-lifecycle: 8 passed, 1 failed

Total: 10 passed, 1 failed

Not scored for 2026-07-28: 1 scenario(s) run, 1 failing. These do not affect conformance.
  ✗ tasks-lifecycle (extension)
"""


def test_the_suites_summary_is_read_with_what_does_not_count() -> None:
    assert read("2026-07-28", OUTPUT) == [
        Scenario("2026-07-28", "ping", 2, 0, ""),
        Scenario("2026-07-28", "tasks-lifecycle", 8, 1, "extension"),
    ]


def test_warnings_are_read_from_what_the_suite_has_written(tmp_path: Path) -> None:
    for name, statuses in {"tools": ["SUCCESS", "WARNING", "WARNING"], "tools-list": ["WARNING"]}.items():
        directory = tmp_path / f"server-{name}-2026-11-21T17-04-00-686Z"
        directory.mkdir()
        (directory / "checks.json").write_text(json.dumps([{"status": status} for status in statuses]))
    assert [warnings(name, tmp_path) for name in ("tools", "tools-list", "ping")] == [2, 1, 0]


def test_what_fails_or_passes_and_should_not_is_named() -> None:
    ((revision, known),) = EXPECTED
    fails, passes = Scenario(revision, known, 0, 1, "pending"), Scenario(revision, known, 1, 0, "pending")
    assert unexpected([fails, Scenario(revision, "ping", 2, 0, "")]) == []
    assert unexpected([fails, Scenario(revision, "ping", 1, 1, "")]) == [f"{revision} ping"]
    assert unexpected([passes]) == [f"{revision} {known}"]


def test_what_does_not_count_is_in_the_table_and_not_in_the_score() -> None:
    table = written([*read("2026-07-28", OUTPUT), Scenario("2026-07-28", "prompts-list", 1, 1, "")], [])
    assert "1 of 2 scored scenarios pass; of all 3, 11 checks hold and 2 do not." in table
    assert "| `tasks-lifecycle` | 8 of 9 | no: extension | **fails** |" in table


def test_a_session_in_the_wrong_era_or_without_its_question_is_not_as_expected() -> None:
    session = Session(
        protocol="2025-11-25",
        tools=[*WORKFLOWS, *ABOUT_RUNS],
        status="completed",
        progress=[0.5, 40, 100],
        approved="completed",
        questions=["Shall this plan be carried out?"],
    )
    assert [one.ok for one in session.seen("SDK", "legacy")] == [True, True, True]
    assert [one.ok for one in session.seen("SDK", "auto")] == [False, True, True]
    falling = session.model_copy(update={"progress": [0.5, 40, 40], "questions": []})
    assert [one.ok for one in falling.seen("SDK", "legacy")] == [True, False, False]


def test_the_tools_that_others_clients_call_are_all_there_are() -> None:
    assert {*WORKFLOWS, *ABOUT_RUNS} == {tool.name for tool in Tools(Catalog.with_own()).definitions}
