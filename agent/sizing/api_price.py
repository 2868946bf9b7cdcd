"""An API bill from tokens and prices, and how many tokens a budget buys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from agent.sizing.errors import SizingError
from agent.sizing.inputs import MAX_TOKENS, exact, share
from agent.sizing.money import amount, dec, shown
from agent.sizing.money import currency as currency_code
from agent.sizing.steps import Calculation, Steps, count

MILLION = 10**6


@dataclass(frozen=True, slots=True)
class Tier:
    """Prices for 1M tokens of requests with more than `over_tokens` input tokens: the whole request is billed at them."""

    over_tokens: Fraction
    input_price: Fraction
    output_price: Fraction


@dataclass(frozen=True, kw_only=True)
class ApiCost(Calculation):
    """`total` for all requests; the parts sum to it before the discount."""

    total: Decimal
    currency: str
    input_cost: Decimal
    output_cost: Decimal
    cache_read_cost: Decimal
    cache_write_cost: Decimal
    input_tokens: Decimal
    output_tokens: Decimal
    converted: Decimal | None = None
    converted_currency: str = ""


def api_cost(
    input_tokens: Any = 0,
    output_tokens: Any = 0,
    *,
    input_price: Any,
    output_price: Any,
    cache_read_tokens: Any = 0,
    cache_write_tokens: Any = 0,
    cache_read_price: Any = None,
    cache_write_price: Any = None,
    requests: Any = 1,
    context_tiers: Sequence[Mapping[str, Any]] | None = None,
    price_multiplier: Any = 1,
    currency: str = "",
    exchange_rate: Any = None,
    to_currency: str = "",
) -> ApiCost:
    """(input - cache read - cache write) * p_in + cache read * p_cr + cache write * p_cw + output * p_out, times `requests`.

    Prices are for 1M tokens. Cached tokens are part of the input. `context_tiers` ({over_tokens, input_price, output_price})
    are cliffs: past the threshold one request is billed wholly at the higher price. `price_multiplier` 0.5 is a batch tier.
    `exchange_rate`: units of `to_currency` for one unit of `currency`.
    """
    tokens_in = exact(input_tokens, "input_tokens", high=MAX_TOKENS, zero=True, kind="tokens")
    tokens_out = exact(output_tokens, "output_tokens", high=MAX_TOKENS, zero=True, kind="tokens")
    read = exact(cache_read_tokens, "cache_read_tokens", high=MAX_TOKENS, zero=True, kind="tokens")
    write = exact(cache_write_tokens, "cache_write_tokens", high=MAX_TOKENS, zero=True, kind="tokens")
    times = exact(requests, "requests", high=MAX_TOKENS, zero=True)
    if read + write > tokens_in:
        raise SizingError(
            f"cache tokens ({count(read + write)}) are more than input_tokens ({count(tokens_in)}); they are a part of the input",
            f"缓存 token（{count(read + write)}）多于输入 token（{count(tokens_in)}）；缓存是输入的一部分",
        )
    p_in, p_out = amount(input_price, "input_price"), amount(output_price, "output_price")
    code = currency_code(currency)
    steps = Steps()
    for tier in sorted(_tiers(context_tiers), key=lambda t: t.over_tokens):
        if tokens_in > tier.over_tokens:
            p_in, p_out = tier.input_price, tier.output_price
            steps.add(
                f"单次输入超过 {count(tier.over_tokens)} token：整个请求按 {shown(p_in, code)} / {shown(p_out, code)} 计价",
                f"more than {count(tier.over_tokens)} input tokens in a request: all of it is billed at {shown(p_in, code)} /"
                f" {shown(p_out, code)}",
            )
    p_read = p_in if cache_read_price is None else amount(cache_read_price, "cache_read_price")
    p_write = p_in if cache_write_price is None else amount(cache_write_price, "cache_write_price")
    factor = times * exact(price_multiplier, "price_multiplier", high=1000, zero=True) / MILLION
    cost_in, cost_out = (tokens_in - read - write) * p_in * factor, tokens_out * p_out * factor
    cost_read, cost_write = read * p_read * factor, write * p_write * factor
    total = cost_in + cost_out + cost_read + cost_write
    many = (f" × {count(times)} 次", f" × {count(times)} requests") if times != 1 else ("", "")
    steps.add(
        f"输入 {count(tokens_in - read - write)} × {shown(p_in, code)}/百万{many[0]} = {shown(cost_in, code)}",
        f"input {count(tokens_in - read - write)} × {shown(p_in, code)}/1M{many[1]} = {shown(cost_in, code)}",
    )
    if read or write:
        steps.add(
            f"缓存读 {count(read)} = {shown(cost_read, code)}，缓存写 {count(write)} = {shown(cost_write, code)}",
            f"cache read {count(read)} = {shown(cost_read, code)}, cache write {count(write)} = {shown(cost_write, code)}",
        )
    steps.add(
        f"输出 {count(tokens_out)} × {shown(p_out, code)}/百万{many[0]} = {shown(cost_out, code)}",
        f"output {count(tokens_out)} × {shown(p_out, code)}/1M{many[1]} = {shown(cost_out, code)}",
    )
    if factor != times / MILLION:
        steps.add(
            f"价格系数 × {float(factor * MILLION / times) if times else 0:g}",
            f"price multiplier × {float(factor * MILLION / times) if times else 0:g}",
        )
    steps.add(f"合计 {shown(total, code)}", f"total {shown(total, code)}")
    converted = None
    target = currency_code(to_currency)
    if exchange_rate is not None:
        rate = exact(exchange_rate, "exchange_rate", high=10**9)
        converted = total * rate
        steps.add(f"× 汇率 {float(rate):g} = {shown(converted, target)}", f"× exchange rate {float(rate):g} = {shown(converted, target)}")
    elif target and target != code:
        raise SizingError(
            f"to_currency is {target} and exchange_rate is missing; give the rate", f"要换算成 {target}，请给出汇率 exchange_rate"
        )
    return ApiCost(
        total=dec(total), currency=code, input_cost=dec(cost_in), output_cost=dec(cost_out), cache_read_cost=dec(cost_read),
        cache_write_cost=dec(cost_write),
        input_tokens=dec(tokens_in * times), output_tokens=dec(tokens_out * times),
        converted=dec(converted) if converted is not None else None,
        converted_currency=target if converted is not None else "", steps_zh=steps.zh, steps_en=steps.en,
    )  # fmt: skip


def _tiers(given: Sequence[Mapping[str, Any]] | None) -> list[Tier]:
    tiers = []
    for index, tier in enumerate(given or ()):
        if not isinstance(tier, Mapping) or not {"over_tokens", "input_price", "output_price"} <= set(tier):
            raise SizingError(f"context_tiers[{index}] is {tier!r}; expected over_tokens, input_price and output_price")
        where = f"context_tiers[{index}]"
        tiers.append(
            Tier(
                exact(tier["over_tokens"], f"{where}.over_tokens", high=MAX_TOKENS, zero=True, kind="tokens"),
                amount(tier["input_price"], f"{where}.input_price"),
                amount(tier["output_price"], f"{where}.output_price"),
            )
        )
    return tiers


@dataclass(frozen=True, kw_only=True)
class BudgetTokens(Calculation):
    """How many tokens a budget buys: whole numbers, rounded down."""

    total_tokens: int
    input_tokens: int
    output_tokens: int
    requests: int | None
    blended_price_per_1m: Decimal
    currency: str


def budget_tokens(
    budget: Any,
    *,
    input_price: Any,
    output_price: Any,
    ratio: Any = None,
    input_share: Any = None,
    input_tokens: Any = None,
    output_tokens: Any = None,
    price_multiplier: Any = 1,
    currency: str = "",
) -> BudgetTokens:
    """Tokens = budget / blended price; blended = input share * p_in + output share * p_out (prices for 1M).

    The split is `ratio` (input:output, "3:1" or 3), or `input_share`, or that of a request with `input_tokens` and
    `output_tokens`, which also gives the number of requests. None of them: 3:1, stated as an assumption.
    """
    money = amount(budget, "budget")
    factor = exact(price_multiplier, "price_multiplier", high=1000)
    p_in, p_out = amount(input_price, "input_price") * factor, amount(output_price, "output_price") * factor
    code = currency_code(currency)
    steps = Steps()
    request = None
    if input_tokens is not None or output_tokens is not None:
        one_in = exact(input_tokens or 0, "input_tokens", high=MAX_TOKENS, zero=True, kind="tokens")
        one_out = exact(output_tokens or 0, "output_tokens", high=MAX_TOKENS, zero=True, kind="tokens")
        request = one_in + one_out
        if not request:
            raise SizingError("input_tokens and output_tokens of a request are both 0; expected at least one token")
        part = one_in / request
    elif input_share is not None:
        part = share(input_share, "input_share", zero=True)
    else:
        left, right = parse_ratio("3:1" if ratio is None else ratio)
        part = left / (left + right)
        if ratio is None:
            steps.add("假设：输入与输出之比 3:1", "assumption: input to output 3:1")
    blended = part * p_in + (1 - part) * p_out
    if not blended:
        raise SizingError("both prices are 0; a budget then buys any number of tokens")
    tokens = money / blended * MILLION
    total, one = int(tokens), int(tokens * part)
    steps.add(
        f"混合单价 = {float(part):.4g} × {shown(p_in, code)} + {float(1 - part):.4g} × {shown(p_out, code)} = {shown(blended, code)}/百万",
        f"blended price = {float(part):.4g} × {shown(p_in, code)} + {float(1 - part):.4g} × {shown(p_out, code)} ="
        f" {shown(blended, code)}/1M",
    )
    steps.add(
        f"{shown(money, code)} ÷ {shown(blended, code)}/百万 = {count(total)} tokens（输入 {count(one)}，输出"
        f" {count(int(tokens * (1 - part)))}）",
        f"{shown(money, code)} ÷ {shown(blended, code)}/1M = {count(total)} tokens (input {count(one)}, output"
        f" {count(int(tokens * (1 - part)))})",
    )
    calls = int(tokens / request) if request else None
    if calls is not None:
        steps.add(f"约 {count(calls)} 次请求", f"about {count(calls)} requests")
    return BudgetTokens(
        total_tokens=total, input_tokens=one, output_tokens=int(tokens * (1 - part)), requests=calls, blended_price_per_1m=dec(blended),
        currency=code,
        steps_zh=steps.zh, steps_en=steps.en,
    )  # fmt: skip


def parse_ratio(value: Any) -> tuple[Fraction, Fraction]:
    """input:output as "3:1", "3比1", [3, 1] or 3."""
    parts: Sequence[Any]
    if isinstance(value, str):
        parts = value.replace("：", ":").replace("比", ":").replace("/", ":").split(":")
    elif isinstance(value, (list, tuple)):
        parts = value
    else:
        parts = (value,)
    if len(parts) not in (1, 2):
        raise SizingError(f"ratio is {value!r}; expected input:output such as 3:1")
    left = exact(parts[0], "ratio", high=10**9, zero=True)
    right = exact(parts[1], "ratio", high=10**9, zero=True) if len(parts) == 2 else Fraction(1)
    if left + right == 0:
        raise SizingError(f"ratio is {value!r}; both sides are 0")
    return left, right
