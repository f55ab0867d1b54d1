import io
import json

import msgspec

from mcp_server.terminal.json_view import JsonView
from tests.mcp_server.story import event, story
from workflows.runs.event_json import decode
from workflows.runs.events import AgentEvent


def test_every_event_becomes_one_json_line_that_says_all_of_it() -> None:
    stream = io.StringIO()
    events = story()
    with JsonView(stream) as view:
        for happened in events:
            view.show(happened)
        view.note("not for programs")

    lines = stream.getvalue().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [happened.seq for happened in events]
    assert [
        msgspec.structs.replace(decode(line), body=happened.body) for line, happened in zip(lines, events, strict=True)
    ] == events


def test_a_line_break_in_a_text_does_not_break_the_line() -> None:
    stream = io.StringIO()
    JsonView(stream).show(event(AgentEvent(agent="a", event_type="think", details={"text": "one\ntwo"})))

    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["details"] == {"text": "one\ntwo"}


def test_a_stream_that_knows_no_unicode_gets_the_same_json_in_ascii() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp1252")
    JsonView(stream).show(event(AgentEvent(agent="codesmith ▸ explore", event_type="think", details={"text": "🧠"})))

    entry = json.loads(raw.getvalue())
    assert (entry["agent"], entry["details"]) == ("codesmith ▸ explore", {"text": "🧠"})
