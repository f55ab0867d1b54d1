#!/usr/bin/env python3
"""Stands for the `claude` command and misbehaves on request; standard library only.

`FAKE_CLAUDE` names the behaviour: one of the functions below. Without it, it behaves.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

_READY = "ready"
"""What a behaviour that stays says once it is where the test wants it."""


def write_line(message: object) -> None:
    write(json.dumps(message).encode() + b"\n")


def write(data: bytes) -> None:
    # Not through `sys.stdout`: a signal handler that writes, too, must not find its buffer in use.
    while data:
        data = data[os.write(1, data) :]


def read_prompt() -> str:
    return sys.stdin.buffer.read().decode()


def begin() -> None:
    write_line(
        {
            "type": "system",
            "subtype": "init",
            "session_id": "s1",
            "model": "fake-model",
            "cwd": str(Path.cwd()),
            "claude_code_version": "0.0.0",
            "tools": [],
            "mcp_servers": [],
            "permissionMode": "dontAsk",
        }
    )


def say(text: str) -> None:
    write_line(
        {
            "type": "assistant",
            "session_id": "s1",
            "parent_tool_use_id": None,
            "message": {
                "id": f"m-{len(text)}",
                "model": "fake-model",
                "role": "assistant",
                "content": [{"type": "text", "text": text}],
                "usage": {},
            },
        }
    )


def result(text: str, *, subtype: str = "success", cost: float = 0.25, **more: object) -> dict[str, object]:
    answer = {"result": text} if subtype == "success" else {"errors": [text]}
    usage = {"inputTokens": 10, "outputTokens": 5, "costUSD": cost}
    return {
        "type": "result",
        "subtype": subtype,
        "is_error": subtype != "success",
        "session_id": "s1",
        "num_turns": 1,
        "total_cost_usd": cost,
        "usage": {},
        "model_usage_since_last_result": {"fake-model": usage},
        "terminal_reason": "completed",
        **answer,
        **more,
    }


def stay() -> NoReturn:
    # Not `signal.pause`: a signal that comes right before it would be waited for once more.
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    while True:
        os.read(reading, 1)


def behaves() -> None:
    prompt = read_prompt()
    begin()
    say("an answer")
    write_line(result(f"the prompt has {len(prompt)} characters"))


def tells_how_it_was_started() -> None:
    """The answer is a JSON object: arguments, prompt, environment, directory, session and open descriptors."""
    prompt = read_prompt()
    facts = {
        "argv": sys.argv[1:],
        "prompt": prompt,
        "environment": dict(os.environ),
        "cwd": str(Path.cwd()),
        "leads_its_session": os.getsid(0) == os.getpid(),
        "descriptors": sorted(
            int(entry.name) for entry in Path("/proc/self/fd").iterdir() if _is_open(int(entry.name))
        ),
    }
    begin()
    write_line(result(json.dumps(facts)))


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:  # the one that listed the directory
        return False
    return True


def stays_after_the_result() -> NoReturn:
    behaves()
    stay()


def writes_an_interrupt_after_the_result() -> NoReturn:
    """As the real one: told to stop, it reports an interrupted turn, although the answer was given."""
    signal.signal(signal.SIGINT, _report_interrupt)
    behaves()
    stay()


def reports_its_cost_when_interrupted() -> NoReturn:
    signal.signal(signal.SIGINT, _report_interrupt)
    read_prompt()
    begin()
    say(_READY)
    stay()


def _report_interrupt(*_: object) -> NoReturn:
    write_line(result("interrupted", subtype="error_during_execution", cost=0.5, terminal_reason="aborted_streaming"))
    os._exit(0)


def writes_in_pieces() -> None:
    read_prompt()
    answer = json.dumps(result("in pieces, with ümlauts and \u2028"), ensure_ascii=False).encode() + b"\n"
    for start in range(0, len(answer), 7):
        write(answer[start : start + 7])


def writes_a_long_line() -> None:
    read_prompt()
    begin()
    write_line(result("x" * 10_000_000))


def writes_a_line_beyond_the_bound() -> None:
    read_prompt()
    begin()
    for _ in range(65):
        write(b"x" * (1024 * 1024))
    write(b"\n")
    write_line(result("after the long line"))


def writes_no_json() -> None:
    read_prompt()
    write(b"Welcome to this wrapper!\n\n[1, 2]\nnull\n")
    begin()
    write_line(result("after the noise"))


def writes_invalid_utf8() -> None:
    read_prompt()
    begin()
    write(b'{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"\xff\xfe"}]}}\n\x80\x81\n')
    write_line(result("after the invalid bytes"))


def floods_stderr() -> None:
    read_prompt()
    begin()
    for _ in range(10_000):
        sys.stderr.write("y" * 1023 + "\n")
    sys.stderr.write("the last words\n")
    sys.stderr.flush()
    write_line(result("after the flood"))


def floods_stderr_and_fails() -> NoReturn:
    read_prompt()
    begin()
    for _ in range(1_000):
        sys.stderr.write("y" * 1023 + "\n")
    sys.stderr.write("the last words\n")
    sys.stderr.flush()
    sys.exit(3)


def is_killed() -> None:
    read_prompt()
    begin()
    say("half an answer")
    write(b'{"type":"assistant","message":{"id":"cut","content":[{"type":"te')
    os.kill(os.getpid(), signal.SIGKILL)


def exits_137() -> NoReturn:
    """As a wrapper does whose own child the kernel has killed."""
    read_prompt()
    begin()
    sys.exit(137)


def leaves_out_the_last_newline() -> None:
    read_prompt()
    begin()
    write(json.dumps(result("without a newline")).encode())


def writes_only_to_stderr() -> NoReturn:
    read_prompt()
    sys.stderr.write("error: unknown option '--frobnicate'\n")
    sys.exit(1)


def ends_without_a_word() -> None:
    read_prompt()


def retries_after_401() -> NoReturn:
    read_prompt()
    begin()
    _retry_after_401()


def works_until_its_login_is_refused() -> NoReturn:
    """Its first request is answered; the next one finds that the key or the login has run out."""
    read_prompt()
    begin()
    say("so far")
    event = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}}
    write_line({"type": "stream_event", "api_message_id": "m-6", "parent_tool_use_id": None, "event": event})
    _retry_after_401()


def _retry_after_401() -> NoReturn:
    for attempt in range(1, 11):
        write_line(
            {
                "type": "system",
                "subtype": "api_retry",
                "attempt": attempt,
                "max_retries": 10,
                "retry_delay_ms": 20_000,
                "error_status": 401,
                "error": "authentication_failed",
            }
        )
        time.sleep(20)  # the real one waits up to 39 s
    stay()


def closes_its_output_and_stays() -> NoReturn:
    read_prompt()
    begin()
    sys.stdout.flush()
    os.close(1)
    stay()


def does_not_read_its_prompt() -> None:
    begin()
    write_line(result("I have not read it"))


def works_on() -> NoReturn:
    read_prompt()
    begin()
    say(_READY)
    stay()


def is_stubborn() -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    works_on()


def runs_a_silent_tool() -> NoReturn:
    read_prompt()
    begin()
    use = {"type": "tool_use", "id": "call-1", "name": "Bash", "input": {"command": "sleep 60"}}
    write_line({"type": "assistant", "parent_tool_use_id": None, "message": {"id": "m-1", "content": [use]}})
    stay()


def reaches_its_budget() -> NoReturn:
    read_prompt()
    begin()
    (budget,) = [argument for argument in sys.argv if argument.startswith("--max-budget-usd=")]
    text = f"Reached maximum budget (${budget.partition('=')[2]})"
    write_line(result(text, subtype="error_max_budget_usd", cost=float(os.environ["FAKE_CLAUDE_COST"])))
    sys.exit(1)


_STUBBORN = """
import os, signal
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
os.close({announce})
while True:
    signal.pause()
"""


def leaves_somebody_with_its_output() -> None:
    """A grandchild in its own session that ignores every polite signal and keeps the pipe open."""
    read_prompt()
    begin()
    _start_stubborn()
    write_line(result("done, but not gone"))


def leaves_somebody_with_its_output_and_works_on() -> NoReturn:
    _start_stubborn()
    _start_orphan()
    is_stubborn()


def _start_stubborn() -> None:
    reading, writing = os.pipe()
    program = _STUBBORN.format(announce=writing)
    subprocess.Popen([sys.executable, "-c", program], start_new_session=True, pass_fds=[writing])  # noqa: TID251 - a fake
    os.close(writing)
    os.read(reading, 1)  # end of file: it ignores the signals now


def _start_orphan() -> None:
    """A process whose parents are gone, with its own session and no pipe of ours."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for descriptor in (0, 1, 2):
                os.close(descriptor)
            stay()
        os._exit(0)
    os.wait()


def hands_over_a_typed_answer() -> None:
    read_prompt()
    begin()
    write_line(result('{"name":"Ada"}', structured_output={"name": "Ada"}))


def answers_and_fails() -> NoReturn:
    behaves()
    sys.exit(1)


def fails_with_codes() -> NoReturn:
    """A request of it has failed after it had said `so far`: `FAKE_CLAUDE_CODES` says how, as JSON of its fields."""
    read_prompt()
    begin()
    say("so far")
    codes: dict[str, object] = json.loads(os.environ["FAKE_CLAUDE_CODES"])
    write_line({**result("the moon"), "is_error": True, "terminal_reason": "api_error", **codes})
    sys.exit(1)


def breaks_off() -> NoReturn:
    """It dies in the middle of its answer."""
    read_prompt()
    begin()
    say("so far")
    os.kill(os.getpid(), signal.SIGKILL)
    stay()


def replays() -> NoReturn:
    """Writes what was recorded (`FAKE_CLAUDE_RECORDING`) and ends as recorded (`FAKE_CLAUDE_EXIT`)."""
    read_prompt()
    write(Path(os.environ["FAKE_CLAUDE_RECORDING"]).read_bytes())
    sys.exit(int(os.environ.get("FAKE_CLAUDE_EXIT", "0")))


def finds_its_login_only_at_home() -> None:
    """As a release that does not know that logins can lie elsewhere than the rest."""
    if "CLAUDE_SECURESTORAGE_CONFIG_DIR" not in os.environ:
        behaves()
        return
    read_prompt()
    begin()
    text = "Not logged in"
    message = {"id": "m", "model": "<synthetic>", "content": [{"type": "text", "text": text}]}
    write_line({"type": "assistant", "message": message, "error": "authentication_failed"})
    nothing: dict[str, object] = {}
    write_line(result(text, terminal_reason="api_error", model_usage_since_last_result=nothing) | {"is_error": True})
    sys.exit(1)


# ---- people take part: standard input stays open, one JSON object per line


def read_message() -> dict[str, Any]:
    """The next line; empty at end of file."""
    line = sys.stdin.buffer.readline()
    return json.loads(line) if line else {}


def text_of(message: dict[str, Any]) -> str:
    return message["message"]["content"][0]["text"]


def say_state(message: dict[str, Any], state: str) -> None:
    write_line({"type": "command_lifecycle", "command_uuid": message["uuid"], "state": state, "session_id": "s1"})


def begin_dialogue() -> dict[str, Any]:
    """The first message, and what the real one says before its first turn."""
    message = read_message()
    say_state(message, "queued")
    say_state(message, "started")
    begin()
    return message


def ask(request_id: str, command: str) -> None:
    use = {"type": "tool_use", "id": f"call-{request_id}", "name": "Bash", "input": {"command": command}}
    write_line({"type": "assistant", "parent_tool_use_id": None, "message": {"id": request_id, "content": [use]}})
    request = {
        "subtype": "can_use_tool",
        "tool_name": "Bash",
        "input": {"command": command},
        "description": f"Run {command}",
        "decision_reason": "This command requires approval",
        "tool_use_id": f"call-{request_id}",
    }
    write_line({"type": "control_request", "request_id": request_id, "request": request})


def end_dialogue(text: str) -> None:
    """The result, and then the end as soon as no more input will come."""
    write_line(result(text))
    while read_message():
        pass


def asks_a_person() -> None:
    """The answer is the control response it got."""
    begin_dialogue()
    ask("q1", "npm install")
    end_dialogue(json.dumps(read_message()))


def asks_twice_at_once() -> None:
    begin_dialogue()
    ask("q1", "first")
    ask("q2", "second")
    answers = [read_message()["response"] for _ in range(2)]
    end_dialogue(json.dumps({answer["request_id"]: answer["response"]["behavior"] for answer in answers}))


def withdraws_its_question() -> None:
    begin_dialogue()
    ask("q1", "npm install")
    write_line({"type": "control_cancel_request", "request_id": "q1"})
    end_dialogue("went on without")


def asks_what_nobody_answers() -> None:
    begin_dialogue()
    write_line({"type": "control_request", "request_id": "q1", "request": {"subtype": "mcp_message"}})
    end_dialogue(json.dumps(read_message()["response"]))


def asks_and_falls_silent() -> NoReturn:
    begin_dialogue()
    ask("q1", "npm install")
    read_message()
    stay()


def takes_an_instruction_in_its_turn() -> None:
    begin_dialogue()
    say(_READY)
    added = read_message()
    say_state(added, "queued")
    say_state(added, "started")
    say_state(added, "completed")
    end_dialogue(text_of(added))


def takes_an_instruction_after_its_turn() -> None:
    begin_dialogue()
    say(_READY)
    added = read_message()
    say_state(added, "queued")
    write_line(result("the first answer"))
    say_state(added, "started")
    begin()
    end_dialogue(text_of(added))


def refuses_an_instruction() -> None:
    begin_dialogue()
    say(_READY)
    added = read_message()
    say_state(added, "queued")
    say_state(added, "discarded")
    end_dialogue("did not read it")


def does_not_tell_what_it_takes_up() -> NoReturn:
    """As an older release."""
    read_message()
    begin()
    say(_READY)
    if added := read_message():
        say(f"read {text_of(added)}")
    stay()


def answers_in_a_dialogue() -> None:
    begin_dialogue()
    end_dialogue("an answer")


if __name__ == "__main__":
    globals()[os.environ.get("FAKE_CLAUDE", behaves.__name__)]()
