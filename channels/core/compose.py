"""A finished answer -> the messages that carry it: text with its sources, pictures of charts, a file where it is too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.events import AnswerDone, Chart, Language
from channels.core.adapter import Adapter
from channels.core.markdown import Block, blocks_of, plain_block, table_block
from channels.core.payload import Payload
from channels.core.split import split
from channels.core.words import say
from kb.types import Citation

FILE_NAME = "answer.md"
MAX_FOLLOW_UPS = 3


def answer_payloads(done: AnswerDone, adapter: Adapter, turn_id: str, can_draw: Callable[[Chart], bool]) -> list[Payload]:
    """Every message of an answer in order; the first replaces what was shown while it grew."""
    dialect, language = adapter.dialect, done.language
    drawn = [chart for chart in done.charts if adapter.caps.images and can_draw(chart)]
    blocks = blocks_of(done.answer, dialect)
    for chart in done.charts:
        if chart not in drawn:
            blocks += chart_blocks(chart, adapter)
    if done.notice:
        blocks.append(plain_block(done.notice, dialect))
    blocks += source_blocks(done.citations, adapter, language)
    follow_ups = done.follow_ups[:MAX_FOLLOW_UPS]
    if follow_ups:
        listed = " / ".join(follow_ups)
        blocks.append(plain_block(f"{say('follow_ups', language)}: {listed}", dialect))
    payloads = text_payloads(blocks, adapter, language, turn_id, whole=whole_text(done))
    return payloads + [Payload("chart", chart.title, language, chart=chart) for chart in drawn]


def notice_payloads(markdown: str, adapter: Adapter, language: Language) -> list[Payload]:
    """The messages of something that the bot says by itself."""
    return text_payloads(blocks_of(markdown, adapter.dialect), adapter, language)


def text_payloads(blocks: Sequence[Block], adapter: Adapter, language: Language, turn_id: str = "", whole: str = "") -> list[Payload]:
    """Blocks as text messages. Beyond the platform's number of parts: the beginning, and the rest as a file where it takes files."""
    caps = adapter.caps
    texts = split(blocks, caps.max_len, caps.unit)
    extra: list[Payload] = []
    if len(texts) > caps.max_parts:
        ending = say("more_in_file", language, FILE_NAME) if caps.files and whole else say("cut", language)
        texts = [_beginning(blocks, ending, adapter)]
        if caps.files and whole:
            extra = [Payload("file", whole, language, name=FILE_NAME)]
    last = len(texts) - 1
    return [Payload("text", text, language, i == 0, turn_id if i == last else "") for i, text in enumerate(texts)] + extra


def _beginning(blocks: Sequence[Block], ending: str, adapter: Adapter) -> str:
    """As many whole blocks as one message takes together with the words that say where the rest is."""
    closing = plain_block(ending, adapter.dialect)
    taken: list[Block] = []
    for block in blocks:
        if len(split([*taken, block, closing], adapter.caps.max_len, adapter.caps.unit)) > 1:
            break
        taken.append(block)
    if not taken:
        # One block fills more than a message: its first part, shortened by what the ending needs.
        pieces = split(blocks[:1], adapter.caps.max_len // 2, adapter.caps.unit)
        return pieces[0].partition("\n")[2] + "\n\n" + closing.whole
    return split([*taken, closing], adapter.caps.max_len, adapter.caps.unit)[0]


def source_blocks(citations: Sequence[Citation], adapter: Adapter, language: Language) -> list[Block]:
    """The numbered list of sources: document, section, page; a link where the source is a page on the web."""
    dialect = adapter.dialect
    blocks: list[Block] = []
    for number, citation in enumerate(citations, 1):
        place = place_of(citation, language)
        address = citation.source if citation.source.startswith(("https://", "http://")) else ""
        name = dialect.link(dialect.text(citation.source), address) if address else dialect.text(citation.source)
        rest = dialect.text(f" · {citation.section}" if citation.section else "") + dialect.text(f" · {place}" if place else "")
        blocks.append(Block((f"[{number}] {name}{rest}",), gap="\n" + ("" if dialect.soft_break == "\n" else "\n")))
    if blocks:
        blocks.insert(0, Block((dialect.strong(dialect.text(say("sources", language))),)))
    return blocks


def place_of(citation: Citation, language: Language) -> str:
    """Where in the document: page, sheet, or lines."""
    place = citation.place
    if place.page is not None:
        return say("page", language, place.page)
    if place.sheet is not None:
        return say("sheet", language, place.sheet)
    first, last = place.lines
    return say("lines", language, str(first) if first == last else f"{first}-{last}")


def chart_blocks(chart: Chart, adapter: Adapter) -> list[Block]:
    """A chart as a table, where no picture can be shown."""
    dialect = adapter.dialect
    unit = f" ({chart.y_unit})" if chart.y_unit else ""
    xs = list(dict.fromkeys(x for series in chart.series for x in series.x))
    lookup = [dict(zip(series.x, series.y, strict=False)) for series in chart.series]
    rows = [[_figure(x), *(_figure(values[x]) if x in values else "" for values in lookup)] for x in xs]
    title = Block((dialect.strong(dialect.text(chart.title + unit)),))
    return [title, *table_block([chart.x_label, *(series.label for series in chart.series)], rows, dialect)]


def _figure(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,.6g}"


def whole_text(done: AnswerDone) -> str:
    """The answer as a Markdown document of its own."""
    language = done.language
    lines = [" · ".join(p for p in (f"[{n}] {c.source}", c.section, place_of(c, language)) if p) for n, c in enumerate(done.citations, 1)]
    sources = f"\n\n## {say('sources', language)}\n\n" + "\n".join(lines) if lines else ""
    return done.answer + sources + "\n"


def preview(text: str, adapter: Adapter) -> str:
    """An answer that is still growing, in the platform's markup, cut to one message."""
    parts = split(blocks_of(stable(text), adapter.dialect), adapter.caps.max_len, adapter.caps.unit)
    return parts[0].partition("\n")[2] if len(parts) > 1 else "".join(parts)


def stable(text: str) -> str:
    """The text up to where more text will not change what it means: its last whole paragraph, or sentence of a plain one."""
    cut = text.rfind("\n\n") + 2 if "\n\n" in text else 0
    head, tail = text[:cut], text[cut:]
    if head.count("```") % 2:
        return head[: head.rfind("```")]
    if tail.lstrip().startswith(("|", "```", "#", ">", "-", "*", "1")):
        end = tail.rfind("\n")
        return head if "|" in tail or "```" in tail or end < 0 else head + tail[:end]
    end = max(tail.rfind(mark) for mark in "。！？；\n")
    return head + tail[: end + 1]
