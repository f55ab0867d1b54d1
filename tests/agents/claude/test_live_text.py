"""What is shown is what the model said: the screen of somebody who follows the events, against the finished blocks."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from agents.claude.live_text import LiveText
from agents.claude.messages import TextBlock, ThinkingBlock
from agents.claude.stream_messages import (
    BlockStarted,
    BlockStopped,
    InputDelta,
    MessageStarted,
    MessageStopped,
    TextDelta,
    ThinkingDelta,
)
from agents.events import AgentSaid, StreamWithdrawn, TextStreamed, ThinkingStreamed, Thought, Waiting


@dataclass
class Screen:
    """Shows text and thinking as they come, and takes the last characters away when they are withdrawn."""

    shown: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    thoughts: list[str] = field(default_factory=list[str])
    finished: int = 0  # characters that belong to finished blocks

    def show(self, events: list[AgentSaid]) -> None:
        for event in events:
            match event:
                case TextStreamed(text=text):
                    self.shown += [("text", character) for character in text]
                case ThinkingStreamed(text=text):
                    self.shown += [("thinking", character) for character in text]
                case StreamWithdrawn(characters=characters):
                    assert 0 < characters <= len(self.shown) - self.finished
                    del self.shown[-characters:]
                case Thought(text=text):
                    self.thoughts.append(text)
                case Waiting():
                    pass
                case _:
                    raise AssertionError(event)

    def finish(self) -> None:
        self.finished = len(self.shown)

    @property
    def text(self) -> str:
        return "".join(character for kind, character in self.shown if kind == "text")


@dataclass(frozen=True)
class Attempt:
    """One try at a message.

    Attributes:
        blocks: Kind and text of its blocks; the last one is not finished if it broke off.
        previews: What was streamed of each block; None if nothing was announced.
        broke_off: Whether the stream broke in its last block.
        closed: Whether the CLI closed the message.
    """

    blocks: list[tuple[str, str]]
    previews: list[list[str] | None]
    broke_off: bool
    closed: bool


def attempts() -> st.SearchStrategy[Attempt]:
    texts = st.text("ab \n", max_size=5)
    blocks = st.lists(st.tuples(st.sampled_from(["text", "thinking"]), texts), min_size=1, max_size=3)

    def with_previews(blocks: list[tuple[str, str]]) -> st.SearchStrategy[Attempt]:
        previews = st.tuples(*(_preview_of(text) for _, text in blocks)).map(list)
        return st.builds(Attempt, st.just(blocks), previews, st.booleans(), st.booleans())

    return blocks.flatmap(with_previews)


def _preview_of(text: str) -> st.SearchStrategy[list[str] | None]:
    """The text in pieces, a beginning of it, something else, or nothing."""
    cut = st.integers(0, len(text))
    return st.one_of(
        cut.map(lambda at: [text[:at], text[at:]]),
        cut.map(lambda at: [text[:at]]),
        st.lists(st.text("abx", max_size=3), max_size=3),
        st.none(),
    )


@given(tries=st.lists(attempts(), max_size=4))
def test_after_any_breaks_and_differences_the_screen_shows_each_finished_text_once(tries: list[Attempt]) -> None:
    live, screen = LiveText(), Screen()
    said: list[str] = []
    thought: list[str] = []
    for number, attempt in enumerate(tries):
        message_id = f"m{number}"
        _play(attempt, message_id, live, screen, said, thought)
    screen.show(live.hear(MessageStarted("end")))
    assert screen.text == "".join(said)
    assert screen.thoughts == [text for text in thought if text]
    assert live.text == "\n\n".join(text for text in said if text)


def _play(
    attempt: Attempt, message_id: str, live: LiveText, screen: Screen, said: list[str], thought: list[str]
) -> None:
    last = len(attempt.blocks) - 1
    for index, ((kind, text), preview) in enumerate(zip(attempt.blocks, attempt.previews, strict=True)):
        for piece in preview or []:
            delta = TextDelta if kind == "text" else ThinkingDelta
            screen.show(live.hear(delta(message_id, index, piece)))
        if index == last and attempt.broke_off:
            if attempt.closed:
                screen.show(live.hear(MessageStopped(message_id, index)))
            return
        if kind == "text":
            screen.show(live.finish_text(message_id, TextBlock(text)))
            said.append(text)
        else:
            screen.show(live.finish_thought(message_id, ThinkingBlock(text)))
            thought.append(text)
        screen.finish()
    if attempt.closed:
        screen.show(live.hear(MessageStopped(message_id, None)))


def test_a_block_that_was_streamed_whole_is_not_told_again() -> None:
    live = LiveText()
    live.hear(TextDelta("m", 0, "one "))
    live.hear(TextDelta("m", 0, "two"))
    assert live.finish_text("m", TextBlock("one two")) == []
    assert live.text == "one two"
    assert not live.is_streaming


def test_the_end_that_was_not_streamed_is_added() -> None:
    live = LiveText()
    live.hear(TextDelta("m", 0, "one "))
    assert live.finish_text("m", TextBlock("one two")) == [TextStreamed(text="two")]


def test_a_block_that_no_event_announced_is_told_whole() -> None:
    assert LiveText().finish_text("m", TextBlock("hello")) == [TextStreamed(text="hello")]


def test_a_block_that_differs_from_its_preview_is_told_anew() -> None:
    live = LiveText()
    live.hear(TextDelta("m", 0, "onX"))
    assert live.finish_text("m", TextBlock("one")) == [
        StreamWithdrawn(reason="the finished text differs", characters=3),
        TextStreamed(text="one"),
    ]


def test_live_text_of_a_message_that_broke_off_is_withdrawn_from_the_abandoned_block_on() -> None:
    live = LiveText()
    live.hear(TextDelta("m", 0, "kept"))
    live.finish_text("m", TextBlock("kept"))
    live.hear(TextDelta("m", 1, "void"))
    live.hear(ThinkingDelta("m", 2, "too"))
    assert live.hear(MessageStopped("m", 1)) == [StreamWithdrawn(reason="the answer broke off", characters=7)]
    assert live.text == "kept"


def test_a_block_before_the_abandoned_one_stands_though_its_line_has_not_come() -> None:
    live = LiveText()
    live.hear(TextDelta("m", 0, "stands"))
    live.hear(TextDelta("m", 1, "void"))
    assert live.hear(MessageStopped("m", 1)) == [StreamWithdrawn(reason="the answer broke off", characters=4)]
    assert live.text == "stands"


def test_a_finished_text_is_not_taken_for_a_thought_that_begins_alike() -> None:
    live = LiveText()
    live.hear(ThinkingDelta("m", 0, "Two"))
    assert live.finish_text("m", TextBlock("Two files")) == [TextStreamed(text="Two files")]
    assert live.finish_thought("m", ThinkingBlock("Two of them")) == [Thought(text="Two of them")]


def test_an_answer_asked_for_again_without_streaming_replaces_what_was_left_open() -> None:
    live = LiveText()
    live.hear(TextDelta("m1", 0, "half"))
    assert live.finish_text("m2", TextBlock("whole")) == [
        StreamWithdrawn(reason="the answer was asked for again", characters=4),
        TextStreamed(text="whole"),
    ]


def test_a_message_that_broke_off_before_any_text_withdraws_nothing() -> None:
    live = LiveText()
    live.hear(MessageStarted("m"))
    live.hear(BlockStarted("m", 0, "tool_use", "Bash"))
    live.hear(InputDelta("m", 0, '{"comm'))
    live.hear(BlockStopped("m", 0))
    assert live.hear(MessageStopped("m", 0)) == []


def test_the_end_of_another_message_does_not_touch_this_one() -> None:
    live = LiveText()
    live.hear(TextDelta("m2", 0, "here"))
    assert live.hear(MessageStopped("m1", 0)) == []
    assert live.text == "here"


def test_text_that_is_not_finished_is_part_of_the_text_so_far() -> None:
    live = LiveText()
    live.finish_text("m1", TextBlock("first"))
    live.hear(ThinkingDelta("m2", 0, "hm"))
    live.hear(TextDelta("m2", 1, "sec"))
    assert live.text == "first\n\nsec"


def test_a_finished_thought_is_told_whole_though_it_was_streamed() -> None:
    live = LiveText()
    live.hear(ThinkingDelta("m", 0, "I thi"))
    assert live.finish_thought("m", ThinkingBlock("I think")) == [Thought(text="I think")]


def test_a_withheld_thought_is_not_told() -> None:
    assert LiveText().finish_thought("m", ThinkingBlock("")) == []


def test_a_tool_call_in_preparation_is_a_sign_of_life() -> None:
    assert LiveText().hear(BlockStarted("m", 0, "tool_use", "Write")) == [
        Waiting(reason="model", message="preparing Write")
    ]
    assert LiveText().hear(BlockStarted("m", 0, "tool_use", "StructuredOutput")) == [
        Waiting(reason="model", message="writing the reply")
    ]
