import pytest

from agents.agent import Usage
from agents.errors import CostLimitReached
from workflows.budget import Budget, Limits


def test_a_charge_of_unknown_price_does_not_switch_the_limit_off() -> None:
    budget = Budget(Limits(max_cost_usd=1.0))

    budget.charge(Usage(1, 1, 0.95))
    budget.charge(Usage(1, 1, None))
    assert budget.cost_left() == pytest.approx(0.05)

    budget.charge(Usage(1, 1, 0.05))
    with pytest.raises(CostLimitReached, match=r"\$1\.00 and more, whose price is unknown, of max_cost_usd 1\.0"):
        budget.check()


def test_what_is_spent_is_unknown_as_soon_as_a_part_of_it_is() -> None:
    budget = Budget(Limits(), spent=Usage(1, 1, None, 0.4))

    budget.charge(Usage(2, 3, 0.1))

    assert budget.spent == Usage(3, 4, None, 0.5)


def test_earlier_attempts_count_also_where_a_part_of_their_price_is_unknown() -> None:
    budget = Budget(Limits(max_cost_usd=0.5), spent=Usage(1, 1, None, 0.6))

    with pytest.raises(CostLimitReached):
        budget.check()


def test_without_a_limit_nothing_is_bounded() -> None:
    budget = Budget(Limits(), spent=Usage(1, 1, 1000.0))

    assert (budget.cost_left(), budget.seconds_left()) == (None, None)
    budget.check()
