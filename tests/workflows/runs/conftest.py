"""What tests of runs share."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.workflows.runs.worktree_home import Home, a_home


@pytest.fixture
async def home(tmp_path: Path) -> AsyncGenerator[Home]:
    """A data directory in which runs get places of their own."""
    async with a_home(tmp_path / "home") as opened:
        yield opened
