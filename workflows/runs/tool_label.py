"""One line that says which tool call this is: the tool and its most telling argument."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from workflows.runs.plain_text import one_line, shorten

_LONGEST_LABEL = 200
_LONGEST_TOOL = 60
_LONGEST_PAIR = 40

_WORKTREE = re.compile(r"(?:.*[/\\])?worktrees[/\\][0-9a-f]{20}(?:[/\\](?P<below>.*))?")
"""A place in a run's own work tree, and what is below it; see `workflows.runs.worktree_places`."""

_TELLING: Mapping[str, tuple[str, ...]] = {
    "Read": ("file_path",),
    "Edit": ("file_path",),
    "MultiEdit": ("file_path",),
    "Write": ("file_path",),
    "NotebookEdit": ("notebook_path",),
    "Bash": ("command",),
    "Grep": ("pattern", "path"),
    "Glob": ("pattern", "path"),
    "LS": ("path",),
    "WebFetch": ("url",),
    "WebSearch": ("query",),
    "Agent": ("subagent_type", "description"),
    "Task": ("subagent_type", "description"),
    "Skill": ("skill",),
}
"""Arguments that say most about a call, by tool."""

_TELLING_ANYWHERE = (
    "file_path", "path", "file", "command", "pattern", "query", "url", "uri", "question", "description", "prompt",
)  # fmt: skip
"""For every other tool: the first of these that it was given."""


def tool_name(tool: str) -> str:
    """A tool's name for people: `mcp__github__get_issue` is `github: get_issue`."""
    if tool.startswith("mcp__"):
        server, _, name = tool.removeprefix("mcp__").partition("__")
        if server and name:
            tool = f"{server}: {name}"
    return one_line(tool, _LONGEST_TOOL) or "tool"


def tool_label(tool: str, input: Mapping[str, object], workspace: str = "") -> str:
    """For example `Edit src/parser.py`, `Bash python -m unittest`, `Grep TODO in src`, `github: get_issue 42`.

    Args:
        tool: Its name, as the agent knows it.
        input: Its arguments.
        workspace: Absolute directory; paths below it are shown relative to it. Empty leaves them as they are.
    """
    values = [_shown(input[name], workspace) for name in _TELLING.get(tool, ()) if input.get(name)]
    if not values:
        values = [_shown(input[name], workspace) for name in _TELLING_ANYWHERE if input.get(name)][:1]
    separator = " in " if tool in {"Grep", "Glob"} else ": "
    argument = separator.join(value for value in values if value) or _all_of_it(input, workspace)
    return shorten(f"{tool_name(tool)} {argument}".rstrip(), _LONGEST_LABEL)


def _all_of_it(input: Mapping[str, object], workspace: str) -> str:
    if len(input) == 1:
        return _shown(next(iter(input.values())), workspace)
    pairs = (f"{one_line(name, _LONGEST_PAIR)}={_shown(value, workspace)}" for name, value in input.items())
    return " ".join(shorten(pair, _LONGEST_PAIR) for pair, _ in zip(pairs, range(5), strict=False))


def _shown(value: object, workspace: str) -> str:
    if isinstance(value, str):
        return _relative(one_line(value, _LONGEST_LABEL), workspace)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        items = cast("Sequence[object]", value)
        return _shown(items[0], workspace) if len(items) == 1 else f"{len(items)} items"
    return one_line(json.dumps(value, ensure_ascii=False, default=str), _LONGEST_LABEL)


def _relative(text: str, workspace: str) -> str:
    workspace = workspace.rstrip("/\\")
    if not workspace:
        return text
    if text == workspace:
        return "."
    for separator in "/\\":
        if text.startswith(workspace + separator):
            return text[len(workspace) + 1 :]
    here = f"cd {workspace} && "
    if text.startswith(here):
        return text.removeprefix(here)
    if own := _WORKTREE.fullmatch(text):
        return own["below"] or "."
    return text
