import pytest

from workflows.wording import counted


@pytest.mark.parametrize(("number", "told"), [(0, "0 tool calls"), (1, "1 tool call"), (2, "2 tool calls")])
def test_only_one_of_a_thing_has_no_plural(number: int, told: str) -> None:
    assert counted(number, "tool call") == told
