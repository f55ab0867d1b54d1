"""The benchmark itself: that each reader reads all of the stream, so that what it measures is comparable."""

from tests.benchmarks.cli_stream import (
    chunks_of,
    measure,
    parse_with_sdk,
    query_with_sdk,
    read_bare,
    read_ours,
    recorded_stream,
)

LINES = 2000


def test_the_stream_has_the_lines_that_were_asked_for_and_no_call_twice() -> None:
    lines = recorded_stream(LINES).splitlines()
    assert len(lines) == LINES
    calls = [line for line in lines if b'"type":"assistant"' in line and b'"type":"tool_use"' in line]
    assert len({line.split(b'"id":"toolu_')[1][:24] for line in calls}) == len(calls) > 100


def test_every_reader_reads_every_line() -> None:
    chunks = chunks_of(recorded_stream(LINES))
    assert read_bare(chunks) == LINES
    assert query_with_sdk(chunks) == parse_with_sdk(chunks) == LINES
    assert read_ours(chunks) > LINES // 4


def test_what_was_measured_is_told_with_its_targets() -> None:
    rows = measure(small=True)
    assert [row.target for row in rows if row.target] == [">= 0.5 x", ">= 3.0 x"]
    assert all((row.reached is None) == (not row.target) for row in rows)
