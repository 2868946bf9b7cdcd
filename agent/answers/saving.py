"""What moving a share of the traffic from one model to another saves."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from agent.answers.price import exchange_rate, price_notes, usable_quotes
from agent.answers.targets import PRICE_FIELDS, target, targets
from agent.answers.volume import volume_of
from agent.tools.cost import api_cost, convert_money, convertible, mix_saving
from agent.understand.shares import Mix, says_direction
from agent.words import money, percent, plain
from agent.work import Draft, Work
from kb.quantities import Quantity


def answer_saving(work: Work) -> Draft | None:
    """What moving a share of the volume from one model to another saves; without a volume, per million tokens each way."""
    question = work.question
    shares = [s for s in question.shares if 0 < s.value <= 100 and not says_direction(question.masked, s)]
    ids = targets(work, PRICE_FIELDS, kinds=("model",))
    split = bool(shares) and (question.usage.has_volume or question.has("saving_word") or question.has("switch_word"))
    if len(ids) < 2 or not (split or question.has("switch_word") and question.has("saving_word")):
        return None
    if not shares and not question.usage.has_volume:
        return None
    if question.mix is None and shares and (len(shares) > 1 or not (question.has("saving_word") or question.has("switch_word"))):
        return _whose(work, shares) if len(shares) > 1 or _DIVIDES.search(question.masked) else None
    old, new, share = _moved(work, ids, shares)
    usage = question.usage
    if usage.total_tokens is not None:
        return None
    if not usage.has_volume:
        ratio = question.ratios[0] if question.ratios else None
        one = Decimal(1_000_000)
        usage = replace(usage, input_tokens=one * (ratio.left if ratio else 1), output_tokens=one * (ratio.right if ratio else 1))
    volume = volume_of(work, usage)
    quotes = [usable_quotes(work, i, usage.request_input_tokens) for i in (old, new)]
    if not all(quotes):
        return None
    a, b = quotes[0][0], quotes[1][0]
    before, other = api_cost(a, volume.input_tokens, volume.output_tokens), api_cost(b, volume.input_tokens, volume.output_tokens)
    notes: list[str] = []
    other_total = other.total
    if before.currency != other.currency:
        rate, origin = exchange_rate(work)
        if rate is None or not convertible(before.currency, other.currency):
            work.computed(before.total, other.total)
            return Draft(
                work.say(
                    f"{a.entity.name} 按 {before.currency}、{b.entity.name} 按 {other.currency} 计价，资料没有汇率，给出汇率才能算节省：全走 {a.entity.name} 是 {money(before.total, before.currency)} {work.cite(*a.claims)}，全走 {b.entity.name} 是 {money(other.total, other.currency)} {work.cite(*b.claims)}。",
                    f"{a.entity.name} is priced in {before.currency} and {b.entity.name} in {other.currency}; the sources give no rate. All on {a.entity.name}: {money(before.total, before.currency)} {work.cite(*a.claims)}; all on {b.entity.name}: {money(other.total, other.currency)} {work.cite(*b.claims)}.",
                ),
                entities=(old, new),
                fields=PRICE_FIELDS,
                intent="mix_saving",
            )
        other_total = convert_money(other.total, other.currency, before.currency, rate)
        notes.append(
            f"{money(other.total, other.currency)} → {money(other_total, before.currency)}"
            + work.say(f"（汇率 {plain(rate)}，{origin}）", f" (rate {plain(rate)}, {origin})")
        )
        work.computed(other.total, other_total)
    mix = mix_saving(before.total, other_total, share)
    kept, moved = before.total * (1 - share), other_total * share
    work.computed(
        before.total,
        other_total,
        mix.after,
        mix.saved,
        mix.saved_percent,
        abs(mix.saved),
        abs(mix.saved_percent),
        kept,
        moved,
        share * 100,
        (1 - share) * 100,
    )
    unit = before.currency
    steps = [
        work.say(f"全部用 {a.entity.name}：", f"All on {a.entity.name}: ") + money(before.total, unit) + " " + work.cite(*a.claims),
        work.say(f"全部用 {b.entity.name}：", f"All on {b.entity.name}: ") + money(other_total, unit) + " " + work.cite(*b.claims),
        *notes,
        work.say("混合后：", "Mixed: ")
        + f"{money(before.total, unit)} × {percent((1 - share) * 100)} + {money(other_total, unit)} × {percent(share * 100)} = {money(mix.after, unit)}",
        work.say("节省：", "Saved: ")
        + f"({money(before.total, unit)} − {money(mix.after, unit)}) ÷ {money(before.total, unit)} = {percent(mix.saved_percent)}",
    ]
    only_cost = not question.has("saving_word") and question.usage.has_volume
    if only_cost:
        period = f" {volume.label}" if volume.label else ""
        steps = steps[:-1]
        head = work.say(
            f"{percent((1 - share) * 100)} 走 {a.entity.name}、{percent(share * 100)} 走 {b.entity.name}{period}：共 **{money(mix.after, unit)}**。",
            f"{percent((1 - share) * 100)} on {a.entity.name} and {percent(share * 100)} on {b.entity.name}{period}: **{money(mix.after, unit)}** in all.",
        )
    verb = work.say("省", "saves") if mix.saved >= 0 else work.say("反而多花", "costs more:")
    head = (
        head
        if only_cost
        else work.say(
            f"把 {percent(share * 100)} 的量从 {a.entity.name} 换到 {b.entity.name}：{verb} **{percent(abs(mix.saved_percent))}**，从 {money(before.total, unit)} 到 **{money(mix.after, unit)}**（差 {money(abs(mix.saved), unit)}）。",
            f"Moving {percent(share * 100)} of the volume from {a.entity.name} to {b.entity.name} {verb} **{percent(abs(mix.saved_percent))}**: {money(before.total, unit)} becomes **{money(mix.after, unit)}** ({money(abs(mix.saved), unit)} apart).",
        )
    )
    lines = [head, "", *(f"- {s}" for s in (*volume.steps, *steps)), *(f"- {n}" for q in (a, b) for n in price_notes(work, q))]
    if not question.usage.has_volume:
        lines.append(
            work.say(
                "- 假设：没有给用量，按每 100 万输入配 100 万输出计（比例不同，结果不同）。",
                "- Assumption: no volume given; 1M input with 1M output tokens (another ratio gives another result).",
            )
        )
        work.computed(Decimal(1_000_000), Decimal(100))
    work.tool(
        "hybrid_mix_saving",
        {"from": old, "to": new, "share": str(share), "input_tokens": str(volume.input_tokens), "output_tokens": str(volume.output_tokens)},
        {"before": str(before.total), "after": str(mix.after), "saved_percent": str(mix.saved_percent), "currency": unit},
        steps,
    )
    return Draft("\n".join(lines), entities=(old, new), fields=PRICE_FIELDS, intent="mix_saving")


FROM = re.compile(
    r"(?:原来|本来|目前|现在都|之前|原先|全(?:部)?(?:走|用)|from|currently|all on|originally|instead of|代替|替换掉)[^，,。]{0,12}$",
    re.IGNORECASE,
)
TO = re.compile(r"(?:换成|换到|切到|改用|改成|迁到|迁移到|分给|分流到|转到|走|用|给|to|with|onto|via|on)\s*$", re.IGNORECASE)


_DIVIDES = re.compile(r"流量|请求|走|其余|剩下|剩余|余下|traffic|requests|\brest\b|remain|split|route", re.IGNORECASE)


def _moved(work: Work, ids: list[str], shares: list[Quantity]) -> tuple[str, str, Decimal]:
    """From which model to which, and what share of the volume."""
    mix = work.question.mix
    if mix is not None and mix.complete and len(mix.parts) == 2:
        return _mixed(work, mix)
    old, new = _direction(work, ids, shares[0].start if shares else None)
    return old, new, shares[0].value / 100 if shares else Decimal(1)


def _whose(work: Work, shares: list[Quantity]) -> Draft:
    """Shares that stand beside no name are asked about, never handed out in some order."""
    said = work.say("、", ", ").join(percent(s.value) for s in shares)
    work.computed(*(s.value for s in shares))
    names = work.say("、", ", ").join(m.text for m in work.question.named)
    return Draft(
        work.say(
            f"读到的占比 {said} 分别属于 {names} 里的哪个？请写成“A 占几成，B 占几成”。",
            f"Which of {names} do the shares {said} belong to? Please write each beside its name.",
        ),
        fields=PRICE_FIELDS,
        intent="mix_saving",
    )


def _mixed(work: Work, mix: Mix) -> tuple[str, str, Decimal]:
    """The model that was used for all, the other one and its share: the one that "原来", "from" or another mention sets apart, else the first."""
    ids = [(str(target(work, m, PRICE_FIELDS)), share) for m, share in mix.parts]
    text, named = work.question.text, work.question.named
    said = next((m for m in named if FROM.search(text[: m.start])), None)
    if said is None and len(named) > 2:
        said = named[0]
    old, new = ids
    if said is not None and new[0] in said.entities or said is None and TO.search(text[: mix.parts[0][0].start]) and not TO.search(text[: mix.parts[1][0].start]):
        old, new = new, old
    return old[0], new[0], new[1]


def _direction(work: Work, ids: list[str], share_at: int | None) -> tuple[str, str]:
    """Which model is left and which is moved to: by 原来/from before a name and 换成/to before another, else in order."""
    if share_at is not None:
        after = [m for m in work.question.named if m.start > share_at and any(i in m.entities for i in ids)]
        if after:
            new = next(i for i in ids if i in after[0].entities)
            return next(i for i in ids if i != new), new
    text, mentions = work.question.text, [m for m in work.question.named if any(i in m.entities for i in ids)]
    places = {i: next(m for m in mentions if i in m.entities) for i in ids[:2]}
    first, second = ids[0], ids[1]
    before_first = text[max(0, places[first].start - 14) : places[first].start]
    before_second = text[max(0, places[second].start - 14) : places[second].start]
    if TO.search(before_first) and not FROM.search(before_first) and (FROM.search(before_second) or not TO.search(before_second)):
        if share_at is None or share_at < places[second].start:
            return second, first
    return first, second
