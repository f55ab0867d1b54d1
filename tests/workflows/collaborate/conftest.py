from collections.abc import AsyncGenerator

import pytest

from agents.command_runner import CommandRunner, RunCommand
from agents.processes.registry import ProcessRegistry


@pytest.fixture
async def run_command() -> AsyncGenerator[RunCommand]:
    registry = ProcessRegistry()
    yield CommandRunner(registry).run
    await registry.close()
