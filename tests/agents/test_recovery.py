"""What errors advise must exist."""

import re
from pathlib import Path

from mcp_server.cli import COMMANDS

ROOT = Path(__file__).parents[2]
_ADVISED = re.compile(r"`agent-workflows ([a-z][a-z-]*)")


def test_every_command_that_is_advised_exists() -> None:
    sources = [path for floor in ("agents", "workflows") for path in (ROOT / floor).rglob("*.py")]
    advised = {(path.name, name) for path in sources for name in _ADVISED.findall(path.read_text())}

    assert sources
    assert {(file, name) for file, name in advised if name not in COMMANDS} == set()
