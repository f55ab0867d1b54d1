"""The MCP servers a user has connected, as the file says that lists them: the form of Claude Code's `.mcp.json`.

    {"mcpServers": {"cases": {"command": "python3", "args": ["server.py"]},
                    "wiki": {"type": "http", "url": "https://wiki.example/mcp", "headers": {"Authorization": "..."}}}}

`${NAME}` and `${NAME:-default}` in a value stand for a variable of this server's environment. The file is read anew for
every task, so that it can be changed while the server lives.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, StringConstraints, Tag, ValidationError

from agents.errors import AgentMisconfigured

MOST_SERVERS = 20
"""How many there may be: every task that uses connected tools starts all of them."""
_KIND = 2
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\}", re.ASCII)

ServerName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+([_-][A-Za-z0-9]+)*$", max_length=32)]
"""Part of its tools' names, `mcp__<server>__<tool>`; so it has no `__`."""


class StdioServer(BaseModel):
    """A server that is started for the task, and speaks over its standard input and output.

    Attributes:
        command: Its executable; looked for on PATH.
        args: Its arguments.
        env: Variables it has besides those of this server.
    """

    model_config = ConfigDict(frozen=True)

    type: Literal["stdio"] = "stdio"
    command: str = Field(min_length=1)
    args: list[str] = []
    env: dict[str, str] = {}


class HttpServer(BaseModel):
    """A server that is there already, reached over Streamable HTTP.

    Attributes:
        url: Its address.
        headers: What every request to it carries.
    """

    model_config = ConfigDict(frozen=True)

    type: Literal["http", "streamable-http"]
    url: str = Field(pattern=r"^https?://")
    headers: dict[str, str] = {}


def _kind(entry: object) -> str:
    """The transport that an entry names: any JSON, or a server that was read already."""
    kind = getattr(entry, "type", "stdio")
    if isinstance(entry, Mapping):
        kind = cast("Mapping[str, object]", entry).get("type", "stdio")
    return "http" if kind == "streamable-http" else str(kind)


McpServer: TypeAlias = Annotated[
    Annotated[StdioServer, Tag("stdio")] | Annotated[HttpServer, Tag("http")], Discriminator(_kind)
]


class _File(BaseModel):
    mcpServers: dict[ServerName, McpServer] = Field(max_length=MOST_SERVERS)  # noqa: N815 - the file's own name for it


@dataclass(frozen=True, slots=True)
class McpServers:
    """The servers of a file.

    Attributes:
        path: The file, absolute.
        by_name: They, with their variables as they stand in the file.
    """

    path: Path
    by_name: Mapping[str, StdioServer | HttpServer]

    @classmethod
    def read(cls, path: Path) -> "McpServers":
        """Read a file.

        Raises:
            AgentMisconfigured: It cannot be read, or is not of that form; says where and why.
        """
        path = path.expanduser().absolute()
        try:
            file = _File.model_validate_json(path.read_bytes())
        except OSError as error:
            raise _unusable(path, error.strerror or str(error)) from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            # The third part of a place is which kind of server it was taken for, which does not stand in the file.
            where = ".".join(
                str(part) for number, part in enumerate(first["loc"]) if number != _KIND and part != "[key]"
            )
            raise _unusable(path, f"{where}: {first['msg']}" if where else first["msg"]) from error
        return cls(path, file.mcpServers)

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(self.by_name)


def expanded(server: StdioServer | HttpServer, environ: Mapping[str, str]) -> StdioServer | HttpServer:
    """A server with its variables filled in.

    Args:
        server: As in the file.
        environ: This server's environment.

    Raises:
        AgentMisconfigured: A variable is not set, and has no default.
    """
    values: dict[str, JsonValue] = server.model_dump()
    return type(server).model_validate({name: _filled(value, environ) for name, value in values.items()})


def _filled(value: JsonValue, environ: Mapping[str, str]) -> JsonValue:
    match value:
        case str():
            return _VARIABLE.sub(lambda match: _value_of(match, environ), value)
        case list():
            return [_filled(item, environ) for item in value]
        case dict():
            return {name: _filled(item, environ) for name, item in value.items()}
        case _:
            return value


def _value_of(match: re.Match[str], environ: Mapping[str, str]) -> str:
    value = environ.get(match["name"]) or match["default"]
    if value is None:
        raise AgentMisconfigured(
            f"An MCP server needs the variable {match['name']}, which is not set.",
            recovery=(f"Set {match['name']} where this server is registered", "or leave the MCP server out"),
        )
    return value


def _unusable(path: Path, problem: str) -> AgentMisconfigured:
    return AgentMisconfigured(
        f"The list of MCP servers {path} cannot be used: {problem}.",
        recovery=(
            'Write it as {"mcpServers": {"name": {"command": "...", "args": []}}}',
            "or unset AGENT_WORKFLOWS_MCP_CONFIG",
        ),
    )
