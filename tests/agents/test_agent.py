from hypothesis import given
from hypothesis import strategies as st

from agents.agent import Usage

COSTS = st.none() | st.sampled_from([0.0, 0.25, 0.5, 4.0])


@given(st.lists(COSTS))
def test_a_sum_knows_what_is_known_of_it_and_whether_that_is_all(costs: list[float | None]) -> None:
    total = sum((Usage(1, 2, cost) for cost in costs), Usage())

    known = sum(cost for cost in costs if cost is not None)
    assert total.known_cost_usd == known
    assert total.cost_usd == (None if None in costs else known)
    assert (total.input_tokens, total.output_tokens) == (len(costs), 2 * len(costs))
