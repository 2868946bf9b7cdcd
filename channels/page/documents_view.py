"""What is indexed, and why a passage was found, as HTML in which all text is escaped."""

from __future__ import annotations

from collections.abc import Sequence

from agent.events import Language
from channels.page.cards import place_text
from channels.page.safe import escape
from channels.page.words import both_languages, word
from kb.manifest import DocumentRow
from kb.text import query_tokens
from kb.types import SearchHit

RECORDS = "record"
"""The manifest's name for what comes from the catalog rather than from a file."""


def documents_html(rows: Sequence[DocumentRow]) -> str:
    """The documents with their number of passages; the catalog's records are counted on one line."""
    files = [row for row in rows if row.corpus != RECORDS]
    records = len(rows) - len(files)
    return both_languages(lambda language: _documents(files, records, language))


def _documents(files: Sequence[DocumentRow], records: int, language: Language) -> str:
    head = "".join(f'<th scope="col">{escape(word(key, language))}</th>' for key in ("document", "doc_title", "passages", "indexed_at"))
    body = "".join(
        f'<tr><th scope="row">{escape(row.source)}</th><td>{escape(row.title)}</td><td>{row.chunk_count}</td>'
        f"<td>{escape(row.ingested_at[:16].replace('T', ' '))}</td></tr>"
        for row in files
    )
    more = f"<p><small>{escape(word('records', language, records))}</small></p>" if records else ""
    return f'<div class="adv-scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'


def hits_html(query: str, hits: Sequence[SearchHit], confidence: float) -> str:
    """Each hit with its passage, the words it shares with the query marked, and how well either search liked it."""
    return both_languages(lambda language: _hits(query, hits, confidence, language))


def _hits(query: str, hits: Sequence[SearchHit], confidence: float, language: Language) -> str:
    if not hits:
        return f'<p class="adv-notice" role="status">{escape(word("no_hits", language))}</p>' if query.strip() else ""
    note = f"<p><small>{escape(word('confidence', language, f'{confidence:.0%}'))}</small></p>"
    return note + "".join(_hit(query, hit, language) for hit in hits)


def _hit(query: str, hit: SearchHit, language: Language) -> str:
    chunk = hit.chunk
    why = [word("by_meaning", language, f"{hit.dense_score:.3f}") if hit.dense_score is not None else ""]
    why.append(word("by_words", language, f"{hit.lexical_score:.2f}") if hit.lexical_score is not None else "")
    place = f"{place_text(chunk.place, language)} · {word(f'kind_{chunk.kind}', language)}"
    return (
        f'<article class="adv-hit"><h2><b class="adv-n">{hit.rank}</b> <span class="adv-file">{escape(chunk.source)}</span>'
        f'<span class="adv-section">{escape(chunk.section)}</span><small>{escape(place)}</small></h2>'
        f"<blockquote>{marked(chunk.text, query)}</blockquote><p><small>{escape(' · '.join(filter(None, why)))}</small></p></article>"
    )


def marked(text: str, query: str) -> str:
    """Text as HTML in which every word or character pair of the query is marked."""
    low = text.lower()
    hit = [False] * len(text)
    if len(low) == len(text):
        for token in set(query_tokens(query)):
            at = low.find(token)
            while at >= 0:
                hit[at : at + len(token)] = [True] * len(token)
                at = low.find(token, at + 1)
    out, start = [], 0
    for end in range(1, len(text) + 1):
        if end == len(text) or hit[end] != hit[start]:
            piece = escape(text[start:end])
            out.append(f"<mark>{piece}</mark>" if hit[start] else piece)
            start = end
    return "".join(out)
