"""The environment of the Claude CLI. Pure.

A server that Claude Code started inherits the variables of that session. Handed on, they would make a child report
into its parent's session. So of `CLAUDE_CODE_*` only what a user sets as configuration is handed on.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from agents.processes.environment import child_environment
from agents.processes.temporary_directory import VARIABLES

API_TIMEOUT_VARIABLE = "API_TIMEOUT_MS"
API_TIMEOUT_MS = "600000"
"""How long the CLI waits for the model to begin an answer, in ms; what the user has set counts instead."""

TEMPORARY_VARIABLES = ("CLAUDE_CODE_TMPDIR", *VARIABLES)
"""Where the CLI, and what it runs, look for the place of temporary files; the first counts."""

_SETTINGS = MappingProxyType(
    {
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        # One result per run, sub-agents in the foreground with signs of life, and a time-out of a command is an error.
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
        # `@path` in a prompt would attach that file, from anywhere on the disk, without any tool being allowed.
        "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",
        # The user's own memory of a workspace would be told to every role, and a role that writes could write into it.
        "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    }
)

_PARENT_SESSION = frozenset({"CLAUDECODE", "CLAUDE_PROJECT_DIR", "CLAUDE_ENV_FILE", "CLAUDE_PLUGIN_ROOT", "AI_AGENT"})
"""Set by a Claude Code session for what it starts."""

_LOGIN = frozenset(
    {
        "CLAUDE_CODE_OAUTH_TOKEN",  # of `claude setup-token`
        "CLAUDE_CODE_OAUTH_REFRESH_TOKEN",
        "CLAUDE_CODE_OAUTH_SCOPES",
        "CLAUDE_CODE_OAUTH_CLIENT_ID",
        "CLAUDE_CODE_CUSTOM_OAUTH_URL",
        "CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
    }
)
"""How a user logs in. Not the variables that name a file descriptor or a socket of the parent: a child has none."""

_PROVIDER = frozenset(
    {
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
        "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CODE_SKIP_VERTEX_AUTH",
        "CLAUDE_CODE_USE_FOUNDRY",
        "CLAUDE_CODE_SKIP_FOUNDRY_AUTH",
        "CLAUDE_CODE_USE_MANTLE",
        "CLAUDE_CODE_SKIP_MANTLE_AUTH",
        "CLAUDE_CODE_USE_ANTHROPIC_AWS",
        "CLAUDE_CODE_SKIP_ANTHROPIC_AWS_AUTH",
        "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
        "CLAUDE_CODE_SKIP_ANTHROPIC_GOOGLE_CLOUD_AUTH",
        "CLAUDE_CODE_USE_GATEWAY",
        "CLAUDE_CODE_EXTRA_BODY",
        "CLAUDE_CODE_ATTRIBUTION_HEADER",  # some gateways refuse it
        "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS",  # some gateways refuse these
    }
)
"""Where requests go, and in which form they are accepted there."""

_NETWORK = frozenset(
    {
        "CLAUDE_CODE_CLIENT_CERT",
        "CLAUDE_CODE_CLIENT_KEY",
        "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE",
        "CLAUDE_CODE_CERT_STORE",
        "CLAUDE_CODE_PROXY_RESOLVES_HOSTS",
        "CLAUDE_CODE_MAX_RETRIES",
    }
)
"""How requests get there."""

_MODEL = frozenset(
    {
        "CLAUDE_CODE_EFFORT_LEVEL",
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
        "CLAUDE_CODE_SUBAGENT_MODEL",
        "CLAUDE_CODE_DISABLE_1M_CONTEXT",
        "CLAUDE_CODE_DISABLE_ADAPTIVE_THINKING",
        "CLAUDE_CODE_AUTO_COMPACT_WINDOW",
        "CLAUDE_CODE_FILE_READ_MAX_OUTPUT_TOKENS",
    }
)
"""What a user asks of the model everywhere."""

_MACHINE = frozenset(
    {
        "CLAUDE_CODE_SHELL",
        "CLAUDE_CODE_SHELL_PREFIX",
        "CLAUDE_CODE_GIT_BASH_PATH",  # without it the CLI may not start on Windows
        "CLAUDE_CODE_TMPDIR",
        "CLAUDE_CODE_ENABLE_TELEMETRY",  # an organisation's own OpenTelemetry, set up by the OTEL_* variables
    }
)
"""What this machine needs."""

_RESTRICTIONS = frozenset({"CLAUDE_CODE_RESTRICTED", "CLAUDE_CODE_SUBPROCESS_ENV_SCRUB"})
"""Limits somebody has set; a child is never freer than its parent."""

_USER_CONFIGURATION = _LOGIN | _PROVIDER | _NETWORK | _MODEL | _MACHINE | _RESTRICTIONS


def claude_environment(
    environ: Mapping[str, str], *, run_id: str, marker: str, temporary: Path | None = None
) -> dict[str, str]:
    """The environment a `claude` process is started with.

    Handed on: everything that is not Claude Code's or ours (`PATH`, `HOME`, proxies, `ANTHROPIC_*`, `AWS_*`,
    `CLAUDE_CONFIG_DIR`), and the user's configuration among `CLAUDE_CODE_*`. Kept back: the variables of a Claude Code
    session this server may run in.

    Args:
        environ: The environment of this server.
        run_id: The run the child works for; empty if none.
        marker: Unique to the child; no `/` in it.
        temporary: Directory for its temporary files and those of its commands; None leaves it where it is.
    """
    kept = {name: value for name, value in environ.items() if _is_handed_on(name)}
    places = {} if temporary is None else dict.fromkeys(TEMPORARY_VARIABLES, str(temporary))
    marked = child_environment(kept, run_id=run_id, marker=marker)
    return {API_TIMEOUT_VARIABLE: API_TIMEOUT_MS} | marked | _SETTINGS | places


def config_directory_of(environ: Mapping[str, str]) -> Path | None:
    """Where the CLI keeps what is the user's own (login, settings, conversations, memory); None if that is not known.

    Args:
        environ: The environment the CLI is started with.
    """
    if configured := environ.get("CLAUDE_CONFIG_DIR"):
        return Path(configured)
    home = environ.get("HOME") or environ.get("USERPROFILE")
    return Path(home) / ".claude" if home else None


def _is_handed_on(name: str) -> bool:
    if name.startswith("CLAUDE_CODE_"):
        return name in _USER_CONFIGURATION
    return name not in _PARENT_SESSION
