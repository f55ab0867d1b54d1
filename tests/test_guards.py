"""The guards in tests/conftest.py bite: the outside world, the caller's keys, and hangs."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest

from tests.conftest import BOUND, OutsideError, bounded, outside, strip_foreign_settings

ROOT = Path(__file__).parent.parent
ELSEWHERE = "192.0.2.1"
"""An address that belongs to nobody (https://www.rfc-editor.org/rfc/rfc5737)."""

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no alarm signal")


@pytest.fixture
def attempts() -> Iterator[list[str]]:
    """What the test has tried, handed over: the guard would fail the test for it."""
    taken: list[str] = []
    yield taken
    taken.extend(outside)
    outside.clear()


@pytest.mark.usefixtures("attempts")
def test_a_socket_does_not_leave_the_machine() -> None:
    with socket.socket() as sock, pytest.raises(OutsideError, match=ELSEWHERE):
        sock.connect((ELSEWHERE, 443))


@pytest.mark.usefixtures("attempts")
def test_a_datagram_does_not_leave_the_machine() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(OutsideError):
        sock.sendto(b"hello", (ELSEWHERE, 53))


@pytest.mark.usefixtures("attempts")
def test_a_name_outside_is_not_looked_up() -> None:
    with pytest.raises(OutsideError, match=r"api\.example"):
        socket.getaddrinfo("api.example", 443)


@pytest.mark.anyio
@pytest.mark.usefixtures("attempts")
async def test_an_http_client_does_not_leave_the_machine() -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(OutsideError):
            await client.get("http://api.example/")


def test_an_attempt_that_was_swallowed_is_remembered() -> None:
    with socket.socket() as sock, pytest.raises(OutsideError):
        sock.connect((ELSEWHERE, 443))

    assert outside == [f"socket.connect ('{ELSEWHERE}', 443)"]
    outside.clear()


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_loopback_is_reached(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection((address, server.getsockname()[1]), timeout=5).close()


@posix_only
def test_a_unix_socket_is_reached(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)


@pytest.mark.parametrize(
    "name",
    [
        "AGENT_WORKFLOWS_TOKEN",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "CLAUDECODE",
        "CLAUDE_PROJECT_DIR",
        "LANGCHAIN_TRACING_V2",
        "LANGSMITH_TRACING",
        "OPENAI_API_KEY",
        "PERPLEXITY_API_KEY",
        "https_proxy",
    ],
)
def test_a_key_or_a_setting_of_the_caller_is_taken_away(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "the caller's")

    strip_foreign_settings()

    assert name not in os.environ


@pytest.mark.parametrize("name", ["PATH", "HOME", "SLIPCOVER_ENABLED", "NO_PROXY"])
def test_a_setting_that_a_child_process_needs_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, os.environ.get(name, "kept"))

    strip_foreign_settings()

    assert name in os.environ


@posix_only
def test_every_test_runs_under_the_bound() -> None:
    remaining, _ = signal.getitimer(signal.ITIMER_REAL)

    assert 0 < remaining <= BOUND


@posix_only
def test_a_call_that_blocks_is_ended() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"longer than 0\.1 s"), bounded(0.1):
        signal.pause()


@posix_only
def test_the_bound_around_a_bound_is_restored() -> None:
    with bounded(30.0):
        pass

    remaining, _ = signal.getitimer(signal.ITIMER_REAL)
    assert 30.0 < remaining <= BOUND


@posix_only
def test_a_task_that_waits_for_ever_is_ended_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    async def waits_for_ever() -> None:
        await anyio.sleep_forever()

    with pytest.raises(pytest.fail.Exception), bounded(0.1):
        anyio.run(waits_for_ever)

    assert "waits_for_ever" in capsys.readouterr().err


@posix_only
def test_a_run_goes_on_after_a_test_that_hung(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests import conftest\nconftest.BOUND = 0.3\nfrom tests.conftest import *\n"
    )
    (tmp_path / "test_hang.py").write_text(
        "import anyio, pytest\n"
        "@pytest.mark.anyio\nasync def test_hangs(): await anyio.sleep_forever()\n"
        "@pytest.mark.anyio\nasync def test_ends(): await anyio.sleep(0)\n"
        "def test_swallows_a_refusal():\n"
        "    import socket\n"
        "    try: socket.getaddrinfo('api.example', 443)\n"
        "    except RuntimeError: pass\n"
    )
    arguments = ["-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "-q", str(tmp_path)]
    began = time.monotonic()

    run = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30
    )

    assert "1 failed, 2 passed, 1 error" in run.stdout, run.stdout + run.stderr
    assert "took longer than 0.3 s" in run.stdout
    assert "the test tried to leave this machine" in run.stdout
    assert time.monotonic() - began < 30
