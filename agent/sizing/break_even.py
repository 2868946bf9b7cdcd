"""When owning or renting GPUs becomes cheaper than an API: after how many months, and from which volume on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from agent.sizing.inputs import HOURS_PER_MONTH, exact, share, whole
from agent.sizing.money import amount, dec, shown
from agent.sizing.money import currency as currency_code
from agent.sizing.steps import Calculation, Steps, count

MILLION = 10**6


@dataclass(frozen=True, kw_only=True)
class BreakEvenMonths(Calculation):
    """`months` until the upfront cost is earned back; None is never, because nothing is saved."""

    months: Decimal | None
    never: bool
    monthly_saving: Decimal
    upfront: Decimal
    api_monthly: Decimal
    self_monthly: Decimal
    currency: str


def break_even_months(
    upfront: Any, api_monthly: Any, self_monthly: Any = 0, *, residual_value: Any = 0, currency: str = ""
) -> BreakEvenMonths:
    """Months = upfront cost / (API bill a month - running cost a month). Never, if the API is not dearer than running."""
    first = amount(upfront, "upfront") - amount(residual_value, "residual_value")
    api, own = amount(api_monthly, "api_monthly"), amount(self_monthly, "self_monthly")
    code = currency_code(currency)
    saving = api - own
    steps = Steps()
    steps.add(
        f"每月节省 = API {shown(api, code)} − 自建 {shown(own, code)} = {shown(saving, code)}",
        f"saved a month = API {shown(api, code)} − own running cost {shown(own, code)} = {shown(saving, code)}",
    )
    months: Fraction | None = None
    if first <= 0:
        months = Fraction(0)
        steps.add("没有需要收回的前期投入", "there is no upfront cost to earn back")
    elif saving > 0:
        months = first / saving
        steps.add(
            f"回本时间 = 投入 {shown(first, code)} ÷ {shown(saving, code)} = {count(months)} 个月（约 {float(months / 12):.1f} 年）",
            f"break-even = {shown(first, code)} ÷ {shown(saving, code)} = {count(months)} months (about {float(months / 12):.1f} years)",
        )
    else:
        steps.add("每月没有节省：永远不会回本", "nothing is saved each month: it never breaks even")
    return BreakEvenMonths(
        months=dec(months) if months is not None else None, never=months is None, monthly_saving=dec(saving), upfront=dec(first),
        api_monthly=dec(api),
        self_monthly=dec(own), currency=code, steps_zh=steps.zh, steps_en=steps.en,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BreakEvenVolume(Calculation):
    """`tokens_per_month` from which self-hosting is cheaper for the first time; None is never.

    GPUs come in steps, so right after a further replica it can be dearer again: `always_from` is past the last such dip.
    """

    tokens_per_month: Decimal | None
    never: bool
    replicas: int | None
    capacity_per_replica: Decimal | None
    replica_monthly: Decimal
    fixed_monthly: Decimal
    api_price_per_1m: Decimal
    marginal_price_per_1m: Decimal
    always_from: Decimal | None
    currency: str


def break_even_volume(
    api_price_per_1m: Any,
    *,
    replica_monthly: Any = None,
    gpus_per_replica: Any = 1,
    price_per_gpu_hour: Any = None,
    fixed_monthly: Any = 0,
    marginal_price_per_1m: Any = 0,
    tokens_per_s: Any = None,
    utilization: Any = 1,
    capacity_per_replica: Any = None,
    currency: str = "",
) -> BreakEvenVolume:
    """The monthly volume at which fixed + replicas(V) * replica cost + marginal * V is no more than API price * V.

    A replica costs `replica_monthly`, or GPUs * price an hour * 730. It makes `capacity_per_replica` tokens a month, or
    tokens/s * 3600 * 730 * utilisation; with neither, one replica is taken to be enough. `api_price_per_1m` is the blended
    price of a token as the volume counts them. Never: the API price does not exceed what a token costs on a full replica.
    """
    price = amount(api_price_per_1m, "api_price_per_1m") / MILLION
    marginal = amount(marginal_price_per_1m, "marginal_price_per_1m") / MILLION
    fixed = amount(fixed_monthly, "fixed_monthly")
    code = currency_code(currency)
    n = whole(gpus_per_replica, "gpus_per_replica")
    if replica_monthly is not None:
        step = amount(replica_monthly, "replica_monthly")
    else:
        step = n * amount(0 if price_per_gpu_hour is None else price_per_gpu_hour, "price_per_gpu_hour") * HOURS_PER_MONTH
    capacity: Fraction | None = None
    if capacity_per_replica is not None:
        capacity = exact(capacity_per_replica, "capacity_per_replica", high=10**18, kind="tokens")
    elif tokens_per_s is not None:
        capacity = exact(tokens_per_s, "tokens_per_s", high=10**9) * 3600 * HOURS_PER_MONTH * share(utilization, "utilization")
    margin = price - marginal
    steps = Steps()
    steps.add(
        f"每份部署每月 {shown(step, code)}，固定 {shown(fixed, code)}；API 每百万 token {shown(price * MILLION, code)}，自建边际"
        f" {shown(marginal * MILLION, code)}",
        f"a replica {shown(step, code)} a month, fixed {shown(fixed, code)}; API {shown(price * MILLION, code)} for 1M tokens, own marginal"
        f" {shown(marginal * MILLION, code)}",
    )
    volume: Fraction | None = None
    always: Fraction | None = None
    replicas: int | None = None
    if margin > 0 and (capacity is None or step == 0):
        replicas, volume = 1, (fixed + step) / margin
        always = volume
    elif margin > 0 and capacity is not None and margin * capacity > step:
        gain = margin * capacity - step
        replicas = max(1, -(-fixed // gain))
        volume = (fixed + replicas * step) / margin
        last_dip = max(
            replicas,
            int((fixed + margin * capacity) / gain) if (fixed + margin * capacity) % gain else int((fixed + margin * capacity) / gain) - 1,
        )
        always = max(volume, (fixed + last_dip * step) / margin)
    if capacity is not None:
        steps.add(f"每份部署每月最多 {count(capacity)} tokens", f"a replica makes at most {count(capacity)} tokens a month")
    if volume is None:
        steps.add(
            "API 单价不高于自建满载时的单位成本：永远不会回本",
            "the API price does not exceed the cost of a token on a fully used replica: it never breaks even",
        )
    else:
        steps.add(
            f"盈亏平衡量 = (固定 + {replicas} × 每份部署) ÷ (API 单价 − 边际) = {count(volume)} tokens/月",
            f"break-even volume = (fixed + {replicas} × replica) ÷ (API price − marginal) = {count(volume)} tokens a month",
        )
        if always is not None and always > volume:
            steps.add(
                f"由于 GPU 成台阶增加，超过 {count(always)} tokens/月后才始终更便宜",
                f"since GPUs come in steps, it is always cheaper only past {count(always)} tokens a month",
            )
    return BreakEvenVolume(
        tokens_per_month=dec(volume) if volume is not None else None, never=volume is None, replicas=replicas,
        capacity_per_replica=dec(capacity) if capacity is not None else None, replica_monthly=dec(step), fixed_monthly=dec(fixed),
        api_price_per_1m=dec(price * MILLION), marginal_price_per_1m=dec(marginal * MILLION),
        always_from=dec(always) if always is not None else None,
        currency=code, steps_zh=steps.zh, steps_en=steps.en,
    )  # fmt: skip


def self_host_monthly(result: BreakEvenVolume, tokens_per_month: Fraction) -> Fraction:
    """What self-hosting costs at a volume, on the staircase of replicas."""
    capacity = Fraction(result.capacity_per_replica) if result.capacity_per_replica is not None else None
    replicas = 1 if capacity is None else max(1, -(-tokens_per_month // capacity))
    return (
        Fraction(result.fixed_monthly)
        + replicas * Fraction(result.replica_monthly)
        + Fraction(result.marginal_price_per_1m) * tokens_per_month / MILLION
    )
