"""Prices per token: whatever count a price is written for, the figure for a million comes out exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import quick
from written_numbers import plain

from kb.rates import currency_in, find_rates, token_count_unit

COUNTS = {
    "/百万tokens": 10**6,
    "每百万token": 10**6,
    "/千tokens": 10**3,
    "/万tokens": 10**4,
    " per 1M tokens": 10**6,
    " per million tokens": 10**6,
    " per 1k tokens": 10**3,
    " per 1,000 tokens": 10**3,
    "/1M tokens": 10**6,
    "/1K tokens": 10**3,
    "/千token": 10**3,
    " / 百万 Tokens": 10**6,
}
SIGNS = {"¥": "CNY", "$": "USD", "€": "EUR", "£": "GBP"}

prices = st.decimals(min_value="0.0001", max_value="999", places=4, allow_nan=False, allow_infinity=False)


@quick
@given(prices, st.sampled_from(sorted(SIGNS)), st.sampled_from(sorted(COUNTS)))
def test_a_price_reads_back_per_million_whatever_it_is_written_for(price: Decimal, sign: str, count: str) -> None:
    (rate,) = find_rates(f"{sign}{plain(price)}{count}")
    assert (rate.per_million, rate.currency) == (price * 10**6 / COUNTS[count], SIGNS[sign])


@quick
@given(prices, prices, st.sampled_from(sorted(COUNTS)))
def test_input_and_output_prices_of_a_sentence_keep_their_order(first: Decimal, second: Decimal, count: str) -> None:
    text = f"输入 ${plain(first)}{count}，输出 ${plain(second)}{count}"
    assert [rate.per_million for rate in find_rates(text)] == [p * 10**6 / COUNTS[count] for p in (first, second)]


@quick
@given(prices, st.sampled_from([(Decimal(10**6), "token"), (Decimal(10**3), "token")]))
def test_a_table_lends_its_unit_and_currency_to_plain_numbers(price: Decimal, per: tuple[Decimal, str]) -> None:
    (rate,) = find_rates(plain(price), currency="JPY", per=per)
    assert (rate.per_million, rate.currency) == (price * 10**6 / per[0], "JPY")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("元/百万tokens", (10**6, "token")),
        ("单位：元/千tokens", (10**3, "token")),
        ("USD per 1M tokens", (10**6, "token")),
        ("EUR per 1k tokens", (10**3, "token")),
        ("日元/百万tokens", (10**6, "token")),
        ("每百万 Tokens", (10**6, "token")),
        ("$/Mtok", (10**6, "token")),
        ("元/千字", (10**3, "char")),
    ],
)
def test_the_unit_of_a_header(header: str, expected: tuple[int, str]) -> None:
    assert token_count_unit(header) == expected


@pytest.mark.parametrize("text", ["上下文 tokens", "价格", "100 万", "Tokens", ""])
def test_no_unit_is_no_unit(text: str) -> None:
    assert token_count_unit(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("单位：元/百万tokens", "CNY"),
        ("价格（美元）", "USD"),
        ("EUR per 1k tokens", "EUR"),
        ("USD 或 CNY", ""),
        ("价格", ""),
    ],
)
def test_the_currency_of_a_header(text: str, code: str) -> None:
    assert currency_in(text) == code


@pytest.mark.parametrize("text", ["每月 ¥500", "$20/month", "硬件 50万元", "¥3"])
def test_amounts_that_are_not_per_token_are_no_rates(text: str) -> None:
    assert find_rates(text) == []


@quick
@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    for rate in find_rates(text):
        assert rate.per_million.is_finite() and rate.per_million >= 0
    token_count_unit(text)
    currency_in(text)
