"""A chart as a PNG, drawn by matplotlib. Where its characters have no font, or matplotlib is missing, the chart stays a table."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.events import Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INSTALL = "pip install 'llm-advisor[charts]'"
_FAMILIES = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans GB", "Heiti SC", "Noto Sans CJK JP", "Droid Sans Fallback",
)  # fmt: skip
_BASE = "DejaVu Sans"
"""Comes with matplotlib."""
_COLOURS = ("#3366cc", "#dc7633", "#2e8b57", "#8e5ea2", "#c0392b", "#7f8c8d")
_LOCK = threading.Lock()


def installed() -> bool:
    """Whether the library is there; nothing is imported."""
    return find_spec("matplotlib") is not None


def can_draw(chart: Chart, font: Path | None = None) -> bool:
    """Whether every character of the chart has a glyph in a font of this machine."""
    if not installed():
        return False
    needed = {ord(c) for text in _texts(chart) for c in text if not c.isspace()}
    return needed <= _covered(font)


def png_of(chart: Chart, font: Path | None = None) -> bytes:
    """The picture, 1400 pixels wide. Call only where `can_draw`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with _LOCK:  # FreeType objects are not made for several threads
        figure = Figure(figsize=(7, 4), dpi=200, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        family = _families(font)
        _draw(chart, axes)
        axes.set_title(chart.title, fontfamily=family, fontsize=12)
        axes.set_xlabel(chart.x_label, fontfamily=family)
        axes.set_ylabel(f"{chart.y_label} ({chart.y_unit})" if chart.y_unit else chart.y_label, fontfamily=family)
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            label.set_fontfamily(family)
        if len(chart.series) > 1:
            axes.legend(prop={"family": family, "size": 9})
        for artist in axes.texts:
            artist.set_fontfamily(family)
        target = io.BytesIO()
        figure.savefig(target, format="png")
    return target.getvalue()


def _draw(chart: Chart, axes: Axes) -> None:
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    numeric = all(isinstance(x, (int, float)) for series in chart.series for x in series.x)
    if chart.kind == "line" and numeric:
        for i, series in enumerate(chart.series):
            points = sorted((float(x), y) for x, y in zip(series.x, series.y, strict=False))
            axes.plot([x for x, _ in points], [y for _, y in points], label=series.label, color=_COLOURS[i % 6])
        for x, label in chart.marks:
            axes.axvline(x, color="#888888", linestyle="--", linewidth=1)
            axes.annotate(label, (x, 1.0), xycoords=("data", "axes fraction"), fontsize=8, rotation=90, va="top", ha="right")
        return
    names = [x if isinstance(x, str) else f"{x:g}" for x in dict.fromkeys(x for series in chart.series for x in series.x)]
    bottoms = [0.0] * len(names)
    width = 0.8 if chart.kind == "stacked" else 0.8 / max(1, len(chart.series))
    for i, series in enumerate(chart.series):
        values = dict(zip((x if isinstance(x, str) else f"{x:g}" for x in series.x), series.y, strict=False))
        heights = [values.get(name, 0.0) for name in names]
        if chart.kind == "stacked":
            axes.bar(range(len(names)), heights, width, bottom=bottoms, label=series.label, color=_COLOURS[i % 6])
            bottoms = [low + high for low, high in zip(bottoms, heights, strict=True)]
        else:
            at = [k - 0.4 + width * (i + 0.5) for k in range(len(names))]
            bars = axes.bar(at, heights, width, label=series.label, color=_COLOURS[i % 6])
            axes.bar_label(bars, [f"{value:,.4g}" for value in heights], fontsize=8)
    axes.set_xticks(range(len(names)), names, rotation=20 if max(map(len, names), default=0) > 8 else 0)


def _texts(chart: Chart) -> Iterator[str]:
    yield from (chart.title, chart.x_label, chart.y_label, chart.y_unit)
    for series in chart.series:
        yield series.label
        yield from (x for x in series.x if isinstance(x, str))
    yield from (label for _, label in chart.marks)


@lru_cache(maxsize=4)
def _families(font: Path | None) -> list[str]:
    """Font families in the order in which a glyph is looked for."""
    from matplotlib import font_manager

    named: list[str] = []
    if font is not None:
        font_manager.fontManager.addfont(str(font))
        named.append(font_manager.FontProperties(fname=str(font)).get_name())
    there = {entry.name for entry in font_manager.fontManager.ttflist}
    return [*named, *(name for name in _FAMILIES if name in there), _BASE]


@lru_cache(maxsize=4)
def _covered(font: Path | None) -> frozenset[int]:
    """Every character that one of the fonts has."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    found: set[int] = set()
    for name in _families(font):
        path: Any = font_manager.findfont(name, fallback_to_default=False)
        with _LOCK:
            found |= set(FT2Font(path).get_charmap())
    return frozenset(found)
