"""A chart as HTML: bars are boxes with real text, lines are an inline SVG. Nothing is fetched, colours follow the theme."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agent.events import Chart, Language
from channels.page.safe import escape
from channels.page.words import word

_WIDTH, _HEIGHT = 560, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 24, 44


def figure(value: float) -> str:
    """A number for an axis or a label: four significant digits, thousands separated, no trailing zeros."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    places = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(places, 8)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(value: float, unit: str) -> str:
    """A figure in the chart's unit: money (a currency code) has its cents."""
    is_money = len(unit) == 3 and unit.isalpha() and unit.isupper() and unit.isascii()
    return f"{value:,.2f}" if is_money and abs(value) < 10_000 and math.isfinite(value) else figure(value)


def short_figure(value: float, language: Language) -> str:
    """An axis tick: 2亿 or 200M rather than nine digits."""
    scales = ((1e8, "亿"), (1e4, "万")) if language == "zh" else ((1e9, "B"), (1e6, "M"), (1e3, "K"))
    for size, name in scales:
        if abs(value) >= size:
            return f"{figure(value / size)}{name}"
    return figure(value)


def chart_html(chart: Chart, language: Language) -> str:
    """The chart with its title and, folded, the same data as a table that can be copied."""
    body = _lines(chart, language) if chart.kind == "line" and _numeric(chart) else _bars(chart)
    unit = f" <small>({escape(chart.y_unit)})</small>" if chart.y_unit else ""
    return (
        f'<figure class="adv-chart"><figcaption>{escape(chart.title)}{unit}</figcaption>{_legend(chart)}{body}'
        f'<details class="adv-data"><summary>{escape(word("chart_data", language))}</summary>{data_table(chart)}</details></figure>'
    )


def data_table(chart: Chart) -> str:
    """One row for each x, one column for each series."""
    columns = "".join(f'<th scope="col">{escape(s.label)}</th>' for s in chart.series)
    rows = []
    for x in _all_x(chart):
        cells = "".join(f"<td>{escape(_cell(dict(zip(s.x, s.y, strict=False)).get(x), chart.y_unit))}</td>" for s in chart.series)
        rows.append(f'<tr><th scope="row">{escape(figure(x) if isinstance(x, (int, float)) else x)}</th>{cells}</tr>')
    return f'<table><thead><tr><th scope="col">{escape(chart.x_label)}</th>{columns}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _cell(value: float | None, unit: str) -> str:
    return "" if value is None else amount(value, unit)


def _all_x(chart: Chart) -> list[str | float]:
    return list(dict.fromkeys(x for series in chart.series for x in series.x))


def _numeric(chart: Chart) -> bool:
    return all(isinstance(x, (int, float)) for series in chart.series for x in series.x)


def _legend(chart: Chart) -> str:
    if len(chart.series) < 2:
        return ""
    keys = "".join(f'<li><i class="adv-s{i % 6}"></i>{escape(s.label)}</li>' for i, s in enumerate(chart.series))
    return f'<ul class="adv-legend">{keys}</ul>'


def _bars(chart: Chart) -> str:
    stacked = chart.kind == "stacked"
    values = [[dict(zip(s.x, s.y, strict=False)).get(x, 0.0) for s in chart.series] for x in _all_x(chart)]
    largest = max((sum(row) if stacked else max(row, default=0.0) for row in values), default=0.0) or 1.0
    rows = []
    for x, row in zip(_all_x(chart), values, strict=True):
        label = figure(x) if isinstance(x, (int, float)) else x
        boxes = [_box(i, y, largest, chart) for i, y in enumerate(row)]
        if stacked:
            drawn = f'<div class="adv-bar adv-stack">{"".join(boxes)}<b>{escape(amount(sum(row), chart.y_unit))}</b></div>'
        else:
            pairs = zip(boxes, row, strict=True)
            drawn = "".join(f'<div class="adv-bar">{box}<b>{escape(amount(y, chart.y_unit))}</b></div>' for box, y in pairs)
            drawn = f'<div class="adv-group">{drawn}</div>'
        rows.append(f'<div class="adv-row"><span>{escape(label)}</span>{drawn}</div>')
    return f'<div class="adv-bars" role="img" aria-label="{escape(chart.title)}">{"".join(rows)}</div>'


def _box(series: int, y: float, largest: float, chart: Chart) -> str:
    hint = escape(f"{chart.series[series].label}: {amount(y, chart.y_unit)} {chart.y_unit}".strip())
    return f'<i class="adv-s{series % 6}" style="--w:{max(y, 0.0) / largest:.4f}" title="{hint}"></i>'


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values that span a range: steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw)
    first = math.floor(low / step)
    return [round(i * step, 12) for i in range(first, math.ceil(high / step) + 1)]


def _lines(chart: Chart, language: Language) -> str:
    points = [[(float(x), float(y)) for x, y in zip(s.x, s.y, strict=False)] for s in chart.series]
    xs = [x for series in points for x, _ in series] or [0.0]
    ys = [y for series in points for _, y in series] or [0.0]
    x_ticks, y_ticks = nice_ticks(min(xs), max(xs)), nice_ticks(min(0.0, *ys), max(ys))
    x_low, x_high, y_low, y_high = min(xs), max(max(xs), x_ticks[0] + 1e-9), y_ticks[0], y_ticks[-1]

    def at_x(x: float) -> float:
        return _LEFT + (x - x_low) / ((x_high - x_low) or 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def at_y(y: float) -> float:
        return _HEIGHT - _BOTTOM - (y - y_low) / ((y_high - y_low) or 1.0) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        _axes(
            [(at_x(x), short_figure(x, language)) for x in x_ticks if x_low <= x <= x_high],
            [(at_y(y), short_figure(y, language)) for y in y_ticks],
            chart,
        )
    ]
    for i, series in enumerate(points):
        path = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in sorted(series))
        parts.append(f'<polyline class="adv-line adv-s{i % 6}" points="{path}"/>')
    parts += _marks([(at_x(x), label) for x, label in chart.marks if x_low <= x <= x_high])
    drawing = f'<svg class="adv-svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(chart.title)}">{"".join(parts)}</svg>'
    return f'<div class="adv-plot" tabindex="0" role="group" aria-label="{escape(chart.title)}">{drawing}</div>'


def _axes(x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]], chart: Chart) -> str:
    base = _HEIGHT - _BOTTOM
    grid = "".join(
        f'<line class="adv-grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'
        for y, text in y_ticks
    )
    labels = "".join(f'<text x="{x:.1f}" y="{base + 17}" text-anchor="middle">{escape(text)}</text>' for x, text in x_ticks)
    titles = (
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(chart.x_label)}</text>'
        f'<text x="4" y="13">{escape(chart.y_label)}</text>'
    )
    return grid + labels + titles


def _marks(marks: Sequence[tuple[float, str]]) -> list[str]:
    out = []
    for x, label in marks:
        anchor, at = ("end", x - 5) if x > _WIDTH / 2 else ("start", x + 5)
        out.append(
            f'<line class="adv-mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
            f'<text class="adv-note" x="{at:.1f}" y="{_TOP + 12}" text-anchor="{anchor}">{escape(label)}</text>'
        )
    return out
