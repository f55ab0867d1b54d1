"""The demo: everything for real but the model, as a newcomer sees it."""

import re
import signal
import sys
from pathlib import Path
from unittest.mock import ANY

import anyio
import pytest

from tests.system.place import Place, ended
from tests.system.test_terminal_commands import assert_a_whole_log, read_until

pytestmark = pytest.mark.anyio


def place_of_demo(directory: Path) -> Place:
    """A place whose temporary files stay with the test's."""
    temporary = directory / "tmp"
    temporary.mkdir()
    return Place.below(directory, TMPDIR=str(temporary), TEMP=str(temporary), TMP=str(temporary))


async def test_the_demo_shows_a_run_and_leaves_working_code(tmp_path: Path) -> None:
    place = place_of_demo(tmp_path)
    done = await place.command("demo", within=40)
    assert (done.exit_code, done.stderr) == (0, "")
    for words in (
        "agent-workflows serve --offline",
        "supervisor 🎯",
        "codesmith 🔧",
        "✅ completed",
        "This was scripted",
    ):
        assert words in done.stdout
    found = re.search(r"^The files are in (.+)$", done.stdout, re.MULTILINE)
    assert found is not None
    workspace = Path(found[1])
    assert workspace.is_relative_to(tmp_path)
    assert re.search(r"^  claude mcp add agent-workflows -- \S*agent-workflows serve\n*\Z", done.stdout, re.MULTILINE)

    command = [sys.executable, "-B", "-m", "unittest", "discover", "-s", "slugs"]
    tests = await anyio.run_process(command, cwd=workspace, check=False)
    assert (tests.returncode, re.findall(rb"^Ran [1-9]\d* tests", tests.stderr, re.MULTILINE)) == (0, [ANY]), (
        tests.stderr
    )
    status = await anyio.run_process(["git", "status", "--porcelain", "-uall"], cwd=workspace)
    assert sorted(status.stdout.split()) == [b"??", b"??", b"slugs/slugify.py", b"slugs/test_slugify.py"]
    assert not place.home.exists(), "The demo keeps to its own data directory."
    await place.deserted(2)


async def test_the_demo_as_json_is_a_whole_log(tmp_path: Path) -> None:
    done = await place_of_demo(tmp_path).command("demo", "--json", within=40)
    assert (done.exit_code, done.stderr) == (0, "")
    events = assert_a_whole_log(done.stdout.splitlines())
    assert events[-1]["type"] == "workflow_completed"
    assert events[0]["offline"] is True


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of Unix")
@pytest.mark.parametrize("moment", ["Starting", "supervisor"])
async def test_a_demo_that_is_ended_with_ctrl_c_leaves_nothing_behind(tmp_path: Path, moment: str) -> None:
    place = place_of_demo(tmp_path)
    async with place.process("demo") as demo:
        await read_until(demo, moment)
        demo.send_signal(signal.SIGINT)
        stopped = await ended(demo)
    assert (stopped.exit_code, stopped.stderr.strip()) == (1, "Aborted!")
    assert list((tmp_path / "tmp").glob("agent-workflows-demo-*")) == []
    await place.deserted(2)


async def test_a_demo_that_fails_says_where_what_there_is_so_far_is(tmp_path: Path) -> None:
    place = place_of_demo(tmp_path)
    broken = Place(place.home, place.workspace, {**place.environment, "AGENT_WORKFLOWS_MAX_RUNS": "many"})
    failed = await broken.command("demo")
    (base,) = (tmp_path / "tmp").glob("agent-workflows-demo-*")
    assert failed.exit_code == 1
    assert "AGENT_WORKFLOWS_MAX_RUNS = 'many'" in failed.stderr
    assert "Error: The server did not answer" in failed.stderr
    assert f"What there is so far is in {base}\n" in failed.stderr
