"""One volume divided among several models at stated shares: the bill of each share and their sum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from agent.answers.missing import missing_fact
from agent.answers.price import exchange_rate, price_notes, target_currency, usable_quotes
from agent.answers.saving import FROM
from agent.answers.targets import PRICE_FIELDS, target
from agent.answers.volume import Volume, volume_of
from agent.tools.cost import CostInputError, api_cost, convert_money, convertible
from agent.tools.prices import PriceQuote
from agent.understand.shares import Mix
from agent.words import money, percent, plain
from agent.work import Draft, Work


@dataclass(frozen=True, slots=True)
class _Part:
    """A model's share of the volume. `whole` is the bill if it took all of it; both in the quote's currency."""

    quote: PriceQuote
    share: Decimal
    whole: Decimal

    @property
    def cost(self) -> Decimal:
        return self.whole * self.share


def answer_mix(work: Work) -> Draft | None:
    """The total of a volume on several models; None without shares or a volume, and where one move between two is to save."""
    question, mix = work.question, work.question.mix
    if mix is None or len(mix.parts) + len(mix.open) < 2 or not question.usage.has_volume:
        return None
    if question.has("break_even_word") or question.has("saving_word") and len(mix.parts) == 2 and mix.complete:
        return None
    ids = {m: target(work, m, PRICE_FIELDS) for m in (*(m for m, _ in mix.parts), *mix.open)}
    if any(i is None or work.entity(i).kind != "model" for i in ids.values()):
        return None
    if not mix.complete:
        return incomplete(work, mix, {m.start: work.entity(str(i)).name for m, i in ids.items()})
    usage = question.usage
    quotes = [(usable_quotes(work, str(ids[m]), usage.request_input_tokens), share) for m, share in mix.parts]
    without = [work.entity(str(ids[m])) for (m, _), (q, _) in zip(mix.parts, quotes, strict=True) if not q]
    if without:
        return missing_fact(work, work.say("、", ", ").join(e.name for e in without), work.say("价格", "price"), without)
    chosen = [(q[0], share) for q, share in quotes]
    if usage.total_tokens is not None:
        if any(q.input_rate != q.output_rate for q, _ in chosen):
            return _ask_direction(work, chosen)
        usage = replace(usage, input_tokens=usage.total_tokens, total_tokens=None)
    volume = volume_of(work, usage)
    try:
        parts = [_Part(q, share, api_cost(q, volume.input_tokens, volume.output_tokens).total) for q, share in chosen]
    except CostInputError as error:
        return Draft(work.say(f"这个用量算不了：{error}", f"This volume cannot be calculated: {error}"), refused=True, intent="bad_input")
    return _total(work, parts, volume)


def _total(work: Work, parts: list[_Part], volume: Volume) -> Draft:
    unit, steps = _unit(work, parts), []
    totals: dict[str, Decimal] = {}
    for part in parts:
        name, code = part.quote.entity.name, part.quote.currency
        work.computed(part.whole, part.cost, part.share * 100)
        line = (
            f"{name}{work.say('：全量 ', ': ')}{money(part.whole, code)}{work.say('', ' for all of it')} × {percent(part.share * 100)} = {money(part.cost, code)}"
        )
        steps.append(f"{line} {work.cite(*part.quote.claims)}")
        amount = part.cost
        if unit and code != unit:
            amount = _exchanged(work, part.cost, code, unit, steps)
        totals[unit or code] = totals.get(unit or code, Decimal(0)) + amount
    work.computed(*totals.values())
    shown = " + ".join(f"**{money(v, k)}**" for k, v in totals.items())
    shares = work.say("、", ", ").join(
        work.say(f"{percent(p.share * 100)} 走 {p.quote.entity.name}", f"{percent(p.share * 100)} on {p.quote.entity.name}") for p in parts
    )
    period = work.say(f"（{volume.label}）" if volume.label else "", f" {volume.label}" if volume.label else "")
    lines = [work.say(f"{shares}{period}：共 {shown}。", f"{shares}: {shown} in all{period}.")]
    if len(totals) > 1:
        work.own_words("7.2")
        lines.append(
            work.say(
                "币种不同，资料没有汇率，不能相加；给出汇率（例如“按 7.2”）可以算合计。",
                "The currencies differ and the sources give no rate; state one (e.g. “at 7.2”) for one total.",
            )
        )
    lines += _against(work, parts, totals, unit)
    lines += ["", *(f"- {s}" for s in (*volume.steps, *steps)), *(f"- {n}" for p in parts for n in _notes(work, p))]
    work.tool(
        "mix_cost",
        {
            "shares": {p.quote.entity.id: str(p.share) for p in parts},
            "input_tokens": str(volume.input_tokens),
            "output_tokens": str(volume.output_tokens),
        },
        {"total": {k: str(v) for k, v in totals.items()}},
        steps,
    )
    return Draft("\n".join(lines), entities=tuple(p.quote.entity.id for p in parts), fields=PRICE_FIELDS, intent="mix_saving")


def _notes(work: Work, part: _Part) -> list[str]:
    return [f"{part.quote.entity.name}{work.say('：', ': ')}{n}" for n in price_notes(work, part.quote)]


def _unit(work: Work, parts: list[_Part]) -> str:
    """The one currency that the total can be given in; "" where no rate is known."""
    codes = list(dict.fromkeys(p.quote.currency for p in parts))
    wanted = target_currency(work)
    rate, _ = exchange_rate(work)
    if rate is None or not all(convertible(c, wanted or codes[0]) for c in codes):
        return codes[0] if len(codes) == 1 else ""
    return wanted or (codes[0] if len(codes) == 1 else "CNY" if "CNY" in codes else codes[0])


def _exchanged(work: Work, amount: Decimal, code: str, unit: str, steps: list[str]) -> Decimal:
    rate, origin = exchange_rate(work)
    value = convert_money(amount, code, unit, rate)
    work.computed(value)
    sign = "×" if unit == "CNY" else "÷"
    steps.append(f"{money(amount, code)} {sign} {plain(rate or Decimal(1))} = {money(value, unit)}" + work.say(f"（汇率{origin}）", f" (rate {origin})"))
    return value


def _against(work: Work, parts: list[_Part], totals: dict[str, Decimal], unit: str) -> list[str]:
    """What is saved against all on the model that was used before, where the question asks for that and all is in one currency."""
    if not work.question.has("saving_word") or len(totals) != 1:
        return []
    text = work.question.text
    start = next((m for m in work.question.named if FROM.search(text[: m.start])), None)
    old = next((p for p in parts if start is not None and p.quote.entity.id in start.entities), None)
    if old is None:
        return []
    code, total = next(iter(totals.items()))
    before = old.whole if old.quote.currency == code else convert_money(old.whole, old.quote.currency, unit, exchange_rate(work)[0])
    saved = before - total
    work.computed(before, saved, abs(saved), abs(saved) / before * 100 if before else Decimal(0))
    share = percent(abs(saved) / before * 100) if before else ""
    return [
        work.say(
            f"比全走 {old.quote.entity.name}（{money(before, code)}）{'省' if saved >= 0 else '多花'} **{money(abs(saved), code)}**（{share}）。",
            f"**{money(abs(saved), code)}** ({share}) {'less' if saved >= 0 else 'more'} than all on {old.quote.entity.name} ({money(before, code)}).",
        )
    ]


def incomplete(work: Work, mix: Mix, names: dict[int, str]) -> Draft:
    """Shares that do not make a whole: said and asked back, nothing is filled in."""
    stated = sum((s for _, s in mix.parts), Decimal(0)) * 100
    work.computed(stated, abs(mix.left) * 100, Decimal(100), *(s * 100 for _, s in mix.parts))
    shares = work.say("、", ", ").join(f"{names[m.start]} {percent(s * 100)}" for m, s in mix.parts)
    if mix.open and mix.left > 0:
        between = work.say("、", ", ").join(names[m.start] for m in mix.open)
        ask = work.say(
            f"其余 {percent(mix.left * 100)} 在 {between} 之间怎么分？", f"how does the other {percent(mix.left * 100)} divide among {between}?"
        )
    elif mix.left > 0:
        ask = work.say(f"还有 {percent(mix.left * 100)} 没有说走哪个模型。", f"{percent(mix.left * 100)} has no model yet: which one takes it?")
    else:
        ask = work.say(
            f"合计 {percent(stated)}，应为 100%，请改一下。", f"they make {percent(stated)} in all and should make 100%; please correct them."
        )
    return Draft(
        work.say(f"读到的占比：{shares}；{ask}", f"The shares read: {shares}; {ask}"),
        entities=(),
        fields=PRICE_FIELDS,
        intent="mix_saving",
    )


def _ask_direction(work: Work, chosen: list[tuple[PriceQuote, Decimal]]) -> Draft:
    shares = work.say("、", ", ").join(f"{q.entity.name} {percent(s * 100)}" for q, s in chosen)
    work.computed(*(s * 100 for _, s in chosen))
    work.own_words("3:1")
    return Draft(
        work.say(
            f"读到的占比：{shares}。这些 token 里输入和输出各多少？两者价格不同，给出比例（如 3:1）就能算合计。",
            f"The shares read: {shares}. How many of the tokens are input and how many output? Their prices differ; state a ratio (e.g. 3:1) for the total.",
        ),
        entities=tuple(q.entity.id for q, _ in chosen),
        fields=PRICE_FIELDS,
        intent="mix_saving",
    )
