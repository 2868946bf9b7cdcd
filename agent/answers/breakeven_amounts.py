"""The amounts of a break-even question: which is the investment, which the API bill, which a running cost, and all in one currency."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from agent.answers.price import converted
from agent.understand.lexicon import pattern
from agent.words import currency_name
from agent.work import Work
from kb.quantities import Quantity, clause_bounds


@dataclass(frozen=True, slots=True)
class Amounts:
    """The amounts of a break-even question by what they are for; currency of each by its quantity. `unused` have no place in the formula."""

    upfront: tuple[Quantity, ...] = ()
    api_monthly: Quantity | None = None
    running_monthly: tuple[Quantity, ...] = ()
    unused: tuple[Quantity, ...] = ()

    @property
    def all(self) -> tuple[Quantity, ...]:
        return (*self.upfront, *((self.api_monthly,) if self.api_monthly else ()), *self.running_monthly)


def monthly(quantity: Quantity) -> Decimal:
    """The amount a month (30 days, 52/12 weeks)."""
    factor = {"day": Decimal(30), "week": Decimal(52) / 12, "quarter": Decimal(1) / 3, "year": Decimal(1) / 12}
    return quantity.value * next((factor[p] for p in quantity.per if p in factor), Decimal(1))


def _amounts(work: Work) -> list[Quantity]:
    """Amounts of money, plain 万-numbers included: in a break-even question they are money. An exchange rate is none."""
    question = work.question
    bare = [q for q in question.quantities if not q.is_money and q.unit == "" and q.value >= 100 and not _is_tokens(work, q)]
    return sorted((q for q in (*question.money, *bare) if q.value != question.rate), key=lambda q: q.start)


def _is_tokens(work: Work, quantity: Quantity) -> bool:
    return any(a.quantity.start == quantity.start and a.direction in ("input", "output") for a in work.question.usage.amounts) or any(
        a.quantity.start == quantity.start and a.quantity.unit in ("token", "char") for a in work.question.usage.amounts
    )


def roles(work: Work) -> Amounts:
    """The amounts of the question, and of the turns before it where it leaves them out."""
    text = work.question.masked
    amounts = _amounts(work)
    edge = text.find(" \n ")
    if edge >= 0:
        # A later turn's amounts replace those of the same role; the earlier ones fill what it leaves out.
        now, then = (_assign(work, [q for q in amounts if (q.start < edge) == first], text) for first in (True, False))
        return Amounts(
            now.upfront or then.upfront, now.api_monthly or then.api_monthly, now.running_monthly or then.running_monthly, now.unused
        )
    return _assign(work, amounts, text)


class Money:
    """Amounts brought to one currency: the first one's. A bare amount is in it too, or in that of the language where a rate is given."""

    def __init__(self, work: Work, amounts: Sequence[Quantity]) -> None:
        self.work = work
        self.steps: list[str] = []
        self.missing_rate = ""
        stated = list(dict.fromkeys(q.unit for q in amounts if q.is_money))
        home = "CNY" if work.language == "zh" else "USD"
        self.bare = stated[0] if stated and (work.question.rate is None or home not in ("CNY", *stated)) else home
        bare = [q for q in amounts if not q.is_money]
        self.currency = next((q.unit if q.is_money else self.bare for q in amounts), home)
        self.assumed = bool(bare)
        self.said = work.say("、", ", ").join(q.text.strip() for q in bare)
        self.mixed = bool(bare and stated)

    def value(self, quantity: Quantity) -> Decimal:
        """The amount a month (or once) in the common currency; 0, with `missing_rate` set, where no rate is known."""
        return self.exchanged(monthly(quantity), quantity.unit if quantity.is_money else self.bare)

    def exchanged(self, value: Decimal, code: str) -> Decimal:
        """An amount of another currency in the common one."""
        if code == self.currency:
            return value
        change = converted(self.work, value, code, self.currency)
        if change is None:
            self.missing_rate = code
            return Decimal(0)
        if change[1] not in self.steps:
            self.steps.append(change[1])
        return change[0]

    def assumption(self, *, matters: bool = False) -> list[str]:
        """That amounts had no currency, and which was taken; `matters` where another one would change the result."""
        if not self.assumed:
            return []
        name = currency_name(self.bare, self.work.language)
        if not (self.mixed or matters):
            return [
                self.work.say(
                    f"假设：没有写币种，按{name}显示（各项同币种即可，结果与币种无关）。",
                    f"Assumption: no currency was given, {name} is shown (the result does not depend on it if all are the same).",
                )
            ]
        return [
            self.work.say(
                f"假设：{self.said} 没有写币种，按{name}计；不是的话请写明币种和汇率。",
                f"Assumption: {self.said} names no currency and is taken as {name}; if it is another, name it and a rate.",
            )
        ]


def _cues(text: str) -> list[tuple[int, int, str]]:
    groups = (("upfront", "upfront_cue"), ("api", "api_cue"), ("running", "running_cue"))
    return [(m.start(), m.end(), role) for role, group in groups for m in pattern(group).finditer(text)]


def _assign(work: Work, amounts: list[Quantity], text: str) -> Amounts:
    found: dict[str, list[Quantity]] = {"upfront": [], "api": [], "running": []}
    cues = _cues(text)
    bounds = _clauses(text)
    priced = work.question.usage.has_volume and bool(work.question.named)
    ordered = amounts
    # Amounts beside a word of their own first; what is left takes the roles that remain.
    ordered = sorted(ordered, key=lambda q: not any(c[0] - 14 <= q.start <= c[1] + 10 for c in cues))
    for quantity in ordered:
        clause = next((b for b in bounds if b[0] <= quantity.start < b[1]), (0, len(text)))
        near = sorted((_gap(c, quantity), c[2]) for c in cues if clause[0] <= c[0] < clause[1])
        # What recurs is a bill or a running cost; what does not is an investment, unless the bill's word stands closest to it.
        if _recurs(quantity):
            first = next((role for _, role in near if role != "upfront"), "running" if found["api"] or priced else "api")
            role = "running" if first == "api" and found["api"] else first
        else:
            others_once = any(o is not quantity and not _recurs(o) for o in amounts)
            if near and near[0][1] == "running" and near[0][0] <= 8 and others_once:
                found["running"].append(quantity)
                continue
            beside_api = bool(near) and near[0][1] == "api" and near[0][0] <= 4
            role = (
                "api"
                if beside_api
                and (found["upfront"] or all(r != "upfront" for _, r in near))
                and len(amounts) > 1
                and not found["api"]
                and bool(found["upfront"])
                else "upfront"
                if not found["upfront"]
                else near[0][1]
                if near
                else "running"
            )
        found[role].append(quantity)
    return Amounts(tuple(found["upfront"]), next(iter(found["api"]), None), tuple(found["running"]), tuple(found["api"][1:]))


def _recurs(quantity: Quantity) -> bool:
    return any(p in ("day", "week", "month", "quarter", "year") for p in quantity.per)


def _clauses(text: str) -> list[tuple[int, int]]:
    """Clauses, cut at the enumeration comma too: each item of a list of costs has its own amount."""
    return [(a + x, a + y) for a, b in clause_bounds(text) for x, y in _split(text[a:b])]


def _split(clause: str) -> list[tuple[int, int]]:
    edges = [0, *(m.end() for m in re.finditer("、|\\band\\b|\\bplus\\b", clause)), len(clause)]
    return [(x, y) for x, y in zip(edges, edges[1:], strict=False) if y > x]


def _gap(cue: tuple[int, int, str], quantity: Quantity) -> int:
    if cue[1] <= quantity.start:
        return quantity.start - cue[1]
    return cue[0] - quantity.end + 2 if cue[0] >= quantity.end else 0
