"""What each role runs on, and whether that would work: every provider that is used or configured is asked."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from agents.claude.locate import find_claude
from agents.claude.readiness import check_cli
from agents.command_runner import RunCommand
from agents.errors import AgentError
from agents.models.providers import PROVIDERS, ModelSpec, ProviderName, has_own_address
from mcp_server.known_roles import ROLES
from mcp_server.settings import Settings
from mcp_server.team_choice import Choice, choose, notes_on
from workflows.runs.errors import RunError

CheckProvider = Callable[[ProviderName, str, Mapping[str, str]], Awaitable[None]]
"""Asks a provider for a model; raises `AgentError` where it does not let us in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Whether something that agents run on would work.

    Attributes:
        name: What was asked: the `claude` command, or a provider with the model.
        roles: Who runs on it; empty where nobody does, and it is merely configured.
        ok: Whether it would work.
        message: What it said, in one line.
        blame: Whose fault it is that it would not.
        recovery: What helps.
        seconds: How long the answer took.
    """

    name: str
    roles: tuple[str, ...]
    ok: bool
    message: str
    blame: str = ""
    recovery: tuple[str, ...] = ()
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleOutlook:
    """What a role runs on.

    Attributes:
        role: Its name.
        title: For people.
        runs_on: A provider and its model, the `claude` command, or `nothing`.
        why: In a few words.
        ok: Whether it could work.
    """

    role: str
    title: str
    runs_on: str
    why: str
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Whether workflows could run.

    Attributes:
        offline: Whether scripted agents stand in for models; then nothing else matters.
        roles: What each runs on.
        checks: What was asked.
        notes: What else one should know.
        left_out: Workflows of one's own that cannot be used: why, and what helps.
    """

    offline: bool
    roles: tuple[RoleOutlook, ...] = ()
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    ok: bool = field(init=False)

    def __post_init__(self) -> None:
        """All is well where every role could work and every workflow is there."""
        object.__setattr__(self, "ok", all(role.ok for role in self.roles) and not self.left_out)


async def diagnose(
    settings: Settings,
    environ: Mapping[str, str],
    run: RunCommand,
    *,
    check_provider: CheckProvider | None = None,
    left_out: Sequence[RunError] = (),
) -> Diagnosis:
    """See what each role runs on, and ask all of it.

    Args:
        settings: The settings.
        environ: Where keys stand.
        run: Runs the `claude` command.
        check_provider: Asks a provider; None asks for real.
        left_out: Why workflows of one's own cannot be used.
    """
    broken = tuple(" ".join([error.message, *(f"{remedy}." for remedy in error.recovery)]) for error in left_out)
    if settings.offline:
        notes = ("Scripted agents stand in for models; no provider is used.",)
        return Diagnosis(offline=True, notes=notes, left_out=broken)
    names = dict.fromkeys([*ROLES, *settings.models])
    choices = [choose(name, settings, environ) for name in names]
    examiner = _Examiner(settings, environ, run, check_provider or _check_provider)
    checks = await examiner.check_all(_subjects(choices, environ))
    failed = {role for check in checks if not check.ok for role in check.roles}
    roles = tuple(
        RoleOutlook(
            role=choice.role,
            title=ROLES[choice.role].title if choice.role in ROLES else choice.role,
            runs_on=str(choice.spec) if choice.found else "nothing",
            why=choice.why,
            ok=choice.role not in failed,
        )
        for choice in choices
    )
    return Diagnosis(offline=False, roles=roles, checks=checks, notes=notes_on(settings), left_out=broken)


@dataclass(frozen=True, slots=True)
class _Subject:
    """Something to ask, who runs on it, and why it is known to be in vain."""

    spec: ModelSpec
    roles: tuple[str, ...] = ()
    problem: AgentError | None = None


class _Examiner:
    """Asks."""

    def __init__(
        self, settings: Settings, environ: Mapping[str, str], run: RunCommand, check_provider: CheckProvider
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._run = run
        self._check_provider = check_provider

    async def check_all(self, subjects: Sequence[_Subject]) -> tuple[Check, ...]:
        """Ask all at once; each is bounded by itself."""
        checks: dict[ModelSpec, Check] = {}

        async def one(subject: _Subject) -> None:
            checks[subject.spec] = await self._check(subject)

        async with anyio.create_task_group() as tasks:
            for subject in subjects:
                tasks.start_soon(one, subject)
        return tuple(checks[subject.spec] for subject in subjects)

    async def _check(self, subject: _Subject) -> Check:
        began = time.monotonic()
        name = str(subject.spec)
        try:
            if subject.problem is not None:
                raise subject.problem
            message = await self._ask(subject.spec)
        except AgentError as error:
            return Check(
                name=name,
                roles=subject.roles,
                ok=False,
                message=" ".join(error.message.split()),
                blame=error.blame,
                recovery=error.recovery,
                seconds=time.monotonic() - began,
            )
        return Check(name=name, roles=subject.roles, ok=True, message=message, seconds=time.monotonic() - began)

    async def _ask(self, spec: ModelSpec) -> str:
        match spec.provider:
            case "claude-cli" | "auto":
                executable = find_claude(self._settings.claude, self._environ)
                readiness = await check_cli(executable, self._run, Path.cwd())
                return f"{executable}: {readiness.in_words()}"
            case "anthropic" | "openai" | "openrouter" | "perplexity":
                await self._check_provider(spec.provider, spec.model, self._environ)
                return "it answers, and lets us in"


async def _check_provider(provider: ProviderName, model: str, environ: Mapping[str, str]) -> None:
    from agents.models.provider_check import check_provider

    await check_provider(provider, model, environ)


def _subjects(choices: Sequence[Choice], environ: Mapping[str, str]) -> list[_Subject]:
    """What roles run on, one by one, then what is configured besides."""
    subjects: dict[ModelSpec, _Subject] = {}
    for choice in choices:
        before = subjects.get(choice.spec, _Subject(choice.spec))
        subjects[choice.spec] = _Subject(choice.spec, (*before.roles, choice.role), before.problem or choice.problem)
    used = {spec.provider for spec in subjects}
    for provider in PROVIDERS.values():
        is_known = provider.name != "openai" or not has_own_address(environ)
        if provider.name not in used and is_known and provider.key_in(environ) is not None:
            spec = ModelSpec(provider.name, provider.model)
            subjects[spec] = _Subject(spec)
    return list(subjects.values())
