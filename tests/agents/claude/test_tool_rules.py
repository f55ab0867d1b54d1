"""Which tools a `claude` gets: what a task names can take away, and never add."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.access import Access
from agents.agent import AgentTask, PermissionAnswer, PermissionQuestion
from agents.claude.tool_rules import NEEDS, READING, Needs, ToolRule, ToolRuleInvalid, tool_options
from agents.errors import AgentMisconfigured

ACCESSES = st.sampled_from(["none", "read", "write"])
RULES = st.sampled_from([*NEEDS, "Bash(git *)", "WebFetch(domain:example.org)", "mcp__cases", "mcp__cases__find"])
FILE_TOOLS = {"Read", "Grep", "Glob", "Edit", "Write", "NotebookEdit"}


def options(*servers: str, **more: Any) -> tuple[list[str], list[str]]:
    """The tools there are, and those that are allowed by name."""
    task = AgentTask(role="claude", prompt="do it", workspace=Path("workspace"), **more)
    built = tool_options(task, servers)
    values = dict(option.removeprefix("--").split("=", 1) for option in built)
    return _listed(values["tools"]), _listed(values.get("allowedTools", ""))


def _listed(value: str) -> list[str]:
    return [part for part in value.split(",") if part]


def test_the_web_is_given_with_its_access_and_has_to_be_named() -> None:
    assert options(access="read", web=True) == ([*READING, "WebSearch", "WebFetch"], ["WebSearch", "WebFetch"])


def test_connected_tools_are_allowed_by_their_servers() -> None:
    assert options("cases", "git-hub", access="none") == ([], ["mcp__cases", "mcp__git-hub"])


def test_what_is_named_is_all_there_is() -> None:
    assert options(access="write", allowed_tools=("Read", "Bash(git log *)")) == (["Read", "Bash"], ["Bash(git log *)"])


async def nobody(question: PermissionQuestion) -> PermissionAnswer:
    raise AssertionError(question)


@pytest.mark.parametrize("named", [(), ("Read", "Bash")])
def test_commands_are_asked_about_where_a_person_can_be(named: tuple[str, ...]) -> None:
    there, allowed = options(access="write", allowed_tools=named, ask_permission=nobody)
    assert "Bash" in there
    assert allowed == []


def test_commands_that_were_named_one_by_one_are_not_asked_about() -> None:
    named = ("Bash(git log *)", "Bash")
    assert options(access="write", allowed_tools=named, ask_permission=nobody)[1] == ["Bash(git log *)"]


def test_sub_agents_are_there_only_when_they_are_named() -> None:
    assert "Agent" not in options(access="write")[0]
    assert options(access="read", allowed_tools=("Grep", "Agent")) == (["Grep", "Agent"], [])


def test_one_tool_of_a_connected_server_can_be_named() -> None:
    assert options("cases", allowed_tools=("mcp__cases__find",)) == ([], ["mcp__cases__find"])


@pytest.mark.parametrize(
    ("access", "tool", "remedy"),
    [
        ("read", "Bash", "give the role the access"),
        ("none", "Read", "give the role the access"),
        ("write", "WebFetch", "give the role the access"),
        ("write", "mcp__cases", "Connect the MCP server"),
        ("write", "Bsh", ""),
    ],
)
def test_a_tool_beyond_the_role_is_refused(access: Access, tool: str, remedy: str) -> None:
    with pytest.raises(AgentMisconfigured, match="The role claude names") as refused:
        options(access=access, allowed_tools=(tool,))

    assert remedy in " ".join(refused.value.recovery)


@given(access=ACCESSES, web=st.booleans(), connected=st.booleans(), rules=st.lists(RULES, min_size=1))
def test_naming_tools_never_gives_more_than_the_role_has(
    access: Access, *, web: bool, connected: bool, rules: list[str]
) -> None:
    servers = ["cases"] if connected else []
    whole_there, whole_allowed = options(*servers, access=access, web=web)
    try:
        there, allowed = options(*servers, access=access, web=web, allowed_tools=tuple(rules))
    except AgentMisconfigured:
        return

    assert set(there) <= {*whole_there, "Agent"}
    assert {rule.partition("(")[0] for rule in allowed} <= {*whole_allowed, "mcp__cases__find"}
    assert "mcp__cases__find" not in allowed or "mcp__cases" in whole_allowed


@given(access=ACCESSES, rules=st.lists(RULES))
def test_no_file_tool_is_ever_allowed_by_name(access: Access, rules: list[str]) -> None:
    """Named there, it would read and write outside the workspace as well."""
    try:
        _, allowed = options("cases", access=access, web=True, allowed_tools=tuple(rules))
    except AgentMisconfigured:
        return

    assert not FILE_TOOLS & {rule.partition("(")[0] for rule in allowed}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no tool"),
        ("Read(//etc/**)", "takes no rule: file tools are confined to the workspace"),
        ("Agent(Explore)", "takes no rule"),
        ("Bash()", "is no tool"),
        ("Bash(a) --dangerously-skip-permissions", "is no tool"),
        ("Bash(echo (x))", "is no tool"),
        ("Bash(a\nb)", "is no tool"),
        ("read", "did you mean 'Read'"),
        ("AskUserQuestion", "there is no tool 'AskUserQuestion' to give"),
        ("mcp__", "is no connected tool"),
        ("mcp__cases(x)", "is no connected tool"),
    ],
)
def test_a_rule_that_cannot_be_used_says_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(ToolRuleInvalid) as invalid:
        ToolRule.parse(text)

    assert problem in invalid.value.message


@given(st.text())
def test_any_text_is_a_rule_or_says_why_it_is_none(text: str) -> None:
    try:
        rule = ToolRule.parse(text)
    except ToolRuleInvalid:
        return

    assert ToolRule.parse(str(rule)) == rule


@pytest.mark.parametrize(
    ("rules", "needs"),
    [
        ([], Needs("none", web=False, connected_tools=False)),
        (["Agent"], Needs("none", web=False, connected_tools=False)),
        (["Grep"], Needs("read", web=False, connected_tools=False)),
        (["Grep", "Bash(git log *)"], Needs("write", web=False, connected_tools=False)),
        (["WebFetch(domain:example.org)"], Needs("none", web=True, connected_tools=False)),
        (["mcp__cases"], Needs("none", web=False, connected_tools=True)),
    ],
)
def test_tools_need_what_they_can_reach(rules: list[str], needs: Needs) -> None:
    assert Needs.of([ToolRule.parse(rule) for rule in rules]) == needs
