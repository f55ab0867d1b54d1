"""Where a provider's HTTP API is and who we are there."""

from dataclasses import dataclass, field
from typing import Literal

SILENT_SECONDS = 300.0
"""How long a provider may say nothing at all: models that think before they answer do so without a sign of life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAccess:
    """Where a provider's HTTP API is and who we are there.

    Attributes:
        provider: Its name, for people.
        base_url: Address of the API, the part of its paths that all have in common included.
        api_key: The key; shown nowhere. None where there is none.
        key_variable: The environment variable that holds the key.
        address_variable: The environment variable that holds the address; empty if it cannot be changed.
        needs_key: Whether nothing can be asked without a key. Servers on one's own machine need none.
        key_header: The header that carries the key.
        silent_seconds: How long it may say nothing before the request is given up.
    """

    provider: str
    base_url: str
    api_key: str | None = field(default=None, repr=False)
    key_variable: str
    address_variable: str = ""
    needs_key: bool = True
    key_header: Literal["authorization", "x-api-key"] = "authorization"
    silent_seconds: float = SILENT_SECONDS

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown: the key as it is set, and as it is sent."""
        return () if self.api_key is None else (self.api_key, self.api_key.strip())

    @property
    def login_recovery(self) -> tuple[str, ...]:
        """What helps where the provider does not accept who we are."""
        return (f"Set {self.key_variable} to a valid key where the server is registered",)

    @property
    def model_recovery(self) -> tuple[str, ...]:
        """What helps where the provider knows no such model, or no such address."""
        named = "Check the name of the model, and whether the account may use it"
        if not self.address_variable:
            return (named,)
        return (named, f"or correct {self.address_variable}: of its path nothing may be missing, such as /v1")

    @property
    def network_recovery(self) -> tuple[str, ...]:
        """What helps where the provider cannot be reached."""
        also = f" and {self.address_variable}" if self.address_variable else ""
        return (f"Check the network, the proxy{also}, then try again",)
