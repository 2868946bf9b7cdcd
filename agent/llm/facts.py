"""What a turn's evidence states, figure by figure: its value, what it counts, whose it is. What a model says is held against this."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from agent.understand.link import Linker, Mention, compact
from agent.understand.question import mask
from kb.quantities import Quantity, find_markers, find_quantities, normalise
from kb.text import holds_han, index_tokens, sentences

MARK = re.compile(r"\[(\d{1,3})\](?!\()")
_TIMES = frozenset({"second", "minute", "hour", "day", "week", "month", "quarter", "year"})
_UNIT_SIZES = frozenset({Decimal(1_000), Decimal(1_000_000)})
_MOST_IN_WORDS = 10
_IDENTIFIER = re.compile(r"[A-Za-z]+[-_.]?\d[\w.\-]*")
_PROPER = re.compile(r"(?<![A-Za-z])[A-Z][a-z]+[A-Za-z]*")
_NO_NAMES = frozenset({"Token", "Tokens", "I", "Note"})
_DATE = re.compile(r"(?:19|20)\d{2}\s*[-年/.]\s*\d{1,2}(?:\s*[-月/.]\s*\d{1,2}\s*日?)?|\d{1,2}\s*月\s*\d{1,2}\s*[日号]")


LESS = re.compile(r"便宜|更低|低于|低(?=[^\w]|\d)|少|省|小于|慢|\b(?:cheaper|less|lower|fewer|below|slower|smaller)\b", re.IGNORECASE)
MORE = re.compile(
    r"贵|更高|高于|高出|多出|大于|快|超过|优于|胜过|领先|\b(?:dearer|more expensive|more|higher|above|faster|larger|exceeds?)\b",
    re.IGNORECASE,
)
_NEAR_CHARS = 4


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of the evidence. `names` are the entities that it is stated of; none: of nothing in particular."""

    value: Decimal
    unit: str
    per: frozenset[str]
    names: frozenset[str]
    bare: bool
    """From a table's cell or a tool's output, where the unit stands elsewhere."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a text with whose it seems to be: the name before it, else the one after it in its clause."""

    quantity: Quantity
    names: frozenset[str]
    written: str


@dataclass(frozen=True, slots=True)
class Line:
    """A text read: its plain form, the names in it and its figures."""

    plain: str
    shown: str
    """As it was written, without list signs and emphasis."""
    mentions: tuple[Mention, ...]
    figures: tuple[Figure, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(i for m in self.mentions for i in called(m))


class LineReader:
    """Reads lines with one catalog's names; what was read once is kept for the turn."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._read: dict[str, Line] = {}

    def line(self, text: str) -> Line:
        """The line without Markdown emphasis and citation marks, with its names and figures."""
        if text not in self._read:
            self._read[text] = self._line(text)
        return self._read[text]

    def _line(self, text: str) -> Line:
        shown = re.sub(r"\*\*|`|^\s*(?:#+|>|[-*+]\s|\d{1,2}[.)、]\s)\s*", "", text, flags=re.MULTILINE).strip()
        plain = normalise(MARK.sub(" ", shown))
        mentions = tuple(m for m in self._linker.link(plain) if m.how in ("alias", "family", "vendor") or m.unknown)
        masked = mask(plain, mentions)
        figures = tuple(Figure(q, _whose(q, plain, mentions), q.text) for q in find_quantities(masked))
        return Line(plain, shown, mentions, figures)


def _whose(quantity: Quantity, text: str, mentions: Sequence[Mention]) -> frozenset[str]:
    before = [m for m in mentions if m.end <= quantity.start]
    if before:
        return called(before[-1])
    clause_end = re.search(r"[，,；;。！？]", text[quantity.end :])
    limit = quantity.end + (clause_end.end() + 40 if clause_end else len(text))
    after = [m for m in mentions if quantity.end <= m.start <= limit]
    return called(after[0]) if after else frozenset()


def called(mention: Mention) -> frozenset[str]:
    """The entities that a name stands for; a name that the catalog does not have stands for itself."""
    return frozenset(mention.entities or (compact(mention.text)[0],))


@dataclass
class Facts:
    """The evidence of one turn. `add` takes texts in; the rest asks."""

    reader: LineReader
    facts: list[Fact] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    lines: list[Line] = field(default_factory=list)
    marked: dict[int, list[Line]] = field(default_factory=dict)
    """Citation mark -> the lines of our own answer that bear it."""
    times: set[str] = field(default_factory=set)
    """Periods that the evidence speaks of at all."""
    _blob: str = ""
    _dates: set[str] = field(default_factory=set)

    def add(self, text: str, names: Iterable[str] = (), *, states: bool = True, bare: bool = False) -> None:
        """Takes in every line and sentence of a text. `names` are whose the figures of lines without a name are.

        A question does not state anything: its figures and names may be used, its sentences say neither yes nor no. `bare`: the
        output of a tool, whose units stand in other fields.
        """
        self._blob += " " + compact(normalise(text))[0]
        self._dates |= {_digits(m[0]) for m in _DATE.finditer(normalise(text))}
        self.times |= _TIMES & {m.per for m in find_markers(normalise(text))}
        carried = frozenset(names)
        columns: list[frozenset[str]] = []
        for raw in text.splitlines():
            if not raw.strip() or re.fullmatch(r"[|\s:\-]+", raw):
                continue
            if raw.lstrip().startswith("|"):
                columns = self._row(raw, columns, carried)
                continue
            columns = []
            for piece in sentences(raw):
                line = self.reader.line(piece)
                self._take(line, carried, keep=states, bare=bare)
                self._bear(piece, line)
                carried = line.names or carried

    def _row(self, raw: str, columns: list[frozenset[str]], carried: frozenset[str]) -> list[frozenset[str]]:
        """A table's row: figures belong to the row's name, or to the name at the head of their column."""
        cells = [self.reader.line(cell) for cell in raw.strip().strip("|").split("|")]
        whole = self.reader.line(raw.replace("|", " "))
        self.lines.append(whole)
        self._bear(raw, whole)
        row = next((cell.names for cell in cells if cell.names), frozenset())
        if not columns:
            columns = [cell.names for cell in cells]
        for index, cell in enumerate(cells):
            head = columns[index] if index < len(columns) else frozenset()
            self._take(cell, row or head or carried, keep=False, bare=True)
        return columns

    def _bear(self, raw: str, line: Line) -> None:
        for mark in MARK.findall(raw):
            self.marked.setdefault(int(mark), []).append(line)

    def _take(self, line: Line, default: frozenset[str], *, keep: bool = True, bare: bool = False) -> None:
        if keep:
            self.lines.append(line)
        self.names |= line.names
        for figure in line.figures:
            whose = line.names if _is_difference(figure.quantity, line) else figure.names or default
            for value in (figure.quantity.value, figure.quantity.high):
                if value is not None:
                    self.facts.append(Fact(value, figure.quantity.unit, frozenset(figure.quantity.per), whose, bare))

    def supports(self, figure: Figure, subject: frozenset[str] = frozenset()) -> bool:
        """Whether the evidence states this figure, with this unit, of whom the text says it. `subject`: who was last spoken of."""
        quantity = figure.quantity
        if quantity.value in _UNIT_SIZES and not quantity.is_money and quantity.unit in ("", "token", "character"):
            return True
        whose = figure.names or subject
        asked = _TIMES & set(quantity.per)
        if asked and not asked & self.times:
            return False
        if not re.search(r"\d", quantity.text) and quantity.value <= _MOST_IN_WORDS and quantity.unit == "":
            return True  # "两者", "一方面", "one of them"
        same = [f for f in self.facts if _same(quantity, f)]
        if quantity.unit and not any(f.unit for f in same):
            # A bare number makes no dollars of yuan, and a third item no three dollars.
            otherwise = any(f.unit and _close(quantity.value, quantity.text, f.value) for f in self.facts)
            same = [] if otherwise else [f for f in same if f.bare]
        return any(not (whose and f.names and not whose & f.names) for f in same)

    def holds_name(self, name: str) -> bool:
        """Whether an identifier (a model, a card, a version) occurs in the evidence, however it is spaced."""
        return compact(normalise(name))[0].rstrip(".-") in self._blob

    def strange_names(self, line: Line) -> list[str]:
        """Names of a line that the evidence does not hold: known models it does not speak of, versions, other identifiers."""
        strange = [
            m.text
            for m in line.mentions
            if not (called(m) & self.names or self.holds_name(m.text))
            or re.match(r"\d|\.\d", line.plain[m.end :])  # GPT-5.10 is no GPT-5.1
        ]
        spans = [(m.start, m.end) for m in line.mentions]
        chinese = holds_han(line.plain)
        for match in (*_IDENTIFIER.finditer(line.plain), *_PROPER.finditer(line.plain)):
            opens = not chinese and re.search(r"(?:^|[.!?:;\n\"(]\s*)$", line.plain[: match.start()])
            if opens and match[0].isalpha() or match[0] in _NO_NAMES:
                continue  # any word may open an English sentence
            if not any(a < match.end() and match.start() < b for a, b in spans) and not self.holds_name(match[0]):
                strange.append(match[0])
        return strange

    def strange_dates(self, line: Line) -> list[str]:
        """Dates that the evidence does not hold."""
        return [m[0] for m in _DATE.finditer(line.plain) if not any(_digits(m[0]) in known for known in self._dates)]

    def closest(self, text: str) -> tuple[Line | None, float]:
        """The line of the evidence that shares most with a text, and the share of the text's words that it holds."""
        words = set(index_tokens(MARK.sub(" ", text)))
        best: tuple[Line | None, float] = (None, 0.0)
        for line in self.lines:
            share = len(words & set(index_tokens(line.plain))) / len(words) if words else 0.0
            if share > best[1]:
                best = (line, share)
        return best


def _is_difference(quantity: Quantity, line: Line) -> bool:
    """Whether a figure says by how much two named things differ, and so belongs to both."""
    if len({called(m) for m in line.mentions}) < 2:
        return False
    before = line.plain[max(0, quantity.start - _NEAR_CHARS) : quantity.start]
    after = line.plain[quantity.end : quantity.end + _NEAR_CHARS + 4]
    compares = bool(LESS.search(line.plain) or MORE.search(line.plain))
    beside = bool(LESS.search(before) or MORE.search(before) or LESS.match(after.lstrip()) or MORE.match(after.lstrip()))
    return beside or compares and (quantity.unit == "percent" or after.lstrip().startswith(("倍", "x", "times")))


def _digits(date: str) -> str:
    return "-".join(part.lstrip("0") for part in re.findall(r"\d+", date))


def _same(quantity: Quantity, fact: Fact) -> bool:
    if not _close(quantity.value, quantity.text, fact.value):
        return False
    if quantity.unit and fact.unit and quantity.unit != fact.unit:
        return False
    asked, stated = _TIMES & set(quantity.per), _TIMES & fact.per
    return not (asked and stated and not asked & stated)


def _close(value: Decimal, written: str, other: Decimal) -> bool:
    """Equal, or equal once the evidence's value is rounded to the places written, where those are three figures or more."""
    if value == other:
        return True
    digits = re.search(r"\d[\d,]*(?:\.(\d+))?", written)
    if digits is None or len(re.sub(r"\D", "", digits[0]).lstrip("0")) < 3:
        return False
    base = Decimal(digits[0].replace(",", ""))
    if not base:
        return False
    unit = value / base
    return abs(value - other) <= abs(unit) * Decimal(10) ** -len(digits[1] or "") / 2
