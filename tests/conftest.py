"""What every test shares: one event loop, and guards against the outside world, the caller's keys and hangs."""

import asyncio
import faulthandler
import gc
import os
import re
import signal
import socket
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from types import CoroutineType, FrameType
from typing import NoReturn, cast

import pytest
from hypothesis import settings

BOUND = 120.0
"""Seconds a test may take, with its fixtures; the longest starts a dozen real `claude` processes."""

_FOREIGN_SETTINGS = re.compile(
    # Keys and addresses of model providers, and what would send a trace of the work to somebody.
    r"(ANTHROPIC|AWS|AZURE|CLAUDE|GEMINI|GOOGLE|GROQ|LANGCHAIN|LANGGRAPH|LANGSMITH|MISTRAL|OPENAI|OPENROUTER|OTEL|PERPLEXITY|PPLX)"
    # The caller's own settings of this program.
    r"|AGENT_WORKFLOWS_"
    # A proxy would carry even a request to loopback outside.
    r"|(HTTP|HTTPS|ALL)_PROXY$",
    re.IGNORECASE,
)

outside: list[str] = []
"""What the running test tried to reach outside this machine; it must end empty."""


class OutsideError(RuntimeError):
    """A test tried to reach something outside this machine."""


def strip_foreign_settings() -> None:
    """Removes every variable that could make a test, or a child process of one, call a model or act on a setting."""
    for name in [name for name in os.environ if _FOREIGN_SETTINGS.match(name)]:
        del os.environ[name]


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Looks for no garbage while hundreds of modules are loaded, and never again through what they leave."""
    del session
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def keep_inside(event: str, arguments: tuple[object, ...]) -> None:
    """The audit hook: lets sockets reach loopback and Unix addresses only, and looks up no name but localhost.

    Covers this process; a child process has no key (see above) and what it is told to call is a fake on loopback.
    """
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        sock, address = arguments[:2]
        if isinstance(sock, socket.socket) and not _stays_inside(sock, address):
            _refuse(event, address)
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"} and not _needs_no_lookup(arguments[0]):
        _refuse(event, arguments[0])


def _refuse(event: str, target: object) -> NoReturn:
    attempt = f"{event} {target!r}"
    outside.append(attempt)
    raise OutsideError(f"{attempt}: a test must not leave this machine; start a fake from tests/fakes on loopback")


def _stays_inside(sock: socket.socket, address: object) -> bool:
    if sock.family not in {socket.AF_INET, socket.AF_INET6} or address is None:
        return True
    host, *_ = cast("tuple[object, ...]", address)
    return _is_loopback(host)


def _is_loopback(host: object) -> bool:
    try:
        return _is_localhost(host) or ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _needs_no_lookup(host: object) -> bool:
    if host is None or _is_localhost(host):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return text == ""
    return True


def _is_localhost(host: object) -> bool:
    return host in {"localhost", b"localhost"} or (isinstance(host, str) and host.endswith(".localhost"))


# The same examples for everybody, and no clock: other tests run beside. `HYPOTHESIS_PROFILE=search` looks for new ones.
settings.register_profile("usual", max_examples=30, deadline=None, derandomize=True)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))
strip_foreign_settings()
sys.addaudithook(keep_inside)


@contextmanager
def bounded(seconds: float) -> Generator[None]:
    """Fails what takes longer, and prints where every thread and every task stands. The run goes on.

    An alarm reaches code that waits, which is how tests hang. Where it cannot (Windows; a loop that never comes back
    from C), `faulthandler_timeout` in pyproject.toml ends the whole run.
    """
    if sys.platform == "win32":
        yield
        return

    def too_long(_signal: int, _frame: FrameType | None) -> None:
        faulthandler.dump_traceback(file=sys.__stderr__ or 2)
        _print_tasks()
        pytest.fail(f"took longer than {seconds:g} s; stderr shows where every thread and every task stood")

    before = signal.signal(signal.SIGALRM, too_long)
    # It rings again: the first failure may be raised inside some task and be lost with it.
    outer = signal.setitimer(signal.ITIMER_REAL, seconds, 5.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *outer)
        signal.signal(signal.SIGALRM, before)


def _print_tasks() -> None:
    """Prints what each task waits for, down to the innermost await; `Task.print_stack` shows the outermost only."""
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        return  # no event loop runs in this thread
    sys.stderr.writelines(f"\nTask {task.get_name()!r} awaits\n{''.join(_awaits(task.get_coro()))}" for task in tasks)


def _awaits(waiting: object) -> Iterator[str]:
    while isinstance(waiting, CoroutineType):
        coroutine = cast("CoroutineType[object, object, object]", waiting)
        yield f"  {coroutine.cr_code.co_filename}:{_line(coroutine)} {coroutine.__qualname__}\n"
        waiting = coroutine.cr_await


def _line(coroutine: "CoroutineType[object, object, object]") -> int:
    frame: FrameType | None = coroutine.cr_frame  # gone once it has ended
    return coroutine.cr_code.co_firstlineno if frame is None else frame.f_lineno


@pytest.fixture(autouse=True)
def within_bound() -> Iterator[None]:
    """No test takes longer than two minutes."""
    with bounded(BOUND):
        yield


@pytest.fixture(autouse=True)
def stays_inside() -> Iterator[None]:
    """A test that tried to leave the machine fails, even if the code under test swallowed the refusal."""
    outside.clear()
    yield
    attempts = list(outside)
    assert not attempts, "the test tried to leave this machine"


@pytest.fixture
def anyio_backend() -> str:
    """LangGraph needs asyncio, so that is what everything runs on."""
    return "asyncio"
