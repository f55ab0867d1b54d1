"""What the tools about runs say of a run that is over."""

from pathlib import Path

import pytest
from langgraph.runtime import Runtime

from mcp_server.results import WorkflowResult
from mcp_server.run_tools import RunReport
from tests.agents.workspace.repositories import repository
from tests.mcp_server.asking import ARGUMENTS, MODERN, assembled, chain, client_of, told
from tests.workflows.runs.small_workflows import State, workflow
from workflows.context import WorkflowContext

pytestmark = pytest.mark.anyio


async def write(_state: State, runtime: Runtime[WorkflowContext]) -> State:
    (runtime.context.workspace / "written.txt").write_text("written")
    return {"parts": ["written"]}


WRITING = workflow(chain(write=write), "write", name="writing")


async def test_get_run_shows_a_run_as_its_own_tool_returned_it(tmp_path: Path) -> None:
    repository(tmp_path / "workspace", {"a.txt": "a"})
    async with assembled(tmp_path, WRITING) as assembly, client_of(assembly, MODERN) as client:
        result = told(await client.call_tool("writing", {**ARGUMENTS, "isolation": "worktree"}))
        report = told(await client.call_tool("get_run", {"run_id": result["run_id"]}))

    assert result["branch"].startswith("agent-workflows/writing-")
    assert {name: report.get(name) for name in result} == result
    assert set(WorkflowResult.model_fields) <= set(RunReport.model_fields)


async def test_runs_of_a_workspace_are_listed_however_it_is_written(tmp_path: Path) -> None:
    async with assembled(tmp_path, WRITING) as assembly, client_of(assembly, MODERN) as client:
        workspace, link = tmp_path / "workspace", tmp_path / "link"
        (workspace / "part").mkdir()
        link.symlink_to(workspace / "part")
        run_id = told(await client.call_tool("writing", {**ARGUMENTS, "workspace": "part"}))["run_id"]

        async def listed(asked: str) -> list[str]:
            return [run["run_id"] for run in told(await client.call_tool("list_runs", {"workspace": asked}))["runs"]]

        part = assembly.workspaces.choose("part", writes=True)
        for asked in (part, f"{part}/", "part", "./part/../part", str(link), "../link"):
            assert await listed(asked) == [run_id], asked
        assert await listed(".") == []

        (workspace / "part" / "written.txt").unlink()
        (workspace / "part").rmdir()
        assert await listed("part") == [run_id], "its directory need not be there any more"
