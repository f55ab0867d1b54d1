"""Reading the Messages API's stream: the same answer, however it is cut into pieces. No network."""

from collections.abc import Iterator

import orjson
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agents.models.anthropic_stream import AnswerReader
from agents.models.deltas import CallReady, Delta, Stopped, TextDelta, ThinkingDelta, ThinkingEnded, Used
from agents.models.model import unknown_price
from tests.fakes.messages_script import Block, Reply, Text, Thinking, ToolUse
from tests.fakes.messages_stream import Identity, frames, message

_Event = TypeAdapter[RawMessageStreamEvent](RawMessageStreamEvent)
_IDENTITY = Identity("msg_000001", "claude-test-5", 10)

words = st.text(min_size=1, max_size=40)
values = st.one_of(words, st.integers(min_value=-(2**53), max_value=2**53), st.none())
calls = st.dictionaries(words, values, max_size=3).map(lambda arguments: ToolUse("look", arguments))
blocks: st.SearchStrategy[Block] = st.one_of(words.map(Text), words.map(Thinking), calls)


def events_of(reply: Reply) -> Iterator[RawMessageStreamEvent]:
    for frame in frames(reply, _IDENTITY):
        yield _Event.validate_json(frame.data.partition(b"data: ")[2])


def read(reply: Reply) -> tuple[AnswerReader, list[Delta]]:
    reader = AnswerReader("claude-test-5", unknown_price)
    deltas = [delta for event in events_of(reply) for delta in reader.read(event)]
    return reader, [*deltas, *reader.finish()]


@given(content=st.lists(blocks, max_size=5), piece=st.integers(min_value=1, max_value=60))
def test_an_answer_is_the_same_however_it_is_cut_up(content: list[Block], piece: int) -> None:
    reader, deltas = read(Reply(tuple(content), piece=piece))

    text = "".join(block.text for block in content if isinstance(block, Text))
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == text == reader.text
    thinking = "".join(block.text for block in content if isinstance(block, Thinking))
    assert "".join(delta.text for delta in deltas if isinstance(delta, ThinkingDelta)) == thinking
    ends = [delta for delta in deltas if isinstance(delta, ThinkingEnded)]
    assert len(ends) == sum(isinstance(block, Thinking) for block in content)
    called = [orjson.loads(delta.call.arguments) for delta in deltas if isinstance(delta, CallReady)]
    assert called == [dict(block.input) for block in content if isinstance(block, ToolUse)]


@given(content=st.lists(blocks, max_size=5), piece=st.integers(min_value=1, max_value=60))
def test_what_is_sent_back_is_the_whole_answer(content: list[Block], piece: int) -> None:
    reply = Reply(tuple(content), piece=piece)

    _, deltas = read(reply)

    last = deltas[-1]
    assert isinstance(last, Stopped)
    assert last.echo == message(reply, _IDENTITY)["content"]


@given(content=st.lists(blocks, max_size=5), left=st.integers(min_value=0, max_value=30))
def test_an_answer_that_breaks_off_anywhere_is_not_whole_and_keeps_its_text(content: list[Block], left: int) -> None:
    reply = Reply(tuple(content), piece=7)
    events = list(events_of(reply))
    reader = AnswerReader("claude-test-5", unknown_price)

    told = [delta for event in events[: min(left, len(events) - 1)] for delta in reader.read(event)]

    assert not reader.is_whole
    assert reader.text == "".join(delta.text for delta in told if isinstance(delta, TextDelta))
    lost = reader.use_of_a_broken_answer()
    assert (lost is None) is (not reader.has_begun)
    assert lost is None or lost.cost_usd is None
    assert not any(isinstance(delta, Used) and delta.cost_usd == 0 for delta in told)
