"""The page's words in Chinese and English, kept in words.yaml beside this file."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from agent.events import Language

LOCALES: dict[Language, str] = {"zh": "zh-CN", "en": "en"}


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"))
    return loaded


def word(key: str, language: Language, *values: object) -> str:
    """One entry in one language, `{0}` and `{1}` filled in. An unknown key is a `KeyError`: a bug of ours."""
    return str(_table()[key][language]).format(*values) if values else str(_table()[key][language])


def tool_title(name: str, language: Language) -> str:
    """What a tool does, in words; its own name where no wording is kept."""
    entry = _table()["tools"].get(name)
    return str(entry[language]) if entry else name.replace("_", " ")


def both_languages(make: Callable[[Language], str]) -> str:
    """Cards in both languages; the style sheet shows the visitor's."""
    blocks = (f'<div class="adv-cards adv-{language}" lang="{LOCALES[language]}">{make(language)}</div>' for language in LOCALES)
    return "".join(blocks)


def both_spans(make: Callable[[Language], str]) -> str:
    """Inline HTML in both languages; the style sheet shows the visitor's."""
    return "".join(f'<span class="adv-{language}" lang="{locale}">{make(language)}</span>' for language, locale in LOCALES.items())


def loading_html() -> str:
    """What stands in a panel until its content has come."""
    return f'<p class="adv-loading" role="status">{both_spans(lambda language: word("loading", language))}</p>'


def examples(language: Language) -> list[str]:
    """The questions offered on an empty page."""
    return list(_table()["examples"][language])


def translations() -> dict[str, dict[str, str]]:
    """Locale -> key -> words, in the shape that the page framework's translation table takes."""
    flat = {key: entry for key, entry in _table().items() if isinstance(entry, dict) and set(entry) == {"zh", "en"} and key != "examples"}
    flat |= _form_words() | _weight_words()
    return {locale: {key: str(entry[language]) for key, entry in flat.items()} for language, locale in LOCALES.items()}


def _form_words() -> dict[str, Any]:
    """Titles and labels of the calculators, which are kept with their forms."""
    from channels.page.calculators import forms

    words: dict[str, Any] = {f"form_{form.id}": form.title for form in forms()}
    return words | {f"field_{form.id}_{field.name}": field.label for form in forms() for field in form.fields}


def _weight_words() -> dict[str, Any]:
    """Labels of the fields that choices can be weighed by, which are kept with the catalog."""
    from channels.page.backend import active_catalog

    labels = {f"weight_{name}": field.label for name, field in active_catalog().fields.items() if field.better}
    return {key: {"zh": label.zh, "en": label.en[:1].upper() + label.en[1:]} for key, label in labels.items()}
