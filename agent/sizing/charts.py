"""Calculations as charts: data that the page and the channels draw."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from agent.events import Chart, ChartSeries
from agent.sizing.break_even import BreakEvenMonths, BreakEvenVolume, self_host_monthly
from agent.sizing.capacity import Concurrency, GpusNeeded
from agent.sizing.inputs import GIB
from agent.sizing.recommend import Option
from agent.sizing.tco import Tco
from agent.sizing.what_if import Scenarios, Sensitivity

_TEXT = {
    "volume_title": ("用量与每月费用", "Monthly cost by volume"),
    "volume": ("每月用量（百万 token）", "tokens a month (millions)"),
    "monthly": ("每月费用", "cost a month"),
    "self": ("自建", "self-hosted"),
    "break_even": ("盈亏平衡", "break-even"),
    "months_title": ("累计费用", "Cost so far"),
    "months": ("月", "months"),
    "total": ("累计费用", "total cost"),
    "memory_title": ("每张卡的显存", "Memory of one GPU"),
    "gpu": ("GPU", "GPU"),
    "memory": ("显存", "memory"),
    "weights": ("权重", "weights"),
    "kv": ("KV 缓存", "KV cache"),
    "free": ("余量", "free"),
    "scenario_title": ("情景对比", "Scenarios"),
    "scenario": ("情景", "scenario"),
    "result": ("结果", "result"),
    "tornado_title": ("哪个假设影响最大", "Which assumption matters most"),
    "assumption": ("假设", "assumption"),
    "low": ("取低值", "low"),
    "high": ("取高值", "high"),
    "parts_title": ("总成本构成", "What the total consists of"),
    "part": ("项目", "item"),
    "amount": ("金额", "amount"),
    "options_title": ("配置对比", "Configurations"),
    "configuration": ("配置", "configuration"),
}


_PARTS_ZH = {
    "purchase": "采购", "residual": "残值", "rent": "租金", "power": "电费", "staff": "人力", "hosting": "托管", "maintenance": "维保",
    "running": "运行费用",
}  # fmt: skip


def _t(key: str, language: str) -> str:
    return _TEXT[key][0 if language == "zh" else 1]


def cost_by_volume(result: BreakEvenVolume, language: str = "zh", *, points: int = 41, up_to: float | None = None) -> Chart:
    """API and self-hosting cost against monthly volume, GPU steps and all, with the break-even point marked."""
    middle = float(result.tokens_per_month) if result.tokens_per_month is not None else float(result.capacity_per_replica or 10**9)
    top = Fraction(up_to if up_to is not None else 2.5 * max(middle, 1.0))
    volumes = {top * i / (points - 1) for i in range(points)}
    if result.capacity_per_replica is not None:
        edge = Fraction(result.capacity_per_replica)
        for k in range(1, min(50, int(top / edge)) + 1):
            volumes |= {k * edge, k * edge + top / 10**6}
    xs = sorted(volume for volume in volumes if volume <= top)
    x = tuple(float(volume) / 1e6 for volume in xs)
    api = tuple(float(volume * Fraction(result.api_price_per_1m) / 10**6) for volume in xs)
    own = tuple(float(self_host_monthly(result, volume)) for volume in xs)
    marks = ((float(result.tokens_per_month) / 1e6, _t("break_even", language)),) if result.tokens_per_month is not None else ()
    series = (ChartSeries("API", x, api), ChartSeries(_t("self", language), x, own))
    return Chart("line", _t("volume_title", language), _t("volume", language), _t("monthly", language), result.currency, series, marks)


def cost_by_month(result: BreakEvenMonths, language: str = "zh", *, months: int | None = None) -> Chart:
    """What has been paid after each month, API and self-hosting, with the month of break-even marked."""
    span = months or (36 if result.months is None else max(12, int(float(result.months) * 2) + 1))
    x = tuple(float(month) for month in range(span + 1))
    api = tuple(float(result.api_monthly) * month for month in x)
    own = tuple(float(result.upfront) + float(result.self_monthly) * month for month in x)
    marks = ((float(result.months), _t("break_even", language)),) if result.months is not None else ()
    series = (ChartSeries("API", x, api), ChartSeries(_t("self", language), x, own))
    return Chart("line", _t("months_title", language), _t("months", language), _t("total", language), result.currency, series, marks)


def memory_split(result: Concurrency | GpusNeeded, language: str = "zh") -> Chart:
    """Where the memory of one GPU goes: weights, KV cache and, for a sized deployment, what is left."""
    if isinstance(result, Concurrency):
        parts = {"weights": float(result.weights_bytes_per_gpu or 0) / GIB, "kv": max(0.0, float(result.kv_budget_bytes_per_gpu)) / GIB}
    else:
        each, kv = float(result.weights_bytes) / result.gpus / GIB, float(result.kv_bytes) / result.gpus / GIB
        parts = {"weights": each, "kv": kv, "free": max(0.0, float(result.usable_bytes) / result.gpus / GIB - each - kv)}
    series = tuple(ChartSeries(_t(key, language), (_t("gpu", language),), (value,)) for key, value in parts.items())
    return Chart("stacked", _t("memory_title", language), _t("gpu", language), _t("memory", language), "GiB", series)


def scenario_bars(result: Scenarios, unit: str = "", language: str = "zh") -> Chart:
    """One bar a scenario; those without a result (never) are left out."""
    known = {name: value for name, value in result.results.items() if value is not None}
    series = (ChartSeries(_t("result", language), tuple(known), tuple(known.values())),)
    return Chart("bar", _t("scenario_title", language), _t("scenario", language), _t("result", language), unit, series)


def tornado(result: Sensitivity, unit: str = "", language: str = "zh") -> Chart:
    """The result with each assumption at its low and its high end, the widest first."""
    swings = [swing for swing in result.swings if swing.result_low is not None and swing.result_high is not None]
    names = tuple(swing.name for swing in swings)
    low = ChartSeries(_t("low", language), names, tuple(swing.result_low or 0.0 for swing in swings))
    high = ChartSeries(_t("high", language), names, tuple(swing.result_high or 0.0 for swing in swings))
    return Chart("bar", _t("tornado_title", language), _t("assumption", language), _t("result", language), unit, (low, high))


def tco_parts(result: Tco, language: str = "zh") -> Chart:
    """What the total cost consists of."""
    names = tuple(_PARTS_ZH.get(name, name) if language == "zh" else name for name in result.parts)
    series = (ChartSeries(_t("amount", language), names, tuple(float(value) for value in result.parts.values())),)
    return Chart("bar", _t("parts_title", language), _t("part", language), _t("amount", language), result.currency, series)


def option_bars(options: Sequence[Option], currency: str = "", language: str = "zh") -> Chart:
    """Monthly cost of each configuration, or its number of GPUs where no prices are known."""
    names = tuple(f"{option.gpus}× {option.gpu} {option.weight_dtype}" for option in options)
    priced = bool(options) and all(option.monthly is not None for option in options)
    values = tuple(float(option.monthly) if option.monthly is not None and priced else float(option.gpus) for option in options)
    label, unit = (_t("monthly", language), currency) if priced else (_t("gpu", language), "GPUs")
    return Chart("bar", _t("options_title", language), _t("configuration", language), label, unit, (ChartSeries(label, names, values),))
