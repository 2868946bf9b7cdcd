"""The last look at an answer: every number has a source, every mark points at a citation that holds its quote.

A number may come from a cited quote, a claim used, the question, or a calculation of this turn. A line with any other
number is taken out where the answer can do without it, else the number is marked; both are counted, neither is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from agent.work import Work
from kb.catalog.show import claim_text
from kb.numbers import Number, find_numbers
from kb.quantities import normalise

_MARK = re.compile(r"\[(\d+)\](?!\()")
_PER_TOKENS = re.compile(
    r"(?:每|per\s|/)\s*(?:一|1)?\s*(?:百万|千|万|亿|[MK]|million|thousand)\s*(?:个)?\s*(?:tokens?|字)?", re.IGNORECASE
)
"""The unit of a price: its size is no figure that the source states."""
_UNIT_SIZES = {Decimal(10) ** n for n in (3, 4, 6, 8, 9)}


@dataclass(frozen=True, slots=True)
class Checked:
    """The text after repair, and what was wrong with it."""

    text: str
    unsupported: tuple[str, ...] = ()
    broken_marks: tuple[int, ...] = ()


def supported_numbers(work: Work) -> set[Decimal]:
    """Every number that an answer of this turn may state."""
    # "七块一" is 7.1 wherever the answer writes it in digits.
    allowed = set(work.calculated) | {q.value for q in work.question.quantities}
    if work.question.rate is not None:
        allowed.add(work.question.rate)
    # Names carry digits that are no figures, so the question counts with its names blanked out.
    texts: list[str] = [work.question.masked]
    texts += [part for c in work.citations for part in (c.quote, c.section, c.source)]
    for claim in work.claims:
        texts += [claim_text(claim, work.catalog, "zh"), claim_text(claim, work.catalog, "en")]
        if isinstance(claim.value, Decimal):
            allowed.add(claim.value)
    for tool in work.tools:
        texts += [*tool.steps, *map(str, tool.output.values()), *map(str, tool.input.values())]
    for text in (_PER_TOKENS.sub(" ", t) for t in texts):
        allowed |= {n.value for n in find_numbers(normalise(text))}
        # A figure in words is also a figure in its own digits: "¥15.6万" supports 15.6.
        allowed |= {Decimal(m) for m in re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))}
    return allowed


def _supported(value: Decimal, written: str, allowed: Iterable[Decimal]) -> bool:
    digits = re.search(r"\.(\d+)", written.replace(",", ""))
    places = len(digits[1]) if digits else 0
    bare = Decimal(re.sub(r"[^\d.]", "", written.replace(",", "")) or 1) if re.search(r"\d", written) and value else Decimal(0)
    scale = value / bare if bare else Decimal(1)
    slack = abs(scale) * Decimal(10) ** -places / 2
    return any(abs(value - other) <= slack for other in allowed)


def check(text: str, work: Work) -> Checked:
    """The text with unsupported numbers and dangling marks repaired or marked."""
    allowed = supported_numbers(work)
    unsupported: list[str] = []
    broken: list[int] = []
    kept: list[str] = []
    dropped: list[tuple[int, str]] = []
    for position, line in enumerate(text.split("\n")):
        marks = [int(m) for m in _MARK.findall(line)]
        for mark in marks:
            if not 1 <= mark <= len(work.citations):
                broken.append(mark)
                line = line.replace(f"[{mark}]", "")
        bare = _names_masked(_MARK.sub(" ", line), work)
        line, misplaced = _drop_false_marks(line, work)
        broken += misplaced
        plain_text = normalise(bare)
        wrong = [
            n
            for n in find_numbers(plain_text)
            if n.form == "arabic" and not _supported(n.value, n.text, allowed) and not _constant(n, plain_text)
        ]
        if wrong:
            unsupported += [n.text for n in wrong]
            note = work.say("（未核实）", " (unverified)")
            spare = position > 0 and line.lstrip().startswith(("-", "|"))
            for text_of in dict.fromkeys(n.text for n in wrong):
                line = re.sub(rf"(?<![\d.,])({re.escape(text_of)})(?![\d.,]*\d)(?!{re.escape(note)})", rf"\g<1>{note}", line)
            if spare:
                dropped.append((len(kept), line))
                continue
        kept.append(line)
    if dropped and not any(line.lstrip().startswith(("-", "|")) for line in kept):
        # Without these lines nothing of the answer is left: better marked than hollow.
        for at, line in reversed(dropped):
            kept.insert(at, line)
    return Checked("\n".join(kept), tuple(unsupported), tuple(broken))


_CONSTANTS = {Decimal(n) for n in (0, 1, 2, 12, 24, 30, 60, 100, 365)} | _UNIT_SIZES


def _constant(number: Number, text: str) -> bool:
    """A round number of a formula or a unit ("÷ 100万", "12 个月"), never an amount of money."""
    before, after = text[max(0, number.start - 4) : number.start], text[number.end : number.end + 4]
    is_money = bool(
        re.search(r"[$¥€£]\s*$|(?:USD|CNY|RMB)\s*$", before) or re.match(r"\s*(?:元|美元|块|USD|CNY|RMB|dollars?|yuan|亿元|万元)", after)
    )
    if number.value in _UNIT_SIZES:
        return not is_money and bool(re.search(r"(?:[÷×*/每]|per)\s*$", before))
    return number.value in _CONSTANTS and not is_money


_FIGURE_WITH_MARKS = re.compile(r"(?P<figure>\d[\d,]*(?:\.\d+)?)(?P<between>[^\[\]\d]{0,16})(?P<marks>(?:\[\d+\])+)")


def _drop_false_marks(line: str, work: Work) -> tuple[str, list[int]]:
    """Takes out marks behind a figure that another citation holds and theirs does not."""
    dropped: list[int] = []

    out, at = [], 0
    # Digits of a name are no figure; the masked line has the same length.
    for match in _FIGURE_WITH_MARKS.finditer(_names_masked(line, work)):
        value = Decimal(match["figure"].replace(",", ""))
        marks = [int(m) for m in _MARK.findall(match["marks"])]
        here = _stated(work, marks)
        elsewhere = _stated(work, [n for n in range(1, len(work.citations) + 1) if n not in marks])
        asked = {n.value for n in find_numbers(normalise(work.question.text))}
        if not marks or value in here or value not in elsewhere or value in asked or value in work.calculated:
            continue
        dropped.extend(marks)
        out.append(line[at : match.start("marks")].rstrip())
        at = match.end()
    return "".join([*out, line[at:]]), dropped


def _stated(work: Work, marks: Iterable[int]) -> set[Decimal]:
    """Figures that the citations of these marks, or the claims they stand for, hold."""
    found: set[Decimal] = set()
    for mark in marks:
        if not 1 <= mark <= len(work.citations):
            continue
        quote = work.citations[mark - 1].quote
        found |= {n.value for n in find_numbers(normalise(quote))} | {
            Decimal(d) for d in re.findall(r"\d+(?:\.\d+)?", quote.replace(",", ""))
        }
        for claim in work.cited.get(mark, ()):
            text = claim_text(claim, work.catalog, "zh", with_source=False)
            found |= {n.value for n in find_numbers(normalise(text))} | {
                Decimal(d) for d in re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))
            }
            if isinstance(claim.value, Decimal):
                found.add(claim.value)
    return found


def _names_masked(line: str, work: Work) -> str:
    """The line with the digits of names blanked out, its length kept: GPT-5.1, Phi-3, 8x7B are no figures."""
    names = [re.escape(entity.name) + r"(?!\.?\d)" for entity in work.catalog.entities.values() if entity.name in line]
    names += [re.escape(claim.about) for claim in work.claims if claim.about and claim.about in line]
    for name in names:
        # "GLM-4" is not the beginning of "GLM-4.5".
        line = re.sub(name, lambda m: re.sub(r"\d", "x", m[0]), line)
    return line
