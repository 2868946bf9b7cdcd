"""Lexical analysis of Chinese, English and mixed text: one place, so that what is indexed and what is asked always meet.

Chinese runs become characters and overlapping character pairs. Identifiers, versions and amounts are kept whole, because
`qwen2.5-72b` or `¥0.6` is what people look for, and are also taken apart, because people write them in several ways.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_HAN = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = rf"[^\W_{_HAN}]"
_TOKEN = re.compile(
    rf"(?P<han>[{_HAN}]+)"
    rf"|(?P<word>[¥$€£]?{_WORD}+(?:[._\-/+@'’*×]{_WORD}+)*%?)"
)
_ANY_HAN = re.compile(f"[{_HAN}]")
_JOINT = re.compile(r"[_\-/+@'’*×]")
_RUN = re.compile(r"\d+(?:\.\d+)*|[^\W\d_]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_LOOSE_DASHES = str.maketrans({"‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "~": "-", "～": "-"})

_LONGEST_WORD_CHARS = 120
"""Longer runs (base64, hashes, broken text) are cut: no one types them and they would bloat the index."""


def normalise(text: str) -> str:
    """Compatibility forms (full-width, ligatures) folded to one form, case folded, dashes unified. Idempotent."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.translate(_LOOSE_DASHES)


def _runs(text: str) -> Iterator[tuple[bool, str]]:
    """(is Chinese/Japanese/Korean, run) in order; `text` is normalised."""
    for match in _TOKEN.finditer(_THOUSANDS.sub("", text)):
        han = match.group("han")
        if han is not None:
            yield True, han
        else:
            yield False, match.group("word")[:_LONGEST_WORD_CHARS]


def _word_forms(word: str) -> list[str]:
    """The word whole, without its joints (`gpt-4o` = `gpt4o`), and its parts; without repeats, whole first.

    Parts of one letter are left out (the `b` of `72b` says nothing); single digits stay (`gpt-5`).
    """
    bare = word.strip("¥$€£%")
    pieces = [piece for piece in _JOINT.split(bare) if piece]
    forms = [word, bare]
    if len(pieces) > 1:
        forms.append("".join(pieces))
        forms.extend(pieces)
    for piece in pieces:
        runs = _RUN.findall(piece)
        if len(runs) > 1:
            forms.extend(run for run in runs if len(run) > 1 or run.isdigit())
    return list(dict.fromkeys(forms))


def index_tokens(text: str) -> list[str]:
    """Tokens to index, in text order, with repeats: term frequency is what ranks.

    A Chinese run gives every character and every pair; a word gives its forms (see the module's docstring).
    """
    tokens: list[str] = []
    for is_han, run in _runs(normalise(text)):
        if is_han:
            tokens.extend(run)
            tokens.extend(run[i : i + 2] for i in range(len(run) - 1))
        else:
            tokens.extend(_word_forms(run))
    return tokens


_INTERROGATIVES = re.compile(
    "请问|为什么|是什么|什么|哪些|哪个|哪里|哪儿|哪|怎么样|怎么|怎样|如何|多少|是否|有没有|吗|呢|谁"
    r"|\b(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|does|do|did|the|a|an|of|to|in|for)\b"
)
"""Asking words. Documents rarely ask, so these pairs would look rare there and pull up the few that happen to hold them."""


def query_tokens(text: str) -> list[str]:
    """Tokens to look for, without repeats: pairs alone from Chinese runs longer than one character, else as indexed.

    Asking words are left out (recall@1 of word search 0.971 -> 0.974 on 1,002 Chinese questions), unless nothing else is left.
    """
    asked = normalise(text)
    return _pairs_and_words(_INTERROGATIVES.sub(" ", asked)) or _pairs_and_words(asked)


def query_characters(text: str) -> list[str]:
    """The Chinese characters of a question, asking words left out, without repeats.

    Looked for only where they are rare in the index (a name of one character): then they help, otherwise they only cost.
    """
    runs = _runs(_INTERROGATIVES.sub(" ", normalise(text)))
    return list(dict.fromkeys(character for is_han, run in runs if is_han for character in run))


def holds_han(text: str) -> bool:
    """Whether a text has any Chinese, Japanese or Korean character."""
    return _ANY_HAN.search(text) is not None


def _pairs_and_words(asked: str) -> list[str]:
    tokens: list[str] = []
    for is_han, run in _runs(asked):
        if not is_han:
            tokens.extend(_word_forms(run))
        elif len(run) == 1:
            tokens.append(run)
        else:
            tokens.extend(run[i : i + 2] for i in range(len(run) - 1))
    return list(dict.fromkeys(tokens))


_CLOSERS = "\"'”’」』）)】]》〉*_`"
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st vs etc fig no vol pp al inc ltd co corp approx cf eq ref sec ch ed est dept jan feb mar apr jun "
    "jul aug sep sept oct nov dec".split()
)
_STRUCTURE = re.compile(r"\s*(?:$|[-*+>|#]|\d+[.)、]\s|[（(]?[一二三四五六七八九十\d]+[）)、])")


def _ends_sentence(text: str, at: int) -> bool:
    """Whether the mark at `at` (one of `。！？…!?.`) closes a sentence rather than standing inside a number, URL or name."""
    mark, after = text[at], at + 1
    while after < len(text) and text[after] in _CLOSERS:
        after += 1
    following = text[after : after + 1]
    if mark in "。！？":
        return following not in ("。", "！", "？", "!", "?", "…")
    if mark == "…":
        return following != "…" and (not following or following.isspace() or _is_han(following))
    if following in (".", "!", "?"):
        return False
    if mark in "!?":
        return not following or following.isspace() or _is_han(following)
    before = text[at - 1 : at]
    if _is_han(before):
        return not following or following.isspace() or _is_han(following)
    if following and not following.isspace():
        return False
    return not _abbreviated(text, at)


def _abbreviated(text: str, at: int) -> bool:
    """Whether the full stop at `at` belongs to an abbreviation, an initial or a list number (`e.g.`, `U.S.`, `J.`, `1.`)."""
    start = at
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == ".") and text[start - 1].isascii():
        start -= 1
    word = text[start:at]
    if not text[at + 1 :].strip():
        return False
    if "." in word and not any(character.isdigit() for character in word):
        return True
    if len(word) == 1 and word.isalpha():
        return True
    if word.isdigit() and text[:start].rpartition("\n")[2].strip() == "":
        return True
    return word.lower() in _ABBREVIATIONS


def _is_han(character: str) -> bool:
    return _ANY_HAN.match(character) is not None


def _line_continues(text: str, newline: int) -> bool:
    """Whether the line break at `newline` is a soft wrap inside an English sentence."""
    before, after = text[:newline].rstrip(" \t"), text[newline + 1 :].lstrip(" \t")
    if not before or not after or _STRUCTURE.match(after):
        return False
    return before[-1].isascii() and (before[-1].isalnum() or before[-1] in ",-") and after[0].isascii() and after[0].islower()


def sentences(text: str) -> list[str]:
    """The sentences of Chinese or English text, in order, each a stripped substring of `text`.

    Marks inside numbers (`3.5`), URLs, abbreviations and initials do not split; a line break does, unless it is a soft wrap.
    """
    found: list[str] = []
    start = position = 0
    while position < len(text):
        character = text[position]
        cut = 0
        if character == "\n":
            cut = 0 if _line_continues(text, position) else position + 1
        elif character in "。！？…!?." and _ends_sentence(text, position):
            cut = position + 1
            while cut < len(text) and text[cut] in _CLOSERS:
                cut += 1
        if cut:
            found.append(text[start:cut].strip())
            start = position = cut
        else:
            position += 1
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]
