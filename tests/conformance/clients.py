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
from mcp.client.context import ClientRequestContext
from mcp.shared.dispatcher import ProgressFnT
from mcp_types import ElicitRequestParams, ElicitResult
from pydantic import BaseModel

from tests.conformance.suite import HERE, OLDEST_NODE, PACKAGES
from tests.node import node

Mode = Literal["legacy", "auto"]
MODES: tuple[Mode, ...] = ("legacy", "auto")
"""Of an SDK's client: with a handshake, or the newest way that both sides know."""
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
REFUSING = frozenset({"resume_run", "answer_run", "steer_run"})
"""Tools that refuse, in words, what they are asked here: something of a run that is over."""


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
        home: The server's data directory.
        workspace: Where the server is started.
    """

    def __init__(self, home: Path, workspace: Path) -> None:
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
        program = PACKAGES / "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
        command = [node(OLDEST_NODE), program, "--cli", *SERVE, "--method", method, *more]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
            cwd=self._workspace,
            env=environment(self._home),
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


def typescript(home: Path, workspace: Path) -> list[Seen]:
    """The TypeScript SDK's client, in both eras."""
    return [one for mode in MODES for one in _typescript(home, workspace, mode)]


def _typescript(home: Path, workspace: Path, mode: Mode) -> list[Seen]:
    done = subprocess.run(
        [node(OLDEST_NODE), HERE / "sdk_client.mjs", mode, *SERVE],
        capture_output=True,
        text=True,
        timeout=CALL_SECONDS,
        check=False,
        cwd=workspace,
        env=environment(home),
    )
    if done.returncode:
        return [Seen("TypeScript SDK", mode, done.stderr[-300:].replace("\n", " "), ok=False)]
    return Session.model_validate_json(done.stdout).seen("TypeScript SDK", mode)


async def python(home: Path, workspace: Path) -> list[Seen]:
    """The Python SDK's client, in both eras."""
    return [one for mode in MODES for one in (await _python(home, workspace, mode)).seen("Python SDK", mode)]


async def _python(home: Path, workspace: Path, mode: Mode) -> "Session":
    values: list[float] = []
    questions: list[str] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        del total, message
        values.append(progress)

    async def approve(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        del context
        questions.append(params.message)
        return ElicitResult(action="accept", content={"approved": True})

    async def status(client: Client, heard: ProgressFnT | None, **asked: object) -> str:
        arguments = {"isolation": "in_place", **asked}
        result = await client.call_tool("build_feature", arguments, progress_callback=heard)
        return str(cast("dict[str, object]", result.structured_content)["status"])

    command, *arguments = SERVE
    server = StdioServerParameters(command=command, args=[*arguments], env=environment(home), cwd=workspace)
    with anyio.fail_after(CALL_SECONDS):
        async with Client(server, mode=mode, elicitation_callback=approve) as client:
            return Session(
                protocol=client.protocol_version,
                tools=[tool.name for tool in (await client.list_tools()).tools],
                status=await status(client, note, task=f"Add slugs ({mode}, Python)"),
                progress=sorted(values),  # its callbacks overlap
                approved=await status(client, None, task=f"Add slugs, if I may ({mode}, Python)", approve_plan=True),
                questions=questions,
            )


class Session(BaseModel):
    """What a client of an SDK has seen in one connection.

    Attributes:
        protocol: The version that was agreed on.
        tools: Names of all tools.
        status: How a call of `build_feature` ended.
        progress: The values of its lines of progress.
        approved: How a call ended whose plan the client approved.
        questions: What the client was asked meanwhile.
    """

    protocol: str
    tools: list[str]
    status: str
    progress: list[float]
    approved: str
    questions: list[str]

    def seen(self, client: str, mode: Mode) -> list[Seen]:
        """The same in words."""
        era = "2025-11-25" if mode == "legacy" else "2026-07-28"
        right = self.protocol == era and sorted(self.tools) == sorted([*WORKFLOWS, *ABOUT_RUNS])
        rising = len(self.progress) > 2 and all(before < after for before, after in pairwise(self.progress))
        lines = f"{self.status}, {len(self.progress)} rising lines of progress" if rising else "progress does not rise"
        asked = f"{self.approved}, {len(self.questions)} question asked"
        where = f"{self.protocol}, `build_feature`"
        return [
            Seen(client, f"{self.protocol}, list", f"{len(self.tools)} tools", right),
            Seen(client, where, lines, rising and self.status == "completed"),
            Seen(client, f"{where}, `approve_plan`", asked, (self.approved, len(self.questions)) == ("completed", 1)),
        ]
