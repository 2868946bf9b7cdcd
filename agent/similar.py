"""How much of a question's wording a text covers, weighted by how rare each word is in the catalog and the corpus."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from functools import lru_cache

from kb.catalog.catalog import Catalog
from kb.catalog.schema import Claim
from kb.text import index_tokens, query_tokens

# Function words that say nothing about the subject of a question.
EMPTY_WORDS = frozenset(
    "怎么样 么样 怎么 怎样 介绍 绍一 如何 好不 不好 好用 用的 用吗 聊聊 说说 说一 什么 哪个 哪些 多少 怎么 怎样 如何 可以 能不 不能 有没 "
    "没有 是不 的是 请问 告诉 一下 我们 你们 他们 现在 哪家 哪款 模型 个模 大模 型的 型是 哪一 一个 几个 吗 呢 啊 吧 "
    "the a an is are was were do does did can could will would shall should may might of for to in on at by with from and or "
    "not no it its this that these those what which who whom whose when where why how many much any some there here be been "
    "being have has had i we you they he she me us them my our your their as so if than then about into over under said tell "
    "model models say says please give".split()
)


def content_tokens(text: str) -> list[str]:
    """The tokens of a question that can be looked for: pairs and words, without function words."""
    return [t for t in query_tokens(text) if t not in EMPTY_WORDS and (len(t) > 1 or t.isdigit() or t.isascii() and t.isalpha())]


SEAM = 0.35
SEAMS = frozenset("的了呢吗那这换改成按用到给和跟与也都就还再又来去一个些是把被让要会能我你他它吧啊嘛不没")
"""Characters that never belong to a content word here: a pair with one of them is the seam of two words."""


class _Stemmers(threading.local):
    """A stemmer keeps the word it works on in itself, so each thread has its own."""

    def __init__(self) -> None:
        import snowballstemmer

        self.stem: Callable[[str], str] = snowballstemmer.stemmer("english").stemWord


_stemmers = _Stemmers()


@lru_cache(maxsize=50_000)
def _stem(token: str) -> str:
    """English words without their endings, so that "customise" meets "customisable"; other tokens as they are."""
    if len(token) < 4 or not token.isascii() or not token.isalpha():
        return token
    return _stemmers.stem(token).removesuffix("abl")


@lru_cache(maxsize=4096)
def text_tokens(text: str) -> frozenset[str]:
    """The words of a text as weights count them."""
    return frozenset(map(_stem, index_tokens(text)))


class Weights:
    """Inverse document frequency over a collection of texts."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts: Counter[str] = Counter()
        total = 0
        for text in texts:
            counts.update(text_tokens(text))
            total += 1
        self._total = max(total, 1)
        self._counts = counts

    def weight(self, token: str) -> float:
        """Rare words weigh most; a word that never occurs weighs like one that occurs once."""
        return math.log(1 + self._total / (1 + self._counts.get(_stem(token), 0)))

    def known(self, token: str) -> bool:
        return _stem(token) in self._counts

    def coverage(self, tokens: Sequence[str], text: str) -> float:
        """Share (0..1) of the tokens' weight that occurs in the text."""
        if not tokens:
            return 0.0
        return self.coverage_of(tokens, text_tokens(text))

    def coverage_of(self, tokens: Sequence[str], present: Set[str]) -> float:
        """`coverage` for a text that is split already (`text_tokens`)."""
        if not tokens:
            return 0.0
        # A pair of Chinese characters that no text has is most often the seam of two words, not a word.
        weighed = [(t, self.weight(t) * (1.0 if t.isascii() or self.known(t) else SEAM)) for t in tokens]
        total = sum(w for _, w in weighed)
        return sum(w for t, w in weighed if _stem(t) in present) / total if total else 0.0

    def held(self, tokens: Sequence[str], present: Set[str]) -> float:
        """Weight of the tokens that a text, split already, holds."""
        return sum(self.weight(t) for t in tokens if _stem(t) in present)

    def overlap(self, tokens: Sequence[str], text: str) -> float:
        """Weight of the tokens that occur in the text, a little less for long texts."""
        present = text_tokens(text)
        return sum(self.weight(t) for t in tokens if _stem(t) in present) / (1 + math.log1p(len(present)) / 12)


def claim_words(claim: Claim, catalog: Catalog) -> str:
    """A claim as it can be matched: both languages, its field and the ways people ask for it."""
    field = catalog.fields[claim.field]
    values = claim.value if isinstance(claim.value, tuple) else (str(claim.value),)
    english = claim.en if isinstance(claim.en, tuple) else (claim.en or "",)
    under = [w for key, value in claim.when.items() for w in _condition_words(catalog, key, value)]
    return " ".join([*values, *english, claim.as_written, claim.note, claim.note_en, *under, field.label.zh, field.label.en])


def _condition_words(catalog: Catalog, key: str, value: str) -> list[str]:
    """A condition's value and how people say it."""
    spec = catalog.conditions[key].values.get(value) if key in catalog.conditions else None
    return [value, *((spec.label.zh, spec.label.en, *spec.words) if spec is not None else ())]


def catalog_weights(catalog: Catalog) -> Weights:
    """Weights over all claims of a catalog, counted once."""
    return catalog.derived("weights", _weights)


def _weights(catalog: Catalog) -> Weights:
    return Weights(claim_words(c, catalog) for e in catalog.entities.values() for claims in e.claims.values() for c in claims)
