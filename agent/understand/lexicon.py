"""Function words of questions (lexicon.yaml), matched as substrings in Chinese and as whole words in Latin script."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

import yaml


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, re.Pattern[str]]:
    data: dict[str, list[str]] = yaml.safe_load(files("agent.understand").joinpath("lexicon.yaml").read_text(encoding="utf-8"))
    return {group: word_pattern(words) for group, words in data.items()}


def word_pattern(words: list[str]) -> re.Pattern[str]:
    """One pattern for many words, longest first; Latin words match only as whole words. `re:` begins a regular expression."""
    parts = []
    for word in sorted(map(str, words), key=len, reverse=True):
        if word.startswith("re:"):
            parts.append(word.removeprefix("re:"))
            continue
        escaped = re.escape(word)
        left = r"(?<![A-Za-z])" if re.match(r"[A-Za-z]", word) else ""
        right = r"(?![A-Za-z])" if re.search(r"[A-Za-z]$", word) else ""
        if re.search(r"[a-z]{3}[a-rt-z]$", word):
            right = "s?" + right  # a plural asks for the same
        # "US" is a country and "us" is not.
        escaped = f"(?-i:{escaped})" if re.fullmatch(r"[A-Z]{2,3}", word) else escaped
        parts.append(left + escaped + right)
    return re.compile("|".join(parts) or r"(?!)", re.IGNORECASE)


def pattern(group: str) -> re.Pattern[str]:
    """The compiled words of a group; KeyError for a group that lexicon.yaml does not have."""
    return _lexicon()[group]


def has(group: str, text: str) -> bool:
    """Whether any word of the group occurs in the text."""
    return bool(pattern(group).search(text))
