"""The story of a run: what the CLI writes, told as events as it comes, and the facts that remain at the end.

Pure: no I/O, no waiting, no guessing. The only thing taken from outside is a clock.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from agents.agent import CommandRun, Usage
from agents.claude.live_text import LiveText
from agents.claude.messages import (
    ApiFailure,
    AssistantBlock,
    AssistantSaid,
    CliMessage,
    ControlAnswered,
    ControlCancelled,
    ControlRequested,
    MessageTaken,
    NotAMessage,
    OtherBlock,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
    TurnEnded,
    UnknownMessage,
    UserSaid,
)
from agents.claude.remarks import tell_control, tell_older_release, tell_remark, tell_synthetic
from agents.claude.speakers import Speakers
from agents.claude.stream_messages import (
    BlockStopped,
    InputDelta,
    MessageDelta,
    StreamMessage,
    TextDelta,
    ThinkingDelta,
)
from agents.claude.system_messages import (
    ApiRetry,
    BackgroundTasksChanged,
    Remark,
    StatusChanged,
    TaskEnded,
    TaskProgressed,
    TaskStarted,
    TaskUpdated,
    ThinkingTokens,
    ToolProgress,
    TurnStarted,
)
from agents.claude.tasks import Tasks
from agents.claude.tool_calls import OpenTool, ToolCalls
from agents.claude.version import is_known_version
from agents.claude.wording import counted, one_line, whole_seconds
from agents.events import AgentSaid, ConversationOpened, Progressed, TextStreamed, Thought, UsageReported, Waiting
from agents.json_fields import text_of

_UNAUTHORIZED = 401
_AGENT_TOOLS = frozenset({"Agent", "Task"})
_UNTOLD = frozenset({InputDelta, BlockStopped})
"""What tells nothing by itself: the call or the block is told as a whole."""
_THINKING_STEP_TOKENS = 500


class Narrator:
    """Tells the story of one CLI process and keeps its facts.

    Args:
        workspace: Directory that file paths are told relative to.
        clock: Seconds, rising; durations of tool calls are taken from it.

    Attributes:
        resumable: Whether the conversation is kept, so that it can be gone on with; False until somebody says so.
        session_id: The CLI's conversation, or empty.
        results: The turns that have ended, in order. The last one is the outcome.
        auth_failed: True from the first request that was refused for its key or login. The CLI would go on trying
            for three minutes; whoever runs it should end it now.
        last_assistant_error: The API error the main thread ended on; None if it has answered since.
        background_tasks: How many tasks run in the background now.
        turn_started: Whether the CLI got as far as beginning a turn.
    """

    def __init__(self, workspace: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.resumable = False
        self.session_id = ""
        self.results: list[TurnEnded] = []
        self.auth_failed = False
        self.last_assistant_error: ApiFailure | None = None
        self.background_tasks = 0
        self.turn_started = False
        self._calls = ToolCalls(workspace, clock)
        self._speakers = Speakers()
        self._tasks = Tasks(self._calls, self._speakers)
        self._live = LiveText()
        self._usage = Usage()
        self._unbilled_input = self._unbilled_output = 0  # tokens of messages whose turn has no result yet
        self._model = ""
        self._turn_is_open = False
        self._thinking_told = 0
        self._noise_told = False

    @property
    def files(self) -> tuple[str, ...]:
        """Files that were written or edited, each once; relative to the workspace where they lie below it."""
        return self._calls.files

    @property
    def commands(self) -> tuple[CommandRun, ...]:
        """Shell commands that have ended, in the order they began; sub-agents' too."""
        return self._calls.commands

    @property
    def usage(self) -> Usage:
        """What this process used, as far as its results say; without one what is known, at an unknown cost."""
        return self._usage if self.results else Usage(self._unbilled_input, self._unbilled_output, None)

    @property
    def was_answered(self) -> bool:
        """Whether a model has answered anything, as far as tokens say."""
        return bool(self.usage.input_tokens or self.usage.output_tokens)

    @property
    def text_so_far(self) -> str:
        """The main thread's text, unfinished one included."""
        return self._live.text

    @property
    def answer(self) -> str:
        """The main thread's finished text since its last tool call, or since the turn began."""
        return self._live.answer

    @property
    def finished(self) -> bool:
        """Whether nothing more is expected: every turn has its result, and no background task can start another."""
        return bool(self.results) and not self._turn_is_open and not self.background_tasks

    def tell(self, message: CliMessage) -> list[AgentSaid]:
        """Take the next message.

        Args:
            message: As the parser gives it.

        Returns:
            What has just happened, in order; empty if it is nothing to tell.
        """
        if type(message) in _UNTOLD:  # two lines in five
            return []
        if type(message) is TextDelta or type(message) is ThinkingDelta:
            return self._live.preview(message)
        if type(message) is AssistantSaid:
            return self._assistant(message)
        if type(message) is UserSaid:
            return self._user(message)
        if type(message) is MessageDelta:
            self._unbilled_input += message.input_tokens
            self._unbilled_output += message.output_tokens
            return []
        return self._tell_rarer(message)

    def _tell_rarer(self, message: CliMessage) -> list[AgentSaid]:
        match message:
            case StreamMessage():
                return self._live.hear(message)
            case AssistantSaid():
                return self._assistant(message)
            case UserSaid():
                return self._user(message)
            case StatusChanged():
                return self._remark(message)
            case TaskStarted() | TaskProgressed() | TaskUpdated() | TaskEnded():
                return self._tasks.hear(message)
            case ToolProgress() | ThinkingTokens():
                return self._sign_of_life(message)
            case TurnStarted():
                return self._turn(message)
            case TurnEnded():
                return self._result(message)
            case BackgroundTasksChanged(tasks=tasks):
                self.background_tasks = len(tasks)
                return []
            case ControlRequested() | ControlAnswered() | ControlCancelled():
                return tell_control(message)
            case MessageTaken(state=state):
                # Taken up after a turn's result, it begins a turn of its own, whose `init` comes only now.
                self._turn_is_open = self._turn_is_open or state == "started"
                return []
            case UnknownMessage() | NotAMessage():
                return self._noise(message)
            case _:
                return self._remark(message)

    @property
    def open_tools(self) -> tuple[OpenTool, ...]:
        """Tool calls that have no result yet; when the CLI has ended, those that were cut off."""
        return self._calls.open

    def close(self) -> list[AgentSaid]:
        """Say what is left open when the CLI has ended: tools that were cut off, and a turn without its usage.

        Returns:
            What to tell, in order; nothing after a run that ended well.
        """
        told: list[AgentSaid] = [
            Progressed(message=f"{call.tool} was cut off", details={"call_id": call.call_id}, speaker=call.speaker)
            for call in self.open_tools
        ]
        if self._turn_is_open and not self.auth_failed:
            told.append(
                UsageReported(
                    model=self._model,
                    input_tokens=self._unbilled_input,
                    output_tokens=self._unbilled_output,
                    cost_usd=None,
                )
            )
        return told

    def _assistant(self, said: AssistantSaid) -> list[AgentSaid]:
        speaker = () if said.sender.parent_call_id is None else self._speakers.of(said.sender)
        if not speaker:
            self.last_assistant_error = said.failure
        if said.synthetic or said.failure is not None:
            others = (block for block in said.blocks if not isinstance(block, TextBlock))
            told = [event for block in others for event in self._block(block, said.message_id, speaker)]
            return told + tell_synthetic(said, speaker)
        if len(said.blocks) == 1:
            return self._block(said.blocks[0], said.message_id, speaker)
        return [event for block in said.blocks for event in self._block(block, said.message_id, speaker)]

    def _block(self, block: AssistantBlock, message_id: str, speaker: tuple[str, ...]) -> list[AgentSaid]:
        if type(block) is ToolUseBlock:
            return self._tool_use(block, speaker)
        match block:
            case TextBlock(text=text):
                if speaker:
                    return [TextStreamed(text=text, speaker=speaker)] if text else []
                return self._live.finish_text(message_id, block)
            case ThinkingBlock(text=text):
                if speaker:
                    return [Thought(text=text, speaker=speaker)] if text else []
                return self._live.finish_thought(message_id, block)
            case OtherBlock():
                return []
            case _:
                assert_never(block)

    def _tool_use(self, block: ToolUseBlock, speaker: tuple[str, ...]) -> list[AgentSaid]:
        if block.tool in _AGENT_TOOLS:
            agent_type, description = text_of(block.input, "subagent_type"), text_of(block.input, "description")
            self._speakers.introduce(block.call_id, speaker, agent_type, description)
        if not speaker:
            self._live.begin_answer()
        return self._calls.start(block, speaker)

    def _user(self, said: UserSaid) -> list[AgentSaid]:
        goes_on = bool(said.background_task_id)
        if len(said.results) == 1 and not said.text:  # as it usually is
            return self._calls.end(said.results[0], goes_on=goes_on)
        told = [event for result in said.results for event in self._calls.end(result, goes_on=goes_on)]
        # What a sub-agent's line says without being synthetic is its prompt.
        if said.text and not said.replay and (said.synthetic or said.sender.parent_call_id is None):
            message = said.text.strip("[]")
            told.append(
                Progressed(
                    message=one_line(f"the CLI told the model: {message}" if said.synthetic else message),
                    details={"text": said.text},
                    speaker=self._speakers.of(said.sender),
                )
            )
        return told

    def _sign_of_life(self, message: ToolProgress | ThinkingTokens) -> list[AgentSaid]:
        if isinstance(message, ToolProgress):
            text = f"{message.tool or 'a tool'} has been running for {whole_seconds(message.seconds)}"
            speaker = self._calls.speaker_of(message.call_id)
            return [Waiting(reason="tool", message=text, seconds=message.seconds, speaker=speaker)]
        tokens = message.estimated_tokens
        self._thinking_told = min(self._thinking_told, tokens)
        if self._live.is_streaming or tokens - self._thinking_told < _THINKING_STEP_TOKENS:
            return []
        self._thinking_told = tokens
        return [Waiting(reason="model", message=f"thinking, about {counted(tokens, 'token')} so far")]

    def _turn(self, turn: TurnStarted) -> list[AgentSaid]:
        is_first = not self.turn_started
        self.turn_started = self._turn_is_open = True
        self._live.begin_answer()
        self._model = turn.model or self._model or "an unnamed model"
        self.session_id = turn.session_id or self.session_id
        if not is_first:
            return [Progressed(message=f"next turn on {self._model}")]
        self._calls.add_root(turn.cwd)
        servers = {server.name: server.status for server in turn.mcp_servers}
        failed = "".join(f", MCP server {name} failed" for name, status in servers.items() if status == "failed")
        details = {
            "model": turn.model,
            "version": turn.version,
            "tools": len(turn.tools),
            "mcp_servers": servers,
            "session_id": turn.session_id,
        }
        told: list[AgentSaid] = [
            ConversationOpened(session_id=self.session_id, resumable=self.resumable),
            Progressed(message=f"claude {turn.version} on {self._model}{failed}", details=details),
        ]
        return told if is_known_version(turn.version) else [*told, tell_older_release(turn.version)]

    def _result(self, result: TurnEnded) -> list[AgentSaid]:
        self.results.append(result)
        self._unbilled_input = self._unbilled_output = 0
        self._turn_is_open = result.queued_turns > 0
        self.session_id = result.session_id or self.session_id
        told: list[AgentSaid] = []
        for used in (result.turn_usage,) if result.usage is None else result.usage:
            self._usage += Usage(used.input_tokens, used.output_tokens, used.cost_usd)
            told.append(
                UsageReported(
                    model=used.model or self._model,
                    input_tokens=used.input_tokens,
                    output_tokens=used.output_tokens,
                    cost_usd=used.cost_usd,
                )
            )
        return told

    def _remark(self, remark: Remark) -> list[AgentSaid]:
        if isinstance(remark, ApiRetry) and (remark.status == _UNAUTHORIZED or remark.error == "authentication_failed"):
            self.auth_failed = True
        told = tell_remark(remark)
        return [] if told is None else [told]

    def _noise(self, message: UnknownMessage | NotAMessage) -> list[AgentSaid]:
        """Tell of the first line that is no message; a wrapper that prints to stdout can write many."""
        if isinstance(message, UnknownMessage) or self._noise_told:
            return []
        self._noise_told = True
        details = {"reason": message.reason, "excerpt": message.excerpt}
        return [
            Progressed(message=f"the CLI wrote a line that is no message: {one_line(message.excerpt)}", details=details)
        ]
