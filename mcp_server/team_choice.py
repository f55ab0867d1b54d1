"""Which agent fills which role: as it is set, or the best of what is configured.

Decided anew whenever an agent begins to work, so that `claude` may be installed while the server lives. What does the
work (the CLI's code, an HTTP client, a provider's SDK) is imported then, and not when the server starts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

import anyio.to_thread

from agents import roles
from agents.agent import Agent, AgentReply, AgentTask
from agents.claude.locate import find_claude
from agents.command_runner import CommandRunner
from agents.errors import AgentError, AgentMisconfigured, ClaudeNotFound, NotLoggedIn
from agents.events import Emit
from agents.models.providers import AUTO, CLAUDE_CLI, PROVIDERS, ModelSpec, ProviderName, has_own_address
from agents.processes.registry import ProcessRegistry
from agents.roles import Role
from mcp_server.known_roles import ROLES
from mcp_server.settings import MODEL_PREFIX, PREFIX, Settings
from workflows.team import Team

if TYPE_CHECKING:  # what only runs need
    from agents.models.model import Model
    from agents.tools.tool import ToolSource

CLAUDE_AGENT = "agents.claude.agent"
"""The module of the CLI's agent, warmed when the first run starts."""

Need: TypeAlias = Literal["claude", "writing", "searching", "replying", "reading"]
"""What a role asks of an agent above all: to be the `claude` command; to write files and run commands; to search the
web; to reply in a shape; to read the workspace."""

_Candidate: TypeAlias = ProviderName | Literal["claude-cli"]
_USUAL: tuple[_Candidate, ...] = ("claude-cli", "anthropic", "openai", "openrouter")
_CANDIDATES: Mapping[Need, tuple[_Candidate, ...]] = MappingProxyType(
    {
        "claude": ("claude-cli",),
        "writing": _USUAL,
        "searching": ("perplexity", *_USUAL),
        "replying": _USUAL,
        "reading": _USUAL,
    }
)
_BECAUSE: Mapping[Need, str] = MappingProxyType(
    {
        "claude": "it is the claude command",
        "writing": "it writes files and runs commands",
        "searching": "it searches the web",
        "replying": "it replies in a shape",
        "reading": "it reads the workspace",
    }
)
_NOTHING_RECOVERY = (
    "Install Claude Code: npm install -g @anthropic-ai/claude-code",
    "or set AGENT_WORKFLOWS_CLAUDE to the path of the claude command",
    "or set ANTHROPIC_API_KEY, or another provider's key: OPENAI_API_KEY, OPENROUTER_API_KEY",
    "or try without a model: add --offline",
)
_KEYS = frozenset(
    {
        *(name for provider in PROVIDERS.values() for name in provider.key_variables),
        "CLAUDE_CODE_OAUTH_TOKEN",
        f"{PREFIX}TOKEN",
        f"{PREFIX}TOKENS",
    }
)
"""Variables that let whoever knows them in somewhere as us."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a role runs on.

    Attributes:
        role: Its name.
        spec: A provider and its model, or the `claude` command; never `auto`.
        why: In a few words.
        problem: Why that cannot work, as far as one can see without asking anybody; None if nothing speaks against it.
        found: False where nothing is configured that could do the work; then `spec` is what is missing most.
    """

    role: str
    spec: ModelSpec
    why: str
    problem: AgentError | None = None
    found: bool = True


def need_of(role: Role | None) -> Need:
    """What a role asks for above all; None is a role of somebody's own workflow, of which nothing is known."""
    if role is None:
        return "writing"
    if role.name == roles.CLAUDE.name:
        return "claude"
    if role.access == "write":
        return "writing"
    if role.web and not role.connected_tools:
        return "searching"
    return "replying" if role.access == "none" else "reading"


def choose(role: str, settings: Settings, environ: Mapping[str, str]) -> Choice:
    """Say what a role runs on.

    Args:
        role: Its name; any name, for own workflows have roles of their own.
        settings: The settings.
        environ: Where keys stand.
    """
    spec = ModelSpec.parse(settings.models.get(role, AUTO))
    if spec.provider != AUTO:
        problem = _problem(spec, settings, environ)
        return Choice(role, spec, f"set by {MODEL_PREFIX}{role.upper()}", problem)
    need = need_of(ROLES.get(role))
    for candidate in _CANDIDATES[need]:
        spec = _usual(candidate)
        if (configured_by := _configured_by(candidate, settings, environ)) is not None:
            return Choice(role, spec, f"auto: {_BECAUSE[need]}; {configured_by}", _problem(spec, settings, environ))
    nothing = _nothing(environ, only_claude=need == "claude")
    return Choice(role, ModelSpec(CLAUDE_CLI), "auto, and nothing is configured that could do it", nothing, found=False)


def notes_on(settings: Settings) -> tuple[str, ...]:
    """What is set and probably not meant, though it is no error."""
    return tuple(
        f"{MODEL_PREFIX}{role.upper()} is for a role of no built-in workflow; only a workflow of your own can have it."
        for role in settings.models
        if role not in ROLES
    )


@dataclass(frozen=True, slots=True)
class Workbench:
    """What agents work with.

    Attributes:
        settings: The settings.
        children: Every child process of this server.
        environ: This process's environment.
        connected: Tools of the MCP servers that the user has connected, for agents over a model; `claude` connects to
            them by itself.
    """

    settings: Settings
    children: ProcessRegistry
    environ: Mapping[str, str]
    connected: "Sequence[ToolSource]" = ()


class Agents:
    """The agents of one server, each made when it is first needed.

    Args:
        bench: What they work with.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._made: dict[ModelSpec, Agent] = {}
        self._models: list[Model] = []

    @property
    def team(self) -> Team:
        """Who fills which role; a role that nobody knows is filled by what suits any."""
        names = dict.fromkeys([*ROLES, *self._bench.settings.models])
        return Team(default=_RoleAgent("", self), by_role={name: _RoleAgent(name, self) for name in names})

    def choice_for(self, role: str) -> Choice:
        """What a role runs on now."""
        return choose(role, self._bench.settings, self._bench.environ)

    async def agent_for(self, role: str) -> Agent:
        """The agent that works in a role now.

        Raises:
            AgentError: What the role runs on is not there.
        """
        choice = self.choice_for(role)
        if choice.problem is not None:
            raise choice.problem
        if choice.spec not in self._made:
            agent = await anyio.to_thread.run_sync(self._make, choice.spec)
            self._made.setdefault(choice.spec, agent)
        return self._made[choice.spec]

    async def aclose(self) -> None:
        """Give back the connections to providers; bounded."""
        while self._models:
            await self._models.pop().aclose()

    def _make(self, spec: ModelSpec) -> Agent:
        """Make an agent; imports what it needs, which can take a second."""
        bench = self._bench
        match spec.provider:
            case "claude-cli" | "auto":
                from agents.claude.agent import ClaudeAgent

                return ClaudeAgent(
                    lambda: find_claude(bench.settings.claude, bench.environ),
                    bench.children,
                    model=spec.model or None,
                    environ=bench.environ,
                    mcp_config=bench.settings.mcp_config,
                )
            case "anthropic" | "openai" | "openrouter" | "perplexity":
                from agents.conversation.task_tools import ModelTools
                from agents.model_agent import ModelAgent
                from agents.models.model_by_name import model_by_name

                model = model_by_name(spec.provider, spec.model, bench.environ)
                self._models.append(model)
                commands = CommandRunner(bench.children, _without_keys(bench.environ)).run
                return ModelAgent(model, ModelTools(run_command=commands, connected=bench.connected))


@dataclass(frozen=True, slots=True)
class _RoleAgent:
    """Whoever fills a role at the time."""

    role: str
    agents: Agents
    offline: bool = False

    @property
    def name(self) -> str:
        return str(self.agents.choice_for(self.role).spec)

    async def run(self, task: AgentTask, emit: Emit) -> AgentReply:
        agent = await self.agents.agent_for(self.role)
        return await agent.run(task, emit)


def _without_keys(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment of a model's commands: what these print goes to the model, so they have no key to print."""
    return {name: value for name, value in environ.items() if name not in _KEYS}


def _usual(candidate: _Candidate) -> ModelSpec:
    return ModelSpec(candidate) if candidate == "claude-cli" else ModelSpec(candidate, PROVIDERS[candidate].model)


def _configured_by(candidate: _Candidate, settings: Settings, environ: Mapping[str, str]) -> str | None:
    """Why a candidate can be used, in a few words; None if it cannot."""
    if candidate == "claude-cli":
        if settings.claude:  # where it is set, nothing else is tried: it would not be what was asked for
            return "AGENT_WORKFLOWS_CLAUDE is set"
        try:
            find_claude(None, environ)
        except ClaudeNotFound:
            return None
        return "the claude command is there"
    if candidate == "openai" and has_own_address(environ):
        return None  # nobody knows which models that server has
    variable = PROVIDERS[candidate].key_in(environ)
    return None if variable is None else f"{variable} is set"


def _problem(spec: ModelSpec, settings: Settings, environ: Mapping[str, str]) -> AgentError | None:
    match spec.provider:
        case "claude-cli" | "auto":
            try:
                find_claude(settings.claude, environ)
            except ClaudeNotFound as error:
                return error
            return None
        case "openai" if has_own_address(environ):
            return None
        case "anthropic" | "openai" | "openrouter" | "perplexity":
            provider = PROVIDERS[spec.provider]
            if provider.key_in(environ) is not None:
                return None
            variable = provider.key_variables[0]
            return NotLoggedIn(
                f"{provider.title} needs a key, and {variable} is not set.",
                recovery=(f"Set {variable} to a valid key where the server is registered",),
            )


def _nothing(environ: Mapping[str, str], *, only_claude: bool) -> AgentError:
    """There is nothing that could do the work."""
    try:
        found = find_claude(None, environ)
    except ClaudeNotFound as error:
        if only_claude:
            return error
        recovery = _NOTHING_RECOVERY
        if has_own_address(environ):
            own = f"Set {MODEL_PREFIX}<ROLE>=openai:<model> for a model of the server at OPENAI_BASE_URL"
            recovery = (own, *recovery)
        message = f"{error.message} No key of a provider is set either."
        return ClaudeNotFound(message, recovery=recovery)
    return AgentMisconfigured(f"{found} is there, and was not a moment ago.", recovery=("Try again",))
