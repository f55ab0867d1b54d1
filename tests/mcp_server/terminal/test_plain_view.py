import io

from mcp_server.terminal.plain_view import PlainView
from tests.mcp_server.story import RUN_ID, WORKSPACE, event, started, story
from workflows.runs.events import AgentEvent

TRANSCRIPT = f"""\
   0:00   0 %  build_feature ⚙️ run {RUN_ID} started: Add a --json flag
   0:01   1 %  supervisor ⚙️ started · 1/3
   0:02   5 %  supervisor 🎯 codesmith next (85 %): The place is known. · 1/3
   0:03  10 %  supervisor ✅ done in 2 s · 1/3
   0:03  10 %  codesmith ⚙️ started · 2/3
   0:05  20 %  codesmith 🔧 Edit src/writers.py · 2/3
   0:06  25 %  codesmith ✅ Edit src/writers.py · 0.2 s · 2/3
   0:07  30 %  codesmith 🔧 Bash python -m unittest · 2/3
   0:13  35 %  codesmith ❌ Bash python -m unittest failed: Exit code 1 ....F FAILED (failures=1) · 6.2 s · 2/3
   0:17  40 %  codesmith 🧠 The header is still written. · 2/3 · $0.04
   0:18  45 %  codesmith 🧠 step 2: Move the header. · 2/3 · $0.04
   0:19  50 %  codesmith ✅ All tests pass. · 2/3 · $0.04
   0:20  66 %  codesmith ✅ done in 17 s · 2/3 · $0.04
   0:20  66 %  reviewfix ⚙️ started · 3/3 · $0.04
   0:50  66 %  reviewfix ⏳ starting claude, 30 s · 3/3 · $0.04
   0:51  80 %  reviewfix 🎯 approve · 3/3 · $0.04
   0:52  99 %  reviewfix ✅ done in 32 s · 3/3 · $0.04
   0:53 100 %  build_feature ✅ completed in 53 s: The flag is there. · $0.04
"""


class FlushedText(io.StringIO):
    """A text stream that knows what a reader at its other end has got so far."""

    arrived = ""

    def flush(self) -> None:
        super().flush()
        self.arrived = self.getvalue()


def test_a_run_becomes_one_line_per_telling_event() -> None:
    stream = io.StringIO()
    with PlainView(stream, workspace=WORKSPACE) as view:
        for happened in story():
            view.show(happened)

    assert stream.getvalue() == TRANSCRIPT


def test_every_line_is_out_before_the_next_event() -> None:
    stream = FlushedText()
    view = PlainView(stream)
    for number, happened in enumerate(story()[:3], start=1):
        view.show(happened)
        assert stream.arrived.count("\n") == number


def test_no_line_says_100_percent_before_the_end() -> None:
    stream = io.StringIO()
    PlainView(stream).show(event(started(), progress=99.99))

    assert " 99 %" in stream.getvalue()


def test_hostile_text_stays_one_line_without_escape_sequences() -> None:
    stream = io.StringIO()
    thought = AgentEvent(agent="a", event_type="think", details={"text": "x\n\x1b[2Jy\x07\u202ez"})
    PlainView(stream).show(event(thought))

    assert stream.getvalue() == "   0:00   0 %  a 🧠 x yz\n"


def test_a_stream_that_knows_no_unicode_gets_question_marks_instead_of_an_error() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    view = PlainView(stream)
    view.show(event(started()))
    view.note("stopping – soon")

    assert raw.getvalue().startswith(b"   0:00   0 %  build_feature ?? run ")
    assert raw.getvalue().endswith(b"stopping ? soon\n")
