"""The bot's own words in Chinese and English, kept in words.yaml beside this file."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from agent.events import Language

_CJK = re.compile(r"[\u3400-\u9fff]")


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"))
    return loaded


def say(key: str, language: Language, *values: object) -> str:
    """One entry in one language, `{0}` filled in. An unknown key is a `KeyError`: a bug of ours."""
    text = str(_table()[key][language]).rstrip("\n")
    return text.format(*values) if values else text


def word_list(key: str) -> list[str]:
    """A list of words that people may write."""
    return [str(value) for value in _table()[key]]


def command_of(name: str) -> str:
    """The command that a name stands for, itself where it is none of the other names."""
    return str(_table()["aliases"].get(name, name))


def language_of(text: str, locale: str = "", default: Language = "zh") -> Language:
    """The language to speak: Chinese where the text has Chinese characters, else English where it has words, else the person's locale."""
    if _CJK.search(text):
        return "zh"
    if re.search(r"[A-Za-z]{2}", text):
        return "en"
    if locale:
        return "zh" if locale.lower().startswith("zh") else "en"
    return default
