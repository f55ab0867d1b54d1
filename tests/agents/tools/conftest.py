"""What tests of tools share."""

from pathlib import Path

import pytest

from tests.agents.tools.workbench import Workbench, run_nothing


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """A workspace in which no command is run."""
    return Workbench(tmp_path, run_nothing)
