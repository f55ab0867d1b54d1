import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.claude.lines import LineFramer, LineTooLong
from tests.agents.claude.recorded import recordings

Framed = list[bytes | LineTooLong]

STREAMS = sorted(recordings())
EVERY_POSITION_UP_TO_BYTES = 8_000
AROUND_A_NEWLINE_BYTES = 64
STRIDE_BYTES = 97


def frame(*pieces: bytes, max_line_bytes: int = 64 * 1024 * 1024) -> Framed:
    framer = LineFramer(max_line_bytes)
    return [line for piece in pieces for line in framer.feed(piece)] + framer.close()


def cut_positions(stream: bytes) -> list[int]:
    """Where to cut: everywhere, but in streams of more than 8 kB only near each newline and at every 97th byte.

    Cutting 128 kB at each of its bytes would read 16 GB. Far from a newline the framer does not look at the bytes, so
    one position there stands for its neighbours; 97 is prime, so that no rhythm of the data is kept.
    """
    size = len(stream)
    if size <= EVERY_POSITION_UP_TO_BYTES:
        return list(range(size + 1))
    positions = set(range(0, size + 1, STRIDE_BYTES))
    for at, byte in enumerate(stream):
        if byte == ord("\n"):
            positions.update(range(max(0, at - AROUND_A_NEWLINE_BYTES), min(size, at + AROUND_A_NEWLINE_BYTES) + 1))
    return sorted(positions)


@pytest.mark.parametrize("number", STREAMS)
def test_a_recorded_run_has_the_lines_that_were_counted_when_it_was_recorded(number: str) -> None:
    recording = recordings()[number]
    lines = frame(recording.bytes)
    assert len(lines) == recording.lines
    assert b"\n".join(line for line in lines if isinstance(line, bytes)) == recording.bytes.removesuffix(b"\n")


@pytest.mark.parametrize("number", STREAMS)
def test_a_recorded_run_cut_in_two_anywhere_has_the_same_lines(number: str) -> None:
    stream = recordings()[number].bytes
    whole = frame(stream)
    for at in cut_positions(stream):
        assert frame(stream[:at], stream[at:]) == whole, f"cut at byte {at}"


@pytest.mark.parametrize("number", STREAMS)
def test_a_recorded_run_that_comes_one_byte_at_a_time_has_the_same_lines(number: str) -> None:
    stream = recordings()[number].bytes
    assert frame(*(stream[at : at + 1] for at in range(len(stream)))) == frame(stream)


def any_stream() -> st.SearchStrategy[list[bytes]]:
    """Pieces that are rich in newlines, carriage returns and halves of characters."""
    alphabet = st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"a", b"{}", "\u2028".encode(), b"\xe2", b"\x85", b""])
    return st.lists(st.lists(alphabet | st.binary(max_size=8), max_size=6).map(b"".join), max_size=12)


@given(pieces=any_stream())
def test_any_bytes_in_any_pieces_have_the_lines_between_their_newlines(pieces: list[bytes]) -> None:
    between = [line.removesuffix(b"\r") for line in b"".join(pieces).split(b"\n")]
    assert frame(*pieces) == [line for line in between if line]


@given(pieces=any_stream(), limit=st.integers(min_value=0, max_value=12))
def test_any_bytes_in_any_pieces_keep_to_the_bound(pieces: list[bytes], limit: int) -> None:
    between = b"".join(pieces).split(b"\n")
    expected: Framed = [
        LineTooLong(len(line)) if len(line) > limit else line.removesuffix(b"\r")
        for line in between
        if line.removesuffix(b"\r") or len(line) > limit
    ]
    assert frame(*pieces, max_line_bytes=limit) == expected


def test_a_line_cut_in_half_is_joined() -> None:
    framer = LineFramer()
    assert framer.feed(b'{"a":') == []
    assert framer.feed(b"1}\n") == [b'{"a":1}']


def test_lines_are_given_as_soon_as_they_are_complete() -> None:
    framer = LineFramer()
    assert framer.feed(b"one\ntwo\nthr") == [b"one", b"two"]
    assert framer.feed(b"ee\n") == [b"three"]
    assert framer.close() == []


def test_a_last_line_without_a_newline_is_given_at_the_end() -> None:
    framer = LineFramer()
    assert framer.feed(b"one\ntw") == [b"one"]
    assert framer.close() == [b"tw"]
    assert framer.close() == []


def test_separators_of_unicode_do_not_end_a_line() -> None:
    line = "a\u2028b\u2029c\u0085d\u000be\u000cf".encode()
    assert frame(line + b"\n") == [line]


def test_a_carriage_return_before_the_newline_belongs_to_the_newline() -> None:
    assert frame(b"one\r\ntwo\r", b"\nthree\r\r\n") == [b"one", b"two", b"three\r"]


def test_a_carriage_return_alone_does_not_end_a_line() -> None:
    assert frame(b"one\rstill one\n") == [b"one\rstill one"]


def test_blank_lines_are_left_out() -> None:
    assert frame(b"\n\none\n\r\n", b"\r", b"\n\n") == [b"one"]


def test_an_over_long_line_is_told_once_with_its_length_and_the_next_line_is_whole() -> None:
    framer = LineFramer(max_line_bytes=4)
    assert framer.feed(b"one\n123") == [b"one"]
    assert framer.feed(b"456") == []
    assert framer.feed(b"789\ntwo\n") == [LineTooLong(9), b"two"]


def test_an_over_long_line_within_one_piece_is_told_too() -> None:
    assert frame(b"12345\nok\n", max_line_bytes=4) == [LineTooLong(5), b"ok"]


def test_an_over_long_last_line_is_told_at_the_end() -> None:
    assert frame(b"12345", max_line_bytes=4) == [LineTooLong(5)]


def test_a_line_of_just_the_bound_is_kept() -> None:
    assert frame(b"12", b"34\n", max_line_bytes=4) == [b"1234"]


def test_an_endless_line_does_not_take_more_memory_than_the_bound() -> None:
    bound, piece = 1024 * 1024, b"x" * 64 * 1024
    framer = LineFramer(max_line_bytes=bound)
    tracemalloc.start()
    try:
        for _ in range(1024):
            assert framer.feed(piece) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert framer.feed(b"\nnext\n") == [LineTooLong(1024 * len(piece)), b"next"]
    assert peak < 2.5 * bound  # a growing buffer is copied to twice its size at most


def test_a_long_line_in_small_pieces_is_read_in_linear_time() -> None:
    piece, count = b"x" * 1024, 48 * 1024  # searching the tail again for each piece would read over a terabyte
    framer = LineFramer()
    began = time.perf_counter()
    for _ in range(count):
        framer.feed(piece)
    [line] = framer.feed(b"\n")
    assert time.perf_counter() - began < 5
    assert isinstance(line, bytes)
    assert len(line) == count * len(piece)
