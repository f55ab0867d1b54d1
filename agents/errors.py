"""Why an agent could not finish, drawn once below.

    AgentError                     the root: kind, blame, recovery, partial
    ├── AgentUnavailable           it cannot start here
    │   ├── ClaudeNotFound         no `claude` command
    │   ├── NotLoggedIn            no key, a wrong key, no login
    │   ├── AgentMisconfigured     bad option, bad model name, refused environment
    │   │   └── ModelNotFound      the provider has no such model, or not for this account
    │   ├── ToolsUnavailable       tools it was given from elsewhere cannot be reached
    │   └── ScriptEnded            a scripted agent has nothing (more) to play
    ├── LimitReached               a limit that somebody set
    │   ├── TurnLimitReached       set by the role
    │   ├── CostLimitReached
    │   └── TimeLimitReached
    ├── ProviderFailed             the model's provider did not deliver
    │   ├── RateLimited
    │   ├── ProviderOverloaded
    │   ├── ProviderUnreachable
    │   ├── ProviderTimedOut       it was reached, and did not answer (any further) in time
    │   ├── StreamCut              the answer broke off; `partial` is what had come
    │   ├── ResponseMalformed      an answer that is not what the provider's protocol says
    │   ├── BillingRefused
    │   ├── RequestRejected        the provider calls the request invalid
    │   ├── ContextOverflowed      the conversation became longer than the model reads
    │   └── ModelRefused           the model would not answer
    ├── ReplyInvalid               an answer came, but not in the shape that was asked for
    │   └── ReplyCutOff            it was longer than the limit of output tokens
    └── AgentProcessFailed         the child process ended without an answer

Each says whose fault it is (`blame`) and what helps (`recovery`), so that the wire can pass both on unchanged.
"""

from typing import ClassVar, Literal, TypeAlias

Blame: TypeAlias = Literal["caller", "setup", "provider", "agent", "server"]
"""Whose fault: the caller's input or limits, this machine's set-up, the model's provider, the model or the CLI that
acts as agent, or this program."""


class AgentError(Exception):
    """An agent could not finish its task.

    Attributes:
        kind: Stable machine name, for example `rate_limited`.
        blame: Whose fault it is.
        message: What happened, in one or two sentences.
        recovery: What helps, most useful first.
        retry_safe: True if doing the same again can help and does no harm. The class says what holds for its kind;
            an agent that has changed something before it failed says False of its own error.
        partial: What the agent had said before it failed; empty if nothing.
    """

    kind: ClassVar[str] = "agent_failed"
    blame: ClassVar[Blame] = "agent"
    default_recovery: ClassVar[tuple[str, ...]] = ()
    retry_safe: bool = False

    def __init__(self, message: str, *, recovery: tuple[str, ...] = (), partial: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.recovery = recovery or self.default_recovery
        self.partial = partial


class AgentUnavailable(AgentError):
    """The agent cannot start on this machine as it is set up."""

    kind = "agent_unavailable"
    blame = "setup"


class ClaudeNotFound(AgentUnavailable):
    """There is no `claude` command; the message says where it was looked for."""

    kind = "claude_not_found"
    default_recovery = (
        "Install Claude Code: npm install -g @anthropic-ai/claude-code",
        "or set AGENT_WORKFLOWS_CLAUDE to the path of the claude command",
        "or try without a model: add --offline",
    )


class NotLoggedIn(AgentUnavailable):
    """The provider does not accept who we are: no key, a wrong key, or no login."""

    kind = "not_logged_in"
    default_recovery = (
        "Log in: run `claude` once in a terminal and type /login",
        "or set ANTHROPIC_API_KEY to a valid key where the server is registered",
        (
            "Claude Code's settings files are not read; what they set (apiKeyHelper, env) belongs into the server's "
            "environment: ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or CLAUDE_CODE_OAUTH_TOKEN, and ANTHROPIC_BASE_URL"
        ),
    )


class AgentMisconfigured(AgentUnavailable):
    """The agent refused how it was started: an option, a model name, the environment."""

    kind = "agent_misconfigured"


class ModelNotFound(AgentMisconfigured):
    """The provider has no model of this name, or does not give it to this account."""

    kind = "model_not_found"
    default_recovery = ("Check the name of the model, and whether the account may use it",)


class ToolsUnavailable(AgentUnavailable):
    """Tools that the agent was given from elsewhere (an MCP server) cannot be reached."""

    kind = "tools_unavailable"
    default_recovery = ("Check that the server of these tools starts and answers", "or leave it out of the settings")


class ScriptEnded(AgentUnavailable):
    """A scripted agent has no turn for what it is asked: no such role, or all of the role's turns are played."""

    kind = "script_ended"
    default_recovery = (
        "Without a model only the workflow that the script was written for can be run: try it without --offline",
    )


class LimitReached(AgentError):
    """A limit was reached that somebody set: the caller, or the role (then it says so)."""

    kind = "limit_reached"
    blame = "caller"


class TurnLimitReached(LimitReached):
    """The agent used all rounds of its role. The role sets that limit, not the caller."""

    kind = "turn_limit_reached"
    blame = "agent"
    default_recovery = ("Split the task into smaller ones", "or try again: the agent may need fewer rounds")


class CostLimitReached(LimitReached):
    """The money that was allowed is spent."""

    kind = "cost_limit_reached"
    default_recovery = ("Raise max_cost_usd, or split the task",)


class TimeLimitReached(LimitReached):
    """The time that was allowed is over."""

    kind = "time_limit_reached"
    default_recovery = ("Raise max_seconds, or split the task",)


class ProviderFailed(AgentError):
    """The model's provider did not deliver.

    Attributes:
        status: HTTP status, or None where no answer came.
        retry_after_seconds: How long the provider asks to wait, or None where it does not say.
    """

    kind = "provider_failed"
    blame = "provider"
    default_recovery = ("Try again in a few minutes",)
    retry_safe = True

    def __init__(
        self,
        message: str,
        *,
        recovery: tuple[str, ...] = (),
        partial: str = "",
        status: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, recovery=recovery, partial=partial)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class RateLimited(ProviderFailed):
    """Too many requests; all retries were used up."""

    kind = "rate_limited"
    default_recovery = ("Wait a few minutes and try again", "or run fewer agents at once: AGENT_WORKFLOWS_MAX_RUNS")


class ProviderOverloaded(ProviderFailed):
    """The provider has no capacity at the moment."""

    kind = "provider_overloaded"


class ProviderUnreachable(ProviderFailed):
    """No connection, or no answer in time."""

    kind = "provider_unreachable"
    default_recovery = ("Check the network, the proxy and ANTHROPIC_BASE_URL, then try again",)


class ProviderTimedOut(ProviderFailed):
    """The provider was reached, and did not answer, or not go on, in time."""

    kind = "provider_timed_out"


class StreamCut(ProviderFailed):
    """The answer broke off before its end; `partial` is what had come. Asking again costs the whole answer again."""

    kind = "stream_cut"
    default_recovery = ("Try again; what had come so far is kept",)


class ResponseMalformed(ProviderFailed):
    """The answer is not what the provider's protocol says."""

    kind = "response_malformed"
    default_recovery = (
        "Try again",
        "if it stays, check that the base URL leads to the provider's API and to nothing else (a login page, a proxy)",
    )


class BillingRefused(ProviderFailed):
    """The account has no credit."""

    kind = "billing_refused"
    blame = "setup"
    default_recovery = ("Add credit to the account, or use another key",)
    retry_safe = False


class RequestRejected(ProviderFailed):
    """The provider calls the request invalid."""

    kind = "request_rejected"
    default_recovery = ("Check the model's name and the options it is used with",)
    retry_safe = False


class ContextOverflowed(ProviderFailed):
    """The conversation became longer than the model can read."""

    kind = "context_overflowed"
    blame = "caller"
    default_recovery = ("Split the task, or point the agent at fewer files",)
    retry_safe = False


class ModelRefused(ProviderFailed):
    """The model would not answer."""

    kind = "model_refused"
    default_recovery = ("Say the task in other words",)
    retry_safe = False


class ReplyInvalid(AgentError):
    """An answer came, but not in the shape that was asked for."""

    kind = "reply_invalid"
    default_recovery = ("Try again; if it happens often, use a stronger model for this role",)
    retry_safe = True


class ReplyCutOff(ReplyInvalid):
    """The answer was longer than the limit of output tokens, and was cut off there; `partial` is what had come."""

    kind = "reply_cut_off"
    default_recovery = ("Split the task into smaller ones", "or use a model that may write more")
    retry_safe = False


class AgentProcessFailed(AgentError):
    """The child process ended without an answer.

    Attributes:
        exit_code: As the system gave it; negative for a signal.
        stderr: The last lines of its standard error.
    """

    kind = "agent_process_failed"
    default_recovery = (
        "Try again; if it stays, see whether `claude --version` and `claude -p hello` work in a terminal",
        "or set AGENT_WORKFLOWS_CLAUDE to the path of another claude command",
    )
    retry_safe = True

    def __init__(
        self,
        message: str,
        *,
        recovery: tuple[str, ...] = (),
        partial: str = "",
        exit_code: int | None = None,
        stderr: str = "",
    ) -> None:
        super().__init__(message, recovery=recovery, partial=partial)
        self.exit_code = exit_code
        self.stderr = stderr
