import re
import subprocess
import sys

from mcp_server.terminal.recording import record
from tests.mcp_server.story import RUN_ID, WORKSPACE, event, story
from workflows.runs.event_json import encode
from workflows.runs.events import ToolStart


def words_in(svg: str) -> str:
    return re.sub(r"<[^>]*>", "", re.sub(r"(?s)<style.*?</style>", "", svg)).replace("&#160;", " ")


def test_a_recording_shows_the_moment_a_tool_is_at_work() -> None:
    call = ToolStart(agent="codesmith", tool="Bash", call_id="9", input={"command": f"cd {WORKSPACE} && make"})
    events = [*story()[:16], event(call, seq=17, at=18, progress=60), *story()[16:]]

    words = words_in(record(events, workspace=WORKSPACE))

    assert f"build_feature  run {RUN_ID}" in words
    assert "codesmith  Bash make" in words
    assert " 60 %" in words
    assert "18 s" in words
    assert "completed" not in words


def test_a_run_without_such_a_moment_is_recorded_at_its_end() -> None:
    words = words_in(record(story()))

    assert "✔ completed in 53 s" in words
    assert "%" not in words.replace("85 %", "")


def test_recorded_from_the_output_of_a_command() -> None:
    lines = b"".join(encode(happened) + b"\n" for happened in story())
    command = [sys.executable, "-m", "mcp_server.terminal.recording", WORKSPACE]
    done = subprocess.run(command, input=lines, capture_output=True, timeout=30, check=True)

    assert "completed in 53 s" in words_in(done.stdout.decode())
