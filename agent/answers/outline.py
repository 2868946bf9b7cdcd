"""What a document, or all of them, is about: its sections with their first words, each cited."""

from __future__ import annotations

import re

from agent.answers.passages import clean, pieces
from agent.similar import content_tokens
from agent.work import Draft, Work
from kb.text import normalise
from kb.types import Chunk

_ASKS = re.compile(
    r"主要(?:讲|说|写|介绍|内容)|(?:讲|说|写|介绍)(?:了)?(?:啥|什么|哪些)|讲的(?:是)?(?:啥|什么)|大意|概述|概括|摘要|总结|归纳|梗概|"
    r"\bsummar(?:y|i[sz]e)\b|\boverview\b|\bmain points?\b|what (?:is|does) .{0,40}(?:about|cover|say)\b|\bkey (?:points?|takeaways?)\b",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(r"资料|文档|文章|文件|材料|知识库|笔记|报告|那篇|这篇|两篇|全文|\b(?:documents?|articles?|sources?|files?|notes?|papers?|reports?|knowledge base)\b", re.IGNORECASE)
_MOST_SECTIONS = 14
_LONGEST_LEAD = 120


def answer_outline(work: Work) -> Draft | None:
    """The sections of the documents that the question names or means; None where it asks for something in particular."""
    question = work.question
    if work.library is None or not _ASKS.search(question.text) or question.usage.has_volume or question.money:
        return None
    named = [work.entity(i) for m in question.named for i in m.entities[:1]]
    documents = [e for e in named if e.kind == "document"]
    if len(documents) < len(named) or not (documents or _DOCUMENT.search(question.text)):
        return None
    rest = [t for t in content_tokens(_DOCUMENT.sub(" ", _ASKS.sub(" ", question.masked.split(" \n ")[0]))) if len(t) > 2 or not t.isascii()]
    if len(rest) > 3:
        return None
    listing = getattr(work.library, "documents", None)
    if listing is None:
        return None
    names = [normalise(n) for e in documents for n in (e.name, *e.aliases) if len(n) > 2]
    chunks = [c for source in (d.source for d in listing()) for c in work.library.chunks_of(source) if c.kind in ("text", "table")]
    mine = [c for c in chunks if not names or any(n in normalise(c.title + c.text) for n in names)]
    sections: dict[str, Chunk] = {}
    for chunk in mine:
        sections.setdefault(chunk.title if not names else f"{chunk.title} {chunk.section}", chunk)
    if not sections:
        return None
    shown = list(sections.values())[:_MOST_SECTIONS]
    lines = [_line(work, chunk, by_document=not names) for chunk in shown]
    more = len(sections) - len(shown)
    what = work.say("、", ", ").join(e.name for e in documents) or work.say("已导入的资料", "The ingested documents")
    if documents:
        lines = [*(f"- 《{e.name}》" for e in documents[1:]), *lines]
    head = work.say(f"{what}的内容，按章节：", f"{what}, by section:")
    if more > 0:
        lines.append(work.say(f"- …… 另有 {more} 节", f"- ... and {more} more"))
    # The numbers of headings are theirs, and the answer claims nothing by them.
    work.own_words(f"{more} " + " ".join(f"{c.title} {c.section}" for c in shown))
    work.tool("outline", {"documents": [e.id for e in documents]}, {"sections": len(sections)})
    return Draft("\n".join([head, "", *lines]), entities=tuple(e.id for e in documents), intent="outline")


def _line(work: Work, chunk: Chunk, *, by_document: bool) -> str:
    piece = next((p for p in pieces(chunk) if not p.startswith("|")), pieces(chunk)[0])
    lead = clean(piece)
    lead = lead if len(lead) <= _LONGEST_LEAD else lead[:_LONGEST_LEAD] + "…"
    title = chunk.title if by_document or not chunk.headings else f"{chunk.title} · {chunk.headings[-1]}"
    return f"- **{title}**{work.say('：', ': ')}{lead} {work.cite_chunk(chunk, piece)}"
