from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agents.agent import AgentReply, Usage
from agents.claude.narrate import Narrator
from agents.claude.outcome import found_no_login, judge
from agents.claude.parser import parse_message
from agents.errors import (
    AgentError,
    AgentMisconfigured,
    AgentProcessFailed,
    ContextOverflowed,
    CostLimitReached,
    ModelNotFound,
    ModelRefused,
    NotLoggedIn,
    ProviderFailed,
    ProviderOverloaded,
    ProviderUnreachable,
    RateLimited,
    ReplyInvalid,
    RequestRejected,
    TurnLimitReached,
)
from tests.agents.claude.mutations import mutated_lines
from tests.agents.claude.recorded import lines_of, recordings, story_of
from tests.agents.claude.teller import Teller


class Person(BaseModel):
    name: str
    age: int


class Place(BaseModel):
    city: str


PLAIN = "Hello from the fake model. This is a plain answer in one text block."
REPLIES = {
    "01": PLAIN,
    "02": PLAIN,
    "03": "There are two files: a.py and b.py.",
    "04": "The answer is 42.",
    "05": "Wrote, counted, read and edited hello.txt.",
    "06": "Wrote, counted, read and edited hello.txt.",
    "07": "All three ran; the third failed with exit code 3.",
    "08": "A red dot.",
    "09": "That was big.",
    "10": "It was too slow.",
    "11": "Worked.",
    "12": "That tool does not exist.",
    "13": "My input was invalid.",
    "14": "I was not allowed to write the file.",
    "15": "I was not allowed to write the file.",
    "16": "I was not allowed to write the file.",
    "19": '{"name":"Ada","age":36}',
    "20": '{"name":"Ada","age":36}',
    "21": "",
    "23": "The subagent reported: 3 files.",
    "24": "The subagent reported: 3 files.",
    "25": "The background command finished.",
    "26": "All three ran; the third failed with exit code 3.",
    "27": PLAIN,
    "28": "",
    "29": "The answer is 42.",
    "30": "The answer is 42.",
    "40": "Recovered and finished.",
    "41": "Recovered and finished.",
    "45": "Recovered and finished.",
    "51": "Started in background.",
    "54": "The MCP tool answered.",
    "55": "done",
    "56": "The MCP tool answered.",
    "57": "The MCP tool answered.",
    "58": "The MCP tool answered.",
    "59": "The MCP tool answered.",
    "60": "done",
    "61": "The MCP tool answered.",
    "62": "The MCP tool answered.",
}
ERRORS: dict[str, tuple[type[AgentError], str]] = {
    "17": (TurnLimitReached, "Reached maximum number of turns (2)"),
    "18": (CostLimitReached, "Reached maximum budget ($0.02)"),
    "22": (ModelRefused, "API Error: Opus 5.5's safeguards flagged this message"),
    "35": (NotLoggedIn, "Invalid API key · Fix external API key"),
    "36": (NotLoggedIn, "Not logged in · Please run /login"),
    "37": (NotLoggedIn, "Failed to authenticate. API Error: 403"),
    "38": (RequestRejected, "API Error: 400 messages.0: bad request"),
    "39": (ModelNotFound, "There's an issue with the selected model"),
    "42": (RateLimited, "API Error: Request rejected (429)"),
    "43": (ProviderOverloaded, "API Error: 529 Overloaded"),
    "44": (ProviderUnreachable, "API Error: Connection refused"),
    "46": (AgentMisconfigured, "claude refused to start: error: unknown option '--no-such-flag'"),
    "47": (AgentMisconfigured, "claude refused to start: Error: Invalid MCP configuration: MCP config file not found"),
    "48": (AgentProcessFailed, "claude was interrupted (exit code 0)."),
    "49": (AgentProcessFailed, "claude was interrupted (exit code 0)."),
    "50": (AgentProcessFailed, "claude ended without an answer (exit code 0)."),
    "52": (AgentProcessFailed, "claude ended without an answer (ended by SIGTERM)."),
    "53": (AgentProcessFailed, "claude ended without an answer (ended by SIGTERM)."),
}


def outcome_of(number: str, wants: type[BaseModel] | None = None) -> AgentReply:
    recording = recordings()[number]
    return judge(
        story_of(number).narrator,
        exit_code=recording.exit_code,
        stderr=recording.stderr_text,
        wants_reply_model=wants,
    )


def judged(teller: Teller, exit_code: int = 0, stderr: str = "", wants: type[BaseModel] | None = None) -> AgentReply:
    return judge(teller.narrator, exit_code=exit_code, stderr=stderr, wants_reply_model=wants)


def error_of(teller: Teller, exit_code: int = 1, stderr: str = "") -> AgentError:
    with pytest.raises(AgentError) as raised:
        judged(teller, exit_code, stderr)
    return raised.value


def test_every_recorded_run_is_judged() -> None:
    assert REPLIES.keys() | ERRORS.keys() == recordings().keys()


@pytest.mark.parametrize(("number", "text"), REPLIES.items())
def test_a_recorded_run_that_answered_gives_its_answer(number: str, text: str) -> None:
    reply = outcome_of(number)
    assert reply.text == text
    assert reply.session_id
    assert reply.usage.cost_usd is not None
    assert reply.usage.cost_usd > 0
    assert reply.data is None


@pytest.mark.parametrize("number", ERRORS)
def test_a_recorded_run_that_failed_says_why(number: str) -> None:
    kind, words = ERRORS[number]
    with pytest.raises(AgentError) as raised:
        outcome_of(number)
    assert type(raised.value) is kind
    assert raised.value.message.startswith(words)
    assert raised.value.recovery
    assert raised.value.partial == story_of(number).narrator.text_so_far


def test_only_the_run_without_any_key_found_no_login() -> None:
    assert [number for number in ERRORS if found_no_login(story_of(number).narrator)] == ["36"]


def test_a_reply_carries_what_was_observed() -> None:
    reply = outcome_of("05")
    assert reply.files == ("hello.txt",)
    assert [command.command for command in reply.commands] == ["wc -l /workspace/hello.txt && echo done"]
    assert reply.usage == Usage(15060, 212, 0.05548)


@pytest.mark.parametrize("number", recordings())
def test_a_recording_cut_off_anywhere_is_no_success_without_a_result(number: str) -> None:
    """Cut at every 997th byte and at each of the last 200; the whole of it is another test's matter."""
    stream = recordings()[number].bytes
    cuts = {*range(0, len(stream), 997), *range(max(0, len(stream) - 200), len(stream))}
    for cut in sorted(cuts):
        narrator = Narrator(Path("/workspace"))
        for line in lines_of(stream[:cut]):
            narrator.tell(parse_message(line))
        end = end_of(narrator, 0, "", None)
        assert isinstance(end, AgentError) or narrator.results


@pytest.mark.parametrize("number", ["19", "20"])
def test_a_typed_reply_is_given_as_asked_for(number: str) -> None:
    assert outcome_of(number, Person).data == Person(name="Ada", age=36)


def test_a_typed_reply_of_another_shape_is_invalid() -> None:
    with pytest.raises(ReplyInvalid, match=r"does not have the shape Place: city: Field required \(1 in all\)"):
        outcome_of("19", Place)


def test_a_typed_reply_that_was_not_delivered_is_invalid_though_the_run_was_a_success() -> None:
    with pytest.raises(ReplyInvalid, match="without handing over a reply of the shape Person") as raised:
        outcome_of("01", Person)
    assert raised.value.partial == PLAIN


def test_the_newest_typed_reply_stands_also_when_a_later_turn_has_none() -> None:
    teller = Teller()
    teller.turn_ended(structured_output={"name": "Bob", "age": 1})
    teller.turn_ended(structured_output={"name": "Ada", "age": 36})
    teller.turn_ended(result="and the background task is done")
    assert judged(teller, wants=Person).data == Person(name="Ada", age=36)


def test_the_last_result_counts() -> None:
    teller = Teller()
    teller.turn_ended(result="first")
    teller.turn_ended(subtype="error_max_turns", is_error=True, errors=["Reached"])
    assert isinstance(error_of(teller), TurnLimitReached)
    teller.turn_ended(result="third")
    assert judged(teller).text == "third"


@pytest.mark.parametrize(
    ("subtype", "terminal_reason", "kind"),
    [
        ("error_max_turns", "", TurnLimitReached),
        ("error_during_execution", "max_turns", TurnLimitReached),
        ("error_max_budget_usd", "", CostLimitReached),
        ("error_max_structured_output_retries", "", ReplyInvalid),
        ("success", "prompt_too_long", ContextOverflowed),
        ("error_during_execution", "aborted_tools", AgentProcessFailed),
        ("error_during_execution", "hook_stopped", AgentProcessFailed),
        ("error_of_a_later_release", "", AgentProcessFailed),
        ("success", "model_error", ProviderFailed),
    ],
)
def test_an_error_result_is_told_apart_by_its_codes(subtype: str, terminal_reason: str, kind: type[AgentError]) -> None:
    teller = Teller()
    teller.system("init", session_id="s", model="m")
    teller.turn_ended(subtype=subtype, is_error=True, errors=["Some words."], terminal_reason=terminal_reason)
    assert type(error_of(teller)) is kind


def test_a_success_with_an_exit_code_is_a_failure() -> None:
    teller = Teller()
    teller.turn_ended(result="fine")
    error = error_of(teller, 143, "terminated\n")
    assert isinstance(error, AgentProcessFailed)
    assert error.message == "claude answered, but did not end well (ended by SIGTERM): terminated"
    assert (error.exit_code, error.stderr) == (143, "terminated")


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (0, "exit code 0"),
        (1, "exit code 1"),
        (129, "ended by SIGHUP"),
        (-9, "ended by SIGKILL"),
        (-11, "ended by SIGSEGV"),
        (255, "exit code 255"),
    ],
)
def test_an_end_without_anything_said_names_how_it_ended(exit_code: int, words: str) -> None:
    error = error_of(Teller(), exit_code)
    assert isinstance(error, AgentProcessFailed)
    assert error.message == f"claude ended without an answer ({words})."


def test_an_end_after_the_start_is_no_matter_of_the_set_up() -> None:
    teller = Teller()
    teller.system("init", session_id="s", model="m")
    error = error_of(teller, 1, "panic: out of memory\n")
    assert isinstance(error, AgentProcessFailed)
    assert error.message == "claude ended without an answer (exit code 1): panic: out of memory"


def test_the_end_of_a_long_standard_error_is_kept() -> None:
    error = error_of(Teller(), 134, "x" * 100_000 + " the cause")
    assert isinstance(error, AgentProcessFailed)
    assert error.stderr.endswith(" the cause")
    assert len(error.stderr) <= 2000
    assert len(error.message) < 2200


def test_a_conversation_that_is_not_there_is_a_matter_of_the_set_up() -> None:
    teller = Teller()
    teller.turn_ended(subtype="error_during_execution", is_error=True, errors=["No conversation found"])
    error = error_of(teller, 1, "No conversation found\n")
    assert type(error) is AgentMisconfigured
    assert error.message == "No conversation found"


@pytest.mark.parametrize("with_result", [True, False])
def test_a_run_that_was_ended_because_its_login_was_refused_says_so(*, with_result: bool) -> None:
    teller = Teller()
    teller.system("init", session_id="s", model="m")
    teller.system("api_retry", attempt=1, max_retries=10, retry_delay_ms=500, error_status=401)
    if with_result:
        teller.turn_ended(subtype="error_during_execution", is_error=True, terminal_reason="aborted_streaming")
    error = error_of(teller, 0)
    assert type(error) is NotLoggedIn
    assert "401" in error.message


def test_a_refused_login_that_was_renewed_does_not_spoil_the_answer() -> None:
    teller = Teller()
    teller.system("api_retry", attempt=1, max_retries=10, retry_delay_ms=500, error_status=401)
    teller.turn_ended(result="fine")
    assert judged(teller).text == "fine"


def end_of(narrator: Narrator, exit_code: int, stderr: str, wants: type[BaseModel] | None) -> AgentReply | AgentError:
    try:
        return judge(narrator, exit_code=exit_code, stderr=stderr, wants_reply_model=wants)
    except AgentError as error:
        return error


@given(exit_code=st.integers(-64, 255), stderr=st.text(max_size=50), wants=st.sampled_from([None, Person]))
def test_any_end_is_a_reply_or_an_error_with_words(exit_code: int, stderr: str, wants: type[BaseModel] | None) -> None:
    for number in ("01", "19", "35", "46", "50"):
        end = end_of(story_of(number).narrator, exit_code, stderr, wants)
        if isinstance(end, AgentReply):
            assert exit_code == 0
            assert (end.data is None) == (wants is None)
        else:
            assert end.message


def test_a_result_that_is_not_as_declared_is_judged_all_the_same() -> None:
    replies = 0
    for line in mutated_lines("result"):
        narrator = Narrator(Path("/workspace"))
        narrator.tell(parse_message(line))
        end = end_of(narrator, 0, "", None)
        assert isinstance(end, AgentReply) or end.message
        replies += isinstance(end, AgentReply)
    assert replies > 1000
