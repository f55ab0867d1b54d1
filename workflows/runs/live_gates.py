"""Questions an agent puts to a person in the middle of its work, while it waits in its process."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

from agents.agent import PermissionAnswer, PermissionQuestion
from workflows.runs.events import EventBody, GateAnswered, GateOpened, Json
from workflows.runs.run import GateReply
from workflows.runs.tool_label import tool_label

PERMISSION_SECONDS = 3600.0
"""How long a permission is waited for; an agent that waits holds its process, and its model's patience."""

PERMISSION_SCHEMA: Json = {
    "type": "object",
    "title": "Permission",
    "properties": {
        "allow": {"type": "boolean", "title": "Allow this one call"},
        "message": {
            "type": "string",
            "title": "What to tell the agent",
            "description": "Why not, or what to do instead.",
            "default": "",
        },
    },
    "required": ["allow"],
}


class LiveGates:
    """The questions of one run's agents.

    Args:
        record: Writes an event of the run.
        number: Gives every question of the run its number.
        workspace: Directory to which paths are shown relative.
    """

    def __init__(self, record: Callable[[EventBody], None], number: Callable[[], int], workspace: str = "") -> None:
        self._record = record
        self._number = number
        self._workspace = workspace
        self._open: dict[str, asyncio.Future[GateReply]] = {}

    async def ask_permission(self, question: PermissionQuestion) -> PermissionAnswer:
        """Ask whether an agent may make one call; see `agents.agent.AskPermission`."""
        call = tool_label(question.tool, question.input, self._workspace) or question.title
        why = f" ({question.reason})" if question.reason else ""
        reply = await self.ask(f"May the agent use {call}?{why}", PERMISSION_SCHEMA, PERMISSION_SECONDS)
        if reply.outcome != "accepted" or reply.answer is None:
            return PermissionAnswer(allowed=False, message="Nobody allowed it.")
        answer = cast("Json", reply.answer)  # it fits the schema
        message = answer.get("message")
        return PermissionAnswer(answer.get("allow") is True, message if isinstance(message, str) else "")

    async def ask(self, question: str, schema: Json, max_seconds: float) -> GateReply:
        """Ask, and wait for what settles it.

        Args:
            question: What is asked.
            schema: JSON schema of an answer.
            max_seconds: After how long nobody needs to answer any more.
        """
        gate_id = f"{self._number()}-live"
        expires = (datetime.now(UTC) + timedelta(seconds=max_seconds)).isoformat(timespec="milliseconds")
        settled = self._open[gate_id] = asyncio.get_running_loop().create_future()
        self._record(GateOpened(gate_id=gate_id, question=question, schema=schema, expires_at=expires, parked=False))
        reply = GateReply(gate_id=gate_id, outcome="expired")
        try:
            async with asyncio.timeout(max_seconds):
                reply = await settled
        except TimeoutError:
            pass
        finally:
            # Also when the agent is cancelled: nobody can answer what nobody waits for.
            del self._open[gate_id]
            self._record(GateAnswered(gate_id=gate_id, answer=reply.answer, by=reply.by, outcome=reply.outcome))
        return reply

    def settle(self, reply: GateReply) -> bool:
        """Settle a question; whether it was still open."""
        settled = self._open.get(reply.gate_id)
        if settled is None or settled.done():
            return False
        settled.set_result(reply)
        return True
