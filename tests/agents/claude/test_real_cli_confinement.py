"""What a role of the real `claude` can reach through its file tools: the workspace, and nothing else."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.access import Access
from agents.events import ToolEnded
from tests.agents.claude.stage import Stage
from tests.agents.claude.test_real_cli import api_for, real_agent
from tests.fakes.messages_script import Reply, always, by_step, call, say

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Planted:
    """Where secrets lie; each file holds the word SECRET."""

    outside: Path
    workspace: Path
    config: Path
    project: Path
    marker: Path


@pytest.fixture
def planted(stage: Stage, tmp_path: Path) -> Planted:
    workspace, config = stage.workspace.resolve(), tmp_path / "claude-home" / ".claude"
    slug = "".join(character if character.isalnum() else "-" for character in str(workspace))
    project, outside, marker = config / "projects" / slug, tmp_path / "outside", tmp_path / "it-ran"
    hook = f'{{"hooks":{{"SessionStart":[{{"hooks":[{{"type":"command","command":"touch {marker}"}}]}}]}}}}'
    files = {
        outside / "secret.txt": "SECRET outside",
        project / "memory" / "MEMORY.md": "SECRET memory",
        project / "old.jsonl": '{"SECRET":"transcript"}',
        config / "plans" / "plan.md": "SECRET plan",
        config / "CLAUDE.md": "SECRET of the user",
        workspace / "CLAUDE.md": "SECRET of the project",
        workspace / ".claude" / "settings.json": hook,
        workspace / ".mcp.json": f'{{"mcpServers":{{"x":{{"command":"touch","args":["{marker}"]}}}}}}',
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (workspace / "link.txt").symlink_to(outside / "secret.txt")
    (workspace / "link").symlink_to(outside)
    return Planted(outside, workspace, config, project, marker)


def reading(planted: Planted) -> list[Reply]:
    return [
        call("Read", file_path=str(planted.outside / "secret.txt")),
        call("Read", file_path=str(planted.workspace / "link.txt")),
        call("Read", file_path=str(planted.workspace / "link" / "secret.txt")),
        call("Grep", pattern="SECRET", output_mode="content", path=str(planted.outside)),
        call("Grep", pattern="SECRET", output_mode="content", path=str(planted.workspace / "link")),
        call("Glob", pattern=f"{planted.outside}/*"),
        call("Glob", pattern="*", path=str(planted.outside)),
        call("Read", file_path=str(planted.project / "old.jsonl")),
        call("Read", file_path=str(planted.project / "memory" / "MEMORY.md")),
        call("Read", file_path=str(planted.config / "plans" / "plan.md")),
        call("Grep", pattern="SECRET", output_mode="content", path=str(planted.project)),
        call("Glob", pattern="*", path=str(planted.project)),
    ]


def writing(planted: Planted) -> list[Reply]:
    return [
        call("Write", file_path=str(path), content="planted by the model")
        for path in (
            planted.outside / "new.txt",
            planted.workspace / "link" / "new2.txt",
            planted.project / "memory" / "new.md",
            planted.config / "plans" / "new.md",
        )
    ] + [
        call(
            "NotebookEdit",
            notebook_path=str(planted.outside / "n.ipynb"),
            new_source="x",
            cell_type="code",
            edit_mode="insert",
        )
    ]


def written_below(directory: Path) -> list[Path]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path for path in files if path.name.startswith("n") and b"planted by" in path.read_bytes()]


@pytest.mark.parametrize("access", ["none", "read", "write"])
async def test_nothing_from_outside_is_told_to_a_role_or_started_for_it(
    stage: Stage, tmp_path: Path, planted: Planted, access: Access
) -> None:
    async with api_for(always(say("fine"))) as api:
        await real_agent(stage, tmp_path, api).run(stage.task(access=access), stage.emit)

        assert "SECRET" not in api.requests[0].body.model_dump_json()
    assert not planted.marker.exists()


@pytest.mark.parametrize("access", ["read", "write"])
async def test_the_file_tools_read_nothing_outside_the_workspace(
    stage: Stage, tmp_path: Path, planted: Planted, access: Access
) -> None:
    calls = reading(planted)
    async with api_for(by_step(*calls, say("fine"))) as api:
        await real_agent(stage, tmp_path, api).run(stage.task(access=access), stage.emit)

        told = [result.text for result in api.requests[-1].tool_results]
    assert len(told) == len(calls)
    contents = ("SECRET outside", "SECRET memory", "SECRET plan", '"transcript"')
    assert [text for text in told if any(content in text for content in contents)] == []
    assert [said.ok for said in stage.said if isinstance(said, ToolEnded)] == [False] * len(calls)


async def test_the_file_tools_write_nothing_outside_the_workspace(
    stage: Stage, tmp_path: Path, planted: Planted
) -> None:
    calls = writing(planted)
    async with api_for(by_step(*calls, say("fine"))) as api:
        await real_agent(stage, tmp_path, api).run(stage.task(access="write"), stage.emit)

    assert written_below(tmp_path) == []
    assert [said.ok for said in stage.said if isinstance(said, ToolEnded)] == [False] * len(calls)


async def test_a_role_that_writes_still_works_inside(stage: Stage, tmp_path: Path, planted: Planted) -> None:
    path = planted.workspace / "inside.txt"
    calls = [call("Write", file_path=str(path), content="x"), call("Read", file_path=str(path))]
    async with api_for(by_step(*calls, say("fine"))) as api:
        await real_agent(stage, tmp_path, api).run(stage.task(access="write"), stage.emit)

    assert path.read_text() == "x"
    assert [said.ok for said in stage.said if isinstance(said, ToolEnded)] == [True, True]
