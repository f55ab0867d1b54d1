import pytest

from agents.review_roles import REVIEWERS
from agents.roles import (
    ARCHITECT,
    ASSISTANT,
    CLAUDE,
    CODER,
    CODESMITH,
    DOCUMENTER,
    PLANNER,
    REFINER,
    RESEARCH,
    RESEARCHER,
    RESPONDER,
    REVIEWER,
    REVIEWFIX,
    SUPERVISOR,
    SYNTHESIZER,
    TESTER,
    Role,
)

TEAM = [SUPERVISOR, RESEARCH, ARCHITECT, CODESMITH, REVIEWFIX, RESPONDER]
ALONE = [CLAUDE, ASSISTANT, PLANNER, RESEARCHER, SYNTHESIZER]
ROLES = [*TEAM, CODER, REVIEWER, REFINER, TESTER, DOCUMENTER, *REVIEWERS.values(), *ALONE]


def test_a_role_may_do_no_more_than_its_work_needs() -> None:
    assert {role.name: role.access for role in ROLES} == {
        "supervisor": "none",
        "research": "read",
        "architect": "read",
        "codesmith": "write",
        "reviewfix": "write",
        "responder": "none",
        "coder": "write",
        "reviewer": "read",
        "refiner": "write",
        "tester": "write",
        "documenter": "write",
        "correctness_reviewer": "read",
        "security_reviewer": "read",
        "performance_reviewer": "read",
        "tests_reviewer": "read",
        "claude": "write",
        "assistant": "read",
        "planner": "none",
        "researcher": "read",
        "synthesizer": "none",
    }


def test_only_who_needs_them_has_the_web_and_connected_tools() -> None:
    assert {role.name for role in ROLES if role.web} == {"assistant", "researcher"}
    assert {role.name for role in ROLES if role.connected_tools} == {"assistant"}
    assert [role.name for role in ROLES if role.allowed_tools] == []


@pytest.mark.parametrize("role", [role for role in ROLES if role.access != "none"], ids=lambda role: role.name)
def test_who_sees_the_workspace_is_told_to_stay_in_it(role: Role) -> None:
    assert "nothing outside it" in role.instructions


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_everybody_is_told_to_say_only_what_they_know(role: Role) -> None:
    assert "Say only what you know" in role.instructions


def test_the_supervisor_knows_the_whole_team() -> None:
    assert all(f"- {role.name}: " in SUPERVISOR.instructions for role in TEAM[1:])
