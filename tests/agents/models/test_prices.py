"""What requests cost, by the price list."""

from datetime import date

import pytest

from agents.models.model import TokenCount
from agents.models.prices import list_price_of, price_list


def test_every_price_has_a_source_and_a_date() -> None:
    for prices in price_list().values():
        assert prices.source.startswith("https://")
        assert date(2025, 1, 1) < prices.read
        assert prices.models


def test_the_cost_of_a_model_nobody_knows_is_unknown_and_not_zero() -> None:
    assert list_price_of("anthropic")("claude-next-9", TokenCount(input_tokens=1)) is None
    assert list_price_of("somebody")("claude-opus-5-5", TokenCount(input_tokens=1)) is None


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-opus-5-5-20261001"])
def test_a_dated_version_costs_what_its_model_costs(model: str) -> None:
    count = TokenCount(input_tokens=1_000_000, output_tokens=1_000_000)

    assert list_price_of("anthropic")(model, count) == pytest.approx(4.0 + 20.0)


def test_another_model_of_a_similar_name_is_not_taken_for_a_version() -> None:
    assert list_price_of("openai")("gpt-6-sol-max", TokenCount(input_tokens=1)) is None


def test_cached_tokens_have_prices_of_their_own() -> None:
    count = TokenCount(cache_read_tokens=1_000_000, cache_write_tokens=1_000_000, cache_write_1h_tokens=1_000_000)

    assert list_price_of("anthropic")("claude-opus-5", count) == pytest.approx(0.5 + 6.25 + 10.0)


def test_cached_tokens_without_a_price_of_their_own_cost_what_others_do() -> None:
    count = TokenCount(cache_read_tokens=500_000, cache_write_tokens=500_000)

    assert list_price_of("openai")("gpt-5-pro", count) == pytest.approx(15.0)


def test_a_long_request_is_charged_at_its_own_rates_as_a_whole() -> None:
    price_of = list_price_of("openai")

    assert price_of("gpt-6-sol", TokenCount(input_tokens=272_000)) == pytest.approx(0.272 * 2)
    assert price_of("gpt-6-sol", TokenCount(input_tokens=272_001, output_tokens=1_000_000)) == pytest.approx(
        0.272001 * 4 + 15
    )


def test_searches_are_charged_each() -> None:
    assert list_price_of("anthropic")("claude-opus-5", TokenCount(web_searches=3)) == pytest.approx(0.03)


def test_searches_without_a_price_make_the_cost_unknown() -> None:
    assert list_price_of("openai")("gpt-4.1-nano", TokenCount(input_tokens=5, web_searches=1)) is None


def test_what_is_read_from_a_cache_never_costs_more_than_what_is_not() -> None:
    for prices in price_list().values():
        for name, price in prices.models.items():
            assert (price.cache_read or 0.0) <= price.input, name
            assert price.input < price.output, name
            assert (price.long is None) == (price.long_above is None), name
