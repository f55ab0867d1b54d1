"""How many files the process may have open; each case in a process of its own, because the limit is the process's."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")

PROGRAM = """
import logging, resource, sys
from mcp_server.http.file_limit import allow_connections
logging.basicConfig(stream=sys.stdout)
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
allow_connections({connections})
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def allowed(soft: int, hard: int, connections: int) -> str:
    program = PROGRAM.format(soft=soft, hard=hard, connections=connections)
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=20).stdout


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "after"),
    [(256, 4096, 1000, "1256\n"), (2000, 4096, 1000, "2000\n")],
)
def test_the_limit_is_raised_as_far_as_the_connections_need_it(
    soft: int, hard: int, connections: int, after: str
) -> None:
    assert allowed(soft, hard, connections) == after


def test_a_limit_that_cannot_be_raised_so_far_is_said() -> None:
    said = allowed(256, 512, 1000)

    assert said.endswith("512\n")
    assert "AGENT_WORKFLOWS_MAX_CONNECTIONS is 1000" in said
