"""What a model is asked: a request to the Messages API, read the way scripts need it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, JsonValue

_WORKING_DIRECTORY = re.compile(r"\bPrimary working directory: (.+)$", re.MULTILINE)


class Message(BaseModel):
    """One message of a request, as on the wire."""

    role: str
    content: str | list[dict[str, JsonValue]]

    @property
    def blocks(self) -> list[dict[str, JsonValue]]:
        return [{"type": "text", "text": self.content}] if isinstance(self.content, str) else self.content

    @property
    def text(self) -> str:
        return texts_of(self.blocks)


class RequestBody(BaseModel):
    """The body of `POST /v1/messages`; fields that are not named here are kept as extras."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[Message]
    system: str | list[dict[str, JsonValue]] = ""
    tools: list[dict[str, JsonValue]] = []
    stream: bool = False


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back, as the model reads it."""

    tool: str
    call_id: str
    text: str
    ok: bool


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request to the model.

    Attributes:
        body: Its body.
        headers: Its headers, names in lower case.
        characters: Length of the body, for counting tokens.
    """

    body: RequestBody
    headers: Mapping[str, str]
    characters: int

    @property
    def session_id(self) -> str:
        """By which the requests of one `claude` process are known; empty for other clients."""
        return self.headers.get("x-claude-code-session-id", "")

    @property
    def conversation(self) -> tuple[str, str]:
        """Session and sub-agent; the main agent of a session has an empty second half."""
        return self.session_id, self.headers.get("x-claude-code-agent-id", "")

    @property
    def system(self) -> str:
        """The whole system prompt."""
        return self.body.system if isinstance(self.body.system, str) else texts_of(self.body.system)

    @property
    def prompt(self) -> str:
        """All text of the first user message, what the client itself adds to it included."""
        return next((message.text for message in self.body.messages if message.role == "user"), "")

    @property
    def working_directory(self) -> str:
        """Where `claude` works, as it tells its model; empty for other clients."""
        told = [self.system, *(message.text for message in self.body.messages if message.role == "system")]
        found = _WORKING_DIRECTORY.search("\n".join(told))
        return found[1] if found else ""

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of the tools that are offered."""
        return tuple(str(tool.get("name")) for tool in self.body.tools)

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """All tool results in the conversation so far, in order."""
        blocks = [block for message in self.body.messages for block in message.blocks]
        names = {block["id"]: str(block["name"]) for block in blocks if block.get("type") == "tool_use"}
        return tuple(
            ToolResult(
                tool=names.get(block["tool_use_id"], ""),
                call_id=str(block["tool_use_id"]),
                text=_result_text(block.get("content")),
                ok=block.get("is_error") is not True,
            )
            for block in blocks
            if block.get("type") == "tool_result"
        )

    @property
    def step(self) -> int:
        """How many tool results the conversation has."""
        return len(self.tool_results)


def texts_of(blocks: list[dict[str, JsonValue]]) -> str:
    """The text blocks among these, joined by line breaks."""
    return "\n".join(str(block["text"]) for block in blocks if block.get("type") == "text")


def _result_text(content: JsonValue) -> str:
    if isinstance(content, list):
        return texts_of([block for block in content if isinstance(block, dict)])
    return content if isinstance(content, str) else ""
