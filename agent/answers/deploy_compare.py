"""Cards, formats and models side by side: what to take, what lost and why, what given cards can run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.answers.deploy_capacity import format_for, load_words, needed, sessions
from agent.answers.deploy_case import Case, decimal, short, table
from agent.answers.sizing_parts import allow
from agent.sizing.errors import SizingError
from agent.sizing.gpus import Gpu

FORMATS = ("bf16", "fp8", "int4")


def compare_cards(case: Case, gpus: Sequence[str]) -> None:
    """Cards and formats side by side, and the configuration to take."""
    from agent.sizing.recommend import COMMON_GPUS
    from agent.sizing.resolve import resolve_gpu
    from kb.catalog.hardware import default_hardware

    assert case.model is not None
    hardware = default_hardware()
    offered = [resolve_gpu(g) for g in gpus] or [resolve_gpu(hardware.gpus[g].name) for g in COMMON_GPUS if g in hardware.gpus]
    fixed = "weight_dtype" in case.d.words
    kinds = (case.dtype,) if fixed else tuple(dict.fromkeys((case.dtype, *FORMATS)))
    best = _recommended(case, offered, (case.dtype,))
    load_zh, load_en = load_words(case)
    if best.best is None:
        case.head(f"没有一种常见配置能满足（{load_zh}）。", f"No common configuration will do ({load_en}).")
    else:
        case.gpu = resolve_gpu(best.best.gpu)
        case.cards = best.best.gpus
        money_zh, money_en = _monthly_words(case, best.best)
        word = ("最省：", "cheapest ") if money_zh else ("最少 ", "at least ")
        case.head(
            f"{case.model_name}（{case.dtype}，{load_zh}）{word[0]}**{case.n(case.cards)} 张 {case.label}**{money_zh}；各种卡的张数见下表。",
            f"{case.model_name} ({case.dtype}, {load_en}): {word[1]}**{case.n(case.cards)} × {case.label}**{money_en}; the table gives other cards.",
        )
        _runners(case, best)
        if not fixed and "recommend" in case.d.asks:
            _quantised(case, offered, best.best)
    header, rows = [case.say("卡", "card"), *kinds], [_row(case, gpu, kinds, fixed) for gpu in offered]
    if len(gpus) > 1 or "speed" in case.d.asks:
        header.append(case.say(f"tokens/s（{case.dtype}，并发 {case.n(case.concurrency)}）", f"tokens/s ({case.dtype}, {case.n(case.concurrency)} at once)"))  # fmt: skip
        rows = [[*row, _speed_cell(case, gpu)] for row, gpu in zip(rows, offered, strict=True)]
    case.steps += table(header, rows)
    if len(kinds) > 1:
        _quantisation_words(case, kinds[1:], any(gpu.fp8_flops is None for gpu in offered))
    if best.best is not None:
        _account_for(case)
        sessions(case)


def _row(case: Case, gpu: Gpu, kinds: Sequence[str], fixed: bool) -> list[str]:
    allow(case.work, [short(gpu.name)])
    cells = []
    for dtype in kinds:
        need = needed(case, gpu, dtype if fixed else format_for(gpu, dtype))
        cells.append(case.n(need.gpus) if need is not None else case.say("16 张不够", "over 16"))
    case.work.computed(decimal(16))
    return [card_label(case, gpu.name), *cells]


def _speed_cell(case: Case, gpu: Gpu) -> str:
    """Output tokens a second on as many of a card as the load needs."""
    from agent.sizing.throughput import throughput

    need = needed(case, gpu, case.dtype)
    if need is None:
        return "–"
    try:
        result = throughput(
            case.model or "", gpu, "output", input_tokens=case.prompt, output_tokens=case.answer, concurrency=case.concurrency,
            n_gpus=need.gpus, weight_dtype=case.dtype, kv_dtype=case.kv_dtype,
        )  # fmt: skip
    except SizingError:
        return "–"
    return case.n(round(result.value, 1), 1)


def card_label(case: Case, name: str) -> str:
    """A card's name, without its maker, in the answer's language."""
    return short(name).replace(" card", case.say(" 的卡", " card"))


def _recommended(case: Case, offered: Sequence[Gpu], kinds: Sequence[str]) -> Any:
    from agent.sizing.recommend import GpuOffer, recommend

    single = case.amount("card_price") if len(offered) == 1 else None
    rent = case.amount("rent_card_hour") if len(offered) == 1 else None
    prices = case.d.card_prices
    offers = []
    for gpu in offered:
        own = prices.get(gpu.name)
        if prices and own is None:
            continue
        hourly = own.value if own is not None and own.per == "hour" else rent.value if rent is not None else None
        bought = own.value if own is not None and own.per != "hour" else single.value if single is not None else None
        offers.append(GpuOffer(gpu, price_per_hour=hourly, purchase_price=bought))
    budget = case.amount("budget_month")
    return recommend(
        case.model, context_tokens=case.context, concurrency=case.concurrency, offers=offers, weight_dtypes=kinds, kv_dtype=case.kv_dtype,
        input_tokens=case.prompt, output_tokens=case.answer, min_tokens_per_s_per_request=case.d.numbers.get("min_rate"),
        max_ttft_s=case.d.numbers.get("max_ttft"), budget_monthly=budget.monthly if budget is not None else None,
        currency=case.currency, lifetime_years=decimal(case.months) / 12,
    )  # fmt: skip


def _monthly_words(case: Case, option: Any) -> tuple[str, str]:
    """The purchase or rent of an option, where its card has a price."""
    price = case.d.card_prices.get(option.gpu)
    if price is None:
        return "", ""
    if price.per == "hour":
        return f"，租金每月 {case.m(option.monthly)}", f", rent {case.m(option.monthly)} a month"
    total = price.value * option.gpus
    return f"，显卡共 {case.m(total)}", f", {case.m(total)} for the cards"


def _runners(case: Case, best: Any) -> None:
    if "recommend" not in case.d.asks and not case.d.card_prices and len(case.d.gpus) < 2:
        return
    for option in best.runners_up[:4]:
        money_zh, money_en = _monthly_words(case, option)
        _step(
            case,
            f"落选 {option.gpus} × {card_label(case, option.gpu)}（{option.weight_dtype}）{money_zh}：{option.why_not_zh}",
            f"runner-up {option.gpus} × {card_label(case, option.gpu)} ({option.weight_dtype}){money_en}: {option.why_not_en}",
        )
    for option in best.rejected[:4]:
        why_en = option.why_not_en.split("; tried")[0]
        _step(
            case,
            f"排除 {card_label(case, option.gpu)}（{option.weight_dtype}）：{option.why_not_zh}",
            f"rejected {card_label(case, option.gpu)} ({option.weight_dtype}): {why_en}",
        )
    if case.d.card_prices:
        left = [g for g in case.d.gpus if g not in case.d.card_prices]
        if left:
            names = "、".join(card_label(case, g) for g in left)
            allow(case.work, [names])
            case.miss(f"{names} 的价格（没有给，未参加排序）", f"prices of {names} (not stated, so not ranked)")
    else:
        case.note(
            "没有各卡的价格：按张数、量化程度、总显存排序，不代表最便宜；给出每种卡的单价（如“4090 每张 1.5 万，A100 每张 8 万”）就按金额排。",
            "No prices of the cards: ranked by count, depth of quantisation and total memory, which need not be the cheapest; state a price for each card to rank by money.",
        )
        case.work.computed(decimal("1.5"), decimal(8), decimal(4090), decimal(15000), decimal(80000))


def _step(case: Case, zh: str, en: str) -> None:
    line = case.say(zh, en)
    allow(case.work, [line])
    case.steps.append(line)


def _quantised(case: Case, offered: Sequence[Gpu], plain_best: Any) -> None:
    """The best with quantisation allowed, as an option beside the one without."""
    from agent.sizing.dtypes import weight_type

    other = _recommended(case, offered, FORMATS[1:])
    if other.best is None or (other.best.gpus, other.best.gpu) == (plain_best.gpus, plain_best.gpu):
        return
    kind = weight_type(other.best.weight_dtype)
    money_zh, money_en = _monthly_words(case, other.best)
    case.head(
        f"接受量化的话：**{case.n(other.best.gpus)} 张 {card_label(case, other.best.gpu)}**（{kind.name}）{money_zh}；{kind.words_zh}。",
        f"With quantisation: **{case.n(other.best.gpus)} × {card_label(case, other.best.gpu)}** ({kind.name}){money_en}; {kind.words_en}.",
    )


def _quantisation_words(case: Case, kinds: Sequence[str], no_fp8: bool) -> None:
    from agent.sizing.dtypes import weight_type

    zh = "；".join(f"{k}：{weight_type(k).words_zh}" for k in kinds)
    en = "; ".join(f"{k}: {weight_type(k).words_en}" for k in kinds)
    tail_zh = "表中 fp8 一列在没有 FP8 单元的卡上按 int8 算。" if no_fp8 and "fp8" in kinds else ""
    tail_en = " In the fp8 column cards without FP8 units count as int8." if no_fp8 and "fp8" in kinds else ""
    case.note(f"量化的代价：{zh}。{tail_zh}", f"What quantisation costs: {en}.{tail_en}")


def _account_for(case: Case) -> None:
    from agent.sizing.charts import memory_split

    need = needed(case, case.gpu, case.dtype)
    if need is not None:
        case.shown(need)
        case.charts.append(memory_split(need, case.work.language))
        case.output["gpus"] = need.gpus


_REFERENCES_SHOWN = 6


def what_fits(case: Case) -> None:
    """The largest models of the hardware catalog that the cards hold, by format."""
    from agent.sizing.capacity import max_concurrency
    from agent.sizing.dtypes import weight_type
    from agent.sizing.params import split
    from agent.sizing.resolve import entry_architecture
    from kb.catalog.hardware import default_hardware

    assert case.gpu is not None
    n = int(case.d.numbers.get("cards", 1))
    case.cards, case.stated_cards = n, True
    known = sorted((entry_architecture(e) for e in default_hardware().architectures.values()), key=lambda a: -split(a).total)
    rows = []
    for dtype in ("bf16", "int8", "int4"):
        held = []
        for a in known:
            try:
                room = max_concurrency(a, gpu=case.gpu, n_gpus=n, weight_dtype=dtype, context_tokens=case.context)
            except SizingError:
                continue
            if (room.requests or 0) >= case.concurrency:
                held.append(a.name)
            if len(held) == _REFERENCES_SHOWN:
                break
        allow(case.work, held)
        kind = weight_type(dtype)
        rows.append([f"{dtype}", "、".join(held) if case.work.language == "zh" else ", ".join(held)])
        case.note(f"{dtype}：{kind.words_zh}。", f"{dtype}: {kind.words_en}.") if dtype != "bf16" else None
    best = rows[-1][1] or case.say("没有", "none")
    case.head(
        f"{case.n(n)} 张 {case.label} 放得下的最大模型（每会话 {case.n(case.context)} token、{case.n(case.concurrency)} 个并发）：16 位 **{rows[0][1].split('、')[0] or '没有'}**，int4 **{best.split('、')[0]}**。",
        f"Largest models that {case.n(n)} × {case.label} hold ({case.n(case.context)} tokens a session, {case.n(case.concurrency)} at once): 16 bit **{rows[0][1].split(', ')[0] or 'none'}**, int4 **{best.split(', ')[0]}**.",
    )
    case.steps += table([case.say("精度", "format"), case.say("放得下（从大到小）", "fits (largest first)")], rows)
    case.output["fits"] = {row[0]: row[1] for row in rows}
    case.work.computed(decimal(16), decimal(4), decimal(8))


TYPICAL_SIZES = ("7B", "14B", "32B", "70B")
"""Sizes that are shown where nobody named a model."""


def typical_sizes(case: Case) -> None:
    """Cards of one common kind for a load, by model size, where no model was named."""
    from agent.sizing.models import as_model
    from agent.sizing.resolve import resolve_gpu

    gpu = case.gpu or resolve_gpu("A100 80GB")
    rows = []
    for name in TYPICAL_SIZES:
        case.model = as_model(name)
        counts = [needed(case, gpu, dtype) for dtype in ("bf16", "int8", "int4")]
        rows.append([name, *(case.n(c.gpus) if c is not None else case.say("16 张不够", "over 16") for c in counts)])
        allow(case.work, [name])
    case.model = None
    load_zh, load_en = load_words(case)
    allow(case.work, [short(gpu.name)])
    case.head(
        f"没有说用哪个模型，金额算不出来；按 {load_zh}，各种规格要几张 {card_label(case, gpu.name)} 见下表。",
        f"No model was named, so there is no amount yet; for {load_en} the table gives {card_label(case, gpu.name)} cards by model size.",
    )
    case.steps += table([case.say("规格", "size"), "bf16", "int8", "int4"], rows)
    case.miss(
        "模型规格（如 32B）、显卡和单价或租金、每月运行费", "a model size (e.g. 32B), the card and its price or rent, the running cost"
    )
    case.work.computed(decimal(16))


def family_sizes(case: Case, name: str, members: Sequence[Any]) -> None:
    """Weights and cards of every size of a family, where no size was said."""
    from agent.sizing.memory import weights
    from agent.sizing.resolve import entry_architecture

    rows = []
    for entry in members:
        model = entry_architecture(entry)
        sizes = [weights(model, dtype).gb for dtype in ("bf16", "int8", "int4")]
        row = [entry.name, *(case.n(round(s, 1), 1) for s in sizes)]
        if case.gpu is not None:
            case.model = model
            need = needed(case, case.gpu, case.dtype)
            row.append(case.n(need.gpus) if need is not None else case.say("16 张不够", "over 16"))
        allow(case.work, [entry.name])
        rows.append(row)
    case.model = None
    case.head(
        f"没有说明 {name} 的规格，各规格权重占用（GB）如下；说一个规格（如“{members[-1].name}”）就能算张数、并发和成本。",
        f"No size of {name} was given; weights of each size in GB are below. Name one (e.g. {members[-1].name}) for cards, sessions and cost.",
    )
    header = [case.say("模型", "model"), "bf16", "int8", "int4"]
    if case.gpu is not None:
        header.append(case.say(f"{case.label} 张数（{case.dtype}）", f"{case.label} cards ({case.dtype})"))
    case.steps += table(header, rows)
