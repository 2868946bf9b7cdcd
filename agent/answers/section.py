"""A section or table that the question names by its title: shown as it stands, row by row."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.answers.passages import clean, pieces
from agent.work import Draft, Work
from kb.text import normalise
from kb.types import Chunk

_SHORTEST_TITLE = 4
_LONGEST_QUOTED = 16


def title_key(heading: str) -> str:
    """A heading as people quote it: no number, no gloss in brackets, no spaces."""
    bare = re.sub(r"[(（][^()（）]*[)）]", "", heading)
    bare = re.sub(r"^[\s\d.、§一二三四五六七八九十]+(?=[^\d.、])", "", bare)
    return re.sub(r"[\s:：·\-—「」“”\"]", "", normalise(bare))


def answer_section(work: Work) -> Draft | None:
    """The table or list of the section whose title stands in the question, where it asks what is in it."""
    if work.library is None or work.titles is None:
        return None
    question = work.question
    text = re.sub(r"[\s「」“”\"'《》]", "", normalise(question.text))
    quoted = [re.sub(r"\s", "", normalise(q)) for q in re.findall(r"[「“\"《]([^」”\"》]{2,20})[」”\"》]", question.text)]
    asks = question.has("list_word") or bool(
        re.search(r"表|节|章|那一?部分|table|section|分别|各自|各|哪|谁|what|which|who|list", question.text, re.IGNORECASE)
    )
    if not asks:
        return None
    wish = question.has("select_word") and not re.search(r"表|节|章|table|section", question.text, re.IGNORECASE)
    best: tuple[int, tuple[tuple[str, tuple[str, ...]], ...]] | None = None
    for title, places in work.titles.items():
        if (
            len(title) >= _SHORTEST_TITLE
            and title in text
            and not _is_name(work, title)
            and (title in quoted or not wish and not (title.isascii() and len(title) < 12))
        ):
            if best is None or len(title) > best[0]:
                best = (len(title), places)
    if best is None:
        return None
    lines: list[str] = []
    for source, headings in best[1][:3]:
        chunks = [c for c in work.library.chunks_of(source) if c.headings[: len(headings)] == headings]
        lines += _shown(work, chunks)
        if lines:
            break
    if not lines:
        return None
    work.tool("read_section", {"section": " > ".join(best[1][0][1])}, {"lines": len(lines)})
    return Draft("\n".join([work.say("资料里这一节写着：", "That section says:"), "", *lines]), intent="section")


def _is_name(work: Work, title: str) -> bool:
    names = {re.sub(r"[\s\-]", "", normalise(m.text)) for m in work.question.mentions}
    labels = {normalise(label) for f in work.catalog.fields.values() for label in (f.label.zh, f.label.en)}
    return any(title in n or n in title and len(n) > len(title) - 3 for n in names if n) or title in labels


def _shown(work: Work, chunks: Sequence[Chunk]) -> list[str]:
    tables = [c for c in chunks if c.kind == "table"]
    if tables:
        table = tables[0]
        rows = [line for line in table.text.splitlines() if line.strip().startswith("|")]
        if rows:
            body = [r for r in rows if not re.fullmatch(r"[|\s:\-]+", r)]
            marked = [body[0].rstrip() + f" {work.say('来源', 'Source')} |", "|---" * (body[0].count("|")) + "|"]
            for row in body[1:_LONGEST_QUOTED]:
                marked.append(f"{row.rstrip()} {work.cite_chunk(table, row.strip())} |")
            return marked
    texts = [c for c in chunks if c.kind == "text"]
    lines = []
    for chunk in texts:
        for piece in pieces(chunk):
            lines.append(f"- {clean(piece)} {work.cite_chunk(chunk, piece)}")
    return lines[:_LONGEST_QUOTED]
