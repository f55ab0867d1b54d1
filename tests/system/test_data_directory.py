"""A data directory that cannot be used, or no longer, or not yet: said in words, and what is in it stays as it is."""

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.system.place import OWN_WORKFLOWS, Place
from tests.system.wire import WireClient
from workflows.catalog import BUILT_IN
from workflows.runs.sqlite.database import BUSY_SECONDS

pytestmark = pytest.mark.anyio

full_disk = pytest.mark.skipif(sys.platform != "linux", reason="sets a limit of another process")
HELD = ("--workflow", str(OWN_WORKFLOWS / "held.py"))
GARBAGE = b"This is not a database. " * 1000


def a_file(directory: Path) -> Path:
    (directory / "file").write_bytes(b"a file")
    return directory / "file"


def below_a_file(directory: Path) -> Path:
    (directory / "file").write_bytes(b"a file")
    return directory / "file" / "home"


def where_nobody_can_write(_: Path) -> Path:
    return Path("/proc/nope")


def a_database_that_is_none(directory: Path) -> Path:
    home = directory / "home"
    home.mkdir()
    (home / "runs.sqlite3").write_bytes(GARBAGE)
    return home


def a_database_of_somebody_else(directory: Path) -> Path:
    home = directory / "home"
    home.mkdir()
    with sqlite3.connect(home / "runs.sqlite3") as connection:
        connection.execute("CREATE TABLE holiday (photo BLOB)")
    connection.close()
    return home


def a_database_of_a_newer_version(directory: Path) -> Path:
    home = a_database_of_somebody_else(directory)
    with sqlite3.connect(home / "runs.sqlite3") as connection:
        connection.execute(f"PRAGMA application_id = {0x41_57_46_4C}")
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    return home


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (a_file, ["file is a file, not a directory", "AGENT_WORKFLOWS_HOME to a directory"]),
        (below_a_file, ["file is a file, not a directory", "AGENT_WORKFLOWS_HOME to a directory"]),
        (where_nobody_can_write, ["/proc/nope cannot be written", "AGENT_WORKFLOWS_HOME"]),
        (a_database_that_is_none, ["runs.sqlite3", "damaged or no database", "from a backup"]),
        (a_database_of_somebody_else, ["runs.sqlite3", "AGENT_WORKFLOWS_HOME"]),
        (a_database_of_a_newer_version, ["runs.sqlite3", "newer version", "format 99", "Upgrade"]),
    ],
)
async def test_every_answer_says_why_the_data_directory_cannot_be_used(
    tmp_path: Path, spoil: Callable[[Path], Path], words: list[str]
) -> None:
    whole = Place.below(tmp_path)
    place = Place(spoil(tmp_path), whole.workspace)
    before = contents(place.home)
    async with place.server("--offline") as client:
        await client.open()
        tools = [tool["name"] for tool in (await client.asked("tools/list"))["result"]["tools"]]
        assert {*(workflow.name for workflow in BUILT_IN), "list_runs", "get_run", "cancel_run"} <= set(tools)
        for tool in (*tools, "nothing"):
            result = await client.called(tool, {"task": "a"})
            (block,) = result["content"]
            assert result["isError"]
            assert all(word in block["text"] for word in (*words, "Cause lies with: the set-up of this machine"))
        for method in ("resources/list", "prompts/list"):
            refusal = (await client.asked(method))["error"]["message"]
            assert all(word in refusal for word in words)
    assert contents(place.home) == before
    assert list(place.workspace.iterdir()) == []


async def test_nobody_waits_for_the_failure_of_others(tmp_path: Path) -> None:
    """A database that somebody else holds is waited for 5 s: once, by all who ask meanwhile, and not for the tools."""
    place = Place.below(tmp_path)
    place.home.mkdir()
    with closing(sqlite3.connect(place.home / "runs.sqlite3", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        async with place.server("--offline") as client:
            await client.open()
            waiting = [await client.request(method) for method in ("resources/list", "prompts/list", "resources/list")]
            tools = await client.asked("tools/list")
            refusals = [await client.answer(request) for request in waiting]
    order = [item.message.get("id") for item in client.received]
    assert order.index(tools["id"]) < min(map(order.index, waiting)), "they were waited for"
    assert tools["result"]["tools"]
    assert all("runs.sqlite3" in refusal["error"]["message"] for refusal in refusals)
    came = [item.at for item in client.received if item.message.get("id") in waiting]
    assert max(came) - min(came) < BUSY_SECONDS / 2, "each of them has waited by itself"


async def test_a_request_that_is_cancelled_while_the_log_opens_leaves_nothing_open(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    async with place.server("--offline") as client:
        await client.open()
    async with place.server("--offline") as client:
        await client.open()
        request = await client.call("list_runs", {})
        await client.notify("notifications/cancelled", {"requestId": request})
        assert (await client.told("list_runs", {}))["runs"] == []
        databases = [
            file for file in psutil.Process(client.process.pid).open_files() if file.path.endswith("runs.sqlite3")
        ]
    assert len(databases) <= 2  # one to read and one to write


async def test_a_server_whose_data_directory_is_repaired_works_without_a_new_start(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    a_database_that_is_none(tmp_path)
    async with place.server("--offline") as client:
        await client.open()
        assert (await client.called("list_runs", {}))["isError"]

        (place.home / "runs.sqlite3").unlink()

        assert (await client.called("list_runs", {}))["structuredContent"]["runs"] == []


def contents(home: Path) -> bytes:
    """The database, which must stay as it is."""
    path = home / "runs.sqlite3"
    return path.read_bytes() if home.is_dir() else b""


async def test_a_command_says_why_the_data_directory_cannot_be_used(tmp_path: Path) -> None:
    whole = Place.below(tmp_path)
    place = Place(a_database_that_is_none(tmp_path), whole.workspace)
    for arguments in (("runs",), ("run", "build_feature", "a", "--offline")):
        ended = await place.command(*arguments)
        assert (ended.exit_code, ended.stdout) == (1, "")
        assert "damaged or no database" in ended.stderr
        assert "Traceback" not in ended.stderr
    assert contents(place.home) == GARBAGE


async def test_damaged_checkpoints_fail_the_run_and_not_the_ones_after_the_repair(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    place.home.mkdir()
    checkpoints = place.home / "checkpoints.sqlite3"
    checkpoints.write_bytes(GARBAGE)
    (place.workspace / "go").touch()
    async with place.server("--offline", *HELD) as client:
        await client.open()
        result = await client.called("held", {"task": "a"})
        error = result["structuredContent"]["error"]
        assert (result["isError"], error["kind"]) == (True, "log_unavailable")
        assert str(checkpoints) in error["message"]
        assert checkpoints.read_bytes() == GARBAGE
        checkpoints.unlink()
        assert (await client.told("held", {"task": "a"}))["status"] == "completed"
        assert sorted(run["status"] for run in (await client.told("list_runs", {}))["runs"]) == ["completed", "failed"]


async def test_a_command_ends_where_the_checkpoints_are_damaged(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    place.home.mkdir()
    (place.home / "checkpoints.sqlite3").write_bytes(GARBAGE)
    ended = await place.command("run", "build_feature", "a", "--offline")
    assert ended.exit_code == 1
    assert "checkpoints.sqlite3" in ended.stdout
    assert "Traceback" not in ended.stdout


def limit_files(client: WireClient, place: Place) -> None:
    """From now on the server can make no file larger than the smallest of its databases' files is now."""
    sizes = [path.stat().st_size for path in place.home.glob("*.sqlite3*") if path.stat().st_size]
    psutil.Process(client.process.pid).rlimit(psutil.RLIMIT_FSIZE, (min(sizes), psutil.RLIM_INFINITY))


def lift_limit(client: WireClient) -> None:
    psutil.Process(client.process.pid).rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))


@full_disk
async def test_no_run_begins_while_the_disk_is_full_and_the_ones_before_stay(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    (place.workspace / "go").touch()
    async with place.server("--offline", *HELD) as client:
        await client.open()
        first = await client.told("held", {"task": "while there is room"})
        limit_files(client, place)
        result = await client.called("held", {"task": "no room any more"})
        assert result["isError"]
        assert "runs.sqlite3 cannot be used: disk" in result["content"][0]["text"]
        assert (await client.told("get_run", {"run_id": first["run_id"]}))["result"] == first["result"]
        lift_limit(client)
        assert (await client.told("held", {"task": "room again"}))["status"] == "completed"
    async with place.server("--offline") as after:
        await after.open()
        assert [run["status"] for run in (await after.told("list_runs", {}))["runs"]] == ["completed"] * 2


@full_disk
async def test_a_run_whose_end_cannot_be_written_says_so_and_is_written_once_there_is_room(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    async with place.server("--offline", *HELD) as client:
        await client.open()
        request = await client.call("held", {"task": "end in a full disk"})
        run_id = (await client.progress(request, message="holder: waiting for go"))["run_id"]
        limit_files(client, place)
        (place.workspace / "go").touch()
        result = (await client.answer(request, within=30))["result"]
        assert result["isError"]
        for words in ("its end cannot be written to the log yet", "disk", run_id, "the set-up of this machine"):
            assert words in result["content"][0]["text"]
        lift_limit(client)
        report = await client.over(run_id)
        assert (report["status"], report["error"]["kind"]) == ("failed", "log_unavailable")
        log = await client.log_of(run_id)
        assert [event["seq"] for event in log] == list(range(1, report["last_seq"] + 1))
        assert (await client.told("held", {"task": "go on"}))["status"] == "completed"
