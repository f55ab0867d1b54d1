"""A task as a command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from agents.access import Access
from agents.agent import AgentTask
from agents.claude.command import PROMPT_PREFIX, Command, build_command

WORKSPACE = Path("workspace")


class Review(BaseModel):
    verdict: str = Field(description="ümlaut \u2028 and \x00")
    findings: list[str]


def command(prompt: str = "do it", model: str | None = None, **more: Any) -> Command:
    task = AgentTask(role="coder", prompt=prompt, workspace=WORKSPACE, **more)
    return build_command(Path("claude"), task, model=model)


def value_of(built: Command, option: str) -> str | None:
    prefix = f"--{option}="
    return next((argument.removeprefix(prefix) for argument in built.argv if argument.startswith(prefix)), None)


def test_every_argument_is_an_option_with_its_value_attached() -> None:
    built = command(instructions="- be brief", max_turns=3, max_cost_usd=0.5, reply_model=Review, access="write")

    assert built.argv[0] == "claude"
    assert all(argument.startswith("-") for argument in built.argv[1:])


@pytest.mark.parametrize("option", ["-p", "--output-format=stream-json", "--verbose", "--include-partial-messages"])
def test_messages_are_streamed(option: str) -> None:
    assert option in command().argv


def test_a_private_directory_is_denied_to_the_file_tools() -> None:
    task = AgentTask(role="coder", prompt="do it", workspace=WORKSPACE)
    built = build_command(Path("claude"), task, private_directories=[Path("/home/somebody/.claude")])

    rules = json.loads(value_of(built, "settings") or "")["permissions"]["deny"]
    assert rules == ["Read(//home/somebody/.claude/**)", "Edit(//home/somebody/.claude/**)"]


@pytest.mark.parametrize("option", ["--strict-mcp-config", "--setting-sources=", "--no-session-persistence"])
def test_nothing_of_the_users_own_setup_is_loaded_or_written(option: str) -> None:
    assert option in command().argv


@pytest.mark.parametrize(
    ("access", "tools", "allowed", "mode"),
    [
        ("none", "", None, "dontAsk"),
        ("read", "Read,Grep,Glob", None, "dontAsk"),
        ("write", "Read,Grep,Glob,Edit,Write,NotebookEdit,Bash", "Bash", "acceptEdits"),
    ],
)
def test_the_access_decides_what_there_is_and_what_is_allowed(
    access: Access, tools: str, allowed: str | None, mode: str
) -> None:
    built = command(access=access)

    assert value_of(built, "tools") == tools
    assert value_of(built, "allowedTools") == allowed
    assert value_of(built, "permission-mode") == mode


def test_the_prompt_is_not_in_the_arguments() -> None:
    built = command("a secret prompt")

    assert not any("secret" in argument for argument in built.argv)
    assert built.prompt == "Your task:\n\na secret prompt"


@pytest.mark.parametrize("prompt", ["/context", "", "--help", "-", " /init", "\n/init", "@secret.txt", "!ls"])
def test_a_prompt_never_stands_first(prompt: str) -> None:
    assert command(prompt).prompt == PROMPT_PREFIX + prompt


def test_a_prompt_of_1_mb_is_passed_whole() -> None:
    assert len(command("x" * 1_000_000).prompt) == 1_000_000 + len(PROMPT_PREFIX)


@given(st.text(), st.text(min_size=1))
def test_any_text_can_be_passed(prompt: str, instructions: str) -> None:
    built = command(prompt, instructions=instructions, model="opus")

    built.prompt.encode()
    assert "\0" not in built.prompt
    assert not any("\0" in argument for argument in built.argv)
    for argument in built.argv:
        argument.encode()


def test_what_cannot_be_passed_is_replaced_and_the_rest_stays() -> None:
    built = command("a\0b\ud800c", instructions="d\0e")

    assert built.prompt == PROMPT_PREFIX + "a\ufffdb\ufffdc"
    assert value_of(built, "append-system-prompt") == "d\ufffde"


def test_limits_are_passed() -> None:
    built = command(max_turns=7, max_cost_usd=0.0000001)

    assert value_of(built, "max-turns") == "7"
    assert float(value_of(built, "max-budget-usd") or 0) == 0.0000001


@pytest.mark.parametrize("option", ["max-turns", "max-budget-usd", "append-system-prompt", "json-schema", "model"])
def test_what_the_task_leaves_open_is_left_to_the_cli(option: str) -> None:
    assert value_of(command(), option) is None


def test_the_schema_is_that_of_the_reply_model_and_plain_ascii() -> None:
    schema = value_of(command(reply_model=Review), "json-schema") or ""

    assert json.loads(schema) == Review.model_json_schema()
    assert schema.isascii()
    assert "\0" not in schema


def test_the_model_is_passed() -> None:
    assert value_of(command(model="opus"), "model") == "opus"
