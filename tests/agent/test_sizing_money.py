"""Cost, break-even, total cost, what-if and recommendations, each against arithmetic done by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.sizing.api_price import api_cost, budget_tokens
from agent.sizing.break_even import break_even_months, break_even_volume, self_host_monthly
from agent.sizing.charts import cost_by_month, cost_by_volume, memory_split, option_bars, scenario_bars, tco_parts, tornado
from agent.sizing.cost import energy, owned_hourly, self_host_cost
from agent.sizing.errors import SizingError
from agent.sizing.recommend import GpuOffer, recommend
from agent.sizing.tco import tco
from agent.sizing.what_if import best_split, hybrid_routing, scenarios, sensitivity

money = st.integers(0, 10**9)


def test_owned_hardware_costs_depreciation_power_and_hosting() -> None:
    result = owned_hourly(
        262_800, lifetime_years=3, residual_share="0.1", power_kw="0.7", pue="1.2", electricity_price_per_kwh="0.5", hosting_per_hour=1
    )
    assert result.depreciation_per_hour == Decimal(9)
    assert result.power_per_hour == Decimal("0.42")
    assert result.per_hour == Decimal("10.42")


def test_energy_of_a_machine() -> None:
    result = energy(8, 400, host_power_w=800, pue="1.25", tokens_per_s=5000, electricity_price_per_kwh="0.8", currency="CNY")
    assert result.kwh_per_month == Decimal(3650)
    assert result.cost_per_month == Decimal(2920)
    assert float(result.kwh_per_1m_tokens or 0) == pytest.approx(5 * 1e6 / (5000 * 3600))


def test_fixed_items_are_spread_over_the_tokens() -> None:
    result = self_host_cost(1, 2, 1000, "0.5", fixed_monthly=1460)
    assert result.monthly == Decimal(2920)
    assert result.tokens_per_month == Decimal(1_314_000_000)
    assert float(result.per_1m_tokens) == pytest.approx(2920 / 1314)


@pytest.mark.parametrize(
    ("upfront", "api", "own", "months"),
    [
        (600_000, 90_000, 15_000, 8),
        (40_500, 3000, 300, 15),
        (0, 10, 20, 0),
        (100, 10, 10, None),
        (100, 10, 11, None),
        (1, 3, 0, Decimal(1) / 3),
    ],
)
def test_months_to_break_even(upfront: int, api: int, own: int, months: Any) -> None:
    result = break_even_months(upfront, api, own)
    assert result.never == (months is None)
    assert result.months == (None if months is None else pytest.approx(Decimal(months)))
    if months is None:
        assert "never" in result.steps_en[-1] and "永远" in result.steps_zh[-1]


@given(st.integers(1, 10**4), st.integers(1, 10**6), money, st.integers(10**6, 10**12))
@settings(max_examples=150, deadline=None)
def test_break_even_volume_is_the_first_at_which_owning_is_not_dearer(price: int, replica: int, fixed: int, capacity: int) -> None:
    result = break_even_volume(price, replica_monthly=replica, fixed_monthly=fixed, capacity_per_replica=capacity)

    def api(volume: Fraction) -> Fraction:
        return volume * price / 10**6

    if result.never or result.tokens_per_month is None:
        assert price * capacity <= replica * 10**6
        for k in (1, 10, 10**6):
            assert self_host_monthly(result, Fraction(k * capacity)) >= api(Fraction(k * capacity))
        return
    volume = Fraction(result.tokens_per_month)
    assert float(self_host_monthly(result, volume)) == pytest.approx(float(api(volume)), rel=1e-9)
    # No full replica below it pays, so nothing below it does.
    for k in range(1, min(result.replicas or 1, 50)):
        assert self_host_monthly(result, Fraction(k * capacity)) > api(Fraction(k * capacity))
    always = Fraction(result.always_from or 0)
    assert always >= volume * (1 - Fraction(1, 10**12))
    for k in range(int(always // capacity) + 1, int(always // capacity) + 4):
        just_past = Fraction(k * capacity) + Fraction(1, 10**6)
        assert self_host_monthly(result, just_past) <= api(just_past) * (1 + Fraction(1, 10**9))


def test_a_step_of_the_staircase_can_make_owning_dearer_again() -> None:
    result = break_even_volume(2, replica_monthly=1000, fixed_monthly=200, capacity_per_replica=10**9)
    assert (result.tokens_per_month, result.replicas) == (Decimal(600_000_000), 1)
    assert result.always_from == Decimal(1_100_000_000)


def test_total_cost_of_buying_against_an_api() -> None:
    result = tco(
        24, gpus=8, gpu_purchase_price=100_000, power_kw=4, pue="1.5", electricity_price_per_kwh=1, staff_monthly=20_000,
        maintenance_share_per_year="0.06",
        residual_share="0.2", api_monthly=90_000, currency="CNY",
    )  # fmt: skip
    # 800,000 bought; a month 4*1.5*730 power, 20,000 staff, 800,000*0.06/12 maintenance; 160,000 left at the end.
    running = 4380 + 20_000 + 4000
    assert result.running_monthly == running
    assert result.total == 800_000 + 24 * running - 160_000
    assert result.api_total == 24 * 90_000
    assert result.saving == 24 * 90_000 - result.total
    assert float(result.break_even_months or 0) == pytest.approx(800_000 / (90_000 - running))
    assert sum(result.parts.values()) == result.total


def test_total_cost_of_renting() -> None:
    result = tco(12, gpus=4, price_per_gpu_hour="2.5", hours_per_month=200, monthly_items={"storage": 100})
    assert result.total == 12 * (4 * Decimal("2.5") * 200 + 100)
    assert result.upfront == 0


def test_a_bill_with_requests_discount_and_exchange_rate() -> None:
    result = api_cost(
        1500,
        500,
        input_price=12,
        output_price=36,
        requests=24_000,
        price_multiplier="0.5",
        currency="CNY",
        exchange_rate="0.14",
        to_currency="USD",
    )
    assert result.total == (36 * 12 + 12 * 36) / Decimal(2)
    assert (result.converted, result.converted_currency) == (result.total * Decimal("0.14"), "USD")
    with pytest.raises(SizingError, match="exchange_rate is missing"):
        api_cost(1, 1, input_price=1, output_price=1, currency="CNY", to_currency="USD")


@given(money, st.integers(1, 10**5), st.integers(1, 10**5), st.integers(0, 100), st.integers(1, 100))
@settings(max_examples=80, deadline=None)
def test_a_budget_buys_what_its_tokens_cost(budget: int, p_in: int, p_out: int, left: int, right: int) -> None:
    bought = budget_tokens(budget, input_price=p_in, output_price=p_out, ratio=f"{left}:{right}")
    cost = api_cost(bought.input_tokens, bought.output_tokens, input_price=p_in, output_price=p_out).total
    assert budget - (p_in + p_out) / 10**6 <= cost <= budget


def test_a_budget_in_requests() -> None:
    assert budget_tokens(100, input_price=2, output_price=8, input_tokens=1000, output_tokens=500).requests == 16_666


def test_a_mix_of_routes_sums_and_compares_with_the_first() -> None:
    result = hybrid_routing("1亿", [("a", "0.2", 20), ("b", "80%", 2)], currency="CNY")
    assert (result.monthly, result.all_first) == (Decimal(560), Decimal(2000))
    assert result.saving_share == pytest.approx(0.72)
    with pytest.raises(SizingError, match="add up to 0.9"):
        hybrid_routing(1, [("a", "0.4", 1), ("b", "0.5", 1)])


@pytest.mark.parametrize("volume", [0, 10**8, 6 * 10**8, 10**9, 15 * 10**8, 19 * 10**8, 5 * 10**9])
def test_the_best_split_is_the_cheapest_of_all(volume: int) -> None:
    result = break_even_volume(2, replica_monthly=1000, fixed_monthly=200, capacity_per_replica=10**9)
    best = best_split(result, volume)
    every = [
        (200 + r * 1000 if r else 0) + max(0, volume - r * 10**9) * 2 / 10**6
        for r in range(8)
    ]  # fmt: skip
    assert float(best.monthly) == pytest.approx(min(every))


def test_sensitivity_ranks_assumptions_by_how_far_they_move_the_result() -> None:
    def months(a: Any) -> Decimal | None:
        return break_even_months(a["upfront"], a["api"], a["own"]).months

    result = sensitivity(months, {"upfront": 600_000, "api": 90_000, "own": 15_000})
    assert [swing.name for swing in result.swings] == ["api", "upfront", "own"]
    assert result.base == 8
    never = sensitivity(months, {"upfront": 600_000, "api": 90_000, "own": 15_000}, ranges={"api": (10_000, 90_000), "upfront": (1, 10**6)})
    assert never.swings[0].name == "api" and never.swings[0].result_low is None
    assert "never" in never.steps_en[0]


def test_three_scenarios_side_by_side() -> None:
    def total(a: Any) -> Decimal:
        return tco(36, upfront=a["upfront"], running_monthly=a["monthly"]).total

    result = scenarios(
        total, {"upfront": 600_000, "monthly": 15_000}, {"low": {"monthly": 10_000}, "base": {}, "high": {"monthly": 25_000}}
    )
    assert dict(result.results) == {"low": 960_000, "base": 1_140_000, "high": 1_500_000}
    with pytest.raises(SizingError, match="unknown assumption rent"):
        scenarios(total, {"upfront": 1, "monthly": 1}, {"x": {"rent": 2}})


OFFERS = [GpuOffer("A100 80GB", price_per_hour=12), GpuOffer("H20", price_per_hour=10), GpuOffer("4090", price_per_hour=2, available=4)]


def test_the_cheapest_configuration_that_works_is_recommended_with_reasons_for_the_rest() -> None:
    result = recommend("70B", context_tokens=8192, concurrency=16, offers=OFFERS, currency="CNY", weight_dtypes=("bf16", "fp8"))
    assert result.best is not None
    costs = [option.monthly for option in (result.best, *result.runners_up)]
    assert costs == sorted(costs, key=lambda value: value or 0)
    assert all(option.why_not_en and option.why_not_zh for option in (*result.runners_up, *result.rejected))
    assert any("only 4 can be had" in option.why_not_en for option in result.rejected)
    assert result.best.monthly == min(value for value in costs if value is not None)


def test_a_budget_or_a_speed_that_nothing_meets_leaves_no_recommendation() -> None:
    broke = recommend("70B", context_tokens=8192, concurrency=16, offers=OFFERS[:2], budget_monthly=100, currency="CNY")
    assert broke.best is None and all("over the budget" in option.why_not_en for option in broke.rejected)
    slow = recommend("70B", context_tokens=8192, concurrency=16, offers=OFFERS[:2], min_tokens_per_s_per_request=1000)
    assert slow.best is None and "no configuration" in slow.steps_en[0]


def test_without_prices_the_ranking_says_so_and_prefers_less_quantisation() -> None:
    result = recommend("Qwen2.5-7B", context_tokens=4096, concurrency=4, offers=[GpuOffer("A100 80GB")])
    assert result.best is not None and (result.best.gpus, result.best.weight_dtype) == (1, "bf16")
    assert result.ranked_by == "number of GPUs"
    assert [option.weight_dtype for option in result.runners_up] == ["int8", "int4"]
    assert all("quantisation" in option.why_not_en for option in result.runners_up)


def test_quantisation_is_described_in_words_without_made_up_figures() -> None:
    from agent.sizing.dtypes import WEIGHT_TYPES

    for kind in WEIGHT_TYPES.values():
        assert kind.words_zh and kind.words_en and "%" not in kind.words_en


def test_charts_carry_series_units_and_the_break_even_mark() -> None:
    volume = break_even_volume(2, replica_monthly=1000, fixed_monthly=200, capacity_per_replica=10**9, currency="USD")
    chart = cost_by_volume(volume, "en")
    assert (chart.kind, chart.y_unit, [s.label for s in chart.series]) == ("line", "USD", ["API", "self-hosted"])
    assert chart.marks == ((600.0, "break-even"),)
    assert all(len(s.x) == len(s.y) for s in chart.series) and list(chart.series[0].x) == sorted(chart.series[0].x)
    months = cost_by_month(break_even_months(600_000, 90_000, 15_000, currency="CNY"))
    assert months.marks[0][0] == 8.0
    assert months.series[0].y[8] == months.series[1].y[8] == 720_000
    assert cost_by_month(break_even_months(1, 1, 2)).marks == ()


def test_charts_of_memory_scenarios_swings_and_options() -> None:
    from agent.sizing.capacity import gpus_needed, max_concurrency

    need = memory_split(gpus_needed("70B", context_tokens=8192, concurrency=16, gpu="A100 80GB"), "en")
    assert (need.kind, need.y_unit, [s.label for s in need.series]) == ("stacked", "GiB", ["weights", "KV cache", "free"])
    assert memory_split(max_concurrency("Llama-3.1-8B", gpu="A100 80GB")).series[0].y[0] == pytest.approx(14.96, abs=0.01)
    result = scenarios(lambda a: a["x"] if a["x"] else None, {"x": 1}, {"a": {}, "b": {"x": 2}, "never": {"x": 0}})
    assert scenario_bars(result).series[0].x == ("a", "b")
    swings = sensitivity(lambda a: a["x"] + 10 * a["y"], {"x": 1, "y": 1})
    assert tornado(swings).series[0].x == ("y", "x")
    assert tco_parts(tco(12, upfront=10, running_monthly=1)).series[0].y == (10.0, 12.0)
    options = recommend("Qwen2.5-7B", context_tokens=4096, offers=[GpuOffer("A100 80GB", 10), GpuOffer("L4", 2)])
    assert options.best is not None
    assert len(option_bars([options.best, *options.runners_up]).series[0].x) == 1 + len(options.runners_up)
