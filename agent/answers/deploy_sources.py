"""What the sources say beside a calculation: budgets and hardware of their own plans, whether a model may be run at all."""

from __future__ import annotations

import re

from agent.answers.deploy_case import Case
from agent.sizing.models import StatedModel
from agent.work import Work
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import claim_text
from kb.text import normalise

_PLAN_FIELDS = ("hardware", "hardware_cost", "operations_cost", "capacity", "saving")
_RUN_FIELDS = ("self_host", "openness", "private_deployment")
MOST_REFERENCES = 3
_CARDS = re.compile(r"[\d一二两三四八单]\s*(?:张|块|台)|\d\s*GB.{0,12}(?:卡|GPU)|\bGPUs?\b", re.IGNORECASE)


def plan_references(case: Case) -> None:
    """Hardware budgets that the sources state for plans, those with the named model first; they are no price of the cards asked about."""
    work = case.work
    text = normalise(work.question.text)
    found: list[tuple[int, Entity, list[Claim]]] = []
    for entity in work.catalog.entities.values():
        fields = [f for f in _PLAN_FIELDS if entity.claims.get(f)]
        if entity.kind != "plan" or "hardware" not in fields or "hardware_cost" not in fields:
            continue
        uses = " ".join(str(c.value) for c in entity.claims.get("uses_model", ()))
        size = re.search(r"\d+(?:\.\d+)?\s*b\b", normalise(uses))
        fits = sum(1 for word in re.findall(r"[a-z]+|\d+b|\d+", normalise(uses)) if word in text)
        if fits < 2 and not {"cost", "tco", "break_even"} & case.d.asks:
            continue
        if size is None or re.sub(r"\s", "", size[0]) in re.sub(r"\s", "", text):
            found.append((-fits, entity, [entity.claims[f][0] for f in fields[:2]]))
    for _, entity, claims in sorted(found, key=lambda item: item[0])[:MOST_REFERENCES]:
        told = case.say("，", ", ").join(f"{claim_text(c, work.catalog, work.language, with_source=False)} {work.cite(c)}" for c in claims)
        case.notes.append(case.say(f"资料里的参考（{entity.name}，不是这里显卡的报价）：{told}", f"Stated by the sources for another plan ({entity.name}), not a price of these cards: {told}"))  # fmt: skip


def may_run(case: Case) -> None:
    """What the sources say about running the named model oneself, where they say that it cannot be."""
    for entity in _named(case.work):
        if entity.id in case.d.priced or not _is_hosted(case, entity):
            continue
        for line in closed_words(case.work, entity)[:1]:
            case.notes.append(case.say(f"注意，资料里 {entity.name} 的{line}", f"Note what the sources say of {entity.name}: {line}"))


def stated_cards(case: Case) -> None:
    """What the sources themselves say that the named model needs, above the computed cards."""
    for entity in _named(case.work):
        claims = [c for c in entity.claims.get("hardware", ()) if _CARDS.search(str(c.value))]
        if claims and _is_hosted(case, entity):
            told = case.say("；", "; ").join(f"{c.value} {case.work.cite(c)}" for c in claims[:2])
            case.work.own_words(told)
            case.head(f"资料写明（{entity.name}）：{told}。", f"The sources state for {entity.name}: {told}.")


def _is_hosted(case: Case, entity: Entity) -> bool:
    """Whether an entity is the model to run and not a namesake ("gpt-oss" is no GPT-5.1)."""
    if isinstance(case.model, StatedModel):
        return True
    hosted = re.sub(r"[\s\-_]", "", case.model_name.lower())
    return any(hosted.startswith(re.sub(r"[\s\-_]", "", name.lower())) for name in (entity.name, *entity.aliases) if len(name) > 3)


def closed_words(work: Work, entity: Entity) -> list[str]:
    """Claims about openness and self-hosting that deny either, with their marks."""
    lines = []
    for field in _RUN_FIELDS[:2]:
        for claim in entity.claims.get(field, ()):
            if str(claim.value).lower() in ("closed", "no", "unsupported", "false", "not_supported") or "不支持" in str(claim.value):
                lines.append(
                    f"{work.label(field)}{work.say('：', ': ')}{claim_text(claim, work.catalog, work.language, with_source=False)} {work.cite(claim)}"
                )
    return lines


def _named(work: Work) -> list[Entity]:
    return [work.entity(m.entities[0]) for m in work.question.named if m.entities and work.entity(m.entities[0]).kind == "model"]


def unknown_size(work: Work) -> str:
    """The answer where hardware is asked for a model whose size nobody states: what the sources say of running it, and what is missing."""
    for entity in _named(work):
        told = closed_words(work, entity)
        claims = [c for f in ("private_deployment",) for c in entity.claims.get(f, ())][:1]
        told += [f"{claim_text(c, work.catalog, work.language, with_source=False)} {work.cite(c)}" for c in claims]
        head = work.say(
            f"算不了 {entity.name} 要几张卡：资料没有给它的参数量，硬件目录里也没有它的结构。",
            f"Cards for {entity.name} cannot be computed: the sources give no parameter count and the hardware catalog has no architecture of it.",
        )
        tail = work.say("给出参数量（如“671B”）、config.json 或换一个开放权重的模型就能算。", "State its size (e.g. 671B) or its config.json, or name a model with open weights.")  # fmt: skip
        from decimal import Decimal

        work.computed(Decimal(671) * 10**9)
        return "\n".join([head, "", *(f"- {line}" for line in told), f"- {tail}"])
    return ""


def own_or_api(case: Case) -> None:
    """Own hardware or an API, where no figure of either is known: what decides, and which figures are missing."""
    case.head(
        "取决于用量：API 按量付费，自建的钱基本固定。**API 月费 > 自建月成本（折旧 + 电费 + 人力 + 托管）时自建更便宜**，用量小时 API 更便宜。",
        "It depends on volume: an API is paid by use, own hardware costs much the same at any volume. **Own hardware is cheaper once the API bill exceeds its cost a month (depreciation + power + staff + hosting)**; at small volumes the API is.",
    )
    case.missing.clear()
    usage = case.d.usage
    if usage is not None:
        from dataclasses import replace
        from decimal import Decimal

        from agent.answers.volume import volume_of

        volume = volume_of(case.work, replace(usage, asked="month", duration_days=None))
        tokens = volume.input_tokens + volume.output_tokens + (usage.total_tokens or Decimal(0)) * volume.factor
        case.step(
            f"API 月费 = {case.n(tokens)} token/月 ÷ 100万 × 单价 = {case.n(tokens / 1_000_000, 2)} × 每百万 token 单价",
            f"API bill = {case.n(tokens)} tokens a month ÷ 1M × price = {case.n(tokens / 1_000_000, 2)} × price of 1M tokens",
        )
    case.step(
        "盈亏平衡：API 月费 = 一次性投入 ÷ 折旧月数 + 每月电费、人力、托管；回本月数 = 一次性投入 ÷（API 月费 − 自建月运行费）",
        "break-even: API bill = upfront ÷ months of use + power, staff, hosting a month; months = upfront ÷ (API bill − own running cost)",
    )
    case.miss(
        "自建哪个模型、几张什么卡和单价（或租金）、每月运行费；API 用哪个模型、每月输入和输出各多少 token",
        "the model to run, the cards and their price or rent, the running cost; the API model with its monthly input and output tokens",
    )
