"""What a heading says of every model under it: how open they are, which country they are from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.draft_cells import Scribe
from ingest.draft_names import clean_name
from ingest.draft_values import openness_of
from ingest.draft_words import plain


def country_heading(headings: Sequence[str], scribe: Scribe) -> tuple[str, str]:
    """The country that a heading gives to all models under it: `国产大模型`, `Japanese models`."""
    record = scribe.fields.get("country")
    for heading in reversed(headings):
        if record is None or not re.search(r"模型|厂商|models?|vendors?", heading, re.IGNORECASE):
            continue
        lower = plain(heading).lower()
        codes = {
            code
            for code, value in record.values.items()
            for word in (value.label.zh, value.label.en, *value.words)
            if len(word) > 2 or not word.isascii()
            if re.search(rf"(?<![a-z]){re.escape(word.lower())}(?![a-z])", lower)
        }
        if len(codes) == 1:
            return codes.pop(), clean_name(heading)
        if codes:
            break
    return "", ""


def openness_heading(headings: Sequence[str], scribe: Scribe) -> tuple[str, str]:
    """What the nearest heading says of all models under it: `2.1 闭源巨头` makes them closed."""
    for heading in reversed(headings[-1:]):
        value = openness_of(heading, scribe.words)
        if value in ("open", "closed") and not re.search(
            r"生态|趋势|对比|vs|选型|ecosystem|compar|how|why|如何|为什么", heading, re.IGNORECASE
        ):
            return value, clean_name(heading)
    return "", ""
