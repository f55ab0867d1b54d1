"""Which tools a `claude` has, and which of them it may use without asking. Pure.

Each rule below was measured on version 2.1.329:

* `--tools` says which of the CLI's own tools there are; sub-agents have no others. Tools of MCP servers are not
  counted among them.
* A file tool is allowed inside the working directory as long as no `--allowedTools` names it. Named there, it reads and
  writes everywhere. So none is ever named, and a rule for one (`Read(//etc/**)`) is refused.
* `Bash`, `WebFetch`, `WebSearch` and the tools of MCP servers have to be named to work where nobody can be asked.
  Where somebody can, `Bash` is not named unless the task names it: what a command does is then asked about.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from agents.access import Access
from agents.agent import AgentTask
from agents.errors import AgentMisconfigured

Need: TypeAlias = Literal["read", "write", "web", "connected_tools", "nothing"]
"""What a role must have for a tool: access to the workspace, the web, connected tools; sub-agents need nothing, as
they have the tools of the agent that starts them."""

READING = ("Read", "Grep", "Glob")
WRITING = ("Edit", "Write", "NotebookEdit", "Bash")
WEB = ("WebSearch", "WebFetch")
SUB_AGENTS = "Agent"

NEEDS: Mapping[str, Need] = MappingProxyType(
    {
        **dict.fromkeys(READING, "read"),
        **dict.fromkeys(WRITING, "write"),
        **dict.fromkeys(WEB, "web"),
        SUB_AGENTS: "nothing",
    }
)
"""The CLI's tools that can be given to an agent, and what each needs. The others schedule work, ask a person, or change
the user's own setup."""

_TAKE_A_RULE = frozenset({"Bash", "WebFetch"})
_RULE = re.compile(r"(?P<tool>[A-Za-z_][\w-]*)(?:\((?P<rule>[^()\x00-\x1f]+)\))?", re.ASCII)
_CONNECTED = re.compile(r"mcp__[A-Za-z0-9_.-]+", re.ASCII)


class ToolRuleInvalid(ValueError):
    """A rule names no tool that can be given.

    Attributes:
        message: Which, what is wrong with it, and what would be right.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class ToolRule:
    """One tool, or some uses of it, for example `Bash(git log *)` or `mcp__github__get_issue`.

    Attributes:
        tool: The tool's name.
        rule: Which uses of it; empty for all.
    """

    tool: str
    rule: str = ""

    @classmethod
    def parse(cls, text: str) -> "ToolRule":
        """Read a rule as people write it.

        Raises:
            ToolRuleInvalid: There is no such tool, or the tool takes no rule.
        """
        match = _RULE.fullmatch(text.strip())
        if match is None:
            raise ToolRuleInvalid(
                f"{text!r} is no tool: write a name such as 'Read', or a name with a rule such as 'Bash(git log *)'"
            )
        tool, rule = match["tool"], (match["rule"] or "").strip()
        if tool.startswith("mcp__"):
            return cls._connected(tool, rule, text)
        if tool not in NEEDS:
            similar = difflib.get_close_matches(tool.lower(), [name.lower() for name in NEEDS], n=1)
            meant = next((f"did you mean {name!r}? " for name in NEEDS if name.lower() in similar), "")
            raise ToolRuleInvalid(f"there is no tool {tool!r} to give; {meant}There is {', '.join(NEEDS)}")
        if rule and tool not in _TAKE_A_RULE:
            raise ToolRuleInvalid(
                f"{tool!r} takes no rule: file tools are confined to the workspace, and a rule would open other places"
                if NEEDS[tool] in {"read", "write"}
                else f"{tool!r} takes no rule"
            )
        return cls(tool, "" if rule == "*" else rule)

    @classmethod
    def _connected(cls, tool: str, rule: str, text: str) -> "ToolRule":
        if rule or not _CONNECTED.fullmatch(tool):
            raise ToolRuleInvalid(f"{text!r} is no connected tool: write 'mcp__<server>' or 'mcp__<server>__<tool>'")
        return cls(tool)

    @property
    def needs(self) -> Need:
        """What a role must have for it."""
        return NEEDS.get(self.tool, "connected_tools")

    def __str__(self) -> str:
        return f"{self.tool}({self.rule})" if self.rule else self.tool


@dataclass(frozen=True, slots=True)
class Needs:
    """What a role must have to use some tools; never more than that.

    Attributes:
        access: In the workspace.
        web: Whether it must reach the web.
        connected_tools: Whether it must reach the user's MCP servers.
    """

    access: Access
    web: bool
    connected_tools: bool

    @classmethod
    def of(cls, rules: Sequence[ToolRule]) -> "Needs":
        """What these tools need together."""
        needs = {rule.needs for rule in rules}
        access: Access = "write" if "write" in needs else "read" if "read" in needs else "none"
        return cls(access, "web" in needs, "connected_tools" in needs)


def tool_options(task: AgentTask, servers: Sequence[str] = ()) -> tuple[str, ...]:
    """The options that give a task its tools.

    Args:
        task: What it may use.
        servers: Names of the MCP servers that are connected for it.

    Raises:
        AgentMisconfigured: It names a tool that is none, or one that its role may not use.
    """
    rules = _rules_of(task, servers)
    there = dict.fromkeys(rule.tool for rule in rules if rule.needs != "connected_tools")
    # Where a person can be asked, they are asked about commands, but not about those that were named one by one.
    asked = "" if task.ask_permission is None else "Bash"
    named = dict.fromkeys(str(rule) for rule in rules if _has_to_be_named(rule) and str(rule) != asked)
    allowed = (f"--allowedTools={','.join(named)}",) if named else ()
    return (f"--tools={','.join(there)}", *allowed)


def _rules_of(task: AgentTask, servers: Sequence[str]) -> list[ToolRule]:
    given = [ToolRule(tool) for tool in _given(task)] + [ToolRule(f"mcp__{server}") for server in servers]
    if not task.allowed_tools:
        return given
    try:
        rules = [ToolRule.parse(text) for text in task.allowed_tools]
    except ToolRuleInvalid as error:
        raise AgentMisconfigured(f"The role {task.role} names a tool that cannot be given: {error.message}.") from error
    for rule in rules:
        if not _is_given(rule, given):
            raise AgentMisconfigured(
                f"The role {task.role} names the tool {rule}, which its access does not give it.",
                recovery=(
                    "Connect the MCP server it belongs to, or leave the tool out"
                    if rule.needs == "connected_tools"
                    else "Leave the tool out, or give the role the access",
                ),
            )
    return rules


def _given(task: AgentTask) -> tuple[str, ...]:
    reading = READING if task.access != "none" else ()
    writing = WRITING if task.access == "write" else ()
    return (*reading, *writing, *(WEB if task.web else ()))


def _is_given(rule: ToolRule, given: Sequence[ToolRule]) -> bool:
    if rule.needs == "connected_tools":
        return any(rule.tool == whole.tool or rule.tool.startswith(f"{whole.tool}__") for whole in given)
    return rule.needs == "nothing" or any(rule.tool == whole.tool for whole in given)


def _has_to_be_named(rule: ToolRule) -> bool:
    return rule.tool == "Bash" or rule.needs in {"web", "connected_tools"}
