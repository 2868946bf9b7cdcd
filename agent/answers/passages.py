"""Free questions: the best sentences of the best passages, quoted and cited; nothing when the passages do not carry it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from agent.answers.strangers import unknown_names
from agent.answers.targets import asks_rate_limit
from agent.similar import Weights, content_tokens
from agent.understand.lexicon import has
from agent.work import Draft, Work
from kb.catalog.schema import Entity
from kb.confidence import SURE
from kb.numbers import find_numbers
from kb.quantities import find_quantities
from kb.text import holds_han, normalise, sentences
from kb.types import Chunk, SearchHit

_LIST_LIKE = re.compile(
    r"哪些|哪几|哪[一二两三四五六七八九十]个|几个方面|方面|不同|分别|三家|几家|都|各|列|which|what are|list|name the|three|directions|features",
    re.IGNORECASE,
)


def pieces(chunk: Chunk) -> list[str]:
    """A chunk's sentences, list items and table rows, each of which can be quoted."""
    found = []
    lines = chunk.text.splitlines()
    # A row is said in its last line; what stands before it is the caption of its table.
    for line in lines[-1:] if chunk.kind == "row" else lines:
        stripped = line.strip()
        if not stripped or re.fullmatch(r"[|\s:\-]+", stripped):
            continue
        if stripped.startswith(("|", "-", "*")) or chunk.kind in ("row", "record"):
            found.append(stripped)
        else:
            found += [s.strip() for s in sentences(stripped) if s.strip()]
    return found


def supporting_passage(work: Work, entities: Sequence[Entity], fields: Sequence[str]) -> list[str]:
    """Lines of a passage about one of the entities that also carry the asked field's words; empty if no passage does."""
    words = [normalise(w) for f in fields for w in (*work.field(f).words, work.field(f).label.zh, work.field(f).label.en) if len(w) > 1]
    asked = [normalise(m.text) for m in work.question.fields if m.field in fields]
    must = [t for t in re.findall(r"[A-Za-z][A-Za-z0-9\-]{2,}", work.question.masked) if any(normalise(t) == a for a in asked)]
    names = [normalise(n) for e in entities for n in (e.name, *e.aliases)]
    numeric = any(work.field(f).type in ("quantity", "rate", "money", "rank", "date") for f in fields)
    for hit in work.passages(work.question.text):
        about = normalise(hit.chunk.section + " " + hit.chunk.title)
        for piece in pieces(hit.chunk):
            low = normalise(piece)
            if not any(n in low or n in about for n in names):
                continue
            if must and not all(normalise(m) in low for m in must):
                continue
            linked = "reference" in fields and "://" in piece
            if not any(a in low for a in asked) and not linked and not sum(w in low for w in words) >= 2:
                continue
            if numeric and not any(_measured(work, field, piece) for field in fields):
                continue
            return [f"> {clean(piece)} {work.cite_chunk(hit.chunk, piece)}"]
    return []


def _measured(work: Work, field: str, piece: str) -> bool:
    """Whether a piece holds a figure of the field's kind: money for a price, tokens or characters for a window, a bare one else."""
    record = work.field(field)
    figures = find_quantities(normalise(piece))
    if record.type in ("rate", "money"):
        return any(q.is_money for q in figures)
    if record.type == "quantity" and record.unit.split("/")[0] == "token":
        return bool(re.search(r"[百千万亿]+级", piece)) or any(q.unit in ("token", "char") or q.scale and not q.is_money for q in figures)
    return bool(re.search(r"\d|[一二三四五六七八九十百千万亿]+[级%]", piece))


def says_nothing(text: str) -> bool:
    """Whether a passage only says that the sources do not tell."""
    return has("not_said", text)


def clean(piece: str) -> str:
    """A piece as it is shown inside a quote: no list mark, no table bars."""
    piece = re.sub(r"^[-*+]\s+", "", piece)
    return re.sub(r"\s*\|\s*", " · ", piece.strip("| ")) if piece.startswith("|") else piece


def answer_passages(work: Work) -> Draft | None:
    """The sentences that answer a free question, or None when retrieval is not sure or the words are not there."""
    if work.library is None:
        return None
    question = work.question.text
    if not asks_rate_limit(work) and any(work.entity(i).kind == "model" for m in work.question.named for i in m.entities):
        # What is said of a named model was looked for already; a passage about something else is no answer.
        return None
    found = work.search(question, 12)
    confidence = work.library.confidence(question, found) if found else 0.0
    # Of a document that is named ("那篇文章能转载吗") the other words say which place in it is meant.
    own = work.question.masked.split(" \n ")[0]
    named = any(work.entity(i).kind == "document" for m in work.question.named for i in m.entities)
    hits = work.passages(own if named and content_tokens(own) else question)
    if not hits:
        return None
    tokens = content_tokens(own if named else question) or content_tokens(question)
    weights = Weights(h.chunk.indexed_text for h in hits)
    covered = max((weights.coverage(tokens, h.chunk.indexed_text) for h in hits[:3]), default=0.0)
    if confidence < SURE or _names_missing(work, hits) or not _meets(question, hits, tokens, covered):
        work.tool("search", {"query": question}, {"hits": len(hits), "confidence": round(confidence, 3)})
        return None
    chosen = _choose(work, hits, tokens, weights)
    if not chosen or _misses_the_point(work, chosen):
        return None
    silent = all(says_nothing(part) for _, quotes in chosen for quote in quotes for part in sentences(quote) if part.strip())
    lines = [
        work.say("资料没有给出答案，原文这样写：", "The sources do not tell; they say:")
        if silent
        else work.say("资料里这样写：", "The sources say:")
    ]
    for chunk, quotes in chosen:
        for quote in quotes:
            lines.append(f"> {clean(quote)} {work.cite_chunk(chunk, quote)}")
    work.tool("search", {"query": question}, {"hits": len(hits), "confidence": round(confidence, 3), "coverage": round(covered, 3)})
    return Draft("\n".join([lines[0], "", *_spaced(lines[1:])]), refused=silent, intent="passages")


_FEWEST_WORDS_ACROSS = 3
_AMOUNT = re.compile(r"[$¥￥€£]\s*\d|\d\s*(?:元|美元|美金|USD|CNY|RMB|yuan|dollars?)|免费|free", re.IGNORECASE)


def _misses_the_point(work: Work, chosen: Sequence[tuple[Chunk, list[str]]]) -> bool:
    """Whether the price of something unknown is asked and no quote names it beside an amount of money."""
    if not (work.question.has("price_word") or work.question.usage.has_volume):
        return False
    names = [normalise(n) for n in unknown_names(work)]
    quotes = [normalise(f"{c.title} {c.section} {q}") for c, quoted in chosen for q in quoted]
    return bool(names) and not any(all(n in q for n in names) and _AMOUNT.search(q) for q in quotes)


def _meets(question: str, hits: Sequence[SearchHit], tokens: Sequence[str], covered: float) -> bool:
    """Whether words of the question stand in a hit; across scripts, where they cannot, whether there are enough of them."""
    if covered > 0:
        return True
    across = holds_han(question) != holds_han(hits[0].chunk.text)
    return across and len(tokens) >= _FEWEST_WORDS_ACROSS


def _spaced(lines: Sequence[str]) -> list[str]:
    out: list[str] = []
    for line in lines:
        out += [line, ""]
    return out[:-1]


def _names_missing(work: Work, hits: Sequence[SearchHit]) -> bool:
    """Whether the question names something (a Latin name or identifier) that no good hit contains."""
    text = " ".join(normalise(h.chunk.indexed_text) for h in hits[:5])
    names = re.findall(r"(?<![A-Za-z0-9])[A-Z][A-Za-z]*\d[\w.\-]*|(?<![A-Za-z0-9])[A-Z]{2,}[\w\-]*", work.question.text)
    return (
        work.language == "zh"
        and any(normalise(n) not in text for n in names)
        or bool(names)
        and work.language == "en"
        and not any(normalise(n) in text for n in names)
    )


def _choose(work: Work, hits: Sequence[SearchHit], tokens: Sequence[str], weights: Weights) -> list[tuple[Chunk, list[str]]]:
    """Up to three quotes. A table or a list is quoted whole where it is what was asked for, or short."""
    whole = bool(_LIST_LIKE.search(work.question.text))
    ranked: list[tuple[float, Chunk, str]] = []
    for hit in hits[:8]:
        standing = max(_LEAST_STANDING, (hit.score / hits[0].score) ** 1.5) if hits[0].score > 0 < hit.score else _LEAST_STANDING
        heading = weights.overlap(tokens, hit.chunk.context)
        for piece in pieces(hit.chunk):
            # A row says what it says under its caption.
            own = weights.overlap(tokens, hit.chunk.text if hit.chunk.kind == "row" else piece)
            ranked.append(((own + 0.5 * heading) * standing, hit.chunk, piece))
    if not ranked:
        return []
    ranked.sort(key=lambda r: -r[0])
    top = ranked[0]
    foreign = holds_han(work.question.text) != holds_han(top[2])
    if foreign or not any(t in set(_tokens_of(f"{top[1].context} {top[2]}")) for t in tokens):
        # Words that happen to meet across languages mean little: the nearest passage in meaning, as a whole.
        nearest = _nearest(work.question.text, hits)
        return [block(work, nearest, pieces(nearest)[0], whole=True)]
    chosen: list[tuple[Chunk, list[str]]] = []
    seen: set[str] = set()
    for score, chunk, piece in ranked[:4]:
        if score < 0.55 * top[0] or len(piece) < 4 or len(chosen) == _MOST_QUOTES:
            continue
        where, quotes = block(work, chunk, piece, whole=whole and not chosen)
        fresh = [q for q in quotes if bare(q) not in seen]
        seen |= {bare(q) for q in quotes}
        if fresh:
            chosen.append((where, fresh))
        if len(quotes) > 1:
            # A list or a table is an answer of its own.
            break
    return chosen


_MOST_QUOTES = 3
_LEAST_STANDING = 0.3
"""A piece counts by its words times the standing of its hit in the search; the last hits keep this much."""
_MOST_ROWS, _LONGEST_BLOCK = 12, 1500
SHORT_PARAGRAPH = 240
"""A paragraph up to this many characters is quoted whole: its next sentence often names what the first one speaks of."""
_LEADS_IN = re.compile(r"[：:]\s*$")


def bare(piece: str) -> str:
    """What a piece says, whether as a table's line or as a row's statement: equal pieces are shown once."""
    cells = piece.strip("| ").split("|") if piece.startswith("|") else [c.partition(": ")[2] or c for c in piece.split("; ")]
    return "".join(re.sub(r"[\W_]+", "", c) for c in cells).lower()


def block(work: Work, chunk: Chunk, piece: str, *, whole: bool) -> tuple[Chunk, list[str]]:
    """The piece with what it is a part of or leads into: the rows of its table, the items of its list."""
    siblings = [] if work.library is None else [c for c in work.library.chunks_of(chunk.source) if c.headings == chunk.headings]
    if chunk.kind in ("row", "table"):
        if not whole and not _LEADS_IN.search(piece):
            return chunk, [piece]
        table = chunk if chunk.kind == "table" else next((c for c in siblings if c.id == chunk.parent), None)
        return _table_block(table) or (chunk, [piece])
    if len(chunk.text) <= SHORT_PARAGRAPH and "\n" not in chunk.text.strip():
        return chunk, [chunk.text.strip()]
    parts = pieces(chunk)
    at = parts.index(piece) if piece in parts else 0
    start = at
    if whole and _is_item(piece):
        while start > 0 and _is_item(parts[start - 1]):
            start -= 1
        start -= 1 if start > 0 and _LEADS_IN.search(parts[start - 1]) else 0
    if not (_LEADS_IN.search(parts[start]) or whole):
        return chunk, [piece]
    items = parts[start : start + 1]
    for part in parts[start + 1 :]:
        if not _is_item(part):
            break
        items.append(part)
    if len(items) == 1 and _LEADS_IN.search(items[0]):
        table = next((c for c in siblings if c.kind == "table" and c.ordinal > chunk.ordinal), None)
        return _table_block(table) or (chunk, [piece])
    if whole and len(items) == 1 and len(chunk.text) <= _LONGEST_BLOCK // 2:
        return chunk, parts[:_MOST_ROWS]
    return chunk, items[: _MOST_ROWS + 1]


def _is_item(piece: str) -> bool:
    return bool(re.match(r"[-*+]\s|\d+[.)、]\s?", piece))


def _table_block(table: Chunk | None) -> tuple[Chunk, list[str]] | None:
    """All rows of a table that is short enough to be shown."""
    if table is None:
        return None
    rows = [p for p in pieces(table) if p.startswith("|")][1:]
    return (table, rows) if 1 < len(rows) <= _MOST_ROWS and len(table.text) <= _LONGEST_BLOCK else None


def _nearest(question: str, hits: Sequence[SearchHit]) -> Chunk:
    """The hit nearest in meaning among the first, for a question whose words no passage shares; figures mean the same everywhere."""
    asked = _figures(question)
    return max(hits[:6], key=lambda h: (h.dense_score or 0.0) + (_FIGURE if asked & _figures(h.chunk.text) else 0.0)).chunk


_FIGURE = 0.015
"""Cosine that a figure in common is worth: about the distance between the first and the fifth hit across languages."""
_NUMBER_WORDS = {w: Decimal(n) for n, w in enumerate("one two three four five six seven eight nine ten".split(), 1)}


def _figures(text: str) -> set[Decimal]:
    words = {_NUMBER_WORDS[w] for w in re.findall(r"[a-z]+", text.lower()) if w in _NUMBER_WORDS}
    return words | {n.value for n in find_numbers(normalise(text))}


def _tokens_of(text: str) -> list[str]:
    from kb.text import index_tokens

    return index_tokens(text)
