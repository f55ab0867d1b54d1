import pytest

from agents.events import (
    Found,
    Progressed,
    ToolEnded,
    ToolStarted,
    Waiting,
)
from tests.agents.claude.recorded import recordings, story_of
from tests.agents.claude.teller import Teller

AGENT = ("general-purpose",)
EVERY_RUN = sorted(recordings())


@pytest.mark.parametrize("number", ["05", "06"])
def test_tool_calls_are_told_from_start_to_end_and_leave_files_and_commands(number: str) -> None:
    story = story_of(number)
    started, ended = story.of_type(ToolStarted), story.of_type(ToolEnded)
    assert [call.tool for call in started] == ["Write", "Bash", "Read", "Edit"]
    assert [call.call_id for call in started] == [call.call_id for call in ended]
    assert all(call.ok for call in ended)
    assert started[0].input == {"file_path": "/workspace/hello.txt", "content": "hello\nworld\n"}
    assert story.narrator.files == ("hello.txt",)
    [command] = story.narrator.commands
    assert (command.command, command.ok) == ("wc -l /workspace/hello.txt && echo done", True)
    assert command.output == "2 /workspace/hello.txt\ndone"
    assert story.narrator.open_tools == ()
    assert story.text() == "I will write the file first.Wrote, counted, read and edited hello.txt."
    assert story.narrator.text_so_far == "I will write the file first.\n\nWrote, counted, read and edited hello.txt."


@pytest.mark.parametrize("number", EVERY_RUN)
def test_every_end_has_a_start_before_it_and_comes_once(number: str) -> None:
    opened: set[str] = set()
    story = story_of(number)
    for event in story.events:
        if isinstance(event, ToolStarted):
            assert event.call_id not in opened
            opened.add(event.call_id)
        elif isinstance(event, ToolEnded):
            opened.remove(event.call_id)
    assert {call.call_id for call in story.narrator.open_tools} == opened


def test_parallel_tools_end_in_their_own_order_with_their_own_durations() -> None:
    story = story_of("07")
    assert [(call.output, call.ok) for call in story.of_type(ToolEnded)] == [
        ("two", True),
        ("one", True),
        ("Exit code 3\nthree", False),
    ]
    seconds = [call.seconds for call in story.of_type(ToolEnded)]
    assert seconds[0] < 0.3 <= seconds[1]
    assert [command.output for command in story.narrator.commands] == ["one", "two", "Exit code 3\nthree"]
    assert [command.ok for command in story.narrator.commands] == [True, True, False]


def test_an_image_is_named_in_the_output() -> None:
    [ended] = story_of("08").of_type(ToolEnded)
    assert ended.output == "[image image/png]"


def test_a_commands_output_is_kept_at_its_end_and_told_whole() -> None:
    story = story_of("09")
    [command] = story.narrator.commands
    [ended] = story.of_type(ToolEnded)
    assert len(command.output) == min(4000, len(ended.output))
    assert ended.output.endswith(command.output)


def test_the_last_4000_characters_of_an_output_are_kept() -> None:
    teller = Teller()
    teller.use("t", "Bash", command="yes")
    teller.result("t", "a" * 3000 + "b" * 3000)
    assert teller.narrator.commands[0].output == "a" * 1000 + "b" * 3000


def test_a_command_over_its_time_failed() -> None:
    [command] = story_of("10").narrator.commands
    assert not command.ok
    assert "Command timed out after 1s" in command.output


def test_a_long_command_gives_signs_of_life_and_is_just_its_tool_call() -> None:
    story = story_of("11")
    waits = story.of_type(Waiting)
    assert [(wait.message, wait.seconds) for wait in waits] == [
        ("Bash has been running for 30 s", 30.0),
        ("Bash has been running for 60 s", 60.0),
    ]
    assert {wait.reason for wait in waits} == {"tool"}
    assert story.messages() == ["claude 2.1.329 on claude-opus-5-5"]
    [ended] = story.of_type(ToolEnded)
    assert ended.seconds == pytest.approx(65, abs=2)
    assert story.of_type(Found) == []


@pytest.mark.parametrize("number", ["12", "13", "57", "58", "59"])
def test_a_failed_tool_call_is_told_as_failed(number: str) -> None:
    [ended] = story_of(number).of_type(ToolEnded)
    assert not ended.ok
    assert ended.output
    assert story_of(number).narrator.files == ()


def test_a_tool_call_cut_off_by_a_limit_stays_open() -> None:
    story = story_of("18")
    assert len(story.of_type(ToolStarted)) == 2
    assert len(story.of_type(ToolEnded)) == 1
    [cut] = story.narrator.open_tools
    assert (cut.tool, cut.call_id) == ("Bash", story.of_type(ToolStarted)[1].call_id)
    assert len(story.narrator.commands) == 1


def test_an_mcp_result_of_120_kb_is_told_whole() -> None:
    [ended] = story_of("62").of_type(ToolEnded)
    assert len(ended.output) > 40_000


@pytest.mark.parametrize("number", ["19", "20"])
def test_the_typed_reply_is_no_tool_call(number: str) -> None:
    story = story_of(number)
    assert story.of_type(ToolStarted) == []
    assert story.of_type(ToolEnded) == []
    assert story.narrator.open_tools == ()


def test_a_reply_that_does_not_fit_is_told() -> None:
    assert story_of("20").messages()[1:] == [
        "the reply did not fit, asking again: Output does not match required schema: /age: must be integer"
    ]


def test_a_result_without_a_call_is_not_told() -> None:
    assert Teller().result("toolu_of_an_earlier_run", "x") == []


@pytest.mark.parametrize(
    ("tool", "field", "path", "told"),
    [
        ("Write", "file_path", "/workspace/src/new.py", "src/new.py"),
        ("Edit", "file_path", "src/./old.py", "src/old.py"),
        ("MultiEdit", "file_path", "/workspace/../elsewhere/x.py", "/elsewhere/x.py"),
        ("NotebookEdit", "notebook_path", "/workspace/a.ipynb", "a.ipynb"),
        ("Write", "file_path", "/workspace-2/x.py", "/workspace-2/x.py"),
        ("Write", "file_path", "/private/real/x.py", "x.py"),
    ],
)
def test_files_are_told_relative_to_the_workspace_where_they_lie_below_it(
    tool: str, field: str, path: str, told: str
) -> None:
    teller = Teller()
    teller.system("init", cwd="/private/real")  # where a symbolic link /workspace leads
    teller.use("t", tool, **{field: path})
    teller.result("t", "fine")
    assert teller.narrator.files == (told,)


def test_a_file_is_listed_once_and_only_if_the_tool_succeeded() -> None:
    teller = Teller()
    for call_id, path, failed in [
        ("1", "b.py", False),
        ("2", "a.py", False),
        ("3", "b.py", False),
        ("4", "c.py", True),
    ]:
        teller.use(call_id, "Write", file_path=path)
        teller.result(call_id, is_error=failed)
    teller.use("5", "Read", file_path="d.py")
    teller.result("5")
    assert teller.narrator.files == ("b.py", "a.py")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (
            "14",
            "Write denied: Claude requested permissions to write to /workspace/denied.txt, but you",
        ),
        (
            "15",
            "Write denied: Permission to use Write has been denied because Claude Code is running in don't ask mode",
        ),
    ],
)
def test_a_denial_names_the_tool_and_the_reason(number: str, message: str) -> None:
    story = story_of(number)
    [denied] = [event for event in story.of_type(Progressed) if "denied" in event.message]
    assert denied.message.startswith(message)
    assert denied.details["tool"] == "Write"
    [ended] = story.of_type(ToolEnded)
    assert not ended.ok
    assert ended.call_id == denied.details["call_id"]
    assert story.narrator.files == ()


def test_a_question_of_the_cli_waits_for_a_person() -> None:
    story = story_of("16")
    assert Waiting(reason="person", message="may Write be used? /data/denied.txt") in story.events
    assert story.narrator.files == ("/data/denied.txt",)


def test_a_tool_call_on_a_line_with_an_api_error_is_told_as_well() -> None:
    teller = Teller()
    use = {"type": "tool_use", "id": "c1", "name": "Bash", "input": {"command": "ls"}}

    told = teller.assistant({"type": "text", "text": "API Error"}, use, error="server_error")

    assert [type(event) for event in told] == [ToolStarted, Progressed]
    assert [call.call_id for call in teller.narrator.open_tools] == ["c1"]
    [ended] = teller.result("c1", "a.txt")
    assert isinstance(ended, ToolEnded)
