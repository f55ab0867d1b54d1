"""A tool made of a function and the model of its arguments."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from agents.tools.tool import ToolFailed, ToolOutcome

_Schema = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])


class Arguments(BaseModel):
    """What the arguments of our own tools have in common: nothing beyond what is named is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedTool(Generic[ArgumentsT]):
    """A tool whose arguments are checked before it is called.

    Attributes:
        name: As in `Tool`.
        description: As in `Tool`.
        takes: The model of its arguments.
        act: Does it.
    """

    name: str
    description: str
    takes: type[ArgumentsT]
    act: Callable[[ArgumentsT], Awaitable[ToolOutcome]]

    @property
    def input_schema(self) -> Mapping[str, JsonValue]:
        """As in `Tool`."""
        return _Schema.validate_python(self.takes.model_json_schema())

    async def call(self, arguments: Mapping[str, JsonValue]) -> ToolOutcome:
        """As in `Tool`."""
        try:
            checked = self.takes.model_validate(arguments)
        except ValidationError as error:
            raise ToolFailed(f"{self.name} was not called: {_problems(error)}") from error
        return await self.act(checked)


def _problems(error: ValidationError) -> str:
    told = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg']}" for problem in told)
