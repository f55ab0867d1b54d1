"""Draws the picture of a run as a few lines that stay at the bottom of the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from mcp_server.terminal.run_picture import AgentPicture, RunPicture, StagePicture
from workflows.runs.message import cost, duration
from workflows.runs.plain_text import one_line, plain_text

WIDEST = 120
"""Columns that are used of a wider terminal; longer lines are hard to read."""
FRAMES_PER_SECOND = 8.0
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_NO_SIGN_OF_LIFE = 20.0
"""Seconds after which the spinner stands still: a run that lives says something every 5 s."""
_SHOWN_AGENTS = 6
_STREAM_LINES = 3
_STREAM_CHARACTERS = 1000


def draw_region(picture: RunPicture, console: Console, *, width: int, height: int, now: float) -> Sequence[Text]:
    """The live region, line by line.

    Args:
        picture: The run.
        console: Knows how wide characters are.
        width: Columns a line may have.
        height: Lines there may be.
        now: The picture's clock; moves the spinner.

    Returns:
        Lines none of which is wider than `width`.
    """
    alive = picture.quiet < _NO_SIGN_OF_LIFE
    spinner = _FRAMES[int(now * FRAMES_PER_SECOND) % len(_FRAMES)] if alive else "?"
    top = [_title(picture, width), _bar(picture, width), *_stages(picture, console, width)]
    agents = _agents(picture, spinner, width, now)
    bottom = [_footer(picture, alive=alive)]
    room = height - len(top) - len(bottom) - len(agents) - 1
    stream = list(_stream(picture, console, width))[-room:] if room > 0 else list[Text]()
    lines = [Text("─" * width, style="dim"), *top, *agents, *stream, *bottom]
    if room < 0:
        lines = [*top[:2], *agents[:1], *bottom]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines[: max(1, height)]


def _title(picture: RunPicture, width: int) -> Text:
    standing = picture.standing
    title = Text(one_line(standing.workflow, 40) or "workflow", style="bold")
    title.append(f"  run {one_line(standing.run_id, 40)}", style="dim not bold")
    if standing.offline:
        title.append("  offline: scripted agents", style="yellow not bold")
    return _with_right_end(title, Text(duration(picture.elapsed // 1)), width)


def _with_right_end(left: Text, right: Text, width: int) -> Text:
    room = width - right.cell_len - 1
    left = left.copy()
    left.truncate(max(0, room), overflow="ellipsis", pad=True)
    return Text.assemble(left, " ", right)


def _bar(picture: RunPicture, width: int) -> Text:
    percent = int(picture.progress)  # down, so that 100 is only said at the end
    length = max(0, width - 6)
    done = length * percent // 100
    return Text.assemble(("━" * done, "cyan"), ("─" * (length - done), "dim"), f" {percent:3} %")


def _stages(picture: RunPicture, console: Console, width: int) -> Sequence[Text]:
    if not picture.stages:
        return []
    row = Text("  ").join(_stage(stage) for stage in picture.stages.values())
    return list(row.wrap(console, width))[:2]


def _stage(stage: StagePicture) -> Text:
    name = one_line(stage.name, 30).replace(" ", "\u00a0")
    rounds = f"\u00a0×{stage.rounds}" if stage.rounds > 1 else ""
    if stage.running:
        return Text(f"▶\u00a0{name}{rounds}", style="bold cyan")
    if stage.completed:
        return Text.assemble(("✔\u00a0", "green"), f"{name}{rounds}")
    if stage.rounds:
        return Text(f"✘\u00a0{name}{rounds}", style="red")
    return Text(f"·\u00a0{name}", style="dim")


def _agents(picture: RunPicture, spinner: str, width: int, now: float) -> Sequence[Text]:
    agents = list(picture.agents.values())
    if not agents:
        return [Text.assemble((f"{spinner} ", "cyan"), picture.waiting)] if picture.waiting else []
    shown = agents[-_SHOWN_AGENTS:]
    lines = [_agent(agent, spinner, width, now) for agent in sorted(shown, key=lambda agent: agent.name)]
    if len(agents) > len(shown):
        lines.append(Text(f"  and {len(agents) - len(shown)} more", style="dim"))
    return lines


def _agent(agent: AgentPicture, spinner: str, width: int, now: float) -> Text:
    left = Text.assemble(
        (f"{spinner} ", "cyan"), (one_line(agent.name, 40), "bold"), "  ", (agent.doing, "" if agent.calls else "dim")
    )
    return _with_right_end(left, Text(duration(max(0.0, now - agent.since) // 1), style="dim"), width)


def _stream(picture: RunPicture, console: Console, width: int) -> Sequence[Text]:
    agent = picture.streaming
    if agent is None:
        return []
    style = "dim italic" if agent.channel == "thinking" else ""
    text = Text(plain_text(agent.text[-_STREAM_CHARACTERS:]).strip(), style=style)
    lines = [line for line in text.wrap(console, max(1, width - 2)) if line.plain.strip()]
    return [Text.assemble(("│ ", "dim"), line) for line in lines[-_STREAM_LINES:]]


def _footer(picture: RunPicture, *, alive: bool) -> Text:
    spent = picture.standing.cost_usd
    facts: list[str] = []
    if picture.input_tokens or picture.output_tokens:
        facts.append(f"{picture.input_tokens:,} tokens read, {picture.output_tokens:,} written")
    if spent is None:
        facts.append("cost unknown")
    elif spent:
        facts.append(cost(spent))
    facts.append(f"{picture.tool_calls} tool {'call' if picture.tool_calls == 1 else 'calls'}")
    footer = Text(" · ".join(facts), style="dim")
    if not alive:
        footer.append(f" · no sign of life for {duration(picture.quiet // 1)}", style="bold yellow not dim")
    return footer
