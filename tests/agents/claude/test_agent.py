"""The agent on a `claude` that misbehaves in every way we know of."""

import json
from pathlib import Path

import anyio
import pytest
from pydantic import BaseModel

from agents.agent import AgentTask
from agents.claude.agent import ClaudeAgent
from agents.claude.process import ProcessRegistry
from agents.errors import (
    AgentMisconfigured,
    AgentProcessFailed,
    ClaudeNotFound,
    CostLimitReached,
    NotLoggedIn,
    ReplyInvalid,
    TimeLimitReached,
    TurnLimitReached,
)
from agents.events import AgentSaid, Progressed, TextStreamed, UsageReported, Waiting
from tests.agents.claude.conftest import FAKE_CLAUDE, Stage, fake_environment
from tests.fakes import claude_cli as fake

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def bounded() -> object:
    ...


async def test_a_well_behaved_run_ends_with_its_reply(stage: Stage) -> None:
    with anyio.fail_after(5):
        reply = await stage.play()
    assert reply.text == f"the prompt has {len('Your task:' + chr(10) * 2 + 'do it')} characters"
    assert reply.usage.cost_usd == 0.25
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (10, 5)
