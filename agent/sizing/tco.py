"""Total cost over a number of months: bought or rented, with power, staff and residual value, beside an API bill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from agent.sizing.break_even import break_even_months
from agent.sizing.cost import monthly_hours
from agent.sizing.inputs import exact, share, whole
from agent.sizing.money import amount, dec, items, shown
from agent.sizing.money import currency as currency_code
from agent.sizing.steps import Calculation, Steps, count


@dataclass(frozen=True, kw_only=True)
class Tco(Calculation):
    """`total` over `months`; `parts` sum to it. Against an API: its total, the difference, and the month of break-even."""

    total: Decimal
    months: int
    per_month: Decimal
    upfront: Decimal
    running_monthly: Decimal
    parts: Mapping[str, Decimal]
    currency: str
    api_total: Decimal | None = None
    saving: Decimal | None = None
    break_even_months: Decimal | None = None
    never: bool = False


def tco(
    months: Any = 36,
    *,
    upfront: Any = 0,
    gpus: Any = None,
    gpu_purchase_price: Any = None,
    price_per_gpu_hour: Any = None,
    hours_per_month: Any = None,
    power_kw: Any = 0,
    pue: Any = "1.5",
    electricity_price_per_kwh: Any = 0,
    staff_monthly: Any = 0,
    hosting_monthly: Any = 0,
    running_monthly: Any = 0,
    monthly_items: Mapping[str, Any] | None = None,
    maintenance_share_per_year: Any = 0,
    residual_share: Any = 0,
    api_monthly: Any = None,
    currency: str = "",
) -> Tco:
    """Purchase - residual value + months * (rent + power + staff + hosting + maintenance + other items).

    Bought: `upfront` and/or GPUs * `gpu_purchase_price`. Rented: GPUs * `price_per_gpu_hour` * hours (730 a month). Power:
    kW * PUE * price * hours. Maintenance: a share of the purchase a year. Residual: a share of the purchase at the end.
    """
    span = whole(months, "months", high=1200, kind="months")
    code = currency_code(currency)
    n = whole(gpus, "gpus") if gpus is not None else 1
    hours = monthly_hours(hours_per_month)
    bought = amount(upfront, "upfront") + n * amount(0 if gpu_purchase_price is None else gpu_purchase_price, "gpu_purchase_price")
    kw = exact(power_kw, "power_kw", high=10**6, zero=True, kind="kw")
    monthly: dict[str, Fraction] = {
        "rent": n * amount(0 if price_per_gpu_hour is None else price_per_gpu_hour, "price_per_gpu_hour") * hours,
        "power": kw * exact(pue, "pue", low="0.999", high=5) * amount(electricity_price_per_kwh, "electricity_price_per_kwh") * hours,
        "staff": amount(staff_monthly, "staff_monthly"),
        "hosting": amount(hosting_monthly, "hosting_monthly"),
        "maintenance": bought * share(maintenance_share_per_year, "maintenance_share_per_year", zero=True) / 12,
        "running": amount(running_monthly, "running_monthly"),
        **items(monthly_items, "monthly_items"),
    }
    monthly = {key: value for key, value in monthly.items() if value}
    rest = bought * share(residual_share, "residual_share", zero=True)
    parts: dict[str, Fraction] = {}
    if bought:
        parts["purchase"] = bought
    parts |= {key: value * span for key, value in monthly.items()}
    if rest:
        parts["residual"] = -rest
    total, running = sum(parts.values(), Fraction(0)), sum(monthly.values(), Fraction(0))
    steps = Steps()
    if bought:
        steps.add(f"一次性投入 {shown(bought, code)}", f"upfront {shown(bought, code)}")
    for key, value in monthly.items():
        steps.add(
            f"{_ZH.get(key, key)} {shown(value, code)}/月 × {span} = {shown(value * span, code)}",
            f"{key} {shown(value, code)} a month × {span} = {shown(value * span, code)}",
        )
    if rest:
        steps.add(f"期末残值 −{shown(rest, code)}", f"residual value −{shown(rest, code)}")
    steps.add(
        f"{span} 个月总成本 = {shown(total, code)}（每月约 {shown(total / span, code)}）",
        f"total over {span} months = {shown(total, code)} (about {shown(total / span, code)} a month)",
    )
    api_total = saving = months_back = None
    never = False
    if api_monthly is not None:
        api = amount(api_monthly, "api_monthly")
        api_total, saving = api * span, api * span - total
        steps.add(
            f"同期 API 费用 {shown(api_total, code)}，自建{'节省' if saving >= 0 else '多花'} {shown(abs(saving), code)}",
            f"the API over the same time {shown(api_total, code)}; self-hosting {'saves' if saving >= 0 else 'costs'}"
            f" {shown(abs(saving), code)}{'' if saving >= 0 else ' more'}",
        )
        back = break_even_months(bought, api, running, currency=code)
        months_back, never = back.months, back.never
        if not never and months_back is not None:
            steps.add(f"不计残值的回本时间 {count(months_back)} 个月", f"break-even, residual value aside: {count(months_back)} months")
    return Tco(
        total=dec(total), months=span, per_month=dec(total / span), upfront=dec(bought), running_monthly=dec(running),
        parts={key: dec(value) for key, value in parts.items()}, currency=code, api_total=dec(api_total) if api_total is not None else None,
        saving=dec(saving) if saving is not None else None, break_even_months=months_back, never=never, steps_zh=steps.zh,
        steps_en=steps.en,
    )  # fmt: skip


_ZH = {"rent": "租金", "power": "电费", "staff": "人力", "hosting": "托管", "maintenance": "维保", "running": "运行费用"}
