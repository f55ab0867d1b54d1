"""Tells messages that a test writes itself."""

from pathlib import Path
from typing import Any

import orjson

from agents.claude.narrate import Narrator
from agents.claude.parser import parse_message
from agents.events import AgentSaid
from tests.agents.claude.recorded import Clock


class Teller:
    """Tells messages that a test writes itself."""

    def __init__(self, workspace: str = "/workspace") -> None:
        self.clock = Clock()
        self.narrator = Narrator(Path(workspace), self.clock)

    def tell(self, **fields: Any) -> list[AgentSaid]:
        return self.narrator.tell(parse_message(orjson.dumps(fields)))

    def system(self, subtype: str, **fields: Any) -> list[AgentSaid]:
        return self.tell(type="system", subtype=subtype, **fields)

    def assistant(self, *content: dict[str, Any], **fields: Any) -> list[AgentSaid]:
        return self.tell(type="assistant", message={"id": "m1", "content": list(content)}, **fields)

    def use(self, call_id: str, tool: str, parent: str | None = None, **arguments: Any) -> list[AgentSaid]:
        block = {"type": "tool_use", "id": call_id, "name": tool, "input": arguments}
        return self.assistant(block, parent_tool_use_id=parent)

    def result(self, call_id: str, output: str = "", *, is_error: bool = False, **fields: Any) -> list[AgentSaid]:
        block = {"type": "tool_result", "tool_use_id": call_id, "content": output, "is_error": is_error}
        return self.tell(type="user", message={"content": [block]}, **fields)

    def turn_ended(self, **fields: Any) -> list[AgentSaid]:
        return self.tell(type="result", **{"subtype": "success", "is_error": False, "result": "", **fields})
