"""Prices of cells and sentences: which side they are for, under which conditions, and those that follow from them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from ingest.draft_price_change import PriceChange, price_change
from ingest.draft_values import SHARED_SIGNS, PriceUnit, clauses, is_free, is_range, price_unit, rate_unit, rates_in, with_points
from ingest.draft_words import Label, plain, tier
from kb.quantities import find_quantities
from kb.rates import Rate

if TYPE_CHECKING:
    from ingest.draft_cells import Scribe, Spot
    from ingest.draft_names import EntityDraft

_BOTH_SIDES = re.compile(
    r"输入(?:和|与|及|、|/)?输出(?:均|都|同价|统一|一致|价格相同)|input and output(?: tokens)? (?:alike|are (?:both )?(?:priced"
    r"|charged|billed)|cost the same|at the same)|both input and output",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"[$¥€£₹₩]\s?\d|\d\s*(?:元|美元|欧元|英镑|日元)")
_SOURCES = re.compile(r"写|称|报|显示|标|给出|says?\b|lists?\b|quotes?\b|states?\b|gives?\b", re.IGNORECASE)
_SIZE = re.compile(r"(?<![A-Za-z\d.])(\d+(?:\.\d+)?[BbT])\s*(?:参数)?\s*(?:的)?(?:模型|版本|版|规格|model|version|variant)")
_FREE = re.compile(r"免费|赠送|免收|\bfree\b|no charge|without charge|gratis|kostenlos|kostenfrei|complimentary", re.IGNORECASE)
_NOT_FREE = re.compile(r"不免费|不再免费|没有免费|无免费|不赠送|not free|no longer free|no free|nicht kostenlos", re.IGNORECASE)
_NEXT_PRICE = re.compile(r"[，,;；。|、]|\s(?:and|plus|while)\s|和")
_OFFERED = re.compile(
    r"(?:支持|提供|可用|可走|没有|无|不含|不设|(?<![a-z])(?:supports?|offers?|no|without|has|and)(?: a)?)\s*$", re.IGNORECASE
)
"""A mode that is only said to exist, or not to: no condition of the prices beside it."""
class PriceWriter:
    """Writes price claims through a `Scribe`."""

    def __init__(self, scribe: Scribe) -> None:
        self.scribe = scribe
        self.words = scribe.words

    def cell(self, entity: EntityDraft, label: Label, text: str, spot: Spot, unit: PriceUnit) -> None:
        """Prices of a cell; which side they are for is said by the label, or by the cell itself."""
        here = spot.with_(when=label.when)
        if is_free(text):
            if unit.currency and label.direction in ("input", "output"):
                self.scribe.write(entity, f"{label.direction}_price", "0", here, text, unit=f"{unit.currency}/1M token", written=text)
            else:
                self.scribe.write(entity, "pricing_note", text, here, text)
            return
        if is_range(text):
            self.scribe.write(entity, "pricing_note", f"{label.text}: {text}", here, text)
            return
        rates = rates_in(text, unit)
        if not rates and re.search(r"每|/|\bper\b", text):
            rates = rates_in(text, price_unit(text).filled(unit))
        if not rates:
            return
        sides = self.sides(with_points(text), rates, label.direction)
        for rate, side in zip(rates, sides, strict=True):
            if side:
                self._price(entity, side, rate, here, text, unit)
        if len(rates) == 1 and not sides[0] and label.role == "price":
            for side in ("input", "output"):
                self._price(entity, side, rates[0], here, text, unit, single=True)

    def _price(self, entity: EntityDraft, side: str, rate: Rate, spot: Spot, text: str, unit: PriceUnit, *, single: bool = False) -> None:
        amount = rate.per_million
        per = rate.per_million / (Decimal(re.sub(r"[^\d.]", "", rate.text).strip(".") or 1) or 1)
        value, written = f"{amount:f}", ""
        if per != 1:
            value = f"{amount.normalize():f}"
            written = self._as_written(rate, unit, with_points(text))
        note, note_en = ("原文只给一个价格，未分输入输出", "the source gives one price for input and output alike") if single else ("", "")
        approx = bool(self.words.patterns["approximate"].search(text.lower()))
        self.scribe.write(
            entity, f"{side}_price", value, spot, text, unit=rate_unit(rate), written=written, note=note, note_en=note_en, approx=approx
        )

    @staticmethod
    def _as_written(rate: Rate, unit: PriceUnit, text: str) -> str:
        own = re.match(
            r"\s*[A-Z]{0,3}\s*(?:/|每|per\b)\s*[^,，;；。()（）、]{1,20}?(?:tokens?|词元|字符?|characters?|[kKmM]\b|千|百万|million"
            r"|thousand)+",
            text[rate.end :],
            re.I,
        )
        if own:
            return rate.text + own[0]
        if unit.per is None:
            return rate.text
        count = int(unit.per[0])
        counted = {1000: "1k", 10_000: "10k", 1_000_000: "1M", 1: "1"}.get(count, f"{count:,}")
        return f"{rate.text} / {counted} {'characters' if unit.per[1] == 'char' else 'tokens'}"

    def sides(self, text: str, rates: list[Rate], direction: str) -> list[str]:
        """For each price whether it is for input or output tokens, "" if that is not said."""
        if direction in ("input", "output"):
            return [direction if index == 0 or len(rates) == 1 else "" for index in range(len(rates))]
        text = plain(text)
        if len(rates) == 2 and (order := self._order(text[: rates[0].start]) or self._order(text[rates[1].end :][:48])):
            return order
        sides: list[str] = []
        for index, rate in enumerate(rates):
            after = text[rate.end : rates[index + 1].start if index + 1 < len(rates) else rate.end + 32]
            after = re.split(r"[，,;；。|]|\sand\s|和|、", after)[0]
            before = text[rates[index - 1].end if index else 0 : rate.start]
            before = re.split(r"[;；。|]", before)[-1]
            side = self._side(after) or self._side(before)
            if not side and len(rates) == 2 and index and _SOURCES.search(before):
                return [sides[0], sides[0]]  # "the list says 0.8, the mail says 1.0": one price by two sources
            sides.append(side)
        if not any(sides) and len(rates) == 2 and direction == "both":
            return ["input", "output"]
        return [""] * len(sides) if len(set(sides)) < len(sides) else sides

    def _order(self, text: str) -> list[str]:
        """The sides of two prices that a bracket or label names together: `(input / output)`, `输入/输出`."""
        into, out = self.words.patterns["input"].pattern, self.words.patterns["output"].pattern
        between = r"\s*(?:tokens?)?\s*(?:/|和|与|及|、|and|,)\s*"
        if re.search(rf"(?:{into}){between}(?:{out})", text, re.IGNORECASE):
            return ["input", "output"]
        return ["output", "input"] if re.search(rf"(?:{out}){between}(?:{into})", text, re.IGNORECASE) else []

    def _side(self, text: str) -> str:
        lower = text.lower()
        spots = [(match.start(), side) for side in ("input", "output") for match in self.words.patterns[side].finditer(lower)]
        return max(spots)[1] if spots else ""

    def sentence(self, entity: EntityDraft, sentence: str, spot: Spot, section_unit: PriceUnit | None) -> None:
        """Prices of a sentence. `section_unit` is what prices of its section stand for; None if the section is not about prices."""
        lower = sentence.lower()
        if self.words.patterns["other_prices"].search(lower) and not self.words.patterns["directions"].search(lower):
            return
        priced = self.words.patterns["price_words"].search(lower) or section_unit is not None or _AMOUNT.search(sentence)
        unit = price_unit(sentence) if priced and re.search(r"/|每|\bper\b", lower) else PriceUnit()
        # "¥400 (JPY)": a sign that several currencies share is the one that the sentence names.
        shared = unit.currency if unit.currency in SHARED_SIGNS else ""
        unit = PriceUnit(shared, unit.per if unit.per and unit.per[0] >= 1000 else None)
        if section_unit is not None:
            unit = unit.filled(PriceUnit("", section_unit.per))
        text = with_points(sentence)
        for _, start, end in self.scribe.names.mentions(text):
            text = text[:start] + "x" * (end - start) + text[end:]  # the 2 of "Firefly 2 $0.25" is no price
        rates = rates_in(text, unit)
        if not rates or len(rates) > 4:
            self.surcharge(entity, sentence, spot)
            return
        modes = self._modes(text, rates)
        plain_rates = [rate for rate, mode in zip(rates, modes, strict=True) if mode != "cached"]
        plain_sides = iter(self.sides(text, plain_rates, "both" if _BOTH_SIDES.search(sentence) else "") if plain_rates else ())
        sides = ["input" if mode == "cached" else next(plain_sides) for mode in modes]
        if len(rates) == 1 and _BOTH_SIDES.search(sentence):
            sides = ["both"]
        here = spot.with_(when=self._price_conditions(sentence))
        for index, (rate, side, mode) in enumerate(zip(rates, sides, modes, strict=True)):
            start = rates[index - 1].end if index else 0
            condition = {**({"mode": mode} if mode else {}), **tier(re.split(r"[;；。]", text[start : rate.start])[-1])}
            quote = sentence
            for one in ("input", "output") if side == "both" else (side,):
                if one:
                    self._price(entity, one, rate, here.with_(when=condition), quote, unit)
        self.surcharge(entity, sentence, spot)

    def _price_conditions(self, sentence: str) -> dict[str, str]:
        when: dict[str, str] = {}
        if self.words.patterns["third_party"].search(sentence.lower()):
            when["channel"] = "third_party"
        size = _SIZE.search(sentence)
        if size:
            when["size"] = size[1].upper()
        return when

    def _modes(self, text: str, rates: list[Rate]) -> list[str]:
        """For each price of a sentence the mode of calling that its own words name; a mode before or after all is that of all."""
        ends: list[tuple[str, str]] = []  # what stands before each price, and after it
        before = text[: rates[0].start]
        for index, rate in enumerate(rates):
            last = index + 1 == len(rates)
            between = text[rate.end : len(text) if last else rates[index + 1].start]
            cut = _NEXT_PRICE.search(between)
            after, rest = (between[: cut.start()], between[cut.end() :]) if cut else (between, "") if last else ("", between)
            ends.append((re.split(r"[;；。|]", before)[-1], after))
            before = rest
        of_all = "batch" if self._names_mode("batch", ends[0][0]) or self._names_mode("batch", ends[-1][1]) else ""
        return [
            "cached" if any(self._names_mode("cached", part) for part in pair)
            else of_all or ("batch" if any(self._names_mode("batch", part) for part in pair) else "")
            for pair in ends
        ]  # fmt: skip

    def _names_mode(self, mode: str, text: str) -> bool:
        return any(not _OFFERED.search(text[: match.start()]) for match in self.words.patterns[mode].finditer(text.lower()))

    def free(self, entity: EntityDraft, sentence: str, spot: Spot) -> None:
        """`每月前 500 万 tokens 免费`, `1M tokens a month at no charge`: what is free of charge every month."""
        for clause in clauses(sentence):
            if not _FREE.search(clause) or _NOT_FREE.search(clause):
                continue
            masked = clause
            for _, start, end in self.scribe.names.mentions(clause):
                masked = masked[:start] + "x" * (end - start) + masked[end:]
            amounts = [one for one in find_quantities(masked) if one.unit == "token" and one.high is None]
            if len(amounts) == 1 and "month" in amounts[0].per and set(amounts[0].per) == {"month"} and amounts[0].bound != "min":
                self.scribe.write(
                    entity, "free_tokens", f"{amounts[0].value:f}", spot, clause, unit="token/month", written=amounts[0].text.strip()
                )

    def surcharge(self, entity: EntityDraft, sentence: str, spot: Spot) -> None:
        """`Above 128K the price doubles`, `batch calls at 50% off`: prices that follow from the ones stated."""
        change = price_change(sentence, self.words)
        if change is not None:
            self._derive(entity, change, spot, sentence)

    def _derive(self, entity: EntityDraft, change: PriceChange, spot: Spot, quote: str) -> None:
        """Prices under a condition as a multiple of the plain ones, which then hold below it.

        Where this document has not stated them yet, the rule itself is noted, to be applied to what other documents state.
        """
        limit = change.when.get("context_tokens", "").removeprefix(">")
        derived = False
        for side in change.sides:
            field = f"{side}_price"
            bases = [
                claim
                for claim in entity.claims.get(field, [])
                if not claim.formula and "mode" not in claim.when and claim.source == spot.source
            ]
            if limit:
                bases = [claim for claim in bases if claim.when.get("context_tokens", f"<={limit}") == f"<={limit}"]
                bases = bases if len(bases) == 1 else []
            for base in bases:
                derived = True
                below = {**base.when, "context_tokens": f"<={limit}"} if limit else dict(base.when)
                known = entity.claims[field]
                if limit:
                    known[known.index(base)] = base.model_copy(update={"when": below})
                value = (Decimal(str(base.value)) * Decimal(change.factor)).normalize()
                self.scribe.write(
                    entity, field, f"{value:f}", spot.with_(when={**base.when, **change.when}, about=base.about), quote, unit=base.unit,
                    note=f"按原文推算：{base.value} × {change.factor}", note_en=f"derived: {base.value} × {change.factor}",
                    formula="multiple",
                    inputs={"of": field, "factor": change.factor, "when": below},
                )  # fmt: skip
        priced = any(claim.source == spot.source for side in change.sides for claim in entity.claims.get(f"{side}_price", []))
        if not derived and not priced:
            inputs: dict[str, object] = {"factor": change.factor, "sides": list(change.sides), "when": dict(change.when)}
            self.scribe.write(entity, "pricing_note", quote, spot, quote, formula="price_rule", inputs=inputs)
