"""Shows what came of a run: for people, after they have watched it."""

import os
from collections.abc import Sequence
from typing import TextIO

from pydantic import BaseModel, ConfigDict

from mcp_server.terminal.ending import Block, Blocks, Ending, blocks, ending_of
from mcp_server.terminal.view import is_live_terminal
from workflows.runs.events import Json
from workflows.runs.log import ArtifactInfo
from workflows.runs.run import Run, RunFailure


def print_result(run: Run, artifacts: Sequence[ArtifactInfo], *, stream: TextIO) -> None:
    """Show a run's end: the answer and the output, or what went wrong, whose fault it is and what helps.

    Args:
        run: The run; if it has not ended, it is said how to go on.
        artifacts: What it has made.
        stream: Where to; a terminal gets Markdown and colours.
    """
    _print(ending_of(run, artifacts), stream)


def print_structured_result(structured: Json, *, stream: TextIO) -> None:
    """The same for the structured content that a workflow's tool returned.

    Args:
        structured: An object as in `mcp_server.results.WorkflowResult`.
        stream: Where to.

    Raises:
        pydantic.ValidationError: It is no such object.
    """
    _print(_Structured.model_validate(structured).ending(), stream)


def _print(ending: Ending, stream: TextIO) -> None:
    told = blocks(ending)
    if is_live_terminal(stream, os.environ):
        from mcp_server.terminal.rich_blocks import print_blocks  # here, because a pipe needs none of it

        print_blocks(told, stream)
    else:
        encoding = stream.encoding or "utf-8"
        stream.write(_plain(told).encode(encoding, errors="replace").decode(encoding))
    stream.flush()


def _plain(told: Blocks) -> str:
    return "\n" + "".join(map(_plain_block, told))  # one line apart from the transcript


def _plain_block(block: Block) -> str:
    match block.kind:
        case "title":
            return f"\n{block.text}\n"
        case "item":
            return f"  - {block.text}\n"
        case "fine_print":
            return f"\n{block.text}\n"
        case "bad" | "note" | "answer" | "markdown" | "diff":
            return f"{block.text}\n"


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Artifact(_Lenient):
    name: str
    uri: str
    bytes: int


class _Usage(_Lenient):
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float | None = None


class _Error(_Lenient):
    kind: str
    message: str
    recovery: tuple[str, ...] = ()


class _Structured(_Lenient):
    summary: str
    run_id: str
    status: str
    offline: bool = False
    result: dict[str, object] | None = None
    artifacts: tuple[_Artifact, ...] = ()
    usage: _Usage = _Usage()
    error: _Error | None = None

    def ending(self) -> Ending:
        error = self.error
        return Ending(
            run_id=self.run_id,
            status=self.status,
            offline=self.offline,
            answer=self.summary,
            result=self.result or {},
            artifacts=[(artifact.name, artifact.uri, artifact.bytes) for artifact in self.artifacts],
            input_tokens=self.usage.input_tokens,
            output_tokens=self.usage.output_tokens,
            cost_usd=self.usage.cost_usd,
            seconds=self.usage.seconds,
            failure=error and RunFailure(kind=error.kind, message=error.message, blame="", recovery=error.recovery),
        )
