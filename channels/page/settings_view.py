"""What a visitor may choose, and what the server is set to, as HTML in which all text is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.events import Language
from channels.page.safe import escape
from channels.page.words import both_languages, both_spans, word
from kb.catalog.catalog import Catalog

MODES = ("auto", "offline")
_MIN_MODELS = 3
_PERCENT = 100


def weighable_fields(catalog: Catalog) -> list[str]:
    """Fields whose figures can rank models: those with a better end that enough models state."""
    models = [entity for entity in catalog.entities.values() if entity.kind == "model"]
    return [name for name, field in catalog.fields.items() if field.better and sum(name in e.claims for e in models) >= _MIN_MODELS]


def choices_of(kept: object, fields: list[str]) -> tuple[str, dict[str, int]]:
    """(mode, percent by field) of what the browser kept; whatever cannot be used is left out."""
    data: Mapping[str, Any] = kept if isinstance(kept, Mapping) else {}
    mode = data.get("mode")
    given = data.get("weights")
    weights = {
        name: min(_PERCENT, max(0, int(value)))
        for name, value in (given.items() if isinstance(given, Mapping) else ())
        if name in fields and isinstance(value, (int, float))
    }
    return (mode if mode in MODES else MODES[0]), {name: value for name, value in weights.items() if value}


def shares(weights: Mapping[str, int]) -> dict[str, float]:
    """Percents as shares that are together at most 1."""
    scale = max(_PERCENT, sum(weights.values()))
    return {name: value / scale for name, value in weights.items() if value}


def looks_html() -> str:
    """Buttons for language and colours; the page's script does the rest."""
    languages = "".join(
        f'<button type="button" data-language="{code}" lang="{locale}">{name}</button>'
        for code, locale, name in (("zh", "zh-CN", "中文"), ("en", "en", "English"))
    )

    def words(key: str) -> str:
        return both_spans(lambda language: escape(word(key, language)))

    colours = "".join(
        f'<button type="button" data-colours="{key}">{words(f"colours_{key}")}</button>' for key in ("light", "dark", "system")
    )

    def row(key: str, buttons: str) -> str:
        group = f'role="group" aria-label="{escape(word(key, "zh"))} / {escape(word(key, "en"))}"'
        return f'<div class="adv-set"><h2>{words(key)}</h2><div {group} class="adv-choice">{buttons}</div></div>'

    return row("set_language", languages) + row("set_colours", colours)


def weights_html(weights: Mapping[str, int], catalog: Catalog) -> str:
    """What the weights come to."""
    return both_languages(lambda language: f'<p class="adv-notice" role="status">{escape(_weighed(weights, catalog, language))}</p>')


def _weighed(weights: Mapping[str, int], catalog: Catalog, language: Language) -> str:
    if not weights:
        return word("weights_none", language)
    parts = shares(weights)
    said = [f"{_label(catalog, name, language)} {share:.0%}" for name, share in parts.items()]
    rest = 1 - sum(parts.values())
    if rest > 0.004:
        said.append(f"{word('weights_fit', language)} {rest:.0%}")
    return word("weights_are", language, ("、" if language == "zh" else ", ").join(said))


def _label(catalog: Catalog, name: str, language: Language) -> str:
    label = catalog.fields[name].label
    return label.zh if language == "zh" else label.en


def server_html(facts: Mapping[str, Mapping[Language, str]]) -> str:
    """What the server is set to: word key -> text in both languages."""

    def rows(language: Language) -> str:
        return "".join(f"<dt>{escape(word(key, language))}</dt><dd>{escape(texts[language])}</dd>" for key, texts in facts.items())

    return both_languages(lambda language: f'<dl class="adv-facts">{rows(language)}</dl>')


def who_html(name: str | None, role: str) -> str:
    """Who is signed in, and the way out. Empty where nobody signs in."""
    if not name:
        return ""
    said = both_spans(lambda language: escape(word("signed_in", language, name, word(f"role_{role}", language))))
    return f'<p class="adv-who">{said} <a href="logout">{both_spans(lambda language: escape(word("sign_out", language)))}</a></p>'
