import json
from pathlib import Path

import pytest

from agents.agent import AgentTask
from agents.claude.command import build_command
from agents.errors import AgentMisconfigured
from agents.mcp_servers import MOST_SERVERS, HttpServer, McpServers, StdioServer, expanded


def written(directory: Path, text: object) -> Path:
    path = directory / "mcp.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


def servers(directory: Path, **by_name: object) -> McpServers:
    return McpServers.read(written(directory, {"mcpServers": by_name}))


def test_both_kinds_of_servers_are_read_and_what_others_add_is_passed_over(tmp_path: Path) -> None:
    read = servers(
        tmp_path,
        cases={"command": "python3", "args": ["server.py"], "timeout": 5},
        wiki={"type": "http", "url": "https://wiki.example/mcp", "headers": {"X-Token": "${TOKEN}"}},
    )

    assert read.names == ("cases", "wiki")
    assert read.by_name == {
        "cases": StdioServer(command="python3", args=["server.py"]),
        "wiki": HttpServer(type="http", url="https://wiki.example/mcp", headers={"X-Token": "${TOKEN}"}),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "Invalid JSON"),
        ({}, "mcpServers: Field required"),
        ({"mcpServers": {"cases": {"args": []}}}, "mcpServers.cases.command: Field required"),
        ({"mcpServers": {"cases": {"type": "smoke", "command": "x"}}}, "mcpServers.cases: Input tag 'smoke'"),
        ({"mcpServers": {"wiki": {"type": "http", "url": "wiki"}}}, "mcpServers.wiki.url: String should match"),
        ({"mcpServers": {"a__b": {"command": "x"}}}, "mcpServers.a__b: String should match"),
        ({"mcpServers": {"a b": {"command": "x"}}}, "mcpServers.a b: String should match"),
        ({"mcpServers": {f"s{n}": {"command": "x"} for n in range(MOST_SERVERS + 1)}}, "mcpServers: Dictionary"),
    ],
)
def test_a_list_that_cannot_be_used_says_where_and_why(tmp_path: Path, text: object, problem: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(AgentMisconfigured) as misconfigured:
        McpServers.read(path)

    assert misconfigured.value.message.startswith(f"The list of MCP servers {path} cannot be used: {problem}")
    assert "or unset AGENT_WORKFLOWS_MCP_CONFIG" in misconfigured.value.recovery


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AgentMisconfigured, match=r"none\.json cannot be used: No such file"):
        McpServers.read(tmp_path / "none.json")


def test_no_secret_of_the_file_is_told_in_its_error(tmp_path: Path) -> None:
    with pytest.raises(AgentMisconfigured) as misconfigured:
        servers(tmp_path, wiki={"type": "http", "url": 7, "headers": {"Authorization": "Bearer hush"}})

    assert "hush" not in misconfigured.value.message


def test_variables_are_filled_in(tmp_path: Path) -> None:
    read = servers(
        tmp_path, a={"command": "${BIN}/x", "args": ["${A:-1}", "${B:-}", "$C"], "env": {"D": "${A:-${BIN}"}}
    )

    assert expanded(read.by_name["a"], {"BIN": "/opt", "B": "two"}) == StdioServer(
        command="/opt/x", args=["1", "two", "$C"], env={"D": "${BIN"}
    )


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    read = servers(tmp_path, wiki={"type": "http", "url": "https://wiki.example", "headers": {"X": "${WIKI_TOKEN}"}})

    with pytest.raises(AgentMisconfigured, match="WIKI_TOKEN, which is not set") as misconfigured:
        expanded(read.by_name["wiki"], {})

    assert misconfigured.value.recovery[0] == "Set WIKI_TOKEN where this server is registered"


def test_the_cli_is_given_the_file_and_may_use_its_servers_and_no_others(tmp_path: Path) -> None:
    read = servers(tmp_path, cases={"command": "python3"}, wiki={"command": "python3"})
    task = AgentTask(role="assistant", prompt="why?", workspace=tmp_path, access="read", connected_tools=True)

    argv = build_command(Path("claude"), task, servers=read).argv

    assert f"--mcp-config={tmp_path / 'mcp.json'}" in argv
    assert "--strict-mcp-config" in argv
    assert "--allowedTools=mcp__cases,mcp__wiki" in argv
    assert "--tools=Read,Grep,Glob" in argv
