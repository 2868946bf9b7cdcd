"""Deployment questions: memory of the weights, cards needed, concurrency and throughput, through agent/sizing."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.answers.deploy_case import short
from agent.answers.sizing_kv import WANTS_KV, explicit_kv
from agent.answers.sizing_names import named_architecture, named_gpu
from agent.answers.sizing_parts import allow, context_of, done, size_words
from agent.events import Chart, ChartSeries
from agent.understand.hardware_names import models_in
from agent.understand.question import model_sizes
from agent.words import plain
from agent.work import Draft, Work
from kb.errors import AdvisorError

_DTYPE = re.compile(
    r"(?<![a-z0-9])(fp32|bf16|fp16|fp8|int8|int4|nf4|nvfp4|mxfp4|q4_k_m|q8_0|awq|gptq|w8a8|w4a16|(?:8|4|16)[- ]?(?:bit|位)|半精度)(?![a-z0-9])",
    re.IGNORECASE,
)
_CARD_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(GiB|GB|G)(?![A-Za-z])\s*(?:显存)?的?(?:显卡|卡|gpu|cards?|vram)?", re.IGNORECASE)
_CARD_COUNT = re.compile(r"(\d+|[一二两三四五六七八九十单]+)\s*(?:张|块|卡|x|×|\*)\s*(?=[A-Za-z昇]|\d{4}|的)", re.IGNORECASE)
_WANTS_CARDS = re.compile(
    r"几张|多少张|几块卡|几块|多少块|几卡|多少卡|张卡|块卡|how many (?:cards|gpus|\S+ cards)|number of (?:cards|gpus)|cards needed",
    re.IGNORECASE,
)
_WANTS_CONCURRENCY = re.compile(r"多少并发|几个并发|并发多少|最大并发|扛多少|支持多少(?:个)?(?:并发|用户|会话)|concurren", re.IGNORECASE)
_WANTS_SPEED = re.compile(
    r"吞吐|tokens?/s|token每秒|每秒(?:多少|能)|多快|tps|throughput|tokens per second|ttft|首字|首token", re.IGNORECASE
)
COMMON_CARDS_GB = (24, 48, 80)


def answer_sizing(work: Work) -> Draft | None:
    """Sizing of a model known by name or size; None where the question is about something else."""
    question = work.question
    text = question.text if not question.carried else f"{question.text} {question.masked}"
    sizes = model_sizes(question)
    explicit = explicit_kv(work, text)
    if explicit is not None:
        return explicit
    architecture = _known(question.text if models_in(question.text) else text)
    model = architecture or named_architecture(text) or named_architecture(_with_sizes(work)) or (sizes[0].text if sizes else "")
    stated = _STATED_SIZE.search(question.text)
    if stated:
        model = stated[0]
    in_name = next(
        (m for mention in question.mentions if (m := re.search(r"(?<![x×*\d.])\d+(?:\.\d+)?\s*[bB](?![a-z])", mention.text))), None
    )
    if not sizes and not model:
        model = in_name[0] if in_name else _size_of_entity(work)
    # "8x7B" is no 7B: the mixture is taken by its architecture.
    mixture = next((m for m in models_in(question.text) if re.match(r"[^\d]*\d+\s*[x×*]\s*\d", m.text)), None)
    if mixture is not None and not stated:
        model, sizes, in_name = mixture.name, (), None
    if architecture and mixture is None and not stated:
        # "Qwen3-32B" has a shape of its own; the size in its name is only a label.
        model, sizes, in_name = architecture, (), None
    dtype = _DTYPE.search(text)
    if not model:
        model = next(
            (
                n
                for m in question.named
                for i in m.entities
                for a in (work.entity(i).name, *work.entity(i).aliases)
                if (n := named_architecture(a))
            ),
            "",
        )
    counts_cards = bool(named_gpu(text)) and bool(re.search(r"几|多少|how many|够|enough|能跑|跑得", text, re.IGNORECASE))
    if _TRAINING.search(text) and (question.has("sizing_word") or counts_cards):
        return Draft(
            work.say(
                "这里只算推理部署（权重、KV 缓存、吞吐、成本），不覆盖训练所需的优化器状态与梯度，不做猜测。",
                "Only serving is calculated here (weights, KV cache, throughput, cost); optimiser state and gradients of training are not covered, and no guess is made.",
            ),
            refused=True,
            intent="not_covered",
        )
    if not model and named_gpu(text) and question.has("price_word"):
        allow(work, [short(named_gpu(text))])
        return Draft(
            work.say(
                f"资料里没有 {short(named_gpu(text))} 的价格；给出单价可以算总成本与回本。",
                f"The sources give no price for {short(named_gpu(text))}; state one to compute total cost and break-even.",
            ),
            refused=True,
            intent="not_in_sources",
        )
    if question.has("cost_word") and question.named and not (dtype or named_gpu(text) or WANTS_KV.search(text) or _WEIGHTS.search(text)):
        # "10 路并发，每秒 50 token，多少钱": a bill, not a size.
        return None
    if not model or not (
        question.has("sizing_word")
        or counts_cards
        or dtype
        and re.search(r"几个?[Gg]|多大|多少[gG]|how (?:much|big|large)|size", text, re.IGNORECASE)
        or WANTS_KV.search(text)
        or _WEIGHTS.search(text)
        or (dtype and _CARD_MEMORY.search(text))
    ):
        return None
    try:
        return _answer(
            work,
            text,
            model,
            stated[0] if stated else sizes[0].text if sizes else in_name[0] if in_name and not named_architecture(text) else "",
            dtype[1].lower().replace(" ", "") if dtype else "",
        )
    except AdvisorError as error:
        return Draft(work.say(f"这个配置算不了：{error}", f"This cannot be computed: {error}"), intent="sizing")


_TRAINING = re.compile(r"(?<!预)训练(?!数据|集)|微调|\btrain(?:ing)?\b|fine-?tun", re.IGNORECASE)
_STATED_SIZE = re.compile(r"\d+(?:\.\d+)?\s*(?:千亿|百亿|万亿|亿)\s*(?:个)?参数")


_WEIGHTS = re.compile(r"权重|(?<![a-z])weights?(?![a-z])|参数占", re.IGNORECASE)


_VERSION = re.compile(r"[A-Za-z]+-?(\d+(?:\.\d+)?)(?=[-_ ])")


def _known(text: str) -> str:
    """The architecture that a text names in whatever spelling; "" for a bare size, and for a family without its version ("Qwen 72B")."""
    for named in models_in(text):
        version = _VERSION.match(named.name)
        if not re.fullmatch(r"[\d.]+[BT](?:参数)?|.*参数", named.name, re.IGNORECASE) and (version is None or version[1] in named.text):
            return named.name
    return ""


def _with_sizes(work: Work) -> str:
    sizes = model_sizes(work.question)
    return " ".join(f"{m.text} {s.text}" for m in work.question.mentions for s in sizes)


def _size_of_entity(work: Work) -> str:
    for mention in work.question.named:
        for entity_id in mention.entities:
            entity = work.entity(entity_id)
            found = re.search(r"(\d+(?:\.\d+)?)\s*[bB](?![a-z])", entity.name)
            if found:
                return found[0]
            for claim in (*entity.claims.get("parameters", ()), *entity.claims.get("sizes", ())):
                if isinstance(claim.value, Decimal):
                    return f"{plain(claim.value / Decimal(10**9))}B"
                found = re.search(r"(\d+(?:\.\d+)?)\s*[bB]", str(claim.value))
                if found and len(claim.value if isinstance(claim.value, tuple) else (1,)) == 1:
                    return found[0]
    return ""


def _answer(work: Work, text: str, model: str, size: str, dtype: str) -> Draft:
    from agent.sizing.capacity import cards_for_weights, gpus_needed, max_concurrency
    from agent.sizing.memory import kv_bytes, weights

    gpu = named_gpu(text)
    memory = None if gpu else _CARD_MEMORY.search(text)
    card = gpu or (f"{memory[1]}{memory[2]}" if memory else "")
    count = _card_count(text, work)
    context = context_of(work)
    concurrency = next((q.value for q in work.question.quantities if q.unit in ("concurrency", "user")), None)
    kind = dtype or None
    steps: list[str] = []
    note = (
        work.say("假设：没有说明精度，按 16 位（bf16）计。", "Assumption: no precision given, 16 bit (bf16) is used.") if not dtype else ""
    )

    def lines_of(calculation: object) -> list[str]:
        shown = list(getattr(calculation, "steps_zh" if work.language == "zh" else "steps_en"))
        allow(work, shown)
        return shown

    if _WANTS_SPEED.search(text) and card:
        return _speed(work, model, card, count, kind, context, note)
    if WANTS_KV.search(text) and not _WANTS_CARDS.search(text):
        kv = kv_bytes(
            model,
            "fp8" if re.search(r"fp8\s*kv|kv\s*(?:cache)?\s*fp8", text, re.I) else "bf16",
            per="sequence" if context else "token",
            context_tokens=context,
        )
        steps = lines_of(kv)
        amount = Decimal(float(kv.bytes)) if False else Decimal(kv.bytes.numerator) / Decimal(kv.bytes.denominator)
        head = work.say(
            f"{model} 的 KV 缓存：**{size_words(work, amount)}**" + (f"（{plain(context)} token）" if context else "/token") + "。",
            f"KV cache of {model}: **{size_words(work, amount)}**" + (f" for {plain(context)} tokens." if context else " a token."),
        )
        return done(work, "kv_cache", head, steps, {"model": model, "context_tokens": str(context)}, {"bytes": str(amount)})
    if _WANTS_CONCURRENCY.search(text) and card and not _WANTS_CARDS.search(text):
        result = max_concurrency(model, gpu=card, n_gpus=count or 1, weight_dtype=kind, context_tokens=context or 4096)
        steps = lines_of(result)
        if not context:
            note += work.say(" 假设：每个会话按 4,096 token 上下文计。", " Assumption: 4,096 tokens of context a session.")
            work.computed(Decimal(4096))
        whole = Decimal(int(result.requests or 0))
        head = work.say(
            f"{count or 1} 张 {card} 跑 {model}：最多约 **{plain(whole)} 个并发会话**。",
            f"{count or 1} x {card} with {model}: at most about **{plain(whole)} concurrent sessions**.",
        )
        work.computed(whole, Decimal(count or 1))
        return done(
            work,
            "max_concurrency",
            head,
            [*steps, note],
            {"model": model, "gpu": card, "n_gpus": count or 1, "context_tokens": str(context or 4096)},
            {"requests": int(whole)},
        )
    if (_WANTS_CARDS.search(text) or re.search("卡|cards|gpus", text, re.I)) and (context or concurrency) and card:
        result_n = gpus_needed(model, gpu=card, context_tokens=context or 4096, concurrency=concurrency or 1, weight_dtype=kind)
        steps = lines_of(result_n)
        cards = Decimal(result_n.gpus)
        work.computed(cards, Decimal(4096))
        head = work.say(
            f"需要 **{plain(cards)} 张 {card}**（{plain(concurrency or Decimal(1))} 个并发，每会话 {plain(context or Decimal(4096))} token）。",
            f"**{plain(cards)} x {card}** for {plain(concurrency or Decimal(1))} sessions of {plain(context or Decimal(4096))} tokens.",
        )
        return done(
            work,
            "gpus_needed",
            head,
            [*steps, note],
            {"model": model, "gpu": card, "context_tokens": str(context or 4096), "concurrency": str(concurrency or 1)},
            {"gpus": int(cards)},
        )
    subject = size or model
    if card and (_WANTS_CARDS.search(text) or memory or gpu):
        result_c = (
            cards_for_weights(subject, kind, gpu=card) if gpu else cards_for_weights(subject, kind, Decimal(memory[1]) if memory else None)
        )
        steps = lines_of(result_c)
        cards = Decimal(result_c.cards)
        work.computed(cards)
        return done(
            work, "cards_for_weights",
            _enough(work, count, cards) + work.say(f"只算权重需要 **{plain(cards)} 张**（{card}，{subject}，{dtype or 'bf16'}）。", f"**{plain(cards)} cards** hold the weights alone ({card}, {subject}, {dtype or 'bf16'})."),
            [*steps, note], {"model": subject, "card": card, "dtype": dtype or "bf16"}, {"cards": int(cards)},
        )  # fmt: skip
    result_w = weights(subject, kind)
    gigabytes = Decimal(result_w.bytes.numerator) / Decimal(result_w.bytes.denominator) / Decimal(10**9)
    gibibytes = gigabytes * Decimal(10**9) / Decimal(2**30)
    work.computed(gigabytes, gibibytes)
    steps = lines_of(result_w)
    lines = []
    if _WANTS_CARDS.search(text):
        for size_gb in COMMON_CARDS_GB:
            result_c = cards_for_weights(subject, kind, size_gb)
            work.computed(Decimal(result_c.cards), Decimal(size_gb))
            lines.append(
                work.say(
                    f"{size_gb} GB 的卡：只放权重至少 {result_c.cards} 张",
                    f"{size_gb} GB cards: at least {result_c.cards} for the weights alone",
                )
            )
        lines.append(
            work.say(
                "另需 KV 缓存与运行时空间；告诉我显卡、上下文长度和并发数可以算到部署配置。",
                "KV cache and runtime space come on top; name the card, context length and concurrency for a deployment.",
            )
        )
    head = work.say(
        f"{subject} 的权重（{dtype or 'bf16'}）约 **{plain(gigabytes, 2)} GB**（{plain(gibibytes, 2)} GiB）。",
        f"The weights of {subject} ({dtype or 'bf16'}) take about **{plain(gigabytes, 2)} GB** ({plain(gibibytes, 2)} GiB).",
    )
    chart = Chart("bar", work.say("权重显存", "Weight memory"), work.say("精度", "precision"), "GB", "GB", (_by_dtype(subject),))
    return done(
        work, "weight_memory", head, [*steps, *lines, note], {"model": subject, "dtype": dtype or "bf16"}, {"gb": str(gigabytes)}, (chart,)
    )


def _enough(work: Work, have: int, need: Decimal) -> str:
    """Whether the cards that the question has are enough, where it asks."""
    if not have or not re.search(r"够|能跑|跑得|放得下|装得下|enough|fit|can .* run", work.question.text, re.IGNORECASE):
        return ""
    work.computed(Decimal(have))
    return work.say("够放权重。" if have >= need else "不够。", "Enough for the weights. " if have >= need else "Not enough. ")


def _by_dtype(subject: str) -> ChartSeries:
    from agent.sizing.memory import weights

    kinds = ("bf16", "int8", "int4")
    return ChartSeries("GB", kinds, tuple(float(weights(subject, k).bytes) / 1e9 for k in kinds))


def _speed(work: Work, model: str, card: str, count: int, kind: str | None, context: Decimal | None, note: str) -> Draft:
    from agent.sizing.throughput import throughput

    usage = work.question.usage
    tokens_in, tokens_out = usage.request_input_tokens or usage.input_tokens, usage.request_output_tokens or usage.output_tokens
    batch = next((q.value for q in work.question.quantities if q.unit in ("concurrency", "user")), Decimal(1))
    if tokens_in and tokens_out:
        result = throughput(
            model,
            gpu=card,
            n_gpus=count or 1,
            weight_dtype=kind,
            metric="output",
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            concurrency=batch,
        )
    else:
        result = throughput(
            model, gpu=card, n_gpus=count or 1, weight_dtype=kind, metric="decode", batch=batch, context_tokens=context or 2048
        )
    steps = list(result.steps_zh if work.language == "zh" else result.steps_en)
    allow(work, steps)
    value = Decimal(str(round(float(result.tokens_per_s), 1)))
    low, high = value * Decimal("0.67"), value * Decimal("1.5")
    work.computed(value, low, high, batch, Decimal(count or 1))
    head = work.say(
        f"{count or 1} 张 {card} 跑 {model}，{plain(batch)} 路并发：估算 **{plain(value, 1)} token/s**（范围 {plain(low, 0)}–{plain(high, 0)}，屋顶线模型，实测优先）。",
        f"{count or 1} x {card} with {model}, {plain(batch)} at once: about **{plain(value, 1)} tokens/s** (range {plain(low, 0)}–{plain(high, 0)}; roofline estimate, a measurement wins).",
    )
    return done(work, "throughput", head, [*steps, note], {"model": model, "gpu": card, "n_gpus": count or 1}, {"tokens_per_s": str(value)})


def _card_count(text: str, work: Work) -> int:
    from kb.numbers import parse_han

    match = _CARD_COUNT.search(text)
    if match:
        value = parse_han(match[1].replace("单", "一"))
        if value and 0 < value <= 1024:
            return int(value)
    cards = next((q for q in work.question.quantities if q.unit == "card"), None)
    return int(cards.value) if cards and 0 < cards.value <= 1024 else 0
