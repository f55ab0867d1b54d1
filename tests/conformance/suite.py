"""Runs the official conformance suite, and reads what it says."""

import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0
SUITE_SECONDS = 300.0
"""The whole of one revision takes about 20 s; a scenario gives up after 30."""
REVISIONS = ("2025-11-25", "2026-07-28")

_SUMMARY = re.compile(r"^[✓✗] (?P<name>[\w-]+): (?P<passed>\d+) passed, (?P<failed>\d+) failed", re.MULTILINE)
_NOT_SCORED = re.compile(r"^  [✓✗] (?P<name>[\w-]+) \((?P<why>[\w-]+)\)", re.MULTILINE)


@dataclass(frozen=True)
class Scenario:
    """A scenario's outcome.

    Attributes:
        revision: Of the specification.
        name: The suite's own.
        passed: Checks that held.
        failed: Checks that did not.
        not_scored: Why it does not count for the revision; empty if it does.
    """

    revision: str
    name: str
    passed: int
    failed: int
    not_scored: str


def read(revision: str, output: str) -> list[Scenario]:
    """What the suite has printed at its end."""
    unscored = {found["name"]: found["why"] for found in _NOT_SCORED.finditer(output)}
    return [
        Scenario(revision, found["name"], int(found["passed"]), int(found["failed"]), unscored.get(found["name"], ""))
        for found in _SUMMARY.finditer(output)
    ]


def run(node: Path, revision: str, url: str, output: Path) -> list[Scenario]:
    """Run all scenarios of a revision, those that do not count as well."""
    program = node / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
    command = [node_command(node), program, "server", "--url", url, "--requirements", revision, "-o", output]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SUITE_SECONDS, check=False)
    scenarios = read(revision, done.stdout)
    if not scenarios:
        raise RuntimeError(f"the suite said nothing that can be read:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return scenarios


def node_command(node: Path) -> Path:
    """The `node` that was installed with the suite."""
    return node / "node_modules/.bin/node"


@contextmanager
def serving(python: str, home: Path, workspace: Path) -> Generator[str]:
    """The fixture server on a free port; its address, as the suite wants it."""
    command = [python, "-m", "tests.conformance.serve", str(home), str(workspace), "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)  # noqa: TID251 - as a user would start it
    try:
        assert server.stderr is not None
        yield f"http://localhost:{_port(server.stderr)}/mcp"
    finally:
        server.terminate()
        server.communicate(timeout=START_SECONDS)


def _port(stderr: IO[str]) -> int:
    for line in stderr:
        if found := re.search(r"serves (http://\S+)", line):
            return urlsplit(found[1]).port or 0
    raise RuntimeError("the server did not start")
