"""API cost, budget and switching arithmetic in `Decimal`. Formulas: cost = tokens / 1,000,000 x rate, summed over directions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from agent.tools.prices import PriceQuote
from kb.errors import UsageError

MILLION = Decimal(1_000_000)


class CostInputError(UsageError):
    """A volume, a price or a budget that cannot be calculated with."""


def _checked(name: str, value: Decimal | None) -> Decimal:
    number = Decimal(0) if value is None else value
    if not number.is_finite() or number < 0:
        raise CostInputError(f"{name} is {number}; expected zero or a positive number")
    if number > Decimal(10) ** 24:
        raise CostInputError(f"{name} is {number:.3e}; expected at most 10^24, check the unit")
    return number


@dataclass(frozen=True, slots=True)
class ApiCost:
    """The parts and the total of one bill, in `currency`."""

    input_cost: Decimal
    output_cost: Decimal
    total: Decimal
    currency: str


def _rate(quote: PriceQuote, direction: str) -> Decimal:
    rate = quote.input_rate if direction == "input" else quote.output_rate
    if rate is None:
        raise CostInputError(f"{quote.entity.name} has no {direction} price; only the other direction can be calculated")
    return rate * MILLION / per_tokens(quote)


def per_tokens(quote: PriceQuote) -> Decimal:
    """How many tokens the quote's rates stand for."""
    amount = quote.per.split(" ")[0]
    if amount.endswith("M"):
        return Decimal(amount[:-1]) * MILLION
    return Decimal(amount) if amount.replace(".", "").isdigit() else Decimal(1)


def api_cost(quote: PriceQuote, input_tokens: Decimal | None, output_tokens: Decimal | None) -> ApiCost:
    """Cost of the given tokens at the quote's rates. A direction with no tokens needs no rate; raises `CostInputError`."""
    tokens_in, tokens_out = _checked("input tokens", input_tokens), _checked("output tokens", output_tokens)
    cost_in = tokens_in / MILLION * _rate(quote, "input") if tokens_in else Decimal(0)
    cost_out = tokens_out / MILLION * _rate(quote, "output") if tokens_out else Decimal(0)
    return ApiCost(cost_in, cost_out, cost_in + cost_out, quote.currency)


def budget_tokens(quote: PriceQuote, budget: Decimal, *, input_share: Decimal) -> Decimal:
    """Tokens that a budget (in the quote's currency) buys when `input_share` (0..1) of them are input; raises `CostInputError`."""
    budget = _checked("budget", budget)
    if not 0 <= input_share <= 1:
        raise CostInputError(f"input share is {input_share}; expected 0 to 1")
    price = Decimal(0)
    if input_share > 0:
        price += input_share * _rate(quote, "input")
    if input_share < 1:
        price += (1 - input_share) * _rate(quote, "output")
    if price == 0:
        raise CostInputError(f"{quote.entity.name} is free at this ratio; a budget sets no limit")
    return budget / price * MILLION


def budget_requests(quote: PriceQuote, budget: Decimal, input_tokens: Decimal, output_tokens: Decimal) -> Decimal:
    """Requests that a budget buys at the given tokens a request; raises `CostInputError`."""
    one = api_cost(quote, input_tokens, output_tokens).total
    if one == 0:
        raise CostInputError("a request costs nothing at these volumes; a budget sets no limit")
    return _checked("budget", budget) / one


@dataclass(frozen=True, slots=True)
class MixCost:
    """Cost before and after moving a share of the volume, and what that saves (negative: it costs more)."""

    before: Decimal
    after: Decimal
    saved: Decimal
    saved_percent: Decimal


def mix_saving(before: Decimal, other: Decimal, share: Decimal) -> MixCost:
    """Both costs are for the whole volume, in one currency; `share` (0..1) of it moves to the other. Raises `CostInputError`."""
    if not 0 <= share <= 1:
        raise CostInputError(f"share is {share}; expected 0 to 1")
    after = before * (1 - share) + other * share
    saved = before - after
    return MixCost(before, after, saved, saved / before * 100 if before else Decimal(0))


def convert_money(value: Decimal, source: str, target: str, cny_per_usd: Decimal | None) -> Decimal:
    """Converts between CNY and one other currency at a stated rate (CNY for one of the other); raises `CostInputError`."""
    if source == target:
        return value
    if not convertible(source, target):
        raise CostInputError(f"no rate between {source} and {target}; give one in the question")
    if cny_per_usd is None or cny_per_usd <= 0:
        raise CostInputError(
            f"no exchange rate between {source} and {target} is given; state one, e.g. 7.2 CNY/{target if source == 'CNY' else source}"
        )
    return value * cny_per_usd if target == "CNY" else value / cny_per_usd


def convertible(source: str, target: str) -> bool:
    """Whether a rate of CNY for one unit of the other currency converts between the two."""
    return source == target or "CNY" in (source, target)
