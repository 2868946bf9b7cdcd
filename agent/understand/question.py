"""A question as the planner sees it: names, fields, conditions, quantities by role, and what kind of answer is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property

from agent.events import Language
from agent.similar import claim_words, text_tokens
from agent.understand import lexicon
from agent.understand.deployment import Deployment
from agent.understand.discount import PriceChange, price_change, whose
from agent.understand.exchange import exchange_rate
from agent.understand.link import Linker, Mention
from agent.understand.misspelt_units import mended
from agent.understand.shares import Mix, blanked, read_mix, without_mix
from agent.understand.tiers import PriceTier, price_tier
from agent.understand.usage import Usage, read_usage
from kb.catalog.catalog import Catalog
from kb.catalog.schema import Entity, FieldRecord
from kb.quantities import Quantity, Ratio, find_quantities, find_ratios, normalise

_NAMES_FIELD = re.compile(r"的?(?:情况(?!下)|与否|状况|状态)| (?:status|or not)\b")
"""After the word of a value: the field is asked for, and nothing is wanted of it ("开源情况", "开源与否")."""


@dataclass(frozen=True, slots=True)
class FieldMention:
    """A kind of fact that the question asks for, and the words that say so."""

    field: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class ValueMention:
    """A value of an enum field or a condition that the question names: country CN, channel third_party."""

    field: str
    value: str
    start: int
    end: int
    text: str
    negated: bool = False


@dataclass(frozen=True)
class Question:
    """`text` is normalised; every span indexes it. `masked` has the names blanked out, so that versions are not numbers."""

    text: str
    masked: str
    language: Language
    mentions: tuple[Mention, ...] = ()
    fields: tuple[FieldMention, ...] = ()
    values: tuple[ValueMention, ...] = ()
    conditions: tuple[ValueMention, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    usage: Usage = field(default_factory=Usage)
    rate: Decimal | None = None
    """CNY for one USD, as the question states it."""
    rate_span: tuple[int, int] | None = None
    """Where it states it."""
    ratios: tuple[Ratio, ...] = ()
    price_change: PriceChange | None = None
    """A discount or a rise that the question supposes."""
    tier: PriceTier | None = None
    """A price that the question supposes for a part of the volume."""
    excluded: frozenset[str] = frozenset()
    """Entities that the question rules out ("不要谷歌的")."""
    recent: tuple[Mention, ...] = ()
    """The last names of the conversation, oldest first."""
    carried: tuple[str, ...] = ()
    """What was taken over from earlier turns, in words."""
    deployment: Deployment = field(default_factory=Deployment)
    """What the conversation says about running a model on cards; set when the turn is merged with those before it."""
    mix: Mix | None = None
    """How a volume or a budget divides among the models that are named."""

    def has(self, group: str) -> bool:
        """Whether words of a lexicon group occur outside names."""
        return lexicon.has(group, self.masked)

    @cached_property
    def money(self) -> tuple[Quantity, ...]:
        return tuple(q for q in self.quantities if q.is_money and not self.is_rate(q))

    @cached_property
    def shares(self) -> tuple[Quantity, ...]:
        spans = [(c.start, c.end) for c in (self.price_change, *self.usage.changes) if c is not None]
        return tuple(q for q in self.quantities if q.unit == "percent" and not any(a <= q.start < b for a, b in spans))

    @cached_property
    def named(self) -> tuple[Mention, ...]:
        """Mentions that name something known."""
        return tuple(m for m in self.mentions if m.entities)

    @cached_property
    def unknown(self) -> tuple[Mention, ...]:
        """Versions or variants that the catalog does not have."""
        return tuple(m for m in self.mentions if m.unknown)

    def is_rate(self, quantity: Quantity) -> bool:
        return self.rate_span is not None and self.rate_span[0] <= quantity.start < self.rate_span[1]


class Reader:
    """Turns text into a `Question` over one catalog. Compiled once, then read-only."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.linker = Linker(catalog)
        self._fields = [
            (record, lexicon.word_pattern(_long_enough([*record.words, record.label.zh, record.label.en])))
            for record in catalog.fields.values()
        ]
        self._values = [
            (record.id, value, lexicon.word_pattern(_long_enough([*spec.words, spec.label.zh, spec.label.en])))
            for record in catalog.fields.values()
            for value, spec in record.values.items()
        ]
        self._opposites = [
            (record.id, value, lexicon.word_pattern(spec.opposite))
            for record in catalog.fields.values()
            for value, spec in record.values.items()
            if spec.opposite
        ]
        self._conditions = [
            (record.id, value, lexicon.word_pattern(_long_enough([*spec.words, spec.label.zh, spec.label.en])))
            for record in catalog.conditions.values()
            for value, spec in record.values.items()
        ]
        # Free values of conditions (benchmark MMLU, size 70B) are words of a question too.
        free = {
            (key, value)
            for entity in catalog.entities.values()
            for claims in entity.claims.values()
            for claim in claims
            for key, value in claim.when.items()
        }
        self._free = [
            (key, value, lexicon.word_pattern([value]))
            for key, value in sorted(free)
            if re.search(r"[A-Za-z\u4e00-\u9fff]{2,}|\d+[bB]$", value)
        ]

    def read(self, text: str) -> Question:
        """Understands one turn on its own; follow-ups are merged by agent/understand/followup.py."""
        text = mended(normalise(text).strip())
        words = self._find_fields(text)
        # A name heard across the edge of a word ("上下文信息" holds no 文心) is none.
        linked = tuple(m for m in self.linker.link(text) if m.how != "sound" or not any(f.start < m.start < f.end < m.end for f in words))
        ruled_out = tuple(
            m
            for m in linked
            if negated(text, m.start) and m.entities and len(linked) < 3 and not re.match(r"\s*(?:吗|呢|更|吧|好)", text[m.end :])
        )
        mentions = tuple(m for m in linked if m not in ruled_out and not _is_platform(text, m, linked) and not _asks_version(text, m))
        masked = mask(text, linked)
        # A name alone is nobody's language; most who ask read Chinese.
        language: Language = language_of(masked) if re.search(r"[A-Za-z\u4e00-\u9fff]{2,}", masked) else "zh"
        quantities = tuple(find_quantities(masked))
        change = price_change(masked, quantities)
        mix = read_mix(masked, mentions, quantities, (change.start, change.end) if change else None)
        quantities = without_mix(quantities, mix, masked)
        quantities = tuple(_budget_as_money(q, masked, language) for q in quantities)
        rate, rate_span = exchange_rate(masked, quantities)
        for_usage = [
            q for q in quantities if not (rate_span and q.start < rate_span[1] and rate_span[0] < q.end) and not _is_model_size(q, masked)
        ]
        tier = price_tier(masked, quantities)
        amounts = [q for q in for_usage if not q.is_money and not (tier and tier.start <= q.start < tier.end)]
        usage = read_usage(blanked(masked, mix), [q for q in amounts if not (mix and _within(q, mix))])
        if not usage.has_volume:
            # Without a volume a rise or a cut is that of a price, or of the turn before.
            usage = replace(usage, changes=())
        grown = [(c.start, c.end) for c in (*usage.changes, tier) if c is not None]
        change = price_change(_blanked(masked, tier), [q for q in quantities if not any(a <= q.start < b for a, b in grown)])
        if change is not None:
            change = replace(change, of=whose(masked, change, [(m.start, m.end, m.entities) for m in mentions if m.entities]))
        return Question(
            text,
            masked,
            language,
            mentions,
            tuple(self._find_fields(masked)),
            tuple(self._with_opposites(masked)),
            tuple(self._find_values(masked, [*self._conditions, *self._free])),
            quantities,
            usage,
            rate,
            rate_span,
            tuple(find_ratios(blanked(masked, mix))),
            change,
            tier,
            frozenset(i for m in ruled_out for i in m.entities),
            mix=mix,
        )

    def _find_fields(self, masked: str) -> list[FieldMention]:
        found = [FieldMention(record.id, m.start(), m.end(), m[0]) for record, words in self._fields for m in words.finditer(masked)]
        # Of overlapping words the longest says most; equal words of several fields all count.
        return sorted(
            (f for f in found if not any(o.end - o.start > f.end - f.start and o.start <= f.start and f.end <= o.end for o in found)),
            key=lambda f: (f.start, f.end),
        )

    def _with_opposites(self, masked: str) -> list[ValueMention]:
        """Values that are named, and those that are ruled out by a word for all others ("国外的模型")."""
        ruled_out = [replace(v, negated=not v.negated) for v in self._find_values(masked, self._opposites)]
        named = [v for v in self._find_values(masked, self._values) if not any(o.start <= v.start and v.end <= o.end for o in ruled_out)]
        return sorted([*named, *ruled_out], key=lambda v: v.start)

    @staticmethod
    def _find_values(masked: str, table: Iterable[tuple[str, str, re.Pattern[str]]]) -> list[ValueMention]:
        found = []
        for field_id, value, words in table:
            for m in words.finditer(masked):
                if _NAMES_FIELD.match(masked, m.end()):
                    continue
                found.append(ValueMention(field_id, value, m.start(), m.end(), m[0], negated(masked, m.start())))
        return [
            v
            for v in found
            if not any(o is not v and o.end - o.start > v.end - v.start and o.start <= v.start and v.end <= o.end for o in found)
        ]

    @cached_property
    def claim_tokens(self) -> Mapping[int, frozenset[str]]:
        """`id(claim)` -> the words of a claim, its entity's name and its quote, split once."""
        return {
            id(claim): text_tokens(f"{entity.name} {claim_words(claim, self.catalog)} {claim.quote}")
            for entity in self.catalog.entities.values()
            for claims in entity.claims.values()
            for claim in claims
        }

    def entity(self, entity_id: str) -> Entity:
        return self.catalog.entities[entity_id]

    def field(self, field_id: str) -> FieldRecord:
        return self.catalog.fields[field_id]


def _blanked(text: str, tier: PriceTier | None) -> str:
    """The text without the words of a tier, whose discount holds for a part alone."""
    return text if tier is None else text[: tier.start] + " " * (tier.end - tier.start) + text[tier.end :]


def _is_platform(text: str, mention: Mention, linked: tuple[Mention, ...]) -> bool:
    """Whether a vendor's name is that of its cloud ("从谷歌云调 Claude"), not a model to speak of."""
    others = any(m.how != "vendor" for m in linked)
    return mention.how == "vendor" and others and bool(re.match(r"\s*(?:云|cloud|平台|platform)", text[mention.end :], re.IGNORECASE))


def _asks_version(text: str, mention: Mention) -> bool:
    """Whether the version is what is asked for ("相当于 gpt 几"), so that the name stands for no model."""
    return not re.search(r"\d", mention.text) and bool(re.match(r"\s*(?:几|哪个?版本|哪一?[代版])", text[mention.end :]))


def _long_enough(words: list[str]) -> list[str]:
    return [w for w in words if len(w) >= 2]


def negated(text: str, start: int) -> bool:
    """Whether a word is denied just before it (不要开源, not open source, non-Chinese)."""
    return bool(
        re.search(
            r"(?:不要|不是|不能|不用|非|除了|排除|不含|别用|别要|别选|不支持|不开放|不提供|(?<!有)没有|不带|不做|处理不了|"
            r"(?:no|not|not from|not in|non-?|without|except|excluding|other than|lacks?|cannot|can't|don't|doesn't|do not|does not)"
            r"(?: (?:support|handle|have|offer|accept|do|take|process))?(?: (?:the|a|an|any))?[ -]?)$",
            text[max(0, start - 24) : start],
            re.IGNORECASE,
        )
    )


def mask(text: str, mentions: Iterable[Mention]) -> str:
    """The text with names blanked out, offsets kept."""
    out = list(text)
    for mention in mentions:
        out[mention.start : mention.end] = " " * (mention.end - mention.start)
    return "".join(out)


def language_of(text: str) -> Language:
    """The language to answer in: Chinese unless Latin words clearly outnumber Chinese characters."""
    text = re.sub(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", " ", text)
    text = re.sub(r"!?\[[^\]]*\]\([^)]*\)|https?://\S+|<[^>]+>", " ", text)
    han = len(re.findall(r"[\u3400-\u9fff]", text))
    latin = len(re.findall(r"[A-Za-z]{2,}", text))
    return "en" if latin > han else "zh"


_BUDGET_BEFORE = re.compile(r"(?:预算|budget)(?:大概|约|只有|是|为|控制在|不超过|of|is|:|\s)*$", re.IGNORECASE)
_BUDGET_AFTER = re.compile(r"\s*(?:左右)?\s*(?:的)?\s*(?:预算|budget)", re.IGNORECASE)


def _budget_as_money(quantity: Quantity, text: str, language: Language) -> Quantity:
    """ "一年 100 万预算" is money; without a currency, that of the question's language is assumed (and said by who answers)."""
    if quantity.unit or quantity.is_money or quantity.value < 1:
        return quantity
    if not (_BUDGET_BEFORE.search(text[: quantity.start]) or _BUDGET_AFTER.match(text, quantity.end)):
        return quantity
    return replace(quantity, unit="CNY" if language == "zh" else "USD", is_money=True)


def _is_model_size(quantity: Quantity, text: str) -> bool:
    """`70B`, `7b模型`: a count of parameters, not of tokens."""
    if quantity.unit == "parameter":
        return True
    if quantity.scale.lower() != "b" or quantity.unit not in ("", "card"):
        return False
    after = text[quantity.end : quantity.end + 12].lower()
    return not re.match(r"\s*(?:tok|input|output|in\b(?!\s*(?:int|fp|bf|nf|awq|gptq|\d))|out\b|输入|输出)", after)


def _within(quantity: Quantity, mix: Mix) -> bool:
    return any(start <= quantity.start < end for start, end in mix.spans)


def model_sizes(question: Question) -> tuple[Quantity, ...]:
    """Counts of parameters named in the question."""
    return tuple(q for q in question.quantities if _is_model_size(q, question.masked))


def with_language(question: Question, language: Language) -> Question:
    return replace(question, language=language)
