"""Rates between any two currencies, tiers with both ends, and rules that price by what another document states."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agent.tools.prices import holds
from agent.understand.pairs import stated_pair
from kb.catalog.rules import with_ruled_prices
from kb.catalog.schema import Claim, Entity


@pytest.mark.parametrize(
    ("text", "base", "quote", "rate"),
    [
        ("converted to euros at 1.17 EUR per GBP", "GBP", "EUR", "1.17"),
        ("10M in and 1M out at 165 JPY per EUR", "EUR", "JPY", "165"),
        ("1 EUR = 1.17 USD, in dollars", "EUR", "USD", "1.17"),
        ("1欧元=7.8元", "EUR", "CNY", "7.8"),
        ("按 1 英镑兑 9.2 人民币", "GBP", "CNY", "9.2"),
        ("150 yen to the dollar", "USD", "JPY", "150"),
        ("EUR/USD 1.17", "EUR", "USD", "1.17"),
        ("€1 = £0.86", "EUR", "GBP", "0.86"),
    ],
)
def test_a_rate_between_two_currencies_is_read_with_its_direction(text: str, base: str, quote: str, rate: str) -> None:
    pair = stated_pair(text)
    assert pair is not None and (pair.base, pair.quote, pair.rate) == (base, quote, Decimal(rate))
    assert pair.convert(Decimal(10), base, quote) == 10 * Decimal(rate)
    assert pair.convert(10 * Decimal(rate), quote, base) == 10
    assert pair.convert(Decimal(1), base, "CHF") is None


@pytest.mark.parametrize("text", ["按7.2换成人民币", "costs €5 per 1M and $3 for 1M tokens", "10M in, 1M out", "the EUR price and the USD price"])
def test_amounts_alone_are_no_rate(text: str) -> None:
    assert stated_pair(text) is None


@pytest.mark.parametrize(
    ("condition", "length", "inside"),
    [
        (">32000,<=128000", 2000, False), (">32000,<=128000", 50_000, True), (">32000,<=128000", 200_000, False),
        (">32,000,<=128,000", 128_000, True), ("<=128,000", 128_001, False), (">128000", 200_000, True),
    ],
)  # fmt: skip
def test_a_tier_with_two_ends_holds_between_them(condition: str, length: int, inside: bool) -> None:
    assert holds(condition, Decimal(length)) is inside


def priced(*claims: Claim) -> Entity:
    fields: dict[str, tuple[Claim, ...]] = {}
    for claim in claims:
        fields[claim.field] = (*fields.get(claim.field, ()), claim)
    return Entity("m", "model", "Alfa 1", "", "", "", (), fields)


def rate(value: str, when: dict[str, str] | None = None, field: str = "input_price") -> Claim:
    return Claim("m", field, Decimal(value), "EUR/1M token", "prices.md", "", when=when or {})


RULE = Claim(
    "m", "pricing_note", "batch at 60% of the list price", "", "terms.md", "", formula="price_rule",
    inputs={"factor": "0.6", "sides": ["input", "output"], "when": {"mode": "batch"}},
)  # fmt: skip


def test_a_rule_of_one_document_prices_by_what_another_states() -> None:
    entity = with_ruled_prices(priced(rate("2"), rate("0.5", {"mode": "cached"}), rate("5", field="output_price"), RULE))
    (derived,) = (claim for claim in entity.claims["input_price"] if claim.when == {"mode": "batch"})
    assert (derived.value, derived.unit, derived.source) == (Decimal("1.2"), "EUR/1M token", "terms.md")
    assert [claim.value for claim in entity.claims["output_price"] if claim.when] == [Decimal(3)]


def test_a_rule_never_replaces_a_price_that_is_stated() -> None:
    entity = with_ruled_prices(priced(rate("2"), rate("1.5", {"mode": "batch"}), RULE))
    assert [claim.value for claim in entity.claims["input_price"]] == [Decimal(2), Decimal("1.5")]
    assert "output_price" not in entity.claims
