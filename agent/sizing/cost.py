"""What an hour, a month and a million tokens cost on GPUs of one's own, rented or bought, and what they draw from the socket."""

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
class SelfHostCost(Calculation):
    """`per_1m_tokens` at the given rate and utilisation; `monthly` is paid whether or not a token is made."""

    per_1m_tokens: Decimal
    monthly: Decimal
    tokens_per_month: Decimal
    currency: str
    gpus: int


def self_host_cost(
    gpus: Any,
    price_per_gpu_hour: Any,
    tokens_per_s: Any,
    utilization: Any,
    *,
    fixed_monthly: Any = 0,
    currency: str = "",
) -> SelfHostCost:
    """Cost of 1M tokens: GPUs * price an hour / (tokens/s * 3600 * utilisation) * 10^6, plus fixed monthly items spread over them.

    `tokens_per_s` of the whole deployment at full load; `utilization` is the share of paid time spent at that rate
    (0.1-0.5 for office-hours traffic). A month is 730 h.
    """
    n = whole(gpus, "gpus")
    price = amount(price_per_gpu_hour, "price_per_gpu_hour")
    rate = exact(tokens_per_s, "tokens_per_s", high=10**9)
    used = share(utilization, "utilization")
    fixed = amount(fixed_monthly, "fixed_monthly")
    code = currency_code(currency)
    per_month = rate * 3600 * used * HOURS_PER_MONTH
    monthly = n * price * HOURS_PER_MONTH + fixed
    unit = monthly / per_month * MILLION
    steps = Steps()
    steps.add(
        f"每月费用 = {n} 张 × {shown(price, code)}/小时 × {HOURS_PER_MONTH} 小时"
        + (f" + 固定 {shown(fixed, code)}" if fixed else "")
        + f" = {shown(monthly, code)}",
        f"a month = {n} GPUs × {shown(price, code)}/h × {HOURS_PER_MONTH} h"
        + (f" + fixed {shown(fixed, code)}" if fixed else "")
        + f" = {shown(monthly, code)}",
    )
    steps.add(
        f"每月产出 = {count(rate)} tokens/s × 3600 × {HOURS_PER_MONTH} × 利用率 {float(used):g} = {count(per_month)} tokens",
        f"tokens a month = {count(rate)} tokens/s × 3600 × {HOURS_PER_MONTH} × utilisation {float(used):g} = {count(per_month)}",
    )
    steps.add(f"每百万 token = {shown(unit, code)}", f"for 1M tokens = {shown(unit, code)}")
    return SelfHostCost(
        per_1m_tokens=dec(unit),
        monthly=dec(monthly),
        tokens_per_month=dec(per_month),
        currency=code,
        gpus=n,
        steps_zh=steps.zh,
        steps_en=steps.en,
    )


@dataclass(frozen=True, kw_only=True)
class OwnedHourly(Calculation):
    """What bought hardware costs an hour; it costs the same when idle, except for most of the power."""

    per_hour: Decimal
    depreciation_per_hour: Decimal
    power_per_hour: Decimal
    hosting_per_hour: Decimal
    currency: str


def owned_hourly(
    purchase_price: Any,
    *,
    lifetime_years: Any = 3,
    residual_share: Any = 0,
    power_kw: Any = 0,
    pue: Any = "1.5",
    electricity_price_per_kwh: Any = 0,
    hosting_per_hour: Any = 0,
    currency: str = "",
) -> OwnedHourly:
    """(price * (1 - residual) / lifetime hours) + kW * PUE * electricity price + hosting; a year has 8760 h."""
    price = amount(purchase_price, "purchase_price")
    hours = exact(lifetime_years, "lifetime_years", high=50, kind="years") * 8760
    rest = share(residual_share, "residual_share", zero=True)
    code = currency_code(currency)
    depreciation = price * (1 - rest) / hours
    power = (
        exact(power_kw, "power_kw", high=10**6, zero=True, kind="kw")
        * exact(pue, "pue", low="0.999", high=5)
        * amount(electricity_price_per_kwh, "electricity_price_per_kwh")
    )
    hosting = amount(hosting_per_hour, "hosting_per_hour")
    total = depreciation + power + hosting
    steps = Steps()
    steps.add(
        f"每小时 = 购置 {shown(price, code)} × (1 − 残值 {float(rest):g}) ÷ {count(hours)} 小时 + 电费 {shown(power, code)} + 托管"
        f" {shown(hosting, code)} = {shown(total, code)}",
        f"an hour = {shown(price, code)} × (1 − residual {float(rest):g}) ÷ {count(hours)} h + power {shown(power, code)} + hosting"
        f" {shown(hosting, code)} = {shown(total, code)}",
    )
    return OwnedHourly(
        per_hour=dec(total), depreciation_per_hour=dec(depreciation), power_per_hour=dec(power), hosting_per_hour=dec(hosting),
        currency=code,
        steps_zh=steps.zh, steps_en=steps.en,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Energy(Calculation):
    """Electricity of a deployment; `cost_per_month` only where a price is given."""

    kwh_per_month: Decimal
    kwh_per_1m_tokens: Decimal | None
    cost_per_month: Decimal | None
    currency: str


def energy(
    gpus: Any,
    power_w_per_gpu: Any,
    *,
    host_power_w: Any = 0,
    pue: Any = "1.5",
    load: Any = 1,
    tokens_per_s: Any = None,
    electricity_price_per_kwh: Any = None,
    currency: str = "",
) -> Energy:
    """kWh a month = (GPUs * W + host W) / 1000 * PUE * 730 h * load; for 1M tokens = kW * PUE / (tokens/s * 3600) * 10^6.

    `load` is the mean share of the stated power that is drawn; PUE 1.5 is an ordinary machine room, 1.1-1.2 a new one.
    """
    n = whole(gpus, "gpus")
    kw = (
        n * exact(power_w_per_gpu, "power_w_per_gpu", high=10**5, kind="watts")
        + exact(host_power_w, "host_power_w", high=10**6, zero=True, kind="watts")
    ) / 1000
    factor = exact(pue, "pue", low="0.999", high=5)
    per_month = kw * factor * HOURS_PER_MONTH * share(load, "load")
    code = currency_code(currency)
    steps = Steps()
    steps.add(
        f"用电 = {float(kw):,.2f} kW × PUE {float(factor):g} × {HOURS_PER_MONTH} 小时 × 负载 = {count(per_month)} kWh/月",
        f"electricity = {float(kw):,.2f} kW × PUE {float(factor):g} × {HOURS_PER_MONTH} h × load = {count(per_month)} kWh a month",
    )
    each = None
    if tokens_per_s is not None:
        each = kw * factor / (exact(tokens_per_s, "tokens_per_s", high=10**9) * 3600) * MILLION
        steps.add(f"每百万 token {count(each)} kWh", f"{count(each)} kWh for 1M tokens")
    paid = per_month * amount(electricity_price_per_kwh, "electricity_price_per_kwh") if electricity_price_per_kwh is not None else None
    if paid is not None:
        steps.add(f"电费 {shown(paid, code)}/月", f"electricity bill {shown(paid, code)} a month")
    return Energy(
        kwh_per_month=dec(per_month), kwh_per_1m_tokens=dec(each) if each is not None else None,
        cost_per_month=dec(paid) if paid is not None else None,
        currency=code, steps_zh=steps.zh, steps_en=steps.en,
    )  # fmt: skip


def monthly_hours(value: Any = None) -> Fraction:
    """Hours in a month: 730 unless a schedule is given (176 for office hours)."""
    return Fraction(HOURS_PER_MONTH) if value is None else exact(value, "hours_per_month", high=744)
