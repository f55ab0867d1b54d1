"""The roles of the built-in workflows, by name, and which of them a misspelt name was meant to be."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from agents import roles
from agents.review_roles import REVIEWERS
from agents.roles import Role

ROLES: Mapping[str, Role] = MappingProxyType(
    {role.name: role for role in (*vars(roles).values(), *REVIEWERS.values()) if isinstance(role, Role)}
)
"""All of them, in the order in which they are defined."""

_SIMILAR = 0.8


def meant_role(name: str) -> str | None:
    """The role a name was probably meant to be; None for a known role, and for a name that is like none."""
    if name in ROLES:
        return None
    return next(iter(get_close_matches(name, ROLES, n=1, cutoff=_SIMILAR)), None)
