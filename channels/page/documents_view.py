"""What is indexed, and why a passage was found, as HTML in which all text is escaped."""

from __future__ import annotations

from collections.abc import Sequence

from agent.events import Language
from channels.page.cards import place_text
from channels.page.library_job import Change, Refused
from channels.page.safe import escape
from channels.page.words import both_languages, word
from kb.manifest import DocumentRow
from kb.text import query_tokens
from kb.types import Chunk, SearchHit

RECORDS = "record"
"""The manifest's name for what comes from the catalog rather than from a file."""


PASSAGES_SHOWN = 300
FAILURES_SHOWN = 50

LISTING_SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-passages], button[data-remove]');
  if (!button) return;
  const panel = document.getElementById('passages');
  if (button.dataset.passages && panel) {
    const seen = new MutationObserver(() => {
      const title = [...panel.querySelectorAll('h2[tabindex]')].find((one) => one.offsetParent);
      if (title) { seen.disconnect(); title.focus(); title.scrollIntoView({ block: 'start' }); }
    });
    seen.observe(panel, { childList: true, subtree: true });
  }
  trigger('click', { passages: button.dataset.passages || '', remove: button.dataset.remove || '' });
});
"""
"""Runs in the browser: a click on a document or on its removal becomes an event that names it."""


def documents_html(rows: Sequence[DocumentRow], failures: Sequence[tuple[str, str, str]] = (), *, may_change: bool = False) -> str:
    """The documents with their number of passages; the catalog's records are counted on one line. `failures` are (source, error, when)."""
    files = [row for row in rows if row.corpus != RECORDS]
    records = len(rows) - len(files)
    return both_languages(lambda language: _documents(files, records, failures, may_change, language))


def _documents(
    files: Sequence[DocumentRow], records: int, failures: Sequence[tuple[str, str, str]], may_change: bool, language: Language
) -> str:
    columns = ["document", "doc_title", "passages", "indexed_at", *(["doc_remove"] if may_change else [])]
    head = "".join(f'<th scope="col">{escape(word(key, language))}</th>' for key in columns)
    body = "".join(_document(row, may_change, language) for row in files)
    more = f"<p><small>{escape(word('records', language, records))}</small></p>" if records else ""
    table = f'<div class="adv-scroll"><table class="adv-documents"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    if not files:
        table = f'<p class="adv-notice" role="status">{escape(word("doc_none", language))}</p>'
    return _failures(failures, language) + table + more


def _document(row: DocumentRow, may_change: bool, language: Language) -> str:
    source = escape(row.source)
    open_it = f'<button type="button" class="adv-link" data-passages="{source}">{source}</button>'
    remove = (
        f"<td><details><summary>{escape(word('doc_remove', language))}</summary><button type=\"button\" class=\"adv-danger\" "
        f'data-remove="{source}">{escape(word("doc_remove_really", language))}</button></details></td>'
    )
    return (
        f'<tr><th scope="row">{open_it}</th><td>{escape(row.title)}</td><td>{row.chunk_count}</td>'
        f"<td>{escape(row.ingested_at[:16].replace('T', ' '))}</td>{remove if may_change else ''}</tr>"
    )


def _failures(failures: Sequence[tuple[str, str, str]], language: Language) -> str:
    if not failures:
        return ""
    items = "".join(
        f"<li><b>{escape(source)}</b> <span lang=\"en\">{escape(error.removeprefix(f'{source}: '))}</span> "
        f"<small>{escape(when[:16].replace('T', ' '))}</small></li>"
        for source, error, when in failures[:FAILURES_SHOWN]
    )
    title = escape(word("doc_failures", language, len(failures)))
    return f'<details class="adv-failures"><summary>{title}</summary><ul>{items}</ul></details>'


def passages_html(source: str, chunks: Sequence[Chunk]) -> str:
    """The passages of one document in reading order."""
    return both_languages(lambda language: _passages(source, chunks, language))


def _passages(source: str, chunks: Sequence[Chunk], language: Language) -> str:
    title = f'<h2 tabindex="-1">{escape(source)} <small>{escape(word("passages_of", language, len(chunks)))}</small></h2>'
    items = "".join(
        f'<article class="adv-hit"><h2><b class="adv-n">{chunk.ordinal + 1}</b> <span class="adv-section">{escape(chunk.section)}</span>'
        f"<small>{escape(place_text(chunk.place, language))} · {escape(word(f'kind_{chunk.kind}', language))}</small></h2>"
        f'<blockquote tabindex="0">{escape(chunk.text)}</blockquote></article>'
        for chunk in chunks[:PASSAGES_SHOWN]
    )
    more = f"<p><small>{escape(word('passages_more', language, len(chunks) - PASSAGES_SHOWN))}</small></p>"
    return title + items + (more if len(chunks) > PASSAGES_SHOWN else "")


def change_html(change: Change) -> str:
    """How far a change of the index is, or how it ended."""
    return both_languages(lambda language: _change(change, language))


def _change(change: Change, language: Language) -> str:
    if not change.finished.is_set():
        key = "change_waiting" if change.waiting else "change_remove" if change.kind == "remove" else "change_add"
        bar = f'<progress max="{change.total}" value="{change.done}"></progress>' if change.total else "<progress></progress>"
        names = escape("、".join(change.names[:3]) + ("…" if len(change.names) > 3 else ""))
        return f'<div class="adv-q-progress" role="status"><span>{escape(word(key, language))} {names}</span>{bar}</div>'
    parts = []
    if change.error:
        text = escape(word("change_error", language))
        parts.append(f'<p class="adv-notice adv-bad" role="alert">{text} <span lang="en">{escape(change.error)}</span></p>')
    counts = ", ".join(word(f"change_{kind}", language, number) for kind, number in change.counts.items() if number)
    if counts:
        parts.append(f'<p class="adv-notice" role="status">{escape(counts)}</p>')
    parts += [_refused(refused, language) for refused in change.failed]
    return "".join(parts)


def _refused(refused: Refused, language: Language) -> str:
    why = escape(word(refused.key, language, *refused.values)) if refused.key else f'<span lang="en">{escape(refused.text)}</span>'
    failed = escape(word("change_failed", language))
    return f'<p class="adv-notice adv-bad" role="alert"><b>{escape(refused.name)}</b> {failed} {why}</p>'


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
