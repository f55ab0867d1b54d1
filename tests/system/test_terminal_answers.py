"""Answers from the terminal to a run of a server, which goes on there."""

import signal
import sys
from pathlib import Path

import pytest

from tests.fakes import claude_cli
from tests.system.place import FAKE_CLAUDE, Place, ended
from tests.system.test_terminal_commands import read_until

pytestmark = pytest.mark.anyio


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of Unix")
async def test_ctrl_c_after_an_answer_leaves_a_run_that_another_server_works_on(tmp_path: Path) -> None:
    behaviour = claude_cli.asks_and_falls_silent.__name__
    place = Place.below(tmp_path, AGENT_WORKFLOWS_CLAUDE=str(FAKE_CLAUDE), FAKE_CLAUDE=behaviour)
    async with place.server() as client:
        await client.open()
        waiting = await client.told("run_claude", {"prompt": "Install it.", "permissions": "ask"})
        assert waiting["status"] == "waiting"
        run = {"run_id": waiting["run_id"]}
        async with place.process("answer", waiting["run_id"], "yes") as answering:
            await read_until(answering, "answered by terminal")
            answering.send_signal(signal.SIGINT)
            stopped = await ended(answering)
        assert (stopped.exit_code, stopped.stderr.strip()) == (1, "Aborted!")
        assert (await client.told("get_run", run))["status"] == "running"
        assert (await client.told("cancel_run", run))["status"] == "cancelled"
