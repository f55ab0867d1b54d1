from tests.conformance.suite import Scenario, read

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
