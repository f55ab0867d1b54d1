"""The transcripts in docs/workflows.md: `python -m tests.transcripts` plays every workflow anew and writes them down.

Each is what `agent-workflows run ... --offline` prints in its scene until the run is over. tests/test_transcripts.py
plays the same and fails where a line in the document is none that is printed, or the other way round.
"""

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner

from mcp_server.cli import cli

DOCUMENT = Path(__file__).parents[1] / "docs" / "workflows.md"

_BLOCK = r"(<!-- transcript of {name} -->\n\n```text\n)(.*?)(```\n)"
_END = re.compile(r" 100 % ")
_MASKS: Sequence[tuple[str, str]] = (
    (r"^ *\d+:\d\d +\d+ % ", ""),
    (r"run [0-9a-f]{20}", "run ID"),
    (r"<?\d+(\.\d)? s\b", "T"),
    (r"\([0-9a-f]{8}\)", "(COMMIT)"),
)
"""What is another one each time: when, how far, which run, how long, which commit."""
_CUT = "…"
_SURE_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Scene:
    """A run to be shown.

    Attributes:
        words: What stands behind `agent-workflows run`.
        prepare: Fills the workspace, which is an empty directory.
    """

    words: Sequence[str]
    prepare: Callable[[Path], None]


def _nothing(workspace: Path) -> None:
    del workspace


def _a_readme(workspace: Path) -> None:
    (workspace / "README.md").write_text("# Tide tables\n")


def _a_branch(workspace: Path) -> None:
    _git(workspace, "init", "--quiet", "--initial-branch", "main")
    (workspace / "README.md").write_text("# A store\n")
    _git(workspace, "add", ".")
    _git(workspace, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "begin")
    _git(workspace, "switch", "--quiet", "-c", "loading")
    (workspace / "store.py").write_text(
        'import subprocess\n\n\ndef load(path, seen=[]):\n    try:\n        subprocess.run(f"cat {path}", shell=True)\n'
        "        return eval(open(path).read())\n    except:\n        return seen\n"
    )


def _git(workspace: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=workspace, check=True, capture_output=True, timeout=30)


SCENES: Mapping[str, Scene] = {
    "build_feature": Scene(("build_feature", "Turn titles into URL slugs"), _nothing),
    "collaborate": Scene(("collaborate", "Say how long a span of time is, in words"), _nothing),
    "research": Scene(("research", "What is this, and may I use it?"), _a_readme),
    "review_code": Scene(("review_code", "main"), _a_branch),
    "ask": Scene(("ask", "What is this?"), _a_readme),
    "run_claude": Scene(("run_claude", "Write a small program, and see whether it is right."), _nothing),
}
"""By workflow."""


def played(scene: Scene) -> list[str]:
    """The lines of progress of a scene, as they are printed; the path of the workspace is left out of them."""
    with TemporaryDirectory() as directory:
        workspace = Path(directory).resolve() / "workspace"
        workspace.mkdir()
        scene.prepare(workspace)
        done = CliRunner().invoke(
            cli,
            ["run", *scene.words, "--offline", "--workspace", str(workspace)],
            env={"AGENT_WORKFLOWS_HOME": str(workspace.parent / "home")},
            catch_exceptions=False,
        )
    assert done.exit_code == 0, done.output
    lines = done.stdout.replace(f"{workspace}/", "").splitlines()
    last = next(number for number, line in enumerate(lines) if _END.search(line))
    return lines[: last + 1]


def written(name: str) -> list[str]:
    """The transcript that stands in the document."""
    found = _block_of(name).search(DOCUMENT.read_text("utf-8"))
    assert found is not None, f"{DOCUMENT.name} has no transcript of {name}"
    return found[2].splitlines()


def masked(lines: Sequence[str]) -> list[str]:
    """The lines without what is another one each time, and without waits, which are told as the time goes.

    Sorted: agents that work side by side speak in any order.
    """
    return sorted(_masked(line) for line in lines if "⏳" not in line)


def _masked(line: str) -> str:
    for pattern, mask in _MASKS:
        line = re.sub(pattern, mask, line)
    # Where a line is cut depends on how long it took.
    return line[:_SURE_CHARACTERS] if _CUT in line else line


def rewrite() -> None:
    """Write all transcripts anew."""
    text = DOCUMENT.read_text("utf-8")
    for name, scene in SCENES.items():
        shown = "\n".join(played(scene))
        text = _block_of(name).sub(lambda block, shown=shown: f"{block[1]}{shown}\n{block[3]}", text)
    DOCUMENT.write_text(text, "utf-8")


def _block_of(name: str) -> re.Pattern[str]:
    return re.compile(_BLOCK.format(name=name), re.DOTALL)


if __name__ == "__main__":
    rewrite()
