from typing import Any, get_args

import pytest
from pydantic import ValidationError

from workflows.build_feature.contract import Round
from workflows.build_feature.decision import MOST_ROUNDS, MOST_TIMES, AgentName, Decision, Routing, settle
from workflows.build_feature.state import Standing


def standing(*agents: str) -> Standing:
    rounds = [Round(agent=agent, instructions="", outcome="") for agent in agents]
    return Standing(
        task="t", constraints=[], research="", design="", work="", review=None, files=[], diff="", tests_run=[],
        rounds=rounds,
    )  # fmt: skip


def decision(next_agent: str, **changes: Any) -> Decision:
    whole = {"analysis": "a", "reasoning": "r", "confidence": 0.5, "next_agent": next_agent, "instructions": "do it"}
    return Decision.model_validate({**whole, **changes})


@pytest.mark.parametrize("agent", get_args(AgentName))
def test_the_supervisors_decision_counts(agent: AgentName) -> None:
    assert settle(decision(agent), standing()) == Routing(agent, "do it")


def test_to_finish_is_to_have_the_responder_answer() -> None:
    assert settle(decision("finish"), standing("codesmith")) == Routing("responder", "do it")


@pytest.mark.parametrize("agent", MOST_TIMES)
def test_an_agent_that_has_worked_often_enough_does_not_work_again(agent: AgentName) -> None:
    routing = settle(decision(agent), standing("codesmith", "reviewfix", *[agent] * MOST_TIMES[agent]))

    assert routing.next_agent != agent
    assert f"{agent} was decided on, but has already worked" in routing.overruled


def test_one_time_less_is_still_allowed() -> None:
    assert settle(decision("codesmith"), standing("codesmith", "codesmith")) == Routing("codesmith", "do it")


def test_after_too_much_thinking_somebody_builds() -> None:
    routing = settle(decision("research"), standing("research", "research"))

    assert routing.next_agent == "codesmith"
    assert "Nothing is built yet" in routing.overruled
    assert routing.instructions != "do it"


def test_after_too_much_building_somebody_reviews() -> None:
    routing = settle(decision("codesmith"), standing("codesmith", "codesmith", "codesmith"))

    assert routing.next_agent == "reviewfix"
    assert "not reviewed" in routing.overruled


def test_after_too_much_building_and_a_review_the_responder_answers() -> None:
    routing = settle(decision("codesmith"), standing("codesmith", "codesmith", "codesmith", "reviewfix"))

    assert routing.next_agent == "responder"
    assert "what is open" in routing.instructions


def test_code_that_nobody_may_review_any_more_is_answered_for() -> None:
    rounds = ("reviewfix", "reviewfix", "reviewfix", "codesmith")

    assert settle(decision("reviewfix"), standing(*rounds)).next_agent == "responder"


def test_the_number_of_rounds_is_bounded() -> None:
    rounds = ("research", "architect") * 2 + ("reviewfix",) * 3 + ("codesmith",) * 2
    assert len(rounds) == MOST_ROUNDS

    routing = settle(decision("codesmith"), standing(*rounds))

    assert routing.next_agent == "responder"
    assert f"the limit of {MOST_ROUNDS} rounds is reached" in routing.overruled


def test_the_limit_of_rounds_never_stands_in_the_way_of_the_answer() -> None:
    assert settle(decision("finish"), standing(*["codesmith"] * 20)) == Routing("responder", "do it")


@pytest.mark.parametrize(
    "changes",
    [{"confidence": 1.1}, {"confidence": -0.1}, {"next_agent": "tester"}, {"analysis": ""}, {"reasoning": ""}],
)
def test_a_decision_that_says_nothing_or_too_much_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        decision(**{"next_agent": "codesmith", **changes})  # pyright: ignore[reportArgumentType] - one of them is wrong on purpose
