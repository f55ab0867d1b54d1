"""The API's routes as data: what answers them, and what its OpenAPI document says of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
Method: TypeAlias = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A header or a part of the path.

    Attributes:
        name: As it is written.
        place: Where it stands.
        description: What it says.
        schema: JSON Schema of its value.
    """

    name: str
    place: Literal["path", "header", "query"]
    description: str
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an answer holds.

    Attributes:
        description: In words.
        media_type: Its form.
        model: Its shape, where it is JSON of ours.
    """

    description: str
    media_type: str = "application/json"
    model: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing the API does.

    Attributes:
        method: The HTTP method; what answers GET answers HEAD.
        path: The route, with `{names}` of its parameters.
        name: Machine name.
        summary: What it does.
        handler: Does it.
        body: Shape of the request's body.
        query: Shape of the request's query.
        parameters: Of the path, and headers that matter.
        answers: What it gives, by status; `None` is an answer without content.
        problems: The statuses of its errors, besides those of every route.
    """

    method: Method
    path: str
    name: str
    summary: str
    handler: Handler
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    parameters: Sequence[Parameter] = ()
    answers: Mapping[int, Sequence[Content]]
    problems: Sequence[int] = ()


def routes_of(operations: Sequence[Operation]) -> list[Route]:
    """The routes that answer these, one for each path: the answer to a wrong method names all that are right."""
    by_path: dict[str, dict[str, Handler]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation.handler
    return [Route(path, _by_method(handlers), methods=list(handlers), name=path) for path, handlers in by_path.items()]


def _by_method(handlers: Mapping[str, Handler]) -> Handler:
    async def answer(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return answer
