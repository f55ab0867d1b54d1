"""The stage, and the check that nothing is left on it."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.agents.claude.stage import Stage, open_registry
from tests.descendants import kill_left_over


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A stage; when the test is over, nothing of what ran on it may be left, not even for a moment."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    async with open_registry() as registry:
        stage = Stage(workspace, registry)
        yield stage
        assert kill_left_over(stage.run_id) == []
