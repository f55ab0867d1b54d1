"""The stage of the Claude agent's tests: what runs on it is a child process like any other."""

from tests.agents.claude.conftest import stage

__all__ = ["stage"]
