"""Which providers there are and how settings name them. Light: every start of the server reads it.

A setting reads `<provider>:<model>`, as in `openai:gpt-6.1-sol`; `claude-cli`, alone or with a model, and `auto`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

ProviderName: TypeAlias = Literal["anthropic", "openai", "openrouter", "perplexity"]

CLAUDE_CLI = "claude-cli"
AUTO = "auto"

_OPENAI_HOST = "api.openai.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider of models.

    Attributes:
        name: As in settings.
        title: For people.
        key_variables: Any of these variables holds a key.
        model: The model that `auto` takes: a strong one of its current generation, in November 2026.
    """

    name: ProviderName
    title: str
    key_variables: tuple[str, ...]
    model: str

    def key_in(self, environ: Mapping[str, str]) -> str | None:
        """Name of the variable that holds a key; None if none does."""
        return next((name for name in self.key_variables if environ.get(name, "").strip()), None)


PROVIDERS: Mapping[ProviderName, Provider] = MappingProxyType(
    {
        "anthropic": Provider(
            name="anthropic",
            title="Anthropic",
            key_variables=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
            model="claude-opus-5-5",
        ),
        "openai": Provider(name="openai", title="OpenAI", key_variables=("OPENAI_API_KEY",), model="gpt-6.1-sol"),
        "openrouter": Provider(
            name="openrouter", title="OpenRouter", key_variables=("OPENROUTER_API_KEY",), model="openrouter/auto"
        ),
        "perplexity": Provider(
            name="perplexity", title="Perplexity", key_variables=("PERPLEXITY_API_KEY",), model="perplexity/sonar"
        ),
    }
)


class ModelSpecInvalid(ValueError):
    """What a role is to run on cannot be read; the message says what to write."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a role is to run on.

    Attributes:
        provider: A provider, the `claude` command, or `auto`.
        model: The model's name as the provider knows it; empty for the provider's own choice.
    """

    provider: ProviderName | Literal["claude-cli", "auto"]
    model: str = ""

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}" if self.model else self.provider

    @classmethod
    def parse(cls, text: str) -> "ModelSpec":
        """Read one.

        Raises:
            ModelSpecInvalid: It is none.
        """
        provider, colon, model = (part.strip() for part in text.strip().partition(":"))
        if any(character.isspace() or not character.isprintable() for character in model):
            raise ModelSpecInvalid("write the model's name without white space")
        match provider:
            case "auto" if not colon:
                return cls("auto")
            case "claude-cli" if model or not colon:
                return cls("claude-cli", model)
            case "anthropic" | "openai" | "openrouter" | "perplexity" if model:
                return cls(provider, model)
            case "anthropic" | "openai" | "openrouter" | "perplexity":
                example = f"{provider}:{PROVIDERS[provider].model}"
                raise ModelSpecInvalid(f"name a model behind it, for example `{example}`")
            case _:
                forms = ", ".join(f"`{name}:<model>`" for name in PROVIDERS)
                raise ModelSpecInvalid(f"use `auto`, `claude-cli`, `claude-cli:<model>`, {forms}")


def has_own_address(environ: Mapping[str, str]) -> bool:
    """Whether `openai:` stands for a server at another address than OpenAI's own."""
    address = environ.get("OPENAI_BASE_URL", "").strip()
    try:
        host = urlsplit(address).hostname or "" if address else _OPENAI_HOST
    except ValueError:  # no address at all, which the first request will say
        return True
    return host != _OPENAI_HOST and not host.endswith(f".{_OPENAI_HOST}")
