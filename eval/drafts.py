"""Drafts a suite from a catalog: prices x volumes x wordings, so that a new corpus has a suite on its first day.

Expectations are computed here from the claims, by arithmetic that shares nothing with the agent's. Facts that the claims
disagree on become questions about the disagreement; models without a price become questions to be refused.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from eval.lint import states_answer
from eval.suite import Case
from kb.catalog.catalog import Catalog
from kb.catalog.schema import Claim, Entity
from kb.errors import UsageError

_VOLUMES = ((30, 8), (120, 25), (6, 2), (250, 40), (75, 15), (900, 150))
"""Input and output tokens in millions."""
_CALLS = ((800, 1500, 400), (3000, 900, 300), (12000, 600, 200), (250, 4000, 1000))
"""Requests a day, tokens in and out of each."""
_FEW_REFUSALS = 4
_MONEY = (500, 2000, 60, 8000)


@dataclass(frozen=True, slots=True)
class Priced:
    """A model with one undisputed price each way, per million tokens."""

    entity: Entity
    currency: str
    input: Decimal
    output: Decimal
    sources: tuple[str, ...]

    def cost(self, tokens_in: int, tokens_out: int) -> Decimal:
        return (tokens_in * self.input + tokens_out * self.output) / 10**6


class Drafter:
    def __init__(self, catalog: Catalog, langs: Sequence[str] = ("zh", "en"), seed: int = 0) -> None:
        self.catalog = catalog
        self.langs = tuple(langs)
        self.draw = random.Random(seed)
        self.models = [e for e in catalog.entities.values() if e.kind == "model"]
        self.priced = [p for e in self.models if (p := _priced(e))]

    def cases(self) -> list[Case]:
        """Every case this catalog gives, ids `new-category-NN`. Raises `UsageError` for a catalog without models."""
        if not self.models:
            raise UsageError("the catalog holds no model; ingest documents with prices or add entries (`advisor catalog draft PATH`)")
        makers: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
            "price": self._price, "cost_calc": self._cost, "budget": self._budget, "compare": self._compare, "lookup": self._lookup,
            "conflict": self._conflict, "unanswerable": self._unanswerable,
        }  # fmt: skip
        names = [name for entity in self.models for name in (entity.name, *entity.aliases)]
        cases: dict[str, Case] = {}
        for category, maker in makers.items():
            for n, record in enumerate(maker(), start=1):
                case = Case.model_validate({"id": f"new-{category}-{n:02d}", "category": category, **record})
                if not states_answer(case, names):
                    cases.setdefault(case.turns[0], case)
        return list(cases.values())

    def _ask(self, category: str, which: int, **words: str) -> dict[str, Any]:
        lang = self.draw.choice(self.langs)
        if "field_id" in words:
            label = self.catalog.fields[words.pop("field_id")].label
            words["field"] = label.zh if lang == "zh" else label.en
        options = _wordings()[category][lang]
        return {"lang": lang, "turns": [options[which % len(options)].format(**words)]}

    def _price(self) -> Iterator[dict[str, Any]]:
        for n, p in enumerate(self.priced):
            which = n % 4
            numbers = {0: [p.input], 1: [p.input, p.output], 2: [p.output], 3: [p.input]}[which]
            yield self._ask("price", which, m=p.entity.name) | _expect(p, *numbers, rel_tol=0.001)

    def _cost(self) -> Iterator[dict[str, Any]]:
        for n, p in enumerate(self.priced * 2):
            (i, o), (r, a, b) = _VOLUMES[n % len(_VOLUMES)], _CALLS[n % len(_CALLS)]
            which = n % 4
            total = p.cost(i * 10**6, o * 10**6) * (12 if which == 1 else 1)
            if which == 2:
                total = p.cost(a, b) * r * 30
            question = self._ask("cost_calc", which, m=p.entity.name, i="{i}", o="{o}", r=str(r), a=str(a), b=str(b))
            shown = _millions_zh if question["lang"] == "zh" else _millions_en
            question["turns"] = [question["turns"][0].format(i=shown(i), o=shown(o))]
            yield question | _expect(p, total)

    def _budget(self) -> Iterator[dict[str, Any]]:
        for n, p in enumerate(self.priced):
            money, (_, a, b) = _MONEY[n % len(_MONEY)], _CALLS[n % len(_CALLS)]
            which = n % 2
            if not (p.input if which == 0 else p.cost(a, b)):
                continue
            value, unit = (money / p.input * 10**6, "tokens") if which == 0 else (money / p.cost(a, b), "requests")
            question = self._ask("budget", which, m=p.entity.name, money=f"{money} {p.currency}", a=str(a), b=str(b))
            yield question | _expect(p, value, unit=unit)

    def _compare(self) -> Iterator[dict[str, Any]]:
        pairs = [(p, q) for p, q in zip(self.priced, self.priced[1:], strict=False) if p.currency == q.currency]
        for n, (p, q) in enumerate(pairs):
            i, o = _VOLUMES[n % len(_VOLUMES)]
            which = n % 2
            value = p.input - q.input if which == 0 else p.cost(i * 10**6, o * 10**6) - q.cost(i * 10**6, o * 10**6)
            if not value:
                continue
            question = self._ask("compare", which, m=p.entity.name, n=q.entity.name, i="{i}", o="{o}")
            shown = _millions_zh if question["lang"] == "zh" else _millions_en
            question["turns"] = [question["turns"][0].format(i=shown(i), o=shown(o))]
            expected = _expect(p, abs(value))
            expected["expect"]["sources"] = [*p.sources, *(s for s in q.sources if s not in p.sources)]
            yield question | expected

    def _lookup(self) -> Iterator[dict[str, Any]]:
        """One short fact a model: a value of at most 20 characters that only one claim states, beside the prices."""
        for n, entity in enumerate(self.models):
            facts = [
                (field, claims[0])
                for field, claims in entity.claims.items()
                if len(claims) == 1 and field not in ("input_price", "output_price") and self._forms(field, claims[0])
            ]
            if facts:
                field, claim = self.draw.choice(facts)
                question = self._ask("lookup", n, m=entity.name, field_id=field)
                yield question | {"expect": {"all_of": [self._forms(field, claim)], "sources": [_place(claim)]}, "why": _why([claim])}

    def _forms(self, field: str, claim: Claim) -> list[str]:
        """How a short value may be said, in both languages; empty where it is too long or a number to be told from the text."""
        kind = self.catalog.fields[field].values.get(str(claim.value))
        if kind is not None:
            return list(dict.fromkeys([kind.label.zh, kind.label.en, *kind.words]))
        values = [claim.value, claim.en] if claim.en else [claim.value]
        forms = [str(v) for v in values if isinstance(v, str) and 1 < len(v) <= 20]
        return forms if len(forms) == len(values) else []

    def _conflict(self) -> Iterator[dict[str, Any]]:
        for entity in self.models:
            for field, claims in entity.claims.items():
                record = self.catalog.fields[field]
                if record.multiple or record.type not in ("rate", "money", "quantity", "enum", "date", "rank"):
                    continue
                if differing := _differing(claims):
                    question = self._ask("conflict", len(field), m=entity.name, field_id=field)
                    yield question | {"expect": {"conflict": True, "sources": [_place(c) for c in differing]}, "why": _why(differing)}

    def _unanswerable(self) -> Iterator[dict[str, Any]]:
        silent = [e for e in self.models if not {"input_price", "output_price"} & set(e.claims)]
        # A suite of refusals would praise an advisor that refuses everything.
        for n, entity in enumerate(self.draw.sample(silent, min(len(silent), max(_FEW_REFUSALS, len(self.priced))))):
            yield self._ask("unanswerable", n, m=entity.name) | {"expect": {"refuse": True}, "why": "no price in the catalog"}


def _priced(entity: Entity) -> Priced | None:
    sides = [entity.claims.get("input_price", ()), entity.claims.get("output_price", ())]
    chosen = []
    for claims in sides:
        plain = [c for c in claims if not c.when and isinstance(c.value, Decimal)]
        if not plain or len({(c.value, c.unit) for c in plain}) != 1 or len(plain) != len(claims):
            return None
        chosen.append(plain[0])
    units = {c.unit for c in chosen}
    currency, _, per = chosen[0].unit.partition("/")
    if len(units) != 1 or per != "1M token":
        return None
    first, second = Decimal(str(chosen[0].value)), Decimal(str(chosen[1].value))
    return Priced(entity, currency, first, second, tuple(dict.fromkeys(_place(c) for c in chosen)))


def _differing(claims: Sequence[Claim]) -> list[Claim]:
    """Claims under the same conditions that state different values, the first of each value."""
    by_condition: dict[str, dict[str, Claim]] = {}
    for claim in claims:
        by_condition.setdefault(repr(sorted(claim.when.items())), {}).setdefault(_same_text(claim), claim)
    return next((list(values.values()) for values in by_condition.values() if len(values) > 1), [])


def _same_text(claim: Claim) -> str:
    """The same for values that are the same, however many zeros they are written with."""
    value = format(claim.value.normalize(), "f") if isinstance(claim.value, Decimal) else str(claim.value).strip().casefold()
    return f"{value} {claim.unit}"


def _expect(p: Priced, *values: Decimal, unit: str = "", rel_tol: float = 0.01) -> dict[str, Any]:
    numbers = [{"value": float(v), "unit": unit or p.currency, "rel_tol": rel_tol} for v in values]
    why = f"{p.entity.name}: {p.input} in, {p.output} out, {p.currency} per 1M tokens"
    return {"expect": {"numbers": numbers, "sources": list(p.sources)}, "why": why}


def _place(claim: Claim) -> str:
    return f"{claim.source} > {claim.section}" if claim.section else claim.source


def _why(claims: Sequence[Claim]) -> str:
    return "; ".join(f"{_place(c)}: {c.value} {c.unit}".strip() for c in claims)


def _millions_zh(count: int) -> str:
    return f"{count / 100:g}亿" if count >= 100 else f"{count * 100}万"


def _millions_en(count: int) -> str:
    return f"{count}M"


@lru_cache(maxsize=1)
def _wordings() -> Mapping[str, Mapping[str, list[str]]]:
    path = Path(__file__).parent / "suites" / "wordings.yaml"
    loaded: Mapping[str, Mapping[str, list[str]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded
