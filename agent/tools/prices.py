"""Unit prices out of claims: which pair of input and output rates holds for a model, a context length and a channel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from kb.catalog.catalog import Catalog
from kb.catalog.schema import Claim, Entity
from kb.catalog.units import rate_parts
from kb.errors import UsageError

INPUT, OUTPUT = "input_price", "output_price"
CONTEXT = "context_tokens"


class NoPriceError(UsageError):
    """The catalog has no price for this model; the answer is a refusal, never zero."""


@dataclass(frozen=True, slots=True)
class PriceQuote:
    """Input and output rates of one model under one set of conditions, both for `per` (e.g. "1M token") in `currency`.

    Either rate may be missing. `about` is the product name that the source heads the prices with, where it is another.
    `factor` is a change of price that the question supposes (0.8 for 20% off); the rates are with it, the claims without.
    """

    entity: Entity
    currency: str
    per: str
    input_claim: Claim | None
    output_claim: Claim | None
    when: Mapping[str, str]
    about: str = ""
    factor: Decimal = Decimal(1)

    @property
    def input_rate(self) -> Decimal | None:
        return self._rate(self.input_claim)

    @property
    def output_rate(self) -> Decimal | None:
        return self._rate(self.output_claim)

    def _rate(self, claim: Claim | None) -> Decimal | None:
        if claim is None or not isinstance(claim.value, Decimal):
            return None
        return claim.value if self.factor == 1 else claim.value * self.factor

    @property
    def claims(self) -> tuple[Claim, ...]:
        return tuple(c for c in (self.input_claim, self.output_claim) if c is not None)

    @property
    def approx(self) -> bool:
        return any(c.approx for c in self.claims)


def quotes_of(catalog: Catalog, entity_id: str) -> list[PriceQuote]:
    """Every price pair of an entity, one for each set of conditions, in file order; empty if it has none.

    A later claim for the same conditions and currency does not replace the first: it is a conflict, reported elsewhere.
    """
    entity = catalog.entity(entity_id)
    pairs: dict[tuple[frozenset[tuple[str, str]], str, str], dict[str, Claim]] = {}
    for field in (INPUT, OUTPUT):
        for claim in catalog.claims(entity_id, field):
            if not isinstance(claim.value, Decimal):
                continue
            currency, per = rate_parts(claim.unit)
            key = (frozenset(claim.when.items()), currency, per)
            pairs.setdefault(key, {}).setdefault(field, claim)
    quotes = []
    for (_, currency, per), claims in pairs.items():
        first = next(iter(claims.values()))
        about = first.about or next((c.about for c in claims.values() if c.about), "")
        quotes.append(PriceQuote(entity, currency, per, claims.get(INPUT), claims.get(OUTPUT), first.when, about))
    return quotes


def holds(condition: str, context_tokens: Decimal) -> bool:
    """Whether a condition on the context length (`<=128000`, `32000-128000`, `>32000,<=128000`) holds for a prompt of that length."""
    parts = re.split(r",\s*(?=[<>=≤≥])", condition)
    if len(parts) > 1:
        return all(holds(part, context_tokens) for part in parts)
    text = condition.replace(",", "").replace(" ", "").lower()
    span = re.fullmatch(r"(\d+(?:\.\d+)?)(k|m)?-(\d+(?:\.\d+)?)(k|m)?", text)
    scale = {"k": 1000, "m": 1_000_000, None: 1, "": 1}
    if span:
        low, high = Decimal(span[1]) * scale[span[2] or span[4]], Decimal(span[3]) * scale[span[4]]
        return low < context_tokens <= high
    bound = re.fullmatch(r"(<=|>=|<|>|≤|≥)?(\d+(?:\.\d+)?)(k|m)?", text)
    if not bound:
        return True
    limit = Decimal(bound[2]) * scale[bound[3]]
    operator = {"≤": "<=", "≥": ">=", None: "<="}.get(bound[1], bound[1])
    return {"<=": context_tokens <= limit, "<": context_tokens < limit, ">": context_tokens > limit, ">=": context_tokens >= limit}[
        operator
    ]


def _tier_start(quote: PriceQuote) -> Decimal:
    numbers = re.findall(r"\d+(?:\.\d+)?", quote.when.get(CONTEXT, ""))
    if not numbers:
        return Decimal(-1)
    return Decimal(0) if quote.when[CONTEXT].lstrip()[:1] in "<≤" else Decimal(numbers[0])


def choose_quotes(
    quotes: Iterable[PriceQuote], *, context_tokens: Decimal | None = None, currency: str = "", wanted: Mapping[str, str] | None = None
) -> list[PriceQuote]:
    """The quotes that hold, the one to use first.

    A known prompt length decides between context tiers; else the lowest tier is the one to use. `wanted` prefers quotes
    whose conditions are among those the question names; `currency` prefers a currency where there are several.
    """
    held = [q for q in quotes if context_tokens is None or CONTEXT not in q.when or holds(q.when[CONTEXT], context_tokens)]

    def order(quote: PriceQuote) -> tuple[object, ...]:
        asked = sum(1 for k, v in (wanted or {}).items() if quote.when.get(k) == v)
        unasked = "mode" in quote.when and quote.when["mode"] != (wanted or {}).get("mode")
        return (
            -asked,
            unasked,
            context_tokens is not None and CONTEXT not in quote.when,
            quote.currency != currency if currency else False,
            quote.input_rate is None,
            quote.output_rate is None,
            _tier_start(quote),
        )

    return sorted(held, key=order)


def price_of(catalog: Catalog, entity_id: str, *, context_tokens: Decimal | None = None, currency: str = "") -> PriceQuote:
    """The one quote to calculate with; raises `NoPriceError` naming the model and what is priced."""
    quotes = choose_quotes(quotes_of(catalog, entity_id), context_tokens=context_tokens, currency=currency)
    if not quotes:
        name = catalog.entity(entity_id).name
        raise NoPriceError(f"no price for {name} in the catalog; add one to ADVISOR_HOME/catalog or ingest a document that states it")
    return quotes[0]
