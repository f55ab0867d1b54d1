"""Who can reach a server: one that others can reach, and that would ask them for nothing, is refused."""

from mcp_server.http.network import ListenAddress
from mcp_server.owner import OWNER
from mcp_server.settings import Settings, SettingsInvalid

SHORTEST_TOKEN = 16
"""Characters. However many wrong tokens came before it, the right one is let in: so nobody must be able to guess it."""


def check(settings: Settings, listen: ListenAddress) -> None:
    """See that a server may start.

    Raises:
        SettingsInvalid: Others could reach it and it would ask nobody, a token is short, or OAuth is set in part.
    """
    _refuse_short_tokens(settings)
    oauth = (settings.oauth_issuer, settings.oauth_jwks_url, settings.oauth_audience)
    if any(oauth) and not all(oauth):
        raise SettingsInvalid(
            "OAuth is set in part: it needs AGENT_WORKFLOWS_OAUTH_ISSUER, AGENT_WORKFLOWS_OAUTH_JWKS_URL and "
            "AGENT_WORKFLOWS_OAUTH_AUDIENCE (the address under which clients know this server, with /mcp)."
        )
    if not listen.loopback and not own_tokens(settings) and not any(oauth):
        raise SettingsInvalid(
            f"Others can reach {listen}, and whoever can would run agents as you. Set AGENT_WORKFLOWS_TOKEN to a long "
            "random text that clients then have to send, or AGENT_WORKFLOWS_OAUTH_ISSUER and its like; or listen at "
            "127.0.0.1."
        )


def _refuse_short_tokens(settings: Settings) -> None:
    given = {"AGENT_WORKFLOWS_TOKEN is": settings.token} if settings.token is not None else {}
    given |= {f"AGENT_WORKFLOWS_TOKENS: the token of {owner!r} is": token for owner, token in settings.tokens.items()}
    for whose, token in given.items():
        if len(token.get_secret_value()) < SHORTEST_TOKEN:
            raise SettingsInvalid(
                f"{whose} shorter than {SHORTEST_TOKEN} characters, and could be guessed. Set a long random text, "
                "such as `python3 -c 'import secrets; print(secrets.token_urlsafe())'` makes one."
            )


def own_tokens(settings: Settings) -> dict[str, str]:
    """The tokens that stand in the settings, by owner."""
    own = {OWNER: settings.token} if settings.token is not None else {}
    return {owner: token.get_secret_value() for owner, token in {**own, **settings.tokens}.items()}
