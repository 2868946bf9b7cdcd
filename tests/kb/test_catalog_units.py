"""Units and conditions: what they mean, what converts, what is refused."""

# ruff: noqa: E501  (tables are easier to check on one line each)
from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.catalog.conditions import compatible, holds, parse_interval
from kb.catalog.units import UnitError, convert, currency_code, parse_money, parse_quantity_unit, parse_rate


@pytest.mark.parametrize(
    ("text", "unit", "factor"),
    [
        ("USD/1M token", "USD/1M token", 1), ("CNY/1k tokens", "CNY/1M token", 1000), ("RMB/千字", "CNY/1M character", 1000),
        ("€/token", "EUR/1M token", 1_000_000), ("¥/万tokens", "CNY/1M token", 100), ("USD/image", "USD/image", 1), ("JPY/100 image", "JPY/100 image", 1),
    ],
)  # fmt: skip
def test_rates_are_per_million_tokens_whatever_the_source_counts_in(text: str, unit: str, factor: int) -> None:
    rate, found = parse_rate(text)
    assert (str(rate), found) == (unit, Decimal(factor))


@pytest.mark.parametrize("text", ["USD", "dollars per token", "XXX/1M token", "USD/1M parsec"])
def test_what_is_not_a_rate_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        parse_rate(text)


def test_a_currency_alone_takes_the_fields_denominator() -> None:
    assert str(parse_rate("GBP", "1M token")[0]) == "GBP/1M token"


@given(
    st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(10_000), places=4), st.sampled_from([(1, ""), (1000, "1k "), (10**6, "1M ")])
)
def test_a_price_says_the_same_in_every_denominator(price: Decimal, per: tuple[int, str]) -> None:
    rate, factor = parse_rate(f"USD/{per[1]}token")
    assert price / per[0] * 10**6 == price * factor
    assert str(rate) == "USD/1M token"


def test_money_may_be_for_a_period() -> None:
    assert (parse_money("RMB"), parse_money("USD/月"), currency_code("￥")) == ("CNY", "USD/month", "CNY")


def test_a_unit_that_measures_something_else_is_refused() -> None:
    with pytest.raises(UnitError, match="does not measure"):
        parse_quantity_unit("ms", "token")
    assert parse_quantity_unit("1M token", "token") == ("token", Decimal(10**6))
    assert parse_quantity_unit("字", "token")[0] == "character"


def test_only_units_of_one_dimension_convert() -> None:
    assert convert(Decimal(2), "s", "ms") == 2000
    assert convert(Decimal(1), "token", "character") is None
    assert convert(Decimal(1), "token/day", "token/month") is None


def test_conditions_are_compatible_if_something_satisfies_both() -> None:
    assert compatible({"context_tokens": "<=128000"}, {"context_tokens": ">100000"})
    assert not compatible({"context_tokens": "<=128000"}, {"context_tokens": ">128000"})
    assert not compatible({"context_tokens": "<=32000"}, {"context_tokens": ">32000,<=128000"})
    assert compatible({"context_tokens": "<=1"}, {"channel": "third_party"})
    assert not compatible({"channel": "public_api"}, {"channel": "third_party"})


def test_a_condition_holds_for_the_facts_that_it_speaks_of() -> None:
    assert holds({"context_tokens": "<=128000"}, {"context_tokens": Decimal(128000)})
    assert not holds({"context_tokens": ">32000,<=128000"}, {"context_tokens": Decimal(32000)})
    assert holds({"channel": "third_party"}, {})
    assert parse_interval("at night") is None
