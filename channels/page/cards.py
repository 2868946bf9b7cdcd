"""What stands under an answer: disagreements, charts, the calculation and the sources, as HTML in which all text is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from agent.events import AnswerDone, Conflict, Language, ToolFinished
from channels.page.charts import chart_html
from channels.page.safe import escape
from channels.page.words import tool_title, word
from kb.types import Citation, Place

OPEN_CONFLICTS = 2
PassageOf = Callable[[Citation], str]
"""The text of the passage that a citation points into; the quote alone where the passage is gone."""


def source_id(turn_id: str, number: int) -> str:
    """The element that a citation mark of a turn opens."""
    return f"src-{turn_id}-{number}"


def cards_html(done: AnswerDone, turn_id: str, passage_of: PassageOf) -> str:
    """All cards of one answer. Empty when there is nothing to show beside the text."""
    parts = [_notice(done)]
    parts.append(_conflicts(done))
    parts += [chart_html(chart, done.language) for chart in done.charts]
    parts += [_calculation(tool, done, turn_id) for tool in done.tools if tool.steps]
    if done.citations:
        parts.append(_sources(done.citations, turn_id, done.language, passage_of))
    parts.append(_footer(done))
    lang = "zh-CN" if done.language == "zh" else "en"
    return f'<section class="adv-cards" lang="{lang}">{"".join(parts)}</section>'


def copy_text(done: AnswerDone) -> str:
    """The answer as Markdown that stands on its own: the text, then its sources."""
    if not done.citations:
        return done.answer
    lines = [f"[{n}] {where(citation, done.language)}" for n, citation in enumerate(done.citations, 1)]
    return f"{done.answer}\n\n{word('sources', done.language)}\n\n" + "\n".join(lines)


def where(citation: Citation, language: Language) -> str:
    """`file · section · lines 10-12`."""
    return " · ".join(part for part in (citation.source, citation.section, place_text(citation.place, language)) if part)


def place_text(place: Place, language: Language) -> str:
    """Lines, page and sheet in words."""
    parts = []
    if place.sheet:
        parts.append(place.sheet)
    if place.page is not None:
        parts.append(word("page_no", language, place.page))
    first, last = place.lines
    parts.append(word("line", language, first) if first == last else word("lines", language, first, last))
    return " ".join(parts)


def highlighted(passage: str, quote: str) -> str:
    """The passage as HTML with the quoted words marked; the quote alone, marked, where the passage does not hold it."""
    at = passage.find(quote) if quote else -1
    if at < 0:
        return f"<mark>{escape(quote)}</mark>" if quote else escape(passage)
    end = at + len(quote)
    return f"{escape(passage[:at])}<mark>{escape(passage[at:end])}</mark>{escape(passage[end:])}"


def _notice(done: AnswerDone) -> str:
    lines = [done.notice] if done.notice else []
    if done.unsupported_numbers:
        lines.append(word("unsupported", done.language, done.unsupported_numbers))
    return "".join(f'<p class="adv-notice" role="status">{escape(line)}</p>' for line in lines)


def _conflicts(done: AnswerDone) -> str:
    """The first few in full; a long list is folded, it is in the answer's text too."""
    cards = [conflict_html(conflict, done.language) for conflict in done.conflicts]
    shown, more = cards[:OPEN_CONFLICTS], cards[OPEN_CONFLICTS:]
    if not more:
        return "".join(shown)
    title = escape(word("more_conflicts", done.language, len(more)))
    return "".join(shown) + f'<details class="adv-more"><summary>{title}</summary>{"".join(more)}</details>'


def conflict_html(conflict: Conflict, language: Language) -> str:
    """One disagreement: what about, both sides with their sources, and what the computation says."""
    claims = "".join(f"<tr><td>{escape(c.value)}</td><td>{escape(c.source)}</td></tr>" for c in conflict.claims)
    verdict = f"<p><b>{escape(word('verdict', language))}</b> {escape(conflict.verdict)}</p>" if conflict.verdict else ""
    return (
        f'<aside class="adv-conflict" role="note"><h2><span aria-hidden="true">⚠</span> {escape(word("conflict", language))}'
        f"<small>{escape(conflict.about)}</small></h2><table><tbody>{claims}</tbody></table>{verdict}</aside>"
    )


def _calculation(tool: ToolFinished, done: AnswerDone, turn_id: str) -> str:
    """The steps as a table; folded when the answer shows every one of them already."""
    steps = [_inline(step, turn_id, len(done.citations)) for step in tool.steps]
    rows = "".join(f'<tr><th scope="row">{i}</th><td>{step}</td></tr>' for i, step in enumerate(steps, 1))
    title = f"{word('calculation', done.language)} · {tool_title(tool.name, done.language)}"
    folded = all(step in done.answer for step in tool.steps)
    return (
        f'<details class="adv-calc"{"" if folded else " open"}><summary>{escape(title)}</summary><table><thead><tr><th scope="col">#</th>'
        f'<th scope="col">{escape(word("step_what", done.language))}</th></tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _inline(step: str, turn_id: str, citations: int) -> str:
    """One line as HTML: bold text and citation marks are kept, all else is text."""

    def mark(match: re.Match[str]) -> str:
        number = int(match.group(1))
        return f'<a href="#{source_id(turn_id, number)}">{number}</a>' if 1 <= number <= citations else match.group()

    bold = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(step))
    return re.sub(r"\[(\d{1,3})\]", mark, bold)


def _sources(citations: Sequence[Citation], turn_id: str, language: Language, passage_of: PassageOf) -> str:
    items = []
    for n, citation in enumerate(citations, 1):
        place = place_text(citation.place, language)
        section = f'<span class="adv-section">{escape(citation.section)}</span>' if citation.section else ""
        items.append(
            f'<details class="adv-source" id="{source_id(turn_id, n)}"><summary><b class="adv-n">{n}</b>'
            f'<span class="adv-file">{escape(citation.source)}</span>{section}<small>{escape(place)}</small></summary>'
            f'<blockquote tabindex="-1">{highlighted(passage_of(citation), citation.quote)}</blockquote></details>'
        )
    return f'<div class="adv-sources"><h2>{escape(word("sources", language))}</h2>{"".join(items)}</div>'


def _footer(done: AnswerDone) -> str:
    language = done.language
    mode = word("mode_llm" if done.mode == "llm" else "mode_offline", language)
    took = word("seconds", language, f"{done.ms / 1000:.2f}")
    copy = (
        f'<button type="button" class="adv-copy" data-copy="{escape(copy_text(done))}" data-done="{escape(word("copied", language))}">'
        f"{escape(word('copy', language))}</button>"
    )
    spent = f" · {escape(done.spent)}" if done.spent else ""
    return f'<footer class="adv-foot"><span>{escape(mode)} · {escape(took)}{spent}</span>{copy}</footer>'
