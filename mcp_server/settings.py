"""What can be set, and from where.

The command line wins over `AGENT_WORKFLOWS_*` variables, these over the configuration file, that over the defaults.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from agents import roles
from agents.models.providers import AUTO, CLAUDE_CLI, ModelSpec, ModelSpecInvalid
from mcp_server.known_roles import meant_role

PREFIX = "AGENT_WORKFLOWS_"
MODEL_PREFIX = f"{PREFIX}MODEL_"


class SettingsInvalid(Exception):
    """A setting cannot be used.

    Attributes:
        message: Which, what is wrong with it, and where it can be set.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def _default_roots() -> tuple[Path, ...]:
    """Where the server was started; but not the whole disk, which is where some clients start servers."""
    project = os.environ.get("CLAUDE_PROJECT_DIR")
    roots = (Path.cwd(), Path(project)) if project else (Path.cwd(),)
    return tuple(root for root in roots if root != Path(root.anchor))


class Settings(BaseSettings):
    """All settings, read once.

    Attributes:
        home: Directory for everything that is kept: runs, events, artifacts, checkpoints.
        claude: Path of the `claude` command; None looks for it.
        roots: Directories in which a workspace may lie; the first is the default workspace.
        max_runs: How many runs may be at work at once; more of them wait.
        offline: Whether scripted agents stand in for models.
        tracing: Whether LangChain's tracing variables may have effect; they send run state to an endpoint.
        task_grace_seconds: How long a call that may be answered with a task shows its progress first.
        client_seconds: After how many seconds clients give a call up, by how their names begin; goes before what is
            known of them (`mcp_server.client_clocks`). 0 means that the client waits.
        mcp_config: File that lists MCP servers whose tools agents may use, as `.mcp.json` does; None for none.
        models: What a role runs on, by role, as `agents.models.providers` reads it; a role without is `auto`.
        token: What clients over HTTP have to show; None asks nobody, which is possible on loopback only.
        tokens: The same for several users, by name; each sees only their own runs.
        hosts: Further names under which the HTTP server is known.
        origins: Origins of web pages elsewhere that may use the HTTP server.
        proxies: Addresses of proxies whose X-Forwarded headers are believed.
        oauth_issuer: Whose tokens are accepted besides; with this, the two below have to be set.
        oauth_jwks_url: Where the issuer's keys are.
        oauth_audience: What tokens must be issued for: the address of `/mcp` as clients know it.
        oauth_scopes: What tokens must allow.
        drain_seconds: How long runs may go on after the first signal to the HTTP server.
        max_connections: How many clients may be connected at once.
        max_streams: How many streams of events one user may have open at once.
        requests_per_second: How often one user may ask, in the long run; ten times as much at once.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    home: Path = Field(default_factory=lambda: platformdirs.user_data_path("agent-workflows", appauthor=False))
    claude: str | None = None
    roots: Annotated[tuple[Path, ...], NoDecode] = Field(default_factory=_default_roots)
    max_runs: int = Field(default=4, ge=1, le=64)
    offline: bool = False
    tracing: bool = False
    task_grace_seconds: float = Field(default=4, ge=0, le=60)
    client_seconds: Annotated[Mapping[str, float], NoDecode] = Field(default_factory=dict[str, float])
    mcp_config: Path | None = None
    models: Mapping[str, str] = Field(default_factory=dict[str, str])
    token: SecretStr | None = Field(default=None, min_length=1)
    tokens: Mapping[str, SecretStr] = Field(default_factory=dict[str, SecretStr])
    hosts: Annotated[tuple[str, ...], NoDecode] = ()
    origins: Annotated[tuple[str, ...], NoDecode] = ()
    proxies: Annotated[tuple[str, ...], NoDecode] = ()
    oauth_issuer: str | None = None
    oauth_jwks_url: str | None = None
    oauth_audience: str | None = None
    oauth_scopes: Annotated[tuple[str, ...], NoDecode] = ()
    drain_seconds: float = Field(default=0, ge=0, le=3600)
    max_connections: int = Field(default=2000, ge=1)
    max_streams: int = Field(default=1000, ge=1)
    requests_per_second: float = Field(default=100, gt=0)

    @field_validator("hosts", "origins", "proxies", "oauth_scopes", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        """A variable holds several words, separated by commas or blanks."""
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("client_seconds", mode="before")
    @classmethod
    def _split_seconds(cls, value: object) -> object:
        """A variable holds pairs such as `codex=60,goose=300`."""
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.replace(",", " ").split()]
        if wrong := next((name for name, equals, _ in pairs if not (name and equals)), None):
            raise ValueError(f"{wrong!r} is no pair such as codex=60")
        return {name: seconds for name, _, seconds in pairs}

    @field_validator("roots", mode="before")
    @classmethod
    def _split_roots(cls, value: object) -> object:
        """A variable holds several directories the way PATH does."""
        if not isinstance(value, str):
            return value
        parts = [part for part in value.split(os.pathsep) if part]
        if not parts:
            raise ValueError(f"{value!r} names no directory")
        return parts

    @field_validator("models")
    @classmethod
    def _known_models(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for role, model in value.items():
            if (meant := meant_role(role)) is not None:
                raise ValueError(f"there is no role {role}; did you mean {meant}?")
            try:
                spec = ModelSpec.parse(model)
            except ModelSpecInvalid as error:
                raise ValueError(f"{role} cannot run on {model!r}; {error}") from error
            if role == roles.CLAUDE.name and spec.provider not in {CLAUDE_CLI, AUTO}:
                raise ValueError(f"{role} cannot run on {model!r}; it is the claude command: use `claude-cli:<model>`")
        return value

    @field_validator("home", "roots", "mcp_config")
    @classmethod
    def _absolute(cls, value: Any) -> Any:  # noqa: ANN401 - no path, one path, or a tuple of them
        if value is None:
            return None
        if isinstance(value, Path):
            return value.expanduser().absolute()
        return tuple(path.expanduser().absolute() for path in value)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env file is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no secrets directory is read
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where values come from, strongest first."""
        return (
            init_settings,
            env_settings,
            _RoleModels(settings_cls),
            TomlConfigSettingsSource(settings_cls, toml_file=config_file()),
        )


class _RoleModels(PydanticBaseSettingsSource):
    """`AGENT_WORKFLOWS_MODEL_<ROLE>`: a name of its own for every role, so no field can stand for it."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the port's
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        models = {
            name.removeprefix(MODEL_PREFIX).lower(): value
            for name, value in os.environ.items()
            if name.startswith(MODEL_PREFIX) and value
        }
        return {"models": models} if models else {}


def config_file() -> Path:
    """The configuration file: `AGENT_WORKFLOWS_CONFIG`, or the user's own; it need not exist."""
    given = os.environ.get(f"{PREFIX}CONFIG")
    return Path(given) if given else platformdirs.user_config_path("agent-workflows", appauthor=False) / "config.toml"


def load_settings(**given: object) -> Settings:
    """Read the settings.

    Args:
        given: Values from the command line; None stands for "not given".

    Raises:
        SettingsInvalid: One of them cannot be used.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # pyright: ignore[reportArgumentType] - pydantic checks them
    except ValidationError as error:
        complaints = [_complaint(item["loc"], item["msg"], item["input"]) for item in error.errors()]
        raise SettingsInvalid("\n".join(complaints)) from error
    except ValueError as error:  # a configuration file that is not TOML
        raise SettingsInvalid(f"{config_file()} cannot be read: {error}") from error


def _complaint(where: tuple[int | str, ...], problem: str, value: object) -> str:
    field = str(where[0]) if where else "settings"
    name = f"{MODEL_PREFIX}<ROLE>" if field == "models" else f"{PREFIX}{field.upper()}"
    shown = "***" if field in {"token", "tokens"} else repr(value)
    return f"{name} = {shown}: {problem}. It is set in the environment, or as `{field}` in {config_file()}."
