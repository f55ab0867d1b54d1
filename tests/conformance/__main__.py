"""`make conformance`: others' tests and others' clients against this server; npm's packages are installed before.

Runs everything, prints it, and writes the tables of docs/conformance.md. Exit code 1 if something fails that is not
among the expected failures, or passes that is.
"""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import anyio

from tests.conformance import clients, suite
from tests.conformance.clients import Seen
from tests.conformance.suite import Scenario

DOCUMENT = suite.ROOT / "docs" / "conformance.md"
BEGIN, END = "<!-- begin: written by make conformance -->", "<!-- end -->"

EXPECTED = {
    ("2025-11-25", "server-sse-polling"): (
        "pending in the suite itself: the server keeps no events of a stream that was cut; a run is found again by its "
        "id, and calling the tool again joins it"
    ),
}
"""Scenarios that fail and are known to, with the reason."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="agent-workflows-conformance-") as name:
        place = Path(name)
        workspace = place / "workspace"
        workspace.mkdir()
        with suite.serving(sys.executable, place, workspace) as url:
            scenarios = [
                one
                for revision in suite.REVISIONS
                for one in suite.run(revision, url, suite.ROOT / "test-output" / f"conformance-{revision}")
            ]
        seen = [
            *clients.Inspector(place / "inspector", workspace).look(),
            *anyio.run(clients.python, place / "python", workspace),
            *clients.typescript(place / "typescript", workspace),
        ]
    tables = written(scenarios, seen)
    print(tables)  # noqa: T201 - the command's output
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{tables}\n{END}{rest.partition(END)[2]}")
    wrong = [*unexpected(scenarios), *(f"{one.client} {one.what}: {one.outcome}" for one in seen if not one.ok)]
    for one in wrong:
        print(f"not as expected: {one}")  # noqa: T201 - the command's output
    return 1 if wrong else 0


def unexpected(scenarios: list[Scenario]) -> list[str]:
    """Scenarios that failed or passed and should not have."""
    failed = {(one.revision, one.name) for one in scenarios if one.failed}
    known = {(one.revision, one.name) for one in scenarios}
    return [f"{revision} {name}" for revision, name in sorted(failed ^ (EXPECTED.keys() & known))]


def written(scenarios: list[Scenario], seen: list[Seen]) -> str:
    """Everything as Markdown."""
    lines = [f"Last run: {datetime.now(UTC):%Y-%m-%d}.", ""]
    for revision in suite.REVISIONS:
        of_it = [one for one in scenarios if one.revision == revision]
        scored = [one for one in of_it if not one.not_scored]
        passing = [one for one in scored if not one.failed]
        checks = sum(one.passed for one in of_it), sum(one.failed for one in of_it)
        lines += [
            f"### Revision {revision}",
            "",
            (
                f"{len(passing)} of {len(scored)} scored scenarios pass; of all {len(of_it)}, {checks[0]} checks hold "
                f"and {checks[1]} do not."
            ),
            "",
            "| scenario | checks | counts | result |",
            "|---|---|---|---|",
            *(_row(one) for one in of_it),
            "",
        ]
    lines += ["### Clients", "", "| client | what | outcome | as expected |", "|---|---|---|---|"]
    lines += [f"| {one.client} | {one.what} | {one.outcome} | {'yes' if one.ok else '**no**'} |" for one in seen]
    return "\n".join([*lines, ""])


def _row(one: Scenario) -> str:
    result = "passes" if not one.failed else EXPECTED.get((one.revision, one.name), "**fails**")
    checks = f"{one.passed} of {one.passed + one.failed}" + (f", warns {one.warnings} times" if one.warnings else "")
    return f"| `{one.name}` | {checks} | {'yes' if not one.not_scored else f'no: {one.not_scored}'} | {result} |"


if __name__ == "__main__":
    sys.exit(main())
