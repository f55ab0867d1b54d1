"""On what was measured."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version

import psutil

from tests.fakes.claude_home import ClaudeMissing, real_claude

PACKAGES = ("mcp", "langgraph", "claude-agent-sdk", "pydantic", "anyio", "orjson")


def machine() -> str:
    """The machine and the versions, in two lines of Markdown; no name of a host or a user."""
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    load = " ".join(f"{value:.1f}" for value in psutil.getloadavg())
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return (
        f"{datetime.now(UTC).date().isoformat()}; {cores} cores, {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()} ({platform.machine()}), load {load} at the beginning.  \n"
        f"{platform.python_implementation()} {platform.python_version()}, {packages}, {_claude()}."
    )


def _claude() -> str:
    try:
        claude = str(real_claude())
    except ClaudeMissing:
        return "no `claude`"
    answer = subprocess.run([claude, "--version"], capture_output=True, text=True, timeout=30, check=True)
    return f"`claude` {answer.stdout.split()[0]}"
