"""The role `claude`, with what the named tools need and nothing beyond. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from agents.claude.tool_rules import Needs, ToolRule
from agents.roles import CLAUDE, Role
from workflows.run_claude.contract import USUAL_TOOLS


def role_for(allowed_tools: Sequence[str], max_turns: int | None) -> Role:
    """The role of one run.

    Args:
        allowed_tools: As in the input; empty for the usual ones.
        max_turns: As in the input.

    Raises:
        agents.claude.tool_rules.ToolRuleInvalid: There is no such tool.
    """
    rules = [ToolRule.parse(text) for text in allowed_tools or USUAL_TOOLS]
    needs = Needs.of(rules)
    return replace(
        CLAUDE,
        access=needs.access,
        web=needs.web,
        connected_tools=needs.connected_tools,
        allowed_tools=tuple(dict.fromkeys(map(str, rules))),
        max_turns=CLAUDE.max_turns if max_turns is None else max_turns,
    )


def told(role: Role) -> str:
    """What the role may do, in one line, with what reaches beyond the workspace said in words."""
    beyond: list[str] = []
    if any(ToolRule.parse(text).tool == "Bash" for text in role.allowed_tools):
        beyond.append("commands, which nothing confines to the workspace")
    if role.web:
        beyond.append("the web")
    if role.connected_tools:
        beyond.append("connected MCP servers")
    reach = f"; that reaches {' and '.join(beyond)}" if beyond else "; nothing of that leaves the workspace"
    return f"may use {', '.join(role.allowed_tools)}{reach}"
