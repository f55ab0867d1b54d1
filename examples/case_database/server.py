"""A small case database behind an MCP server, for `ask`: it looks people and their cases up, and changes nothing.

    cd examples/case_database
    export AGENT_WORKFLOWS_MCP_CONFIG=mcp.json
    agent-workflows run ask "Find the cases of John Smith"

mcp.json, beside this file, tells agents how it is started: in the workspace, with the python3 of their PATH; that one
needs the package `mcp`.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

SCRIPT = Path(__file__).with_name("cases.sql")

server = MCPServer("cases", instructions="Look a person up first: several people can have one name.")
reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)


class Person(BaseModel):
    """Somebody the office works for."""

    id: int
    name: str
    born: int
    town: str


class Case(BaseModel):
    """A case without its notes."""

    number: str
    subject: str
    status: str
    opened: str


class WholeCase(Case):
    """A case with its notes."""

    client: int = Field(description="The person's id.")
    notes: str


@server.tool(annotations=reads)
def find_people(name: str) -> list[Person]:
    """Find people by their name or a part of it, in upper or lower case. Several people can have the same name."""
    if not name.strip():
        raise ToolError("name is empty: give a name or a part of one")
    return [Person.model_validate(row) for row in _rows("select * from person where name like ?", f"%{name.strip()}%")]


@server.tool(annotations=reads)
def cases_of(person_id: int) -> list[Case]:
    """List the cases of one person, oldest first; `find_people` tells the id."""
    if not _rows("select id from person where id = ?", person_id):
        raise ToolError(f"there is nobody with the id {person_id}: find_people tells who there is")
    rows = _rows("select number, subject, status, opened from court_case where client = ? order by opened", person_id)
    return [Case.model_validate(row) for row in rows]


@server.tool(annotations=reads)
def get_case(number: str) -> WholeCase:
    """Read one case with its notes."""
    rows = _rows("select * from court_case where number = ?", number)
    if not rows:
        raise ToolError(f"there is no case {number!r}: cases_of lists a person's")
    return WholeCase.model_validate(rows[0])


def _rows(query: str, *values: object) -> list[dict[str, object]]:
    """Ask a fresh copy of the database: it is small, and nobody can change it for the others."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(SCRIPT.read_text("utf-8"))
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(query, values)]


if __name__ == "__main__":
    server.run("stdio")
