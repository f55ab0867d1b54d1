from collections.abc import AsyncGenerator

import pytest

from agents.claude.process import ProcessRegistry
from agents.command_runner import CommandRunner, RunCommand


@pytest.fixture
async def run_command() -> AsyncGenerator[RunCommand]:
    registry = ProcessRegistry()
    yield CommandRunner(registry).run
    await registry.close()
