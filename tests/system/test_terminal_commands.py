"""The terminal: the same runs as over MCP, started, watched, listed and ended from another process."""

import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import orjson
import pytest
from anyio.abc import Process

from tests.system.place import OWN_WORKFLOWS, Place, ended
from tests.system.scenes import shell_of_a_scripted_agent, worst_claude
from tests.system.wire import Json
from workflows.runs.event_json import decode
from workflows.runs.events import LastEvent

pytestmark = pytest.mark.anyio

HELD = ("--workflow", str(OWN_WORKFLOWS / "held.py"))
WINDOWS = sys.platform == "win32"


def assert_a_whole_log(lines: Sequence[str]) -> list[Json]:
    """One event a line, each one that this program can read, from the first to the last without a gap."""
    events = [decode(line) for line in lines]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[0].type == "workflow_started"
    assert isinstance(events[-1].body, LastEvent)
    assert len({event.run_id for event in events}) == 1
    return [orjson.loads(line) for line in lines]


async def read_until(process: Process, word: str, within: float = 20) -> str:
    """What a process writes, up to a word in it."""
    assert process.stdout is not None
    heard = ""
    with anyio.fail_after(within):
        while word not in heard:
            heard += (await process.stdout.receive()).decode()
    return heard


async def test_a_run_as_json_is_one_event_a_line_from_the_first_to_the_last(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    done = await place.command("run", "build_feature", "slugs", "--offline", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    events = assert_a_whole_log(done.stdout.splitlines())
    assert events[-1]["type"] == "workflow_completed"
    assert (events[0]["offline"], events[0]["input"]["task"]) == (True, "slugs")

    listed = await place.command("runs")
    assert listed.exit_code == 0
    assert events[0]["run_id"] in listed.stdout
    assert "completed" in listed.stdout
    again = await place.command("watch", events[0]["run_id"], "--json")
    assert (again.exit_code, again.stdout) == (0, done.stdout)


async def test_a_run_without_a_terminal_is_told_in_plain_lines(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    done = await place.command("run", "build_feature", "--input", '{"task": "slugs"}', "--offline")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    for words in (
        "started offline, with scripted agents: slugs",
        "supervisor 🎯 research next",
        "codesmith 🔧 Write slugs/slugify.py",
        "build_feature ✅ completed",
        "offline: scripted agents, no model",
        f"files in {place.workspace}",
    ):
        assert words in done.stdout
    assert (place.workspace / "slugs" / "slugify.py").exists()


async def test_a_run_that_fails_says_so_in_its_exit_code(tmp_path: Path) -> None:
    place = Place.below(tmp_path, AGENT_WORKFLOWS_CLAUDE="/nowhere/claude")
    done = await place.command("run", "build_feature", "slugs")
    assert done.exit_code == 1
    assert "/nowhere/claude" in done.stdout
    assert "Traceback" not in done.stderr


async def test_a_run_of_a_server_is_watched_live_and_ends_as_it_does_there(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    async with place.server("--offline", *HELD) as client:
        await client.open()
        request = await client.call("held", {"task": "be watched"})
        run_id = (await client.progress(request, message="holder: waiting for go"))["run_id"]
        async with place.process("watch", run_id) as watching, place.process("watch", run_id, "--json") as recording:
            await read_until(watching, "waiting for go")
            (place.workspace / "go").touch()
            watched, recorded = await ended(watching), await ended(recording)
        assert (watched.exit_code, recorded.exit_code) == (0, 0)
        assert "held ✅ completed" in watched.stdout
        assert assert_a_whole_log(recorded.stdout.splitlines()) == await client.log_of(run_id)


@pytest.mark.skipif(WINDOWS, reason="signals are those of Unix")
async def test_ctrl_c_ends_watching_and_not_the_run(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    async with place.server("--offline", *HELD) as client:
        await client.open()
        request = await client.call("held", {"task": "be watched"})
        run_id = (await client.progress(request, message="holder: waiting for go"))["run_id"]
        async with place.process("watch", run_id) as watching:
            await read_until(watching, "waiting for go")
            watching.send_signal(signal.SIGINT)
            stopped = await ended(watching)
        assert (stopped.exit_code, stopped.stderr.strip()) == (1, "Aborted!")
        (place.workspace / "go").touch()
        assert (await client.answer(request))["result"]["structuredContent"]["status"] == "completed"


async def test_a_run_of_a_server_is_cancelled_from_the_terminal(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    async with place.server("--offline", *HELD) as client:
        await client.open()
        request = await client.call("held", {"task": "be cancelled"})
        run_id = (await client.progress(request, message="holder: waiting for go"))["run_id"]
        for _ in range(2):  # once more changes nothing
            done = await place.command("cancel", run_id, "--reason", "enough of it")
            assert done.exit_code == 0
            assert "enough of it" in done.stdout
        result = (await client.answer(request))["result"]
        assert result["isError"]
        assert "enough of it" in result["content"][0]["text"]
        listed = await place.command("runs")
        assert "cancelled" in listed.stdout


@pytest.mark.skipif(WINDOWS, reason="signals are those of Unix")
async def test_ctrl_c_cancels_a_run_of_ones_own(tmp_path: Path) -> None:
    async with shell_of_a_scripted_agent(tmp_path) as scene:
        async with scene.place.process("run", scene.tool, "work", *scene.arguments) as running:
            await read_until(running, "🔧 Bash")
            await scene.place.populated(*scene.busy)
            running.send_signal(signal.SIGINT)
            stopped = await ended(running)
        assert stopped.exit_code == 130
        assert "cancelled" in stopped.stdout
        assert "Traceback" not in stopped.stderr
        await scene.place.deserted(2)
        assert "cancelled" in (await scene.place.command("runs")).stdout


@pytest.mark.skipif(WINDOWS, reason="signals are those of Unix")
async def test_a_run_of_ones_own_that_is_killed_leaves_nobody_behind(tmp_path: Path) -> None:
    async with worst_claude(tmp_path) as scene:
        async with scene.place.process("run", scene.tool, "work", *scene.arguments) as running:
            await scene.place.populated(*scene.busy)
            running.kill()
            await running.wait()
            await scene.place.deserted(3)
        assert "interrupted" in (await scene.place.command("runs")).stdout


@pytest.mark.skipif(WINDOWS, reason="signals are those of Unix")
async def test_ctrl_c_leaves_a_run_that_was_only_joined(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    async with place.server("--offline", *HELD) as client:
        await client.open()
        request = await client.call("held", {"task": "be joined"})
        await client.progress(request, message="holder: waiting for go")
        workspace = ("--workspace", str(place.workspace))
        async with place.process("run", "held", "be joined", "--offline", *HELD, *workspace) as joining:
            await read_until(joining, "waiting for go")
            joining.send_signal(signal.SIGINT)
            assert (await ended(joining)).exit_code == 1
        (place.workspace / "go").touch()
        assert (await client.answer(request))["result"]["structuredContent"]["status"] == "completed"
        assert len((await client.told("list_runs", {}))["runs"]) == 1


async def test_output_that_nobody_reads_any_more_is_no_error(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    async with place.process("run", "build_feature", "slugs", "--offline", "--json") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        await running.stdout.receive()
        await running.stdout.aclose()
        with anyio.fail_after(10):
            said = b"".join([chunk async for chunk in running.stderr])
            await running.wait()
        assert b"Traceback" not in said
        await place.deserted(3)


async def test_what_cannot_be_done_is_said_in_words(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "empty.py").write_text("")
    cases: dict[tuple[str, ...], tuple[int, str]] = {
        ("frobnicate",): (2, "No such command 'frobnicate'"),
        ("run", "buildfeature", "x", "--offline"): (1, "Did you mean 'build_feature'"),
        ("run", "build_feature", "--offline"): (1, "task: this argument is required"),
        ("run", "build_feature", "x", "--workspace", "nowhere"): (2, "'nowhere' does not exist"),
        ("run", "build_feature", "--input", "{task"): (2, "--input is not JSON"),
        ("run", "build_feature", "x", "--input", '{"tusk": 1}'): (1, "tusk: there is no such argument"),
        ("run", "brokn", "x", "--workflow", str(tmp_path / "broken.py")): (1, "nothing_of_that_name"),
        ("run", "empty", "x", "--workflow", str(tmp_path / "empty.py")): (1, "there is no WORKFLOW in it"),
        ("watch", "0123456789abcdef0123"): (1, "there is no run '0123456789abcdef0123'"),
        ("cancel", "0123456789abcdef0123"): (1, "there is no run '0123456789abcdef0123'"),
    }
    said = [await place.command(*arguments) for arguments in cases]
    for (arguments, (exit_code, words)), done in zip(cases.items(), said, strict=True):
        assert (done.exit_code, done.stdout) == (exit_code, ""), arguments
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    assert (await place.command("runs")).stdout.strip() == "There are no runs yet."


async def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    place = Place.below(tmp_path, AGENT_WORKFLOWS_MAX_RUNS="many")
    done = await place.command("serve")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "AGENT_WORKFLOWS_MAX_RUNS = 'many'" in done.stderr


async def test_the_command_says_what_it_is_and_can_do(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    version = await place.command("--version")
    assert re.fullmatch(r"agent-workflows \d+\.\d+\.\d+\n", version.stdout)
    help_text = (await place.command("--help")).stdout
    for command in ("serve", "run", "demo", "runs", "watch", "cancel"):
        assert re.search(rf"^  {command} +\w", help_text, re.MULTILINE)
