"""The tools of one task, by name, and using them: every call is told, bounded, and what it changed is noted."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import anyio
from pydantic import JsonValue

from agents.tools.tool import RanCommand, Tool, ToolFailed, ToolOutcome

logger = logging.getLogger(__name__)

OUTPUT_CHARACTERS = 50_000
"""How much of a tool's output the model reads; what is more is cut out of its middle."""
TOOL_SECONDS = 900.0
"""How long any call may take. Our own tools have shorter bounds; this one is for tools from elsewhere."""

Permit: TypeAlias = Callable[[str, Mapping[str, JsonValue]], Awaitable[str | None]]
"""Whether a call of a tool with these arguments may be made: None if so, else why not, for the model to read."""


@dataclass(slots=True)
class Toolbox:
    """The tools of one task.

    Attributes:
        tools: By name.
        permit: Asked before every call.
        wrote: Files that were written so far, each once, in order.
        ran: Commands that were run so far, in order.
        changed_something: Whether any call may have changed something.
    """

    tools: Mapping[str, Tool]
    permit: Permit | None = None
    wrote: dict[str, None] = field(default_factory=dict[str, None])
    ran: list[RanCommand] = field(default_factory=list[RanCommand])
    changed_something: bool = False

    async def use(self, name: str, arguments: Mapping[str, JsonValue] | None) -> "CallEnded":
        """Make a call, whatever the model has made of it.

        Args:
            name: Of the tool.
            arguments: None if they were no JSON object.
        """
        began = time.monotonic()
        outcome = await self._refusal(name, arguments) or await self._call(self.tools[name], arguments or {})
        self._note(outcome)
        return CallEnded(outcome.output, outcome.ok, time.monotonic() - began)

    async def _refusal(self, name: str, arguments: Mapping[str, JsonValue] | None) -> ToolOutcome | None:
        """Why a call is not made. A person may take any time to decide; what asking raises is not a tool's failure."""
        refusal: str | None = None
        if name not in self.tools:
            refusal = f"there is no tool {name}; there are: {', '.join(self.tools) or 'none'}"
        elif arguments is None:
            refusal = f"{name} was not called: its arguments are no JSON object"
        elif self.permit is not None:
            refusal = await self.permit(name, arguments)
        return None if refusal is None else ToolOutcome(output=refusal, ok=False)

    async def _call(self, tool: Tool, arguments: Mapping[str, JsonValue]) -> ToolOutcome:
        try:
            with anyio.move_on_after(TOOL_SECONDS):
                return await tool.call(arguments)
        except ToolFailed as error:
            return ToolOutcome(output=str(error), ok=False)
        except OSError as error:
            return ToolOutcome(output=f"{tool.name} failed: {str(error) or type(error).__name__}", ok=False)
        except Exception as error:  # what a model or a page makes up must not end the run, whatever it trips over
            logger.exception("the tool %s failed with %r", tool.name, sorted(arguments))
            output = f"{tool.name} failed: {type(error).__name__}: {error}"
            return ToolOutcome(output=output, ok=False, changed_something=True)
        # What a call that was cut off has done is not known.
        output = f"{tool.name} took more than {TOOL_SECONDS:.0f} s and was ended"
        return ToolOutcome(output=output, ok=False, changed_something=True)

    def _note(self, outcome: ToolOutcome) -> None:
        self.wrote.update(dict.fromkeys(outcome.wrote))
        self.changed_something = self.changed_something or outcome.changed_something
        if outcome.ran is not None:
            self.ran.append(outcome.ran)


@dataclass(frozen=True, slots=True)
class CallEnded:
    """What became of a call.

    Attributes:
        output: All the tool gave back, or why it failed.
        ok: Whether it worked.
        seconds: How long it took.
    """

    output: str
    ok: bool
    seconds: float

    @property
    def read_output(self) -> str:
        """The output as the model reads it."""
        if len(self.output) <= OUTPUT_CHARACTERS:
            return self.output
        half = OUTPUT_CHARACTERS // 2
        left_out = len(self.output) - 2 * half
        return f"{self.output[:half]}\n\n(... {left_out:,} characters left out ...)\n\n{self.output[-half:]}"
