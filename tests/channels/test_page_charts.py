"""Charts: round ticks, escaped words, every figure in the table twin."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from scripted import scripted_done

from agent.events import Chart, ChartSeries
from channels.page.charts import chart_html, figure, nice_ticks, short_figure


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (1234.5, "1,234"), (562.5, "562.5"), (0.00012345, "0.0001234"), (2, "2"), (float("nan"), "–")]
)
def test_figures_have_four_significant_digits(value: float, shown: str) -> None:
    assert figure(value) == shown


def test_axis_ticks_use_the_scale_words_of_the_language() -> None:
    assert (short_figure(2e8, "zh"), short_figure(15_000, "zh"), short_figure(2e8, "en"), short_figure(1500, "en")) == (
        "2亿",
        "1.5万",
        "200M",
        "1.5K",
    )


@pytest.mark.parametrize(("low", "high"), [(0, 10000), (0, 7), (-3, 3), (5, 5), (0, 1e-9), (1e8, 2e8)])
def test_ticks_are_round_and_span_the_range(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low and ticks[-1] >= high and 2 <= len(ticks) <= 13


@pytest.mark.parametrize("chart", scripted_done().charts, ids=lambda c: c.kind)
def test_a_chart_is_well_formed_and_has_all_its_figures_in_a_table(chart: Chart) -> None:
    html = chart_html(chart, "zh")
    ElementTree.fromstring(html)
    table = html[html.index("<table") :]
    assert all(figure(y) in table for series in chart.series for y in series.y)


def test_labels_are_escaped() -> None:
    chart = Chart("bar", "<b>t</b>", "x", "y", '"><i>', (ChartSeries("<s>", ("<script>",), (1.0,)),))
    assert not re.search(r"<(script|s>|b>t|i>)", chart_html(chart, "en"))


def test_an_empty_chart_does_not_fail() -> None:
    assert "<figure" in chart_html(Chart("line", "t", "x", "y", "", (ChartSeries("s", (), ()),)), "en")


def test_marks_outside_the_range_are_left_out() -> None:
    chart = Chart("line", "t", "x", "y", "", (ChartSeries("s", (0, 1), (0, 1)),), ((0.5, "inside"), (9.0, "outside")))
    html = chart_html(chart, "en")
    assert "inside" in html and "outside" not in html
