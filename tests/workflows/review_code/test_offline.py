from pathlib import Path

import pytest

from agents.command_runner import RunCommand
from tests.agents.workspace.repositories import files_in, repository, write
from tests.workflows.graph_play import GraphPlay
from workflows.offline_scripts import offline_agent
from workflows.review_code.contract import WORKFLOW, ReviewCodeOutput
from workflows.runs.errors import InputRejected

pytestmark = pytest.mark.anyio

STORE = '''"""A small store."""

import subprocess


def load(path, entries=[]):
    """Read all entries."""
    with open(path) as file:
        for line in file.readlines():
            try:
                entries.append(eval(line))
            except:
                pass
    return entries


def pack(path):
    """Pack a store."""
    subprocess.run(f"gzip {path}", shell=True, check=True)
'''


async def played(workspace: Path, run_command: RunCommand, *focus: str) -> tuple[GraphPlay, ReviewCodeOutput]:
    play = GraphPlay(WORKFLOW, workspace, offline_agent([WORKFLOW], run_command))
    output = await play.run(base="", focus=list(focus))
    assert isinstance(output, ReviewCodeOutput)
    return play, output


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    directory = repository(tmp_path / "changed", {"README.md": "# Store\n"})
    write(directory, {"store.py": STORE})
    return directory


async def test_it_finds_what_is_really_there(changed: Path, run_command: RunCommand) -> None:
    _, output = await played(changed, run_command)

    lines = STORE.split("\n")
    told = [(found.severity, lines[(found.line or 0) - 1].strip(), found.found_by) for found in output.findings]
    assert told == [
        ("high", "def load(path, entries=[]):", ["correctness"]),
        ("high", "entries.append(eval(line))", ["correctness", "security"]),
        ("high", 'subprocess.run(f"gzip {path}", shell=True, check=True)', ["security"]),
        ("medium", "def load(path, entries=[]):", ["tests"]),
        ("medium", "except:", ["correctness"]),
        ("low", "for line in file.readlines():", ["performance"]),
    ]
    assert output.misplaced == []


async def test_where_nothing_is_wrong_nothing_is_found(tmp_path: Path, run_command: RunCommand) -> None:
    write(tmp_path, {"a.py": "X = 1\n", "notes.txt": "eval(1)\n"})
    _, output = await played(tmp_path, run_command)

    assert (output.subject.kind, output.findings) == ("tree", [])
    assert output.answer.startswith("No findings.")


async def test_code_that_comes_with_tests_is_tested(changed: Path, run_command: RunCommand) -> None:
    write(changed, {"test_store.py": "def test_load(): ...\n"})
    _, output = await played(changed, run_command, "tests")

    assert (output.findings, [review.aspect for review in output.reviews]) == ([], ["tests"])


async def test_it_only_reads(changed: Path, run_command: RunCommand) -> None:
    before = files_in(changed)

    play, output = await played(changed, run_command)

    assert files_in(changed) == before
    assert play.agent.offline
    assert all("without a model" in review.summary for review in output.reviews)


async def test_nothing_to_review_is_told_as_with_a_model(tmp_path: Path, run_command: RunCommand) -> None:
    with pytest.raises(InputRejected):
        await played(tmp_path, run_command)
