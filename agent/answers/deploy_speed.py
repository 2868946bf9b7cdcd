"""How fast a deployment is: tokens a second, first token, latency targets, requests a second, tokens a day."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

from agent.answers.deploy_capacity import usable_count
from agent.answers.deploy_case import DEFAULT_UTILIZATION, Case, decimal
from agent.answers.volume import volume_of
from agent.sizing.errors import SizingError

_GROUPS = (1, 2, 4, 8, 16)


def speed(case: Case) -> None:
    """Tokens a second and first token at the case's load, and whether the targets are kept."""
    from agent.sizing.throughput import throughput

    if case.gpu is None or case.model is None or not case.cards:
        return
    n = usable_count(case)
    try:
        result = throughput(
            case.model, case.gpu, "output", input_tokens=case.prompt, output_tokens=case.answer, concurrency=case.concurrency, n_gpus=n,
            weight_dtype=case.dtype, kv_dtype=case.kv_dtype,
        )  # fmt: skip
    except SizingError as error:
        if "speed" in case.d.asks:
            case.miss(f"速度：{error.zh}", f"speed: {error}")
        return
    case.total_tokens_per_s = result.total_tokens_per_s
    each, low, high = result.per_request_tokens_per_s or 0.0, result.low, result.high
    wanted = {"min_rate", "max_ttft", "qps"} & set(case.d.numbers)
    if "speed" in case.d.asks or wanted - {"qps"} or len(case.d.asks) > 1 and "qps" not in wanted:
        case.head(
            f"速度估算（并发 {case.n(case.concurrency)}）：输出 **{case.n(round(result.value, 1), 1)} tokens/s**（可能 {case.n(round(low))}–{case.n(round(high))}），每个会话 {case.n(round(each, 1), 1)} tokens/s，首字约 {case.n(round(result.ttft_s or 0, 2), 2)} 秒。",
            f"Estimated speed ({case.n(case.concurrency)} at once): **{case.n(round(result.value, 1), 1)} output tokens/s** (likely {case.n(round(low))}–{case.n(round(high))}), {case.n(round(each, 1), 1)} a session, first token after about {case.n(round(result.ttft_s or 0, 2), 2)} s.",
        )
    if "speed" in case.d.asks or wanted - {"qps"}:
        case.shown(result)
        case.step(
            f"输入 {case.n(case.prompt)} + 输出 {case.n(case.answer)} token 一次；屋顶线模型，不含排队，实测优先",
            f"{case.n(case.prompt)} tokens in + {case.n(case.answer)} out a request; a roofline without queueing, a measurement wins",
        )
    case.output["tokens_per_s"] = round(result.value, 2)
    if wanted:
        _targets(case, n)


def full_load(case: Case, n: int, metric: str = "total") -> float | None:
    """Tokens a second of one copy on `n` cards with as many sessions as fit; None where it does not fit or rates are unknown."""
    from agent.sizing.throughput import throughput

    try:
        result = throughput(
            case.model or "", case.gpu, metric, input_tokens=case.prompt, output_tokens=case.answer, n_gpus=n, weight_dtype=case.dtype,
            kv_dtype=case.kv_dtype,
        )  # fmt: skip
    except SizingError:
        return None
    return result.value


def _targets(case: Case, n: int) -> None:
    if "qps" in case.d.numbers:
        _requests_a_second(case, n)
    if {"min_rate", "max_ttft"} & set(case.d.numbers):
        _latency(case, n)


def _requests_a_second(case: Case, n: int) -> None:
    rate = full_load(case, n, "output")
    if not rate:
        return
    wants = float(case.d.numbers["qps"]) * case.answer
    copies = max(1, -(-int(wants) // max(1, int(rate))))
    case.head(
        f"每秒 {case.n(case.d.numbers['qps'], 2)} 个请求 × {case.n(case.answer)} 输出 token = {case.n(round(wants))} tokens/s；{case.n(n)} 张一套满载约 {case.n(round(rate))} tokens/s，需要 **{case.n(copies)} 套，共 {case.n(copies * n)} 张 {case.label}**（估算，没留余量）。",
        f"{case.n(case.d.numbers['qps'], 2)} requests/s × {case.n(case.answer)} output tokens = {case.n(round(wants))} tokens/s; one copy on {case.n(n)} makes about {case.n(round(rate))} at full load, so **{case.n(copies)} copies, {case.n(copies * n)} × {case.label}** (an estimate, nothing to spare).",
    )
    if not case.stated_cards:
        case.cards = copies * n


def _kept(case: Case, n: int) -> Any:
    from agent.sizing.latency import latency_target

    return latency_target(
        case.model, case.gpu, input_tokens=case.prompt, output_tokens=case.answer, n_gpus=n, weight_dtype=case.dtype, kv_dtype=case.kv_dtype,
        min_tokens_per_s_per_request=case.d.numbers.get("min_rate"), max_ttft_s=case.d.numbers.get("max_ttft"),
    )  # fmt: skip


def _latency(case: Case, n: int) -> None:
    """Whether the targets are kept on the cards of the case; if not, the fewest cards in equal copies that keep them."""
    from agent.answers.deploy_capacity import held_sessions

    found = _kept(case, n)
    batch = min(found.max_batch, held_sessions(case, n))
    kept = batch >= case.concurrency
    line = case.say(
        f"延迟目标：**{'满足' if kept else '达不到'}**，{case.n(n)} 张 {case.label} 在目标内最多同时 {case.n(batch)} 个请求（速度与显存取小，需要 {case.n(case.concurrency)}）。",
        f"Latency target: **{'kept' if kept else 'missed'}**; {case.n(n)} × {case.label} keep it for at most {case.n(batch)} at once (the lesser of speed and memory; {case.n(case.concurrency)} wanted).",
    )
    case.shown(found, slice(-2, None))
    if kept:
        case.heads.append(line)
        return
    best = _fewest_for_targets(case)
    if best is None:
        tail = case.say("16 张一组也达不到：换更快的卡、缩短输入或换小一点的模型。", "Not even 16 in one group keep it: faster cards, shorter prompts or a smaller model.")  # fmt: skip
        case.work.computed(decimal(16))
    else:
        total, copies, group, batch = best
        tail = case.say(
            f"要达到目标需要 **{case.n(total)} 张 {case.label}**（{case.n(copies)} 套 × {case.n(group)} 张，每套最多 {case.n(batch)} 个请求）。",
            f"Keeping it takes **{case.n(total)} × {case.label}** ({case.n(copies)} copies of {case.n(group)}, {case.n(batch)} requests each).",
        )
        if not case.stated_cards:
            case.cards = total
    case.heads.insert(0, f"{line}{case.say('', ' ')}{tail}")


def _fewest_for_targets(case: Case) -> tuple[int, int, int, int] | None:
    from agent.answers.deploy_capacity import held_sessions

    options = []
    for group in _GROUPS:
        held = held_sessions(case, group)
        if not held:
            continue
        batch = min(held, _kept(case, group).max_batch)
        if batch:
            copies = -(-case.concurrency // batch)
            options.append((copies * group, copies, group, batch))
    return min(options, default=None)


def daily_capacity(case: Case) -> None:
    """Tokens a day at the utilisation of the case, beside the volume that is asked for."""
    if case.model is None or case.gpu is None or not case.cards:
        return
    n = usable_count(case)
    rate = full_load(case, n)
    if not rate:
        case.miss("这张卡的带宽和算力（目录里没有），算不了产能", "the card's bandwidth and compute, which the catalog does not have")
        return
    used = case.d.numbers.get("utilization", DEFAULT_UTILIZATION)
    copies = max(1, case.cards // n)
    day = decimal(round(rate, 2)) * copies * 86400 * used
    if "utilization" not in case.d.numbers:
        case.assume(
            f"利用率 {case.n(used * 100)}%（付费时间中满载的比例）", f"utilisation {case.n(used * 100)}% (share of paid time at full load)"
        )
    case.step(
        f"日产能 = 满载 {case.n(round(rate * copies))} tokens/s（输入输出合计）× {case.n(86400)} 秒 × 利用率 {case.n(used * 100)}% = {case.n(round(day))} token/天",
        f"a day = {case.n(round(rate * copies))} tokens/s at full load (input and output) × {case.n(86400)} s × utilisation {case.n(used * 100)}% = {case.n(round(day))} tokens",
    )
    case.output["tokens_per_day"] = str(round(day))
    wanted = _daily_volume(case)
    if wanted and not case.stated_cards and wanted > day:
        case.cards = n * int((wanted / (day / copies)).to_integral_value(ROUND_CEILING))
        case.heads.insert(
            0,
            case.say(
                f"按用量要 **{case.n(case.cards)} 张 {case.label}**：每天 {case.n(round(wanted))} token，{case.n(n)} 张一套一天约 {case.n(round(day / copies))}（估算）。",
                f"The volume takes **{case.n(case.cards)} × {case.label}**: {case.n(round(wanted))} tokens a day, one copy on {case.n(n)} makes about {case.n(round(day / copies))} (an estimate).",
            ),
        )
    elif wanted:
        enough = day >= wanted
        case.heads.insert(
            0,
            case.say(
                f"**{'够' if enough else '不够'}**：{case.n(case.cards)} 张 {case.label} 一天约能处理 **{case.n(round(day))} token**（输入输出合计，估算），你要 {case.n(round(wanted))}。",
                f"**{'Enough' if enough else 'Not enough'}**: {case.n(case.cards)} × {case.label} process about **{case.n(round(day))} tokens a day** (input and output, an estimate); you want {case.n(round(wanted))}.",
            ),
        )
    else:
        case.heads.insert(
            0,
            case.say(
                f"{case.n(case.cards)} 张 {case.label} 一天约能处理 **{case.n(round(day))} token**（输入输出合计，估算）。",
                f"{case.n(case.cards)} × {case.label} process about **{case.n(round(day))} tokens a day** (input and output, an estimate).",
            ),
        )


def _daily_volume(case: Case) -> Decimal | None:
    usage = case.d.usage
    if usage is None:
        return None
    volume = volume_of(case.work, replace(usage, asked="day", duration_days=None))
    return volume.input_tokens + volume.output_tokens + (usage.total_tokens or Decimal(0)) * volume.factor
