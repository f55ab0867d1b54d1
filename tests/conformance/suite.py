"""Runs the official conformance suite, and reads what it says."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from tests.node import node

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGES = HERE / "node_modules"
"""What npm has installed for `make conformance`."""
OLDEST_NODE = 22
"""The oldest major version of Node that the suite and the Inspector run on."""
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
        warnings: Recommendations of the specification that are not followed.
    """

    revision: str
    name: str
    passed: int
    failed: int
    not_scored: str
    warnings: int = 0


def read(revision: str, output: str) -> list[Scenario]:
    """What the suite has printed at its end."""
    unscored = {found["name"]: found["why"] for found in _NOT_SCORED.finditer(output)}
    return [
        Scenario(revision, found["name"], int(found["passed"]), int(found["failed"]), unscored.get(found["name"], ""))
        for found in _SUMMARY.finditer(output)
    ]


def run(revision: str, url: str, output: Path) -> list[Scenario]:
    """Run all scenarios of a revision, those that do not count as well.

    Args:
        revision: Of the specification.
        url: The server's.
        output: Directory for what the suite writes of each scenario; made anew.
    """
    shutil.rmtree(output, ignore_errors=True)
    program = PACKAGES / "@modelcontextprotocol/conformance/dist/index.js"
    command = [node(OLDEST_NODE), program, "server", "--url", url, "--requirements", revision, "-o", output]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SUITE_SECONDS, check=False)
    scenarios = read(revision, done.stdout)
    if not scenarios:
        raise RuntimeError(f"the suite said nothing that can be read:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return [replace(one, warnings=warnings(one.name, output)) for one in scenarios]


def warnings(scenario: str, output: Path) -> int:
    """How often a scenario warns, from what the suite has written of it; it does not print that."""
    written = (path.read_bytes() for path in output.glob(f"server-{scenario}-20*/checks.json"))
    return sum(check["status"] == "WARNING" for checks in written for check in orjson.loads(checks))


@contextmanager
def serving(python: str, place: Path, workspace: Path) -> Generator[str]:
    """The fixture server on a free port; its address, as the suite wants it.

    Args:
        python: The interpreter.
        place: Existing directory for its data and for what it says.
        workspace: Where its agents may work.
    """
    command = [python, "-m", "tests.conformance.serve", str(place / "home"), str(workspace), "0"]
    said = place / "stderr"
    with said.open("w") as stderr:
        server = subprocess.Popen(command, stderr=stderr, cwd=ROOT)  # noqa: TID251 - as a user would start it
        try:
            yield f"http://localhost:{_port(said, server.poll)}/mcp"
        finally:
            server.terminate()
            server.wait(START_SECONDS)


def _port(said: Path, exit_code: Callable[[], int | None]) -> int:
    deadline = time.monotonic() + START_SECONDS
    while exit_code() is None and time.monotonic() < deadline:
        if found := re.search(r"serves (http://\S+)", said.read_text()):
            return urlsplit(found[1]).port or 0
        time.sleep(0.05)  # the pace of looking
    raise RuntimeError(f"the server did not start:\n{said.read_text()[-2000:]}")
