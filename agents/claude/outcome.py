"""How a run ended: the reply, or the one error that says why there is none.

Decided by what the CLI states (`subtype`, `is_error`, `terminal_reason`, `stop_reason`, `assistant.error`, HTTP
status), never by the wording of a text; texts are only passed on. Three things are easy to get wrong: `success` with
`is_error` is a failure, an exit code of 0 without a result is one too, and only the last result counts. Whether we
cancelled the run ourselves is for the caller to know: a cancelled run can look like any of these, also a success.
"""

import signal

from pydantic import BaseModel, ValidationError

from agents.agent import AgentReply
from agents.claude.api_failures import error_of_api
from agents.claude.messages import ApiFailure, TurnEnded
from agents.claude.narrate import Narrator
from agents.claude.wording import one_line
from agents.errors import (
    AgentError,
    AgentMisconfigured,
    AgentProcessFailed,
    ContextOverflowed,
    CostLimitReached,
    ModelRefused,
    NotLoggedIn,
    ReplyInvalid,
    TurnLimitReached,
)

_STDERR_CHARACTERS = 2000
_FIRST_SIGNAL_EXIT_CODE = 128  # a shell's way to say "ended by a signal": 128 + its number
_ENDED_BY = {
    "error_max_turns": TurnLimitReached,
    "max_turns": TurnLimitReached,
    "error_max_budget_usd": CostLimitReached,
    "budget_exhausted": CostLimitReached,
    "error_max_structured_output_retries": ReplyInvalid,
    "structured_output_retry_exhausted": ReplyInvalid,
    "prompt_too_long": ContextOverflowed,
}


def judge(narrator: Narrator, *, exit_code: int, stderr: str, wants_reply_model: type[BaseModel] | None) -> AgentReply:
    """Say how a run that has ended came out.

    Args:
        narrator: Has been told everything the process wrote.
        exit_code: As the system gave it; negative for a signal.
        stderr: What the process wrote to its standard error, or the end of it.
        wants_reply_model: Shape of the typed reply that was asked for, or None.

    Returns:
        The reply of the last turn; its text may be empty, because a model can have nothing to say.

    Raises:
        AgentError: There is no reply; `partial` is the text so far.
    """
    partial = narrator.text_so_far
    if not narrator.results:
        raise _without_result(narrator, exit_code, stderr, partial)
    last = narrator.results[-1]
    if last.is_error:
        raise _failed(narrator, last, exit_code, stderr, partial)
    data = None if wants_reply_model is None else _typed(narrator.results, wants_reply_model, partial)
    if exit_code != 0:
        raise _process_failed("claude answered, but did not end well", exit_code, stderr, partial)
    return AgentReply(
        text=_whole_answer(narrator.answer, last.text),
        data=data,
        files=narrator.files,
        commands=narrator.commands,
        usage=narrator.usage,
        session_id=narrator.session_id,
    )


def found_no_login(narrator: Narrator) -> bool:
    """Whether a run ended because the CLI had nothing to log in with; a key or login that was refused is another case.

    Args:
        narrator: Has been told everything the process wrote.
    """
    if narrator.auth_failed or not narrator.results:
        return False
    failure = _api_failure(narrator, narrator.results[-1])
    return failure.error == "authentication_failed" and failure.status is None


def _whole_answer(answer: str, result: str) -> str:
    """The whole of an answer that came in several blocks or messages: `result` is only the last of these."""
    end = result.strip()
    return answer if end and answer.rstrip().endswith(end) else result


def _without_result(narrator: Narrator, exit_code: int, stderr: str, partial: str) -> AgentError:
    if narrator.auth_failed:
        return _not_logged_in(partial)
    refused_to_start = 0 < exit_code < _FIRST_SIGNAL_EXIT_CODE and not narrator.turn_started
    if refused_to_start and (words := _joined(stderr)):
        # A usage error leaves stdout empty, and says on stderr what was wrong.
        return AgentMisconfigured(
            f"claude refused to start: {words}",
            recovery=(
                "Check the environment, and the version of claude with `claude --version`",
                "or set AGENT_WORKFLOWS_CLAUDE to the path of another claude command",
            ),
            partial=partial,
        )
    return _process_failed("claude ended without an answer", exit_code, stderr, partial)


def _failed(narrator: Narrator, last: TurnEnded, exit_code: int, stderr: str, partial: str) -> AgentError:
    words = last.errors[0] if last.errors else last.text
    message = one_line(words, _STDERR_CHARACTERS) or f"claude failed and did not say why ({last.subtype})"
    ended_by = _ENDED_BY.get(last.subtype) or _ENDED_BY.get(last.terminal_reason)
    if ended_by is not None:
        return ended_by(message, partial=partial)
    if last.stop_reason == "refusal":
        return ModelRefused(message, partial=partial)
    if last.terminal_reason.startswith("aborted"):
        if narrator.auth_failed:
            return _not_logged_in(partial)
        return _process_failed("claude was interrupted", exit_code, stderr, partial)
    failure = _api_failure(narrator, last)
    if failure != ApiFailure() or last.terminal_reason in {"api_error", "model_error"}:
        return error_of_api(failure, message, partial)
    if narrator.auth_failed:
        return _not_logged_in(partial)
    if not narrator.turn_started:
        return AgentMisconfigured(message, partial=partial)  # for example a conversation that is not there
    return _process_failed(message, exit_code, stderr, partial)


def _api_failure(narrator: Narrator, last: TurnEnded) -> ApiFailure:
    """What is said about the request that failed: by the result, and before it by the main thread."""
    said = narrator.last_assistant_error or ApiFailure()
    return ApiFailure(
        error=said.error,
        status=last.failure.status if last.failure.status is not None else said.status,
        error_type=last.failure.error_type or said.error_type,
        cause=last.failure.cause or said.cause,
    )


def _typed(results: list[TurnEnded], shape: type[BaseModel], partial: str) -> BaseModel:
    """Read the typed reply; the newest one, because a turn after it need not repeat it."""
    delivered = next((turn.structured_output for turn in reversed(results) if turn.structured_output is not None), None)
    if delivered is None:
        raise ReplyInvalid(
            f"The model ended without handing over a reply of the shape {shape.__name__}.", partial=partial
        )
    try:
        return shape.model_validate(delivered)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ReplyInvalid(
            f"The model's reply does not have the shape {shape.__name__}: {place}: {first['msg']}"
            f" ({error.error_count()} in all).",
            partial=partial,
        ) from error


def _not_logged_in(partial: str) -> NotLoggedIn:
    return NotLoggedIn("The provider did not accept the key or the login (HTTP 401).", partial=partial)


def _process_failed(what: str, exit_code: int, stderr: str, partial: str) -> AgentProcessFailed:
    words = _joined(stderr)
    return AgentProcessFailed(
        f"{what} ({_said_exit(exit_code)}){': ' + words if words else '.'}",
        partial=partial,
        exit_code=exit_code,
        stderr=stderr.strip()[-_STDERR_CHARACTERS:],
    )


def _said_exit(exit_code: int) -> str:
    number = -exit_code if exit_code < 0 else exit_code - _FIRST_SIGNAL_EXIT_CODE
    if number <= 0:
        return f"exit code {exit_code}"
    try:
        return f"ended by {signal.Signals(number).name}"
    except ValueError:  # no signal of this system
        return f"exit code {exit_code}"


def _joined(stderr: str) -> str:
    """Standard error as one line; its end, where the cause stands."""
    return " ".join(stderr.split())[-_STDERR_CHARACTERS:]
