"""What an agent says, as numbered steps: each finished thought is one, and the calls after it belong to it."""

from dataclasses import dataclass, field

from agents.events import (
    AgentSaid,
    ReasoningStep,
    StreamWithdrawn,
    TextStreamed,
    ThinkingStreamed,
    Thought,
    ToolEnded,
    ToolStarted,
)
from workflows.ask.contract import Call, Step
from workflows.reports import AgentReport, Report, Say
from workflows.runs.tool_label import tool_label

OUTPUT_CHARACTERS = 500
"""How much of the beginning of a call's output a step keeps."""


@dataclass(slots=True)
class _Step:
    number: int
    thought: str
    calls: list[Call] = field(default_factory=list[Call])


class StepRecorder:
    """Passes on what an agent says, and tells its finished thoughts as steps.

    A thought is what the model reasons by itself, or what it says before it uses a tool. What it says last is its
    answer, and no step.

    Args:
        say: The node's stream writer.
        workspace: Directory to which paths are told relative.
    """

    def __init__(self, say: Say, workspace: str) -> None:
        self._say = say
        self._workspace = workspace
        self._steps: list[_Step] = []
        self._open: dict[str, Call] = {}
        self._live: list[tuple[str, str]] = []  # pieces since the last step, each with its channel

    @property
    def steps(self) -> list[Step]:
        """The steps so far."""
        return [Step(step=step.number, thought=step.thought, calls=step.calls) for step in self._steps]

    def say(self, report: Report) -> None:
        """Take a report, and pass it on; a thought as a step."""
        if not isinstance(report, AgentReport) or report.said.speaker:
            self._say(report)
            return
        told = self._hear(report.agent, report.said)
        if told:
            self._say(report)

    def _hear(self, agent: str, said: AgentSaid) -> bool:
        """Take what the agent itself said; False if a step has been told in its place."""
        match said:
            case TextStreamed(text=text):
                self._live.append(("text", text))
            case ThinkingStreamed(text=text):
                self._live.append(("thinking", text))
            case StreamWithdrawn(characters=characters):
                self._withdraw(characters)
            case Thought(text=text):
                self._live = [piece for piece in self._live if piece[0] == "text"]
                return not self._take_step(agent, text)
            case ToolStarted():
                self._take_step(agent, "".join(text for channel, text in self._live if channel == "text"))
                self._live.clear()
                self._begin(said)
            case ToolEnded():
                self._end(said)
            case _:
                pass
        return True

    def _take_step(self, agent: str, thought: str) -> bool:
        thought = thought.strip()
        if not thought:
            return False
        step = _Step(len(self._steps) + 1, thought)
        self._steps.append(step)
        self._say(AgentReport(agent, ReasoningStep(step=step.number, thought=thought)))
        return True

    def _withdraw(self, characters: int) -> None:
        """Take back the newest of what was streamed."""
        while characters > 0 and self._live:
            channel, text = self._live.pop()
            if len(text) > characters:
                self._live.append((channel, text[:-characters]))
            characters -= len(text)

    def _begin(self, started: ToolStarted) -> None:
        if not self._steps:
            self._steps.append(_Step(1, ""))
        label = tool_label(started.tool, started.input, self._workspace)
        call = Call(call=label, ok=None, seconds=None, output="")
        self._steps[-1].calls.append(call)
        self._open[started.call_id] = call

    def _end(self, ended: ToolEnded) -> None:
        call = self._open.pop(ended.call_id, None)
        if call is not None:
            call.ok, call.seconds = ended.ok, round(ended.seconds, 3)
            call.output = ended.output[:OUTPUT_CHARACTERS]
