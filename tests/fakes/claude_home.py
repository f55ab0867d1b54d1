"""A home for the real `claude` in tests: its own settings, no account, no network but the fake Messages API."""

import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest


class ClaudeMissing(Exception):
    """The real `claude` is not installed."""


def real_claude() -> Path:
    """The binary inside the installed `claude-agent-sdk` distribution, found without importing the package.

    Raises:
        ClaudeMissing: It is not there, and what to install.
    """
    try:
        found = distribution("claude-agent-sdk").locate_file("claude_agent_sdk/_bundled/claude")
    except PackageNotFoundError:
        raise ClaudeMissing("The real `claude` is missing: install the dev extra (claude-agent-sdk).") from None
    path = Path(str(found))
    for candidate in (path, path.with_suffix(".exe")):
        if candidate.is_file():
            return candidate
    raise ClaudeMissing(f"The installed claude-agent-sdk has no binary for this system at {path}.")


def require_claude() -> Path:
    """The binary; without it the test is skipped, or fails where `CI` is set: there nothing may be skipped unseen."""
    try:
        return real_claude()
    except ClaudeMissing as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


def claude_environment(tmp_path: Path, api_url: str) -> dict[str, str]:
    """The whole environment for a `claude` process; nothing of the tests' own environment but PATH gets in.

    Args:
        tmp_path: Directory for its home, settings and temporary files.
        api_url: Where the Messages API is.
    """
    home = tmp_path / "claude-home"
    config = home / ".claude"
    temporary = tmp_path / "claude-tmp"
    for directory in (config, temporary):
        directory.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(home),
        "CLAUDE_CONFIG_DIR": str(config),
        "TMPDIR": str(temporary),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "ANTHROPIC_BASE_URL": api_url,
        "ANTHROPIC_API_KEY": "sk-ant-not-a-key",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
