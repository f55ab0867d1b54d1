"""The environment of a child process."""

import pytest

from agents.claude.environment import claude_environment
from agents.processes.environment import depth_of


def environment_of(**environ: str) -> dict[str, str]:
    return claude_environment(environ, run_id="run-1", marker="m1")


@pytest.mark.parametrize(
    "name",
    [
        "CLAUDECODE",
        "CLAUDE_PROJECT_DIR",
        "AI_AGENT",
        "CLAUDE_CODE_ENTRYPOINT",
        "CLAUDE_CODE_SESSION_ID",
        "CLAUDE_CODE_SSE_PORT",
        "CLAUDE_CODE_MESSAGING_SOCKET",
        "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR",
        "CLAUDE_CODE_CHILD_SESSION",
        "CLAUDE_CODE_SIMPLE",
        "CLAUDE_CODE_SOMETHING_NEW",
    ],
)
def test_what_belongs_to_the_session_around_us_is_kept_back(name: str) -> None:
    assert name not in environment_of(**{name: "1"})


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "HOME",
        "HTTPS_PROXY",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_MODEL",
        "AWS_PROFILE",
        "CLAUDE_CONFIG_DIR",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
        "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CODE_USE_FOUNDRY",
        "CLAUDE_CODE_CLIENT_CERT",
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
        "CLAUDE_CODE_MAX_RETRIES",
        "CLAUDE_CODE_GIT_BASH_PATH",
        "CLAUDE_CODE_RESTRICTED",
        "API_TIMEOUT_MS",
        "BASH_MAX_TIMEOUT_MS",
    ],
)
def test_what_a_user_has_configured_is_handed_on(name: str) -> None:
    assert environment_of(**{name: "the user's"})[name] == "the user's"


@pytest.mark.parametrize("name", ["AGENT_WORKFLOWS_TOKEN", "AGENT_WORKFLOWS_DATABASE_URL", "AGENT_WORKFLOWS_HOME"])
def test_our_own_settings_are_kept_back(name: str) -> None:
    assert name not in environment_of(**{name: "secret"})


@pytest.mark.parametrize(
    "name",
    [
        "DISABLE_AUTOUPDATER",
        "DISABLE_TELEMETRY",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS",
        "CLAUDE_CODE_DISABLE_FILE_MENTIONS",
        "CLAUDE_CODE_DISABLE_AUTO_MEMORY",
    ],
)
def test_what_every_child_needs_is_set_whatever_was_there(name: str) -> None:
    assert environment_of(**{name: "0"})[name] == "1"


def test_a_child_carries_its_marks() -> None:
    environment = environment_of(PATH="p")

    assert environment["AGENT_WORKFLOWS_RUN"] == "run-1"
    assert environment["AGENT_WORKFLOWS_CHILD"] == "m1"
    assert environment["AGENT_WORKFLOWS_DEPTH"] == "1"


def test_a_child_of_a_server_inside_an_agent_carries_both_markers() -> None:
    outer = claude_environment({}, run_id="outer-run", marker="outer")
    inner = claude_environment(outer, run_id="inner-run", marker="inner")

    assert inner["AGENT_WORKFLOWS_CHILD"] == "outer/inner"
    assert inner["AGENT_WORKFLOWS_RUN"] == "inner-run"
    assert inner["AGENT_WORKFLOWS_DEPTH"] == "2"


@pytest.mark.parametrize(
    ("value", "depth"), [("", 0), ("2", 2), ("-1", 0), ("two", 0), ("\u0662", 0), ("9" * 5000, 0), ("1.5", 0)]
)
def test_the_depth_is_read_from_the_environment(value: str, depth: int) -> None:
    assert depth_of({"AGENT_WORKFLOWS_DEPTH": value}) == depth


def test_without_a_depth_nobody_is_above() -> None:
    assert depth_of({}) == 0
