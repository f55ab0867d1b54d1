import errno
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from workflows.runs.errors import LogUnavailable
from workflows.runs.process_lock import ProcessLock

HOLD = """
import sys
from pathlib import Path
from workflows.runs.process_lock import ProcessLock
lock = ProcessLock(Path(sys.argv[1]))
print(lock.token, flush=True)
sys.stdin.read()
"""


def test_a_process_that_holds_its_lock_is_alive_and_a_killed_one_is_not(tmp_path: Path) -> None:
    with ProcessLock(tmp_path) as own:
        process = subprocess.Popen(  # noqa: TID251 - a process to be killed is what this is about
            [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        token = process.stdout.readline().strip()
        assert own.alive(token)
        process.kill()
        process.communicate(timeout=5)
        assert not own.alive(token)
        assert not own.alive(token), "asking again changes nothing"


def test_the_own_process_is_alive_and_an_unknown_one_is_not(tmp_path: Path) -> None:
    with ProcessLock(tmp_path) as lock:
        assert lock.alive(lock.token)
        assert not lock.alive("1-unknown")
        assert not lock.alive("")


def test_a_released_lock_leaves_nothing_behind(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path)
    lock.release()
    lock.release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("home", ["file", "file/home", "file/far/below"])
def test_a_data_directory_that_is_a_file_or_below_one_is_refused_with_the_file_s_name(
    tmp_path: Path, home: str
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LogUnavailable) as caught:
        ProcessLock(tmp_path / home / "processes")
    assert caught.value.message == (
        f"The data directory {tmp_path / home} cannot be used: {tmp_path / 'file'} is a file, not a directory."
    )
    assert "AGENT_WORKFLOWS_HOME to a directory" in caught.value.recovery[0]


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")  # rights do not bind root, who may be running this

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(LogUnavailable, match=r"home cannot be written: Permission denied"):
        ProcessLock(tmp_path / "home" / "processes")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has rights of another kind")
def test_directories_it_makes_are_their_owner_s_alone(tmp_path: Path) -> None:
    with ProcessLock(tmp_path / "data" / "processes"):
        for place in (tmp_path / "data", tmp_path / "data" / "processes"):
            assert stat.S_IMODE(place.stat().st_mode) == 0o700
