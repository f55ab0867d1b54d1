"""Other people's clients against `agent-workflows serve` over a pipe: the Inspector, and the SDKs in both eras."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, cast

import anyio
from mcp import Client, StdioServerParameters

from tests.conformance.suite import node_command

CALL_SECONDS = 60.0
SERVE = (str(Path(sys.executable).with_name("agent-workflows")), "serve", "--offline")

WORKFLOWS: Mapping[str, str] = {
    "build_feature": "task=Add slugs",
    "collaborate": "task=Add slugs",
    "research": "question=What is a slug?",
    "review_code": "",
    "ask": "question=What is a slug?",
    "run_claude": "prompt=Say hello",
}
"""Every workflow's tool, with an argument it can be called with."""
ABOUT_RUNS: Mapping[str, str] = {
    "list_runs": "",
    "get_run": "run_id={run}",
    "cancel_run": "run_id={run}",
    "resume_run": "run_id={run}",
    "answer_run": "run_id={run}",
    "steer_run": "run_id={run} text=Be brief",
    "fork_run": "run_id={run} stage=research",
    "replay_run": "run_id={run} speed=1000",
}
"""Every other tool; `{run}` is a run that is over."""
REFUSING = frozenset({"resume_run", "answer_run", "steer_run", "run_claude"})
"""Tools that refuse what they are asked here, in words: a run that is over, or no model to work with."""


@dataclass(frozen=True)
class Seen:
    """What a client saw.

    Attributes:
        client: Which.
        what: What it did.
        outcome: In words.
        ok: Whether it is what it should be.
    """

    client: str
    what: str
    outcome: str
    ok: bool


def environment(home: Path) -> dict[str, str]:
    """Of a server with a data directory of its own."""
    return {**os.environ, "AGENT_WORKFLOWS_HOME": str(home)}


class Inspector:
    """MCP Inspector's command line.

    Args:
        node: Where it is installed.
        home: The server's data directory.
        workspace: Where the server is started.
    """

    def __init__(self, node: Path, home: Path, workspace: Path) -> None:
        self._node = node
        self._home = home
        self._workspace = workspace

    def look(self) -> list[Seen]:
        """List all tools, and call each."""
        said = self._said("tools/list")
        listed = [tool["name"] for tool in cast("list[dict[str, str]]", said["tools"])]
        known = [*WORKFLOWS, *ABOUT_RUNS]
        seen = [Seen("Inspector", "tools/list", f"{len(listed)} tools", sorted(listed) == sorted(known))]
        run = ""
        for name in listed:
            given = {**WORKFLOWS, **ABOUT_RUNS}.get(name, "").format(run=run)
            result = self._said("tools/call", "--tool-name", name, *_options(given))
            structured = cast("dict[str, object]", result.get("structuredContent") or {})
            run = run or str(structured.get("run_id", ""))
            seen.append(_called(name, structured, refused=bool(result.get("isError"))))
        return seen

    def _said(self, method: str, *more: str) -> dict[str, object]:
        program = self._node / "node_modules/.bin/mcp-inspector"
        command = [str(program), "--cli", *SERVE, "--method", method, *more]
        path = f"{node_command(self._node).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
            cwd=self._workspace,
            env={**environment(self._home), "PATH": path},
        )
        try:
            return cast("dict[str, object]", json.loads(done.stdout))
        except ValueError as error:
            raise RuntimeError(f"{method} {more}: {done.stdout[-1000:]} {done.stderr[-1000:]}") from error


def _options(given: str) -> list[str]:
    pairs: list[str] = []
    for word in given.split(" "):
        if "=" in word:
            pairs.append(word)
        elif word:
            pairs[-1] += f" {word}"
    return [option for pair in pairs for option in ("--tool-arg", pair)]


def _called(name: str, structured: dict[str, object], *, refused: bool) -> Seen:
    outcome = "refused in words" if refused else str(structured.get("status", "answered"))
    return Seen("Inspector", f"`{name}`", outcome, refused == (name in REFUSING))


def typescript(node: Path, home: Path, workspace: Path) -> list[Seen]:
    """The TypeScript SDK's client, in both eras."""
    script = node / "sdk_client.mjs"  # beside its packages, or they are not found
    script.write_text((Path(__file__).parent / script.name).read_text())
    seen: list[Seen] = []
    for mode in ("legacy", "auto"):
        done = subprocess.run(
            [node_command(node), script, mode, *SERVE],
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
            cwd=workspace,
            env=environment(home),
        )
        if done.returncode:
            seen.append(Seen("TypeScript SDK", mode, done.stderr[-300:], ok=False))
            continue
        said = cast("dict[str, object]", json.loads(done.stdout))
        progress = cast("list[float]", said["progress"])
        tools = cast("list[str]", said["tools"])
        seen.append(_session("TypeScript SDK", mode, str(said["protocol"]), tools, progress, str(said["status"])))
    return seen


async def python(home: Path, workspace: Path) -> list[Seen]:
    """The Python SDK's client, in both eras."""
    return [await _python(home, workspace, mode) for mode in ("legacy", "auto")]


async def _python(home: Path, workspace: Path, mode: Literal["legacy", "auto"]) -> Seen:
    values: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        del total, message
        values.append(progress)

    command, *arguments = SERVE
    server = StdioServerParameters(command=command, args=[*arguments], env=environment(home), cwd=workspace)
    with anyio.fail_after(CALL_SECONDS):
        async with Client(server, mode=mode) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            asked = {"task": f"Add slugs ({mode}, Python)", "isolation": "in_place"}
            result = await client.call_tool("build_feature", asked, progress_callback=note)
            status = str(cast("dict[str, object]", result.structured_content)["status"])
            return _session("Python SDK", mode, client.protocol_version, tools, sorted(values), status)


def _session(client: str, mode: str, protocol: str, tools: list[str], progress: list[float], status: str) -> Seen:
    era = "2025-11-25" if mode == "legacy" else "2026-07-28"
    rising = all(before < after for before, after in pairwise(progress))
    ok = protocol == era and rising and len(progress) > 2 and status == "completed" and len(tools) > 4
    outcome = f"{len(tools)} tools; `build_feature` {status}, {len(progress)} lines of progress"
    return Seen(client, f"protocol {protocol}", outcome, ok)
