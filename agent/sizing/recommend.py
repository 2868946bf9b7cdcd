"""The cheapest configuration that meets the constraints, and why the others lost.

Every combination of an offered GPU and a weight format is sized for memory, checked against the speed asked for, and priced.
Prices are the caller's: without them configurations are ranked by number of GPUs, then by their memory, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from agent.sizing.capacity import GpusNeeded, gpus_needed
from agent.sizing.cost import owned_hourly
from agent.sizing.dtypes import weight_type
from agent.sizing.errors import DoesNotFitError, SizingError
from agent.sizing.gpus import Gpu
from agent.sizing.inputs import HOURS_PER_MONTH, exact, whole
from agent.sizing.models import as_model
from agent.sizing.money import amount, dec, shown
from agent.sizing.money import currency as currency_code
from agent.sizing.resolve import resolve_gpu
from agent.sizing.steps import Calculation, Steps
from agent.sizing.throughput import throughput

COMMON_GPUS = ("rtx-4090", "l20", "l40s", "a100-80gb-sxm", "a800-80gb-sxm", "h20-96gb", "h100-sxm", "h800-sxm", "h200-sxm", "ascend-910b")
"""Catalog ids that are compared when nobody says which GPUs can be had."""


@dataclass(frozen=True, slots=True)
class GpuOffer:
    """A GPU that can be had: rented by the hour or bought, and how many at most."""

    gpu: Any
    price_per_hour: Any = None
    purchase_price: Any = None
    available: int | None = None


@dataclass(frozen=True, kw_only=True)
class Option(Calculation):
    """One configuration. `monthly` is None without prices; `why_not_*` is empty for the one recommended."""

    gpu: str
    gpus: int
    tensor_parallel: int
    pipeline_parallel: int
    weight_dtype: str
    quality_zh: str
    quality_en: str
    bound: str
    spare_requests: int
    output_tokens_per_s: float | None
    tokens_per_s_per_request: float | None
    ttft_s: float | None
    monthly: Decimal | None
    total_memory_bytes: Fraction
    why_not_zh: str = ""
    why_not_en: str = ""


@dataclass(frozen=True, kw_only=True)
class Recommendation(Calculation):
    """`best` meets every constraint at the least cost; `runners_up` also do; `rejected` do not, with the reason. No best: None."""

    best: Option | None
    runners_up: tuple[Option, ...]
    rejected: tuple[Option, ...]
    currency: str
    ranked_by: str


def recommend(
    model: Any,
    *,
    context_tokens: Any,
    concurrency: Any = 1,
    offers: Sequence[GpuOffer] | None = None,
    weight_dtypes: Sequence[str] = ("bf16", "fp8", "int4"),
    kv_dtype: str = "bf16",
    input_tokens: Any = None,
    output_tokens: Any = None,
    min_tokens_per_s_per_request: Any = None,
    max_ttft_s: Any = None,
    budget_monthly: Any = None,
    currency: str = "",
    lifetime_years: Any = 3,
    allowed_counts: Sequence[int] | None = None,
) -> Recommendation:
    """Sizes `model` for `concurrency` sessions of `context_tokens` on every offer and format, and ranks what works.

    GPUs without fp8 units get int8 where fp8 is asked for. A bought GPU costs its
    price over `lifetime_years`. Speed constraints apply at that concurrency with the given input and output lengths (default:
    three quarters and one quarter of the context).
    """
    found = as_model(model)
    code = currency_code(currency)
    sessions, context = whole(concurrency, "concurrency"), whole(context_tokens, "context_tokens", high=10**9, kind="tokens")
    prompt = whole(input_tokens, "input_tokens", low=0, high=10**9, kind="tokens") if input_tokens is not None else context * 3 // 4
    answer = whole(output_tokens, "output_tokens", high=10**9, kind="tokens") if output_tokens is not None else max(1, context - prompt)
    ceiling = amount(budget_monthly, "budget_monthly") if budget_monthly is not None else None
    chosen = list(offers) if offers is not None else [GpuOffer(gpu_id) for gpu_id in COMMON_GPUS]
    if not chosen:
        raise SizingError("offers is empty; expected at least one GPU")
    good: list[Option] = []
    rejected: list[Option] = []
    for offer in chosen:
        card = resolve_gpu(offer.gpu)
        for name in weight_dtypes:
            kind = weight_type(name)
            if kind.name == "fp8" and card.fp8_flops is None:
                kind = weight_type("int8")
            option = _option(
                found,
                offer,
                card,
                kind.name,
                context,
                sessions,
                prompt,
                answer,
                kv_dtype,
                min_tokens_per_s_per_request,
                max_ttft_s,
                lifetime_years,
                allowed_counts,
                ceiling,
                code,
            )
            (rejected if option.why_not_zh else good).append(option)
    priced = all(option.monthly is not None for option in good)
    good.sort(key=lambda o: _rank(o, priced))
    best = good[0] if good else None
    runners = tuple(_runner(option, best, priced, code) for option in good[1:]) if best else ()
    steps = Steps()
    _account(steps, best, runners, rejected, priced, code)
    return Recommendation(
        best=best, runners_up=runners, rejected=tuple(rejected), currency=code, ranked_by="monthly cost" if priced else "number of GPUs",
        steps_zh=steps.zh, steps_en=steps.en,
    )  # fmt: skip


_SHOWN = 6
_QUALITY_ORDER = {"bf16": 0, "fp16": 0, "fp8": 1, "int8": 1, "mxfp4_experts": 1, "int4": 2, "nf4": 3}


def _rank(option: Option, priced: bool) -> tuple[Any, ...]:
    quality = _QUALITY_ORDER.get(option.weight_dtype, 2)
    if priced:
        return (option.monthly, quality, option.gpus)
    return (option.gpus, quality, option.total_memory_bytes)


def _option(
    found: Any, offer: GpuOffer, card: Gpu, dtype: str, context: int, sessions: int, prompt: int, answer: int, kv_dtype: str,
    min_rate: Any, max_ttft: Any,
    lifetime_years: Any, allowed_counts: Sequence[int] | None, ceiling: Fraction | None, code: str,
) -> Option:  # fmt: skip
    kind = weight_type(dtype)
    base: dict[str, Any] = {"gpu": card.name, "weight_dtype": dtype, "quality_zh": kind.words_zh, "quality_en": kind.words_en}
    empty: dict[str, Any] = {
        "gpus": 0, "tensor_parallel": 0, "pipeline_parallel": 0, "bound": "", "spare_requests": 0, "output_tokens_per_s": None,
        "tokens_per_s_per_request": None,
        "ttft_s": None, "monthly": None, "total_memory_bytes": Fraction(0),
    }  # fmt: skip
    try:
        need = gpus_needed(
            found,
            context_tokens=context,
            concurrency=sessions,
            gpu=card,
            weight_dtype=dtype,
            kv_dtype=kv_dtype,
            allowed_counts=allowed_counts,
        )
    except DoesNotFitError as error:
        return Option(**base, **empty, why_not_zh=error.zh, why_not_en=str(error))
    speed = _speed(found, card, need, dtype, kv_dtype, prompt, answer, sessions)
    monthly = _monthly(offer, need.gpus, lifetime_years)
    full: dict[str, Any] = {
        "gpus": need.gpus, "tensor_parallel": need.tensor_parallel, "pipeline_parallel": need.pipeline_parallel, "bound": need.bound,
        "spare_requests": need.spare_requests, "output_tokens_per_s": speed[0], "tokens_per_s_per_request": speed[1], "ttft_s": speed[2],
        "monthly": dec(monthly) if monthly is not None else None, "total_memory_bytes": card.memory() * need.gpus,
        "steps_zh": need.steps_zh, "steps_en": need.steps_en,
    }  # fmt: skip
    zh, en = _failures(offer, need, speed, monthly, ceiling, min_rate, max_ttft, code)
    return Option(**base, **full, why_not_zh=zh, why_not_en=en)


def _speed(
    found: Any, card: Gpu, need: GpusNeeded, dtype: str, kv_dtype: str, prompt: int, answer: int, sessions: int
) -> tuple[float | None, float | None, float | None]:
    if card.bandwidth is None or card.bf16_flops is None:
        return (None, None, None)
    result = throughput(
        found, card, "output", input_tokens=prompt, output_tokens=answer, concurrency=sessions, n_gpus=need.gpus,
        tensor_parallel=need.tensor_parallel,
        weight_dtype=dtype, kv_dtype=kv_dtype,
    )  # fmt: skip
    return (result.output_tokens_per_s, result.per_request_tokens_per_s, result.ttft_s)


def _monthly(offer: GpuOffer, n: int, lifetime_years: Any) -> Fraction | None:
    if offer.price_per_hour is not None:
        return n * amount(offer.price_per_hour, "price_per_hour") * HOURS_PER_MONTH
    if offer.purchase_price is not None:
        return n * Fraction(owned_hourly(offer.purchase_price, lifetime_years=lifetime_years).per_hour) * HOURS_PER_MONTH
    return None


def _failures(
    offer: GpuOffer,
    need: GpusNeeded,
    speed: tuple[float | None, ...],
    monthly: Fraction | None,
    ceiling: Fraction | None,
    min_rate: Any,
    max_ttft: Any,
    code: str,
) -> tuple[str, str]:
    zh: list[str] = []
    en: list[str] = []
    if offer.available is not None and need.gpus > offer.available:
        zh.append(f"需要 {need.gpus} 张，只有 {offer.available} 张")
        en.append(f"needs {need.gpus}, only {offer.available} can be had")
    if min_rate is not None and speed[1] is not None and speed[1] < float(exact(min_rate, "min_tokens_per_s_per_request", high=10**6)):
        zh.append(f"每请求 {speed[1]:,.1f} tokens/s，低于要求的 {float(exact(min_rate, 'rate', high=10**6)):g}")
        en.append(f"{speed[1]:,.1f} tokens/s a request, below the {float(exact(min_rate, 'rate', high=10**6)):g} asked for")
    if max_ttft is not None and speed[2] is not None and speed[2] > float(exact(max_ttft, "max_ttft_s", high=10**6)):
        zh.append(f"首字延迟 {speed[2]:.2f} s，超过 {float(exact(max_ttft, 'ttft', high=10**6)):g} s")
        en.append(f"first token after {speed[2]:.2f} s, more than {float(exact(max_ttft, 'ttft', high=10**6)):g} s")
    if ceiling is not None and monthly is not None and monthly > ceiling:
        zh.append(f"每月 {shown(monthly, code)}，超出预算 {shown(ceiling, code)}")
        en.append(f"{shown(monthly, code)} a month, over the budget of {shown(ceiling, code)}")
    return "；".join(zh), "; ".join(en)


def _runner(option: Option, best: Option, priced: bool, code: str) -> Option:
    from dataclasses import replace

    if priced and option.monthly is not None and best.monthly is not None:
        more = Fraction(option.monthly) - Fraction(best.monthly)
        zh = f"每月多 {shown(more, code)}" if more else "费用相同，量化损失更大或卡数更多"
        en = f"{shown(more, code)} more a month" if more else "the same cost with more quantisation or more GPUs"
    elif option.gpus > best.gpus:
        zh, en = f"多用 {option.gpus - best.gpus} 张卡", f"{option.gpus - best.gpus} more GPU{'' if option.gpus - best.gpus == 1 else 's'}"
    elif _QUALITY_ORDER.get(option.weight_dtype, 2) > _QUALITY_ORDER.get(best.weight_dtype, 2):
        zh, en = "张数相同，但量化更深", "as many GPUs, but deeper quantisation"
    else:
        zh, en = "张数相同，但总显存更大", "as many GPUs, but more memory in total than needed"
    return replace(option, why_not_zh=zh, why_not_en=en)


def _name(option: Option, language: str) -> str:
    return (
        f"{option.gpus} × {option.gpu}（{option.weight_dtype}）"
        if language == "zh"
        else f"{option.gpus} × {option.gpu} ({option.weight_dtype})"
    )


def _account(steps: Steps, best: Option | None, runners: Sequence[Option], rejected: Sequence[Option], priced: bool, code: str) -> None:
    if best is None:
        steps.add("没有满足全部条件的配置", "no configuration meets every constraint")
    else:
        cost_zh = f"，每月 {shown(best.monthly, code)}" if best.monthly is not None else ""
        cost_en = f", {shown(best.monthly, code)} a month" if best.monthly is not None else ""
        steps.add(f"推荐：{_name(best, 'zh')}{cost_zh}。{best.quality_zh}", f"recommended: {_name(best, 'en')}{cost_en}. {best.quality_en}")
        if not priced:
            steps.add(
                "没有给出价格：按卡数、量化程度和总显存排序",
                "no prices were given: ranked by number of GPUs, depth of quantisation and total memory",
            )
    for option in runners[:_SHOWN]:
        steps.add(f"其次：{_name(option, 'zh')}：{option.why_not_zh}", f"next: {_name(option, 'en')}: {option.why_not_en}")
    for option in rejected:
        label = (f"{option.gpu}（{option.weight_dtype}）", f"{option.gpu} ({option.weight_dtype})")
        steps.add(f"排除：{label[0]}：{option.why_not_zh}", f"rejected: {label[1]}: {option.why_not_en}")
