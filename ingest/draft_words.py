"""The drafter's lexicon, compiled: what a column, row, heading or list label is about."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from kb.catalog.schema import FieldRecord

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SIZE = r"\d+(?:[.,]\d+)?\s*(?:k|m|万|千|百万|million|thousand)?"
_TOKENS = r"(?:\s*(?:tokens?|词元|tok|字|context|上下文))?"
_LE = r"≤|<=|<|不超过|不大于|小于等于|小于|低于|up to|under|below|at most|within|≦|no more than|less than"
_GE = r"≥|>=|>|大于等于|大于|超过|超出|高于|不少于|over|above|more than|beyond|exceeding|exceeds?|longer than|greater than|from"
_TIER_BOTH = re.compile(
    rf"(?P<low>{_SIZE})\s*(?:<|≤|<=|-|–|—|~|至|到|to)\s*(?:(?:context|上下文|输入|input|prompt|tokens?|长度|length)\s*(?:<|≤"
    rf"|<=)\s*)?(?P<high>{_SIZE})",
    re.I,
)
_TIER_HIGH = re.compile(
    rf"(?:{_LE})\s*(?P<high>{_SIZE}){_TOKENS}|(?P<high2>{_SIZE}){_TOKENS}\s*(?:及?以内|及?以下|之内|or less|and below|or below|or fewer)",
    re.I,
)
_TIER_LOW = re.compile(
    rf"(?:{_GE})\s*(?P<low>{_SIZE}){_TOKENS}|(?P<low2>{_SIZE}){_TOKENS}\s*(?:以上|及以上|之上|or more|and above|or above|\+)", re.I
)
_SCALE = {"k": 1000, "千": 1000, "thousand": 1000, "m": 10**6, "百万": 10**6, "million": 10**6, "万": 10**4, "": 1}
_MEMORY = 4000
_LABEL_CHARS = 200
_TIER_HINT = re.compile(r"上下文|context|prompt|输入长度|长度|length|tokens?|\d\s*k\b|window|≤|≥|<|>|以内|以上|以下", re.I)


_NOT_AFTER = {"入": r"(?<![接导收投加深嵌进录])", "进": r"(?<![改先推促引前])", "出": r"(?<![超支导推付产突展列指给])"}
_NOT_BEFORE = {"入": r"(?![门口驻库围])", "进": r"(?![行口入步一程度阶展来去出])", "出": r"(?![口库版租资具厂])"}
"""Single characters that mean a side of a call, and the words in which they do not."""


def plain(text: str) -> str:
    """NFKC, odd spaces made plain, one line."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).replace("\u200b", "")).strip()


def spaced(text: str) -> str:
    """A key of a JSON file or database as words: `input_price_usd`, `contextWindow`. Other text stays as it is."""
    if " " in text.strip() or not re.fullmatch(r"[A-Za-z0-9_$€£¥/.]+", text.strip()):
        return text
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")


def alternation(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern for any of the words, longest first; words that begin or end with a Latin letter match whole words only."""
    parts = []
    for word in sorted({plain(str(word)).lower() for word in words}, key=len, reverse=True):
        left = _NOT_AFTER.get(word) or (r"(?<![a-z0-9])" if re.match(r"[a-z]", word) else "")
        right = _NOT_BEFORE.get(word) or (r"(?![a-z])" if re.search(r"[a-z]$", word) else "")
        parts.append(left + re.escape(word).replace(r"\ ", r"[ -]?") + right)
    return re.compile("|".join(parts) or r"(?!)", re.IGNORECASE)


class Wording:
    """A text as written, found again from its plain form: quotes are the source's own characters."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self._plain = ""
        self._where: list[int] = []

    def quote(self, shown: str, longest: int) -> str:
        """The source's own form of a piece of its plain text; the piece itself if the source does not have it in one place."""
        wanted = plain(shown)[:longest].strip()
        if not self._plain and self.raw:
            self._index()
        start = self._plain.find(wanted) if wanted else -1
        if start < 0:
            return wanted
        return self.raw[self._where[start] : self._where[start + len(wanted) - 1] + 1].strip()

    def _index(self) -> None:
        letters: list[str] = []
        for position, char in enumerate(self.raw):
            for letter in unicodedata.normalize("NFKC", char):
                if letter == "\u200b" or (letter.isspace() and (not letters or letters[-1] == " ")):
                    continue
                letters.append(" " if letter.isspace() else letter)
                self._where.append(position)
        self._plain = "".join(letters)


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says: a registry field (or "price", "model", "vendor", "notes", "index", ""), its side and conditions."""

    role: str
    direction: str = ""
    when: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    other_price: bool = False


@dataclass(frozen=True)
class Lexicon:
    """Compiled once from draft_words.yaml and the registry of fields."""

    data: Mapping[str, Any]
    roles: tuple[tuple[str, re.Pattern[str]], ...]
    registry: tuple[tuple[str, re.Pattern[str]], ...]
    patterns: Mapping[str, re.Pattern[str]]
    generic_en: frozenset[str]
    generic_zh: re.Pattern[str]
    _labels: dict[str, Label] = field(default_factory=dict, compare=False, repr=False)

    def label(self, text: str) -> Label:
        """Reads a header, row name, heading or list label. Role "" if it names nothing known."""
        known = self._labels.get(text)
        if known is None:
            if len(self._labels) > _MEMORY:
                self._labels.clear()
            known = self._labels[text] = self._read(plain(spaced(text[:_LABEL_CHARS])))
        return known

    def _read(self, shown: str) -> Label:
        lower = shown.lower()
        when = tier(shown)
        direction = self._direction(lower)
        mode = next((name for name in ("cached", "batch") if self.patterns[name].search(lower)), "")
        if mode:
            when = {**when, "mode": mode}
        role = self._role(lower, direction)
        if role == "price" and direction in ("input", "output"):
            role = f"{direction}_price"
        other = role.endswith("price") and bool(self.patterns["other_prices"].search(lower)) and not mode
        return Label(role, direction, when, shown, other)

    def _direction(self, lower: str) -> str:
        inward, outward = self.patterns["input"].search(lower), self.patterns["output"].search(lower)
        if inward and outward:
            return "both"
        return "input" if inward else "output" if outward else ""

    def _role(self, lower: str, direction: str) -> str:
        best: tuple[int, int, str] | None = None
        for role, pattern in self.roles:
            for match in pattern.finditer(lower):
                # The longest word wins, then the last one: in "model price" it is the last noun that names the column.
                key = (len(match[0].encode()), match.start())
                if best is None or key > best[:2]:
                    best = (*key, role)
        if (
            self.patterns["price_words"].search(lower)
            and best is not None
            and best[2] in ("context_window", "model", "channels", "modalities", "index")
        ):
            return "price"
        if best is not None:
            return best[2]
        if direction and re.fullmatch(r"[\s()/\-+&,:.\[\]a-z\u4e00-\u9fff]*", lower) and self.patterns["directions"].search(lower):
            return "direction"
        for role, pattern in self.registry:
            if pattern.search(lower):
                return role
        return ""

    def is_field_name(self, text: str) -> bool:
        """Whether a text is nothing but the words for a field: `输入价`, `licence`, and not `licence fee waiver`."""
        rest = plain(text).lower()
        for pattern in (self.patterns["directions"], *(pattern for _, pattern in self.roles)):
            rest = pattern.sub(" ", rest)
        return not re.search(r"\w", rest.replace("的", " "))

    def is_mode(self, text: str) -> bool:
        """Whether a cell is a mode of calling and nothing else: `缓存命中`, `Batch API`; not `不支持缓存`."""
        rest = plain(text).lower()
        for name in ("cached", "batch", "directions", "price_words"):
            rest = self.patterns[name].sub(" ", rest)
        around = r"调用|接口|推理|模式|任务|命中|\b(?:api|only|mode|jobs?|calls?|tokens?|hits?|reads?)\b"
        return not re.search(r"\w", re.sub(around, " ", rest))

    def is_generic(self, text: str) -> bool:
        """Whether a text is made of words that no model is named after."""
        lower = plain(text).lower()
        if any(word in self.generic_en for word in re.findall(r"[a-z]+(?:-[a-z]+)*", lower)):
            return True
        return bool(self.generic_zh.search(lower))


def tier(text: str) -> dict[str, str]:
    """The context-length condition of a price label: `≤32K`, `32K-128K`, `128K以上` -> {"context_tokens": "<=32000"}."""
    text = re.sub(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)", lambda match: match[0].replace(" ", ","), plain(text))
    if not re.search(r"\d", text) or not _TIER_HINT.search(text):
        return {}
    text = re.sub(r"(?:/|per|每)\s*1?[\d,]*\s*(?:k|m|百万|千|万|million|thousand)?\s*(?:tokens?|词元|tok|字符?)?", " ", text, flags=re.I)
    both = _TIER_BOTH.search(text)
    if both:
        low, high = _tokens(both["low"]), _tokens(both["high"])
        scale = re.search(r"[a-z万千]+$", both["high"].strip(), re.I)
        if scale and not re.search(r"[a-z万千]", both["low"], re.I) and low < high:
            low = _tokens(both["low"] + scale[0])
        if high > low and high >= 1000:
            return {"context_tokens": f">{low},<={high}" if low else f"<={high}"}
    top = _TIER_HIGH.search(text)
    if top:
        value = _tokens(top["high"] or top["high2"])
        return {"context_tokens": f"<={value}"} if value >= 1000 else {}
    bottom = _TIER_LOW.search(text)
    if bottom:
        value = _tokens(bottom["low"] or bottom["low2"])
        return {"context_tokens": f">{value}"} if value >= 1000 else {}
    return {}


def _tokens(text: str) -> int:
    match = re.match(r"(\d+(?:[.,]\d+)?)\s*([a-z万千百]*)", text.strip(), re.IGNORECASE)
    if match is None:
        return 0
    number = match[1].replace(",", "") if re.search(r",\d{3}$", match[1]) else match[1].replace(",", ".")
    return int(float(number) * _SCALE.get(match[2].lower(), 1))


def lexicon(fields: Mapping[str, FieldRecord]) -> Lexicon:
    """The lexicon over a registry of fields; compiled once a registry."""
    return _compiled(tuple((record.id, record.type, (record.label.zh, record.label.en, *record.words)) for record in fields.values()))


@lru_cache(maxsize=4)
def _compiled(fields: tuple[tuple[str, str, tuple[str, ...]], ...]) -> Lexicon:
    data: dict[str, Any] = yaml.load(files("ingest").joinpath("draft_words.yaml").read_text(encoding="utf-8"), _LOADER)
    data["roles"]["benchmark"] = [*data["roles"]["benchmark"], *data["benchmarks"]]
    roles = tuple((role, alternation(words)) for role, words in data["roles"].items())
    known = set(data["roles"])
    registry = tuple(
        (
            field_id,
            alternation(
                word for word in words if len(word) > 1 and not re.search(r"[多几啥哪什怎吗]|what|how|who|which|where", word.lower())
            ),
        )
        for field_id, _, words in fields
        if field_id not in known and field_id not in ("input_price", "output_price", "figure", "stated_cost", "pricing_note")
    )
    patterns = {name: alternation(words) for name, words in data.items() if isinstance(words, list)}
    patterns |= {name: alternation(words) for name, words in data["openness"].items()}
    patterns |= {name: alternation(words) for name, words in data["directions"].items()}
    for group in ("modes", "variants", "audiences", "access", "clause_words"):
        patterns |= {name: alternation(words) for name, words in data[group].items()}
    patterns["compared"] = re.compile(rf"(?:{patterns['comparators'].pattern})\s*(?:the|an?)?\s*$", re.IGNORECASE)
    patterns["directions"] = alternation(word for words in data["directions"].values() for word in words)
    patterns["price_words"] = alternation(word for word in data["roles"]["price"] if word not in ("rate", "rates"))
    patterns["model_words"] = alternation(data["roles"]["model"])
    return Lexicon(
        data, roles, registry, patterns, frozenset(data["generic"]["en"]), re.compile("|".join(map(re.escape, data["generic"]["zh"])))
    )
