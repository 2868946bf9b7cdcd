"""Fields that a line names without a colon: `厂商 昆仑智算；输入 4 元，输出 12 元；许可证为 Apache 2.0`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.draft_cells import Scribe, Spot
from ingest.draft_names import EntityDraft
from ingest.draft_values import MAX_SENTENCE, PriceUnit, clauses, price_unit
from ingest.draft_words import Label, plain

_SPLIT_LABEL = re.compile(r"\s*(?:为|是|:|：|约|达|\s|(?<=[\u4e00-\u9fff])(?=\d))\s*")
_FIGURE_FIELD = re.compile(r"(?:(?<=\s)|^)(?P<name>[\u4e00-\u9fffA-Za-z]{2,12})[:：]?\s*(?=[$¥€£]?\d)")
_MAX_LABEL = 16
_READ = {
    "context_window": 24, "max_output": 24, "vendor": 24, "country": 16, "license": 40, "rank": 8, "latency": 20, "released_on": 20,
    "parameters": 20, "input_price": 40, "output_price": 40, "direction": 40,
}  # fmt: skip
"""How long a value of each field may be here."""


def read_segments(scribe: Scribe, entity: EntityDraft, text: str, spot: Spot, unit: PriceUnit) -> None:
    """Claims of every segment of a line that is a field's name and a value."""
    for label, value in field_segments(scribe, text):
        if len(value) <= _READ.get(label.role, 0) and (label.role in ("vendor", "country", "license") or re.search(r"\d", value)):
            scribe.cell(entity, label, value, spot, price_unit(label.text).filled(unit))


def field_segments(scribe: Scribe, text: str) -> Iterator[tuple[Label, str]]:
    """(label, value) of the segments of a line that begin with a field's name."""
    shown = plain(text)
    if len(shown) > MAX_SENTENCE:
        return
    for part in _pieces(scribe, shown):
        found: tuple[Label, str] | None = None
        for match in _SPLIT_LABEL.finditer(part, 0, _MAX_LABEL + 2):
            name, value = part[: match.start()].strip(" -*•"), part[match.end() :].strip(" 。.")
            if name and value and scribe.words.is_field_name(name):
                label = scribe.words.label(name)
                if not label.role and label.direction:
                    label = Label("direction", label.direction, label.when, label.text, label.other_price)
                found = (label, value)  # the longest name counts: "context window: 200K"
        if found is not None:
            yield found


def _pieces(scribe: Scribe, shown: str) -> Iterator[str]:
    """Clauses, cut again before every field's name that has a figure behind it: `输入 0.02 输出 0.06 上下文128K`."""
    for part in clauses(shown, "，,；;。"):
        starts = [match.start("name") for match in _FIGURE_FIELD.finditer(part) if scribe.words.is_field_name(match["name"])]
        cuts = [0, *(start for start in starts if start), len(part)]
        yield from (part[start:end].strip() for start, end in zip(cuts, cuts[1:], strict=False))


def leading_name(scribe: Scribe, line: str) -> str:
    """What stands before the first of at least two figures with their fields' names: a line of a price list without marks."""
    shown = plain(line)
    fields = [match for match in _FIGURE_FIELD.finditer(shown) if scribe.words.is_field_name(match["name"])] if len(shown) < 200 else []
    return shown[: fields[0].start("name")].strip(" -*•:：|") if len(fields) > 1 else ""
