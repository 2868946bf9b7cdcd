"""Whether one request fits: "GPT-5.1 一次能输入 5 万 token 吗" -> no, the sources give it 32K."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.answers.targets import targets
from agent.understand.constraints import FITS
from agent.words import plain
from agent.work import Draft, Work
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import value_text

_YES_NO = re.compile(r"吗|能不能|能否|可以|够不够|够吗|行不行|放得下|装得下|吃得下|塞得下|^(?:so |and )?(?:can|does|do|will|is|would)\b", re.IGNORECASE)
_AT_ONCE = re.compile(r"一次|单次|一口气|整本|整份|at once|in one (?:go|prompt|request)|single (?:prompt|request)|上下文|context|prompt", re.IGNORECASE)


def answer_fits(work: Work) -> Draft | None:
    """Yes or no for each named model by its context windows; None where no size of one request is given or a cost is asked."""
    question = work.question
    sizes = [q for q in question.quantities if q.unit in ("token", "char", "word", "") and q.value >= 1000 and not q.is_money]
    text = question.masked.split(" \n ")[0]
    asks = FITS.search(text) or _AT_ONCE.search(text)
    known = {c.value for m in question.named for i in m.entities for c in work.entity(i).claims.get("context_window", ())}
    sizes = [q for q in sizes if q.value not in known] or sizes
    if len(sizes) != 1 or not asks or not _YES_NO.search(question.text) or question.carried:
        return None
    if any(question.has(g) for g in ("price_word", "cost_word", "budget_word", "sizing_word")) or question.usage.requests is not None:
        return None
    field = next((i for i, r in work.catalog.fields.items() if r.type == "quantity" and r.unit == "token"), "")
    ids = targets(work, (field,), kinds=("model",)) if field else []
    size = sizes[0]
    lines, touched = [], []
    for entity_id in ids[:4]:
        entity = work.entity(entity_id)
        windows = [c for c in entity.claims.get(field, ()) if isinstance(c.value, Decimal)]
        if windows:
            lines.append(_verdict(work, entity, windows, size.value, size.unit, field))
            touched.append(entity_id)
    if not lines:
        return None
    work.tool("fits_context", {"models": touched, "size": str(size.value), "unit": size.unit or "token"}, {"answer": lines})
    return Draft("\n".join(lines), entities=tuple(touched), fields=(field,), intent="fits")


_CONVERTS = re.compile(r"(?:是|等于|合|折合|相当于|换算成?|算)?多少(?:个)?\s*tokens?|how many tokens", re.IGNORECASE)


def answer_conversion(work: Work) -> Draft | None:
    """ "200 万字是多少 token": the sources give no ratio, and none is made up."""
    question = work.question
    texts = [q for q in question.quantities if q.unit in ("char", "word") and q.value >= 2]
    if not texts or not _CONVERTS.search(question.masked) or question.money or question.usage.tokens_per_char is not None:
        return None
    amount = plain(texts[0].value)
    work.computed(texts[0].value, Decimal(1), Decimal("1.5"))
    return Draft(
        work.say(
            f"资料没有给出字数与 token 的换算，{amount} 字是多少 token 因模型的分词器而异，这里不做猜测。告诉我换算（例如“1 字按 1.5 token”）就能接着算费用。",
            f"The sources give no ratio of characters or words to tokens; how many tokens {amount} are depends on the model's tokenizer, and no guess is made. State a ratio (e.g. 1.5 tokens per character) to go on.",
        ),
        refused=True,
        intent="no_conversion",
    )


def _verdict(work: Work, entity: Entity, windows: list[Claim], size: Decimal, unit: str, field: str) -> str:
    work.computed(size)
    shown = work.say("；", "; ").join(f"{value_text(c, work.field(field), work.language)} {work.cite(c)}" for c in windows)
    noun = {"char": work.say("字", "characters"), "word": work.say("词", "words")}.get(unit, "token")
    same = {"char": "character"}.get(unit, "token")
    holding = [c for c in windows if isinstance(c.value, Decimal) and c.value >= size]
    name, amount = entity.name, plain(size)
    if len(holding) == len(windows):
        verdict = work.say(f"**能**。{name} 放得下 {amount} {noun}", f"**Yes**, {amount} {noun} fit into {name}")
    elif not holding:
        verdict = work.say(f"**不能**。{name} 放不下 {amount} {noun}", f"**No**, {amount} {noun} do not fit into {name}")
    else:
        verdict = work.say(f"**说不准**：资料给 {name} 的窗口不止一个，{amount} {noun} 只在其中一个之内", f"**Unclear**: the sources give {name} more than one window, and {amount} {noun} fit only one of them")
    line = work.say(f"{verdict}：上下文窗口 {shown}。", f"{verdict}: context window {shown}.")
    if any(c.unit not in ("", same) for c in windows):
        line += work.say("（字与 token 的换算资料没有给，这里按 1 字 = 1 token 估。）", " (The sources give no characters-to-tokens ratio; 1 to 1 is assumed.)")
        work.computed(Decimal(1))
    return line
