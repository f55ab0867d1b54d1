"""What has happened in a run, as it stays readable in the terminal's scrollback."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never, cast

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from mcp_server.terminal.live_region import WIDEST
from mcp_server.terminal.run_picture import FinishedText, RunPicture
from mcp_server.wording import icon
from workflows.runs.events import (
    AgentEvent,
    EventBody,
    GateAnswered,
    GateOpened,
    Heartbeat,
    ReasoningStepTaken,
    RunEvent,
    StageCompleted,
    StageStarted,
    SupervisorEvent,
    TokenStream,
    ToolEnd,
    ToolStart,
    UsageRecorded,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowError,
    WorkflowEvent,
    WorkflowResumed,
    WorkflowStarted,
)
from workflows.runs.message import duration, message_of, text_of
from workflows.runs.plain_text import one_line, plain_text, shorten
from workflows.runs.tool_label import tool_name

_THOUGHT_LINES = 8
_TEXT_LINES = 20
_REASON_LINES = 6
_OUTPUT_LINES = 3
_DETAIL_CHARACTERS = 200
_EMPTY: tuple[object, ...] = (None, "", [], {}, ())
_NOT_DETAILS = frozenset({"text", "artifact", "uri", "media_type", "withdrawn_characters"})
_READERS = frozenset({"Read"})
"""Tools whose output is a file: its length says more than its first line."""
_WRITERS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})
"""Tools whose output only says that they have done it."""
_TERMINAL_ICONS = {"⚙️": "• ", "⏸": "⏸ "}
"""In place of icons whose width terminals do not agree on."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in the transcript: what stands in front, and a text that is wrapped beside it.

    Lines are not padded, because a terminal that is made narrower would wrap the padding.

    Attributes:
        front: What stands in front of the first line.
        text: The text, harmless.
        limit: Lines at most; the others are counted.
    """

    front: Text
    text: Text
    limit: int = 20

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        indent = self.front.cell_len
        width = max(1, min(options.max_width, WIDEST) - indent)
        lines = self.text.wrap(console, width, overflow="fold")
        if len(lines) > self.limit:
            rest = Text(f"… {len(lines) - self.limit} more lines", style="dim")
            lines = [*lines[: self.limit], rest]
        for number, line in enumerate(lines):
            line.rstrip()
            yield Text.assemble(self.front if number == 0 else " " * indent, line)


class Transcript:
    """Writes down a run for people, event by event.

    Args:
        picture: The run; has taken in each event before it comes here.
    """

    def __init__(self, picture: RunPicture) -> None:
        self._picture = picture
        self._stage = ""
        self._gap = False
        self._live_thoughts: dict[str, str] = {}

    def entries(self, event: RunEvent, finished: Sequence[FinishedText]) -> Sequence[RenderableType]:
        """What an event adds; mostly nothing or one entry.

        Args:
            event: The event.
            finished: Live texts that ended with it.
        """
        body = event.body
        texts = [entry for text in finished if not _is_said_again(text, body) for entry in self._finished_text(text)]
        entries = [*texts, *self._entries(event, body)]
        if entries and self._gap:
            entries = [Text(), *entries]
        if entries:
            self._gap = isinstance(body, WorkflowStarted | StageCompleted)
        return entries

    def _entries(self, event: RunEvent, body: EventBody) -> Sequence[RenderableType]:
        match body:
            case WorkflowStarted():
                return _beginning(event, body)
            case StageStarted():
                return self._stage_heading(body)
            case StageCompleted():
                return self._stage_ends(body)
            case SupervisorEvent():
                return _supervisor(body)
            case AgentEvent():
                return self._agent_event(body)
            case ReasoningStepTaken():
                title = Text(f"{self._by(body.agent)}step {body.step}", style="bold")
                return [_entry(icon(body), title), _below(plain_text(body.thought), "dim", _THOUGHT_LINES)]
            case ToolEnd():
                return self._tool_end(event, body)
            case GateOpened():
                return [*self._blank(), _entry(icon(body), Text(plain_text(body.question), style="bold yellow"))]
            case GateAnswered():
                return [_entry(icon(body), Text(message_of(body).what))]
            case WorkflowResumed():
                return [*self._cut_off(), *self._blank(), _entry(icon(body), Text(message_of(body).what, style="bold"))]
            case WorkflowCompleted():
                return [*self._blank(), Text(f"✔ completed in {duration(body.seconds)}", style="bold green")]
            case WorkflowError() | WorkflowCancelled():
                return [*self._cut_off(), *self._blank(), Text(f"✘ {message_of(body).what}", style="bold red")]
            case ToolStart() | TokenStream() | UsageRecorded() | Heartbeat() | WorkflowEvent():
                return []  # the live region shows these
            case _:
                assert_never(body)

    def _stage_heading(self, body: StageStarted) -> Sequence[RenderableType]:
        stage = self._picture.stages[body.stage]
        if stage.running > 1:  # it runs beside itself
            return []
        self._stage = body.stage
        standing = self._picture.standing
        facts = [] if stage.title == stage.name else [one_line(stage.name, 40)]
        if standing.stage_number:
            facts.append(f"{standing.stage_number}/{standing.stage_count}")
        if body.round > 1:
            facts.append(f"round {body.round}")
        title = (f"▶ {one_line(stage.title, 60)}", "bold cyan")
        return [*self._blank(), Text.assemble(title, ("".join(f" · {fact}" for fact in facts), "dim"))]

    def _stage_ends(self, body: StageCompleted) -> Sequence[RenderableType]:
        whose = "" if body.stage == self._stage else f"{one_line(body.stage, 40)} "
        if not self._picture.stages[body.stage].running:
            self._stage = ""
        return [Entry(Text("   ✔  ", style="green"), Text(f"{whose}done in {duration(body.seconds)}", style="dim"))]

    def _agent_event(self, body: AgentEvent) -> Sequence[RenderableType]:
        text = plain_text(str(body.details.get("text", ""))).strip() or text_of(body.details) or body.event_type
        if body.event_type == "think":
            if self._live_thoughts.pop(body.agent, None) == text:
                return []
            return [_entry(icon(body), self._by(body.agent) + text, "dim italic", _THOUGHT_LINES)]
        style = {"progress": "", "decision": "bold yellow", "result": "green"}[body.event_type]
        entries: list[RenderableType] = [_entry(icon(body), self._by(body.agent) + text, style, _TEXT_LINES)]
        details = _details(body.details)
        return [*entries, _below(details, "dim", _REASON_LINES)] if details else entries

    def _tool_end(self, event: RunEvent, body: ToolEnd) -> Sequence[RenderableType]:
        call = self._picture.standing.context or tool_name(body.tool)
        whole, outcome = ("", "") if body.ok else ("red", " · failed")
        title = Text.assemble(
            (f"{self._by(body.agent)}{call}", whole), (f" · {duration(body.seconds)}", "dim"), (outcome, whole)
        )
        cut = next((cut.bytes for cut in event.truncated if cut.field == "output"), None)
        output = _output(body, cut)
        entry = _entry("🔧" if body.ok else "❌", title)
        return [entry, _below(output, "dim", _OUTPUT_LINES + 1)] if output else [entry]

    def _finished_text(self, text: FinishedText) -> Sequence[RenderableType]:
        if text.channel == "thinking":
            self._live_thoughts[text.agent] = text.text
            return [_entry("🧠", self._by(text.agent) + text.text, "dim italic", _THOUGHT_LINES)]
        if text.text.startswith(("{", "[{", "```json")):  # a typed reply, for the program rather than for people
            line = shorten(one_line(text.text), _DETAIL_CHARACTERS)
            return [_entry("💬", self._by(text.agent) + line, "dim", _THOUGHT_LINES)]
        return [_entry("💬", self._by(text.agent) + text.text, "", _TEXT_LINES)]

    def _cut_off(self) -> Sequence[RenderableType]:
        return [
            _entry("🔧", Text(f"{self._by(agent.name)}{label} · not finished", style="dim"))
            for agent in self._picture.agents.values()
            for label, _ in agent.calls.values()
        ]

    def _blank(self) -> Sequence[RenderableType]:
        return [] if self._gap else [Text()]  # a gap comes by itself

    def _by(self, agent: str) -> str:
        return "" if agent == self._stage else f"{one_line(agent, 40)}: "


def _entry(icon: str, text: str | Text, style: str = "", limit: int = _TEXT_LINES) -> Entry:
    sign = _TERMINAL_ICONS.get(icon, icon)
    front = Text(f"   {sign} ", style="not dim")  # a piece of its own: in a picture, icons have any width
    return Entry(front, text if isinstance(text, Text) else Text(text, style=style), limit)


def _below(text: str, style: str, limit: int) -> Entry:
    return Entry(Text(" " * 6), Text(text, style=style), limit)


def _beginning(event: RunEvent, body: WorkflowStarted) -> Sequence[RenderableType]:
    title = Text(one_line(body.workflow, 60), style="bold")
    title.append(f"  run {one_line(event.run_id, 40)}", style="not bold dim")
    if body.offline:
        title.append("  offline: scripted agents, no model", style="not bold yellow")
    shown = {one_line(name, 30): _plain_value(value) for name, value in body.input.items() if value not in _EMPTY}
    width = max(map(len, shown), default=0)
    return [
        title,
        *(Entry(Text(f"  {name:{width}}  ", style="dim"), Text(value), _REASON_LINES) for name, value in shown.items()),
    ]


def _supervisor(body: SupervisorEvent) -> Sequence[RenderableType]:
    chosen = one_line(body.next_agent, 40)
    sure = "" if body.confidence is None else f" ({body.confidence:.0%})".replace("%", " %")
    reasoning, told = plain_text(body.reasoning).strip(), plain_text(body.instructions).strip()
    match body.event_type:
        case "analysis":
            return [_entry(icon(body), f"supervisor: {reasoning}", "dim italic", _THOUGHT_LINES)]
        case "decision":
            title = f"supervisor: {chosen} next{sure}" if chosen else f"supervisor{sure}"
            below = reasoning
        case "routing":
            title, below = f"supervisor sends {chosen}{sure}", told or reasoning
        case _:
            assert_never(body.event_type)
    entry = _entry(icon(body), Text(title, style="bold yellow"))
    return [entry, _below(below, "dim", _REASON_LINES)] if below else [entry]


def _details(details: Mapping[str, object]) -> str:
    parts: list[str] = []
    if "artifact" in details:
        parts.append(f"kept as {one_line(str(details['artifact']), 80)}")
    if "text" in details:
        parts.extend(
            f"{one_line(name, 40)}: {_detail(value)}" for name, value in details.items() if name not in _NOT_DETAILS
        )
    return shorten(" · ".join(parts), 2 * _DETAIL_CHARACTERS)


def _detail(value: object) -> str:
    return one_line(_plain_value(value), _DETAIL_CHARACTERS)


def _plain_value(value: object) -> str:
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, Sequence):
        items = cast("Sequence[object]", value)
        if all(isinstance(item, str) for item in items):
            return "; ".join(plain_text(str(item)) for item in items)
    return plain_text(json.dumps(value, ensure_ascii=False, default=str))


def _output(body: ToolEnd, cut_bytes: int | None) -> str:
    lines = [line.rstrip() for line in plain_text(body.output).splitlines()]
    telling = [line for line in lines if any(map(str.isalnum, line))] or [line for line in lines if line]  # no rulers
    if cut_bytes is not None:
        return "\n".join([*(shorten(line, 200) for line in telling[:1]), f"… {cut_bytes / 1000:,.1f} kB in all"])
    if body.ok and body.tool in _WRITERS:
        return ""
    if body.ok and body.tool in _READERS:
        return f"{len(lines)} lines"
    if len(telling) <= _OUTPUT_LINES:
        return "\n".join(shorten(line, 200) for line in telling)
    if body.ok and body.tool != "Bash":
        return f"{shorten(telling[0], 200)}\n… {len(lines)} lines in all"
    kept = [shorten(line, 200) for line in telling[-_OUTPUT_LINES:]]
    return "\n".join([f"… {len(lines)} lines in all, the last ones:", *kept])


def _is_said_again(text: FinishedText, body: EventBody) -> bool:
    if not isinstance(body, AgentEvent) or body.agent != text.agent:
        return False
    if body.event_type == "think":
        return text.channel == "thinking"
    return text.channel == "text" and plain_text(str(body.details.get("text", ""))).strip() == text.text
