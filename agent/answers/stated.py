"""Figures that the sources state and that can be recomputed: the stated value beside the computed one, per user where users are known."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.recompute import Recomputed, recompute
from agent.words import money, plain
from agent.work import Draft, Work
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import condition_text, value_text
from kb.catalog.units import rate_parts

_ABOUT_A_STATEMENT = re.compile(
    r"方案|预算|文中|文档(?:里|中)|资料(?:里|中)|原文|写的|给的|所说|说的|重算|验算|核算|算错|算对|怎么算|算出来|怎么来的|怎么得|calculated|computed|derived|arrived at|对吗|对不对|准吗|靠谱|\bplan\b|\bbudget|stated|document says|recompute|recalculate|correct\b|\bright\b|\bwrong\b|\baccurate\b|§|section \d|adds? up|不对|是不是|(?<![\d.])\d\.\d(?:\.\d)?(?:节|的|里|中|那)",
    re.IGNORECASE,
)


def _candidates(work: Work) -> list[tuple[Entity, Claim]]:
    """Recomputable claims of the named plans, or those whose inputs are a named model."""
    named = {i for m in work.question.named for i in m.entities}
    plans = {i for i in named if work.entity(i).kind == "plan"}
    models = {i for i in named if work.entity(i).kind == "model"}
    plans = plans or _plans_for(work, work.question.usage.users)
    found = []
    for entity in work.catalog.entities.values():
        for claims in entity.claims.values():
            for claim in claims:
                if not claim.formula or not isinstance(claim.value, Decimal):
                    continue
                subject = str(claim.inputs.get("model", ""))
                stated = any(q.value == claim.value for q in work.question.quantities) and not models
                if (
                    stated
                    or subject in models
                    and (not plans or entity.id in plans)
                    or entity.id in plans
                    and (not models or subject in models)
                ):
                    found.append((entity, claim))
    return found


def _plans_for(work: Work, users: Decimal | None) -> set[str]:
    """The plans that are stated for so many users."""
    if users is None:
        return set()
    return {e.id for e in work.catalog.entities.values() if e.kind == "plan" and any(c.value == users for c in e.claims.get("monthly_users", ()))}


def answer_stated(work: Work) -> Draft | None:
    """The stated figure, what its own inputs give, and whether the two agree; None where no such figure is asked about."""
    question = work.question
    text = question.masked.split(" \n ")[0]
    plans_named = any(work.entity(i).kind == "plan" for m in question.named for i in m.entities)
    if question.usage.has_volume or not (
        _ABOUT_A_STATEMENT.search(text) or plans_named and (question.has("price_word") or question.has("cost_word"))
    ):
        return None
    money_asked = question.has("price_word") or question.has("cost_word")
    asked = {f.field for f in question.fields} - {"figure"}
    if asked and not plans_named and not money_asked and all(work.field(f).type != "money" for f in asked):
        return None
    if not (
        money_asked
        or question.has("conflict_word")
        or question.quantities
        or question.usage.users
        or re.search("几毛|几块|几分|人均|每人|per user|摊", text)
    ):
        return None
    lines: list[str] = []
    touched: list[str] = []
    for entity, claim in _candidates(work)[:3]:
        result = recompute(claim, work.catalog)
        if result is None:
            continue
        lines += _one(work, entity, claim, result)
        touched.append(entity.id)
    if not lines:
        return None
    return Draft("\n".join(lines), entities=tuple(dict.fromkeys(touched)), intent="stated_figure")


def _one(work: Work, entity: Entity, claim: Claim, result: Recomputed) -> list[str]:
    stated, unit = claim.value, rate_parts(claim.unit)[0]
    assert isinstance(stated, Decimal)
    work.computed(result.value, stated)
    shown = value_text(claim, work.field(claim.field), work.language)
    model = work.catalog.entities.get(str(claim.inputs.get("model", "")))
    of = (
        f" · {model.name}"
        if model and model.name != entity.name
        else ""
        if model
        else f"（{condition_text(claim.when, work.catalog, work.language)}）"
        if claim.when
        else ""
    )
    agree = abs(result.value - stated) <= abs(result.value) * Decimal("0.01")
    computed = money(result.value, unit) if len(unit) == 3 else plain(result.value, 4)
    verdict = work.say("两者一致。", "The two agree.") if agree else work.say("两者对不上。", "The two do not agree.")
    if not agree and result.value:
        ratio = stated / result.value
        work.computed(ratio)
        verdict = work.say(
            f"两者对不上，文中的数是计算值的 {plain(ratio, 2)} 倍。",
            f"They do not agree: the stated figure is {plain(ratio, 2)} times the computed one.",
        )
    lines = [
        work.say(
            f"**{entity.name}{of}**：按单价重算是 **{computed}**，文中写的是 {shown} {work.cite(claim)}。{verdict}",
            f"**{entity.name}{of}**: recomputed from its own inputs **{computed}**; the source states {shown} {work.cite(claim)}. {verdict}",
        ),
        *(f"- {s}" for s in result.steps),
    ]
    if result.claims:
        lines.append(work.say("- 依据的单价：", "- Prices used: ") + work.cite(*result.claims))
    users = work.question.usage.users or next(
        (c.value for c in entity.claims.get("monthly_users", ()) if isinstance(c.value, Decimal)), None
    )
    if users and len(unit) == 3:
        per_user, stated_per_user = result.value / users, stated / users
        work.computed(per_user, stated_per_user, users)
        lines.append(
            work.say(
                f"- 摊到 {plain(users)} 人：每人 **{money(per_user, unit)}**（按文中的数则是 {money(stated_per_user, unit)}）",
                f"- Over {plain(users)} users: **{money(per_user, unit)}** each (by the stated figure {money(stated_per_user, unit)})",
            )
        )
    work.tool(
        "recompute_stated",
        {"entity": entity.id, "field": claim.field, "formula": claim.formula},
        {"stated": str(stated), "computed": str(result.value), "agree": agree},
        result.steps,
    )
    return lines
