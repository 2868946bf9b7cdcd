"""API cost, budgets, mixes and currencies: exact in `Decimal`, linear, tiered at the right token, rounded only for display."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profiles import quick

from agent.tools.cost import CostInputError, api_cost, budget_requests, budget_tokens, convert_money, mix_saving
from agent.tools.prices import NoPriceError, PriceQuote, choose_quotes, holds, price_of, quotes_of
from agent.words import money, plain, tokens
from kb.catalog.catalog import Catalog
from kb.catalog.load import load_catalog
from kb.catalog.schema import Claim, Entity
from kb.numbers import find_numbers
from kb.quantities import find_quantities

rates = st.decimals(min_value="0.0001", max_value="9999", places=4, allow_nan=False, allow_infinity=False)
volumes = st.integers(min_value=0, max_value=10**13).map(Decimal)
budgets = st.decimals(min_value="0.01", max_value="99999999", places=2, allow_nan=False, allow_infinity=False)
shares = st.decimals(min_value=0, max_value=1, places=3, allow_nan=False, allow_infinity=False)


def quote(input_rate: Decimal | None, output_rate: Decimal | None, per: str = "1M token", currency: str = "USD") -> PriceQuote:
    entity = Entity("heron", "model", "Heron 2", "", "", "", (), {})
    claims = [
        Claim("heron", field, rate, f"{currency}/{per}", "a.md", "S") if rate is not None else None
        for field, rate in (("input_price", input_rate), ("output_price", output_rate))
    ]
    return PriceQuote(entity, currency, per, claims[0], claims[1], {})


@quick
@given(rates, rates, volumes, volumes)
def test_a_bill_is_exactly_tokens_times_rates(a: Decimal, b: Decimal, n: Decimal, m: Decimal) -> None:
    cost = api_cost(quote(a, b), n, m)
    assert Fraction(cost.total) == Fraction(a) * Fraction(n) / 10**6 + Fraction(b) * Fraction(m) / 10**6
    assert cost.total == cost.input_cost + cost.output_cost


@quick
@given(rates, rates, volumes, volumes, st.integers(1, 1000))
def test_a_bill_is_linear_in_its_volumes(a: Decimal, b: Decimal, n: Decimal, m: Decimal, k: int) -> None:
    once, often = api_cost(quote(a, b), n, m), api_cost(quote(a, b), n * k, m * k)
    assert often.total == once.total * k
    assert api_cost(quote(a, b), n, None).total + api_cost(quote(a, b), None, m).total == once.total


@quick
@given(rates, volumes)
def test_a_price_for_a_thousand_tokens_gives_the_same_bill(rate: Decimal, n: Decimal) -> None:
    per_thousand = api_cost(quote(rate, rate, "1000 token"), n, n).total
    assert per_thousand == api_cost(quote(rate * 1000, rate * 1000), n, n).total


@quick
@given(rates, rates, budgets, shares)
def test_what_a_budget_buys_costs_the_budget(a: Decimal, b: Decimal, budget: Decimal, share: Decimal) -> None:
    bought = budget_tokens(quote(a, b), budget, input_share=share)
    spent = api_cost(quote(a, b), min(bought * share, Decimal(10) ** 24), min(bought * (1 - share), Decimal(10) ** 24)).total
    assert spent == pytest.approx(budget, rel=Decimal("1e-20"))


@quick
@given(rates, rates, budgets, st.integers(1, 10**6), st.integers(0, 10**6))
def test_requests_of_a_budget_times_the_price_of_one_is_the_budget(a: Decimal, b: Decimal, budget: Decimal, n: int, m: int) -> None:
    count = budget_requests(quote(a, b), budget, Decimal(n), Decimal(m))
    assert count * api_cost(quote(a, b), Decimal(n), Decimal(m)).total == pytest.approx(budget, rel=Decimal("1e-20"))


@quick
@given(budgets, budgets, shares)
def test_a_mix_lies_between_its_parts_and_its_saving_adds_up(before: Decimal, other: Decimal, share: Decimal) -> None:
    mix = mix_saving(before, other, share)
    assert min(before, other) <= mix.after <= max(before, other)
    assert mix.before - mix.after == mix.saved
    assert mix.saved_percent == pytest.approx((before - mix.after) / before * 100)
    assert mix_saving(before, other, Decimal(0)).after == before and mix_saving(before, other, Decimal(1)).after == other


@quick
@given(budgets, st.decimals(min_value="0.5", max_value=200, places=4, allow_nan=False, allow_infinity=False))
def test_money_converted_there_and_back_is_the_same(amount: Decimal, rate: Decimal) -> None:
    there = convert_money(amount, "USD", "CNY", rate)
    assert there == amount * rate
    assert convert_money(there, "CNY", "USD", rate) == pytest.approx(amount, rel=Decimal("1e-24"))
    assert convert_money(amount, "EUR", "EUR", None) == amount


@pytest.mark.parametrize("rate", [None, Decimal(0), Decimal(-7)])
def test_no_conversion_without_a_rate(rate: Decimal | None) -> None:
    with pytest.raises(CostInputError, match="rate"):
        convert_money(Decimal(1), "USD", "CNY", rate)


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "-Infinity", "1e30"])
def test_volumes_that_cannot_be_are_refused_and_named(value: str) -> None:
    with pytest.raises(CostInputError, match="input tokens"):
        api_cost(quote(Decimal(1), Decimal(1)), Decimal(value), Decimal(0))


def test_a_missing_price_is_an_error_and_never_zero() -> None:
    assert api_cost(quote(Decimal(5), None), Decimal(10**6), None).total == 5
    with pytest.raises(CostInputError, match="no output price"):
        api_cost(quote(Decimal(5), None), Decimal(1), Decimal(1))
    with pytest.raises(CostInputError, match="free"):
        budget_tokens(quote(Decimal(0), Decimal(0)), Decimal(10), input_share=Decimal("0.5"))


def tiered(folder: Path, *tiers: tuple[str, str, str]) -> Catalog:
    def claims(which: int) -> list[dict[str, Any]]:
        return [
            {"value": tier[which], "unit": "USD/1M token", "source": "a.md", "section": "S", "when": {"context_tokens": tier[0]}}
            for tier in tiers
        ]

    entity = {"id": "heron", "name": "Heron 2", "claims": {"input_price": claims(1), "output_price": claims(2)}}
    folder.mkdir(exist_ok=True)
    (folder / "c.yaml").write_text(yaml.safe_dump({"entities": [entity]}), encoding="utf-8")
    return load_catalog(folders=[folder])


@pytest.mark.parametrize(("context", "rate"), [(1, "3.5"), (127_999, "3.5"), (128_000, "3.5"), (128_001, "7"), (1_000_000, "7")])
def test_the_tier_changes_after_its_limit_and_not_at_it(tmp_path: Path, context: int, rate: str) -> None:
    catalog = tiered(tmp_path / "c", ("<=128000", "3.5", "10.5"), (">128000", "7", "21"))
    assert price_of(catalog, "heron", context_tokens=Decimal(context)).input_rate == Decimal(rate)


@settings(quick, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(min_value=1, max_value=3_000_000))
def test_every_length_falls_into_exactly_one_of_three_tiers(tmp_path: Path, context: int) -> None:
    catalog = tiered(tmp_path / "c", ("<=32000", "1", "2"), ("32000-128000", "3", "4"), (">128000", "5", "6"))
    held = choose_quotes(quotes_of(catalog, "heron"), context_tokens=Decimal(context))
    assert [q.input_rate for q in held] == [Decimal(1 if context <= 32_000 else 3 if context <= 128_000 else 5)]


@pytest.mark.parametrize(
    ("condition", "inside", "outside"),
    [
        ("<=128k", 128_000, 128_001),
        ("<128000", 127_999, 128_000),
        ("≤ 128,000", 128_000, 128_001),
        (">=1M", 1_000_000, 999_999),
        (">128K", 128_001, 128_000),
    ],
)
def test_conditions_on_the_context_length(condition: str, inside: int, outside: int) -> None:
    assert holds(condition, Decimal(inside)) and not holds(condition, Decimal(outside))


def test_a_model_without_a_price_is_refused_by_name(tmp_path: Path) -> None:
    catalog = tiered(tmp_path / "c", ("<=32000", "1", "2"))
    with pytest.raises(NoPriceError, match="Heron 2"):
        price_of(catalog, "heron", context_tokens=Decimal(64_000))


@quick
@given(st.decimals(min_value="0.000001", max_value="999999999999", places=6, allow_nan=False, allow_infinity=False))
def test_money_is_shown_within_half_a_cent_or_four_digits(value: Decimal) -> None:
    shown = money(value, "USD")
    (read,) = find_quantities(shown)
    assert (read.unit, read.is_money) == ("USD", True)
    slack = Decimal("0.005") if value >= 1 else Decimal("0.0000005")
    assert abs(read.value - value) <= slack


@quick
@given(st.integers(min_value=1, max_value=10**15).map(Decimal), st.sampled_from(["zh", "en"]))
def test_token_counts_are_shown_exactly(value: Decimal, language: Any) -> None:
    assert [n.value for n in find_numbers(tokens(value, language))] == [value]


@quick
@given(st.decimals(min_value="-1e15", max_value="1e15", places=6, allow_nan=False, allow_infinity=False))
def test_plain_numbers_have_no_exponent_and_lose_nothing(value: Decimal) -> None:
    text = plain(value)
    assert "E" not in text and Decimal(text.replace(",", "")) == value
