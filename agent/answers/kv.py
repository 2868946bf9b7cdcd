"""Key/value cache of a model that is named: for a token, a session, several sessions, or the sessions that a stated room holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from agent.answers.sizing_kv import explicit_kv
from agent.answers.sizing_parts import allow, done
from agent.sizing.errors import SizingError
from agent.understand.deployment_words import KV_DTYPE
from agent.understand.hardware_names import Named, gpus_in, models_in
from agent.words import plain
from agent.work import Draft, Work
from kb.quantities import Quantity, find_quantities, normalise

KV = re.compile(r"(?<![a-z])kv(?![a-z])|kvcache|kv[ _-]?cache|键值缓存|key[ /-]?value cache", re.IGNORECASE)
_ASKS_SIZE = re.compile(
    r"会话|上下文|session|context|多少|多大|几个?\s*[GgMmKk]|占|要(?:用)?几|how (?:much|big|large|many (?:gi?b|bytes|gigs?))|total|size|per[ -]token|每\s*(?:个)?\s*token|[?？]|算", re.IGNORECASE
)
_ASKS_SESSIONS = re.compile(
    r"(?:多少|几)\s*(?:个|路|条)?\s*(?:并发|会话|请求|用户|人|路|session)|并发(?:数|量)?(?:是|能|有)?(?:到)?(?:多少|几)|(?:能|可以)?(?:并发|同时)[^,，。]{0,8}(?:多少|几)|"
    r"how many (?:\S+ ){0,4}(?:sessions?|requests?|users?|conversations?|sequences?|streams?)|max(?:imum)? concurren",
    re.IGNORECASE,
)
_ASKS_TOKENS = re.compile(r"(?:多少|几)\s*(?:个)?\s*(?:万)?\s*(?:tokens?|词元)|多长|how many (?:\S+ )?tokens|how long", re.IGNORECASE)
_ROOM = re.compile(r"(?<![\d.])(?P<n>\d+(?:\.\d+)?)\s*(?P<unit>TiB|TB|GiB|GB|G|MiB|MB)(?![a-z/])", re.IGNORECASE)
_ROOM_BESIDE = re.compile(
    r"kv[^\d,，。;；]{0,16}$|(?:留|预留|剩|分|给|拿出|reserve[ds]?|leav(?:es?|ing)|left|set aside|allocat\w+|with|have)[^\d,，。;；]{0,10}$", re.IGNORECASE
)
_ROOM_FOR = re.compile(r"\s*(?:的)?\s*(?:显存|空间|内存|vram|memory|room|space)?\s*(?:is |are |was )?(?:留|预留|拿来|用来|可用|给|for|as|of|reserved|available|free|left|放|装|做|存|跑|to hold|to|the|\s)*\s*(?:kv|键值)", re.IGNORECASE)
_BYTES = {"tib": 2**40, "gib": 2**30, "mib": 2**20, "tb": 10**12, "gb": 10**9, "g": 10**9, "mb": 10**6}
_OTHER_ASKS = re.compile(
    r"几张|多少张|几块(?!钱)|多少块|几卡|多少(?:张)?卡|几台|how many (?:cards|gpus|\w*\d{2,}\w*s)|多少钱|费用|回本|\bcosts?\b|\bprice|tokens?/s|吞吐|throughput|多快|推荐|recommend|微调|训练|train", re.IGNORECASE
)
_EXACT = re.compile(r"\s*(?:tokens?|tok)?\s*[(（]\s*(?:即|=|也就是|i\.e\.)?\s*")
_LEAST_CONTEXT, _MOST_CONTEXT = Decimal(64), Decimal(20_000_000)


@dataclass(frozen=True, slots=True)
class _Load:
    """Tokens of a session and sessions at once, as far as stated."""

    context: Decimal | None
    sessions: Decimal | None


def answer_kv(work: Work) -> Draft | None:
    """The cache as asked for; None where cards, money or speed are asked for, a card is named, or no shape of the model is known."""
    question = work.question
    text = normalise(question.text)
    if not KV.search(text) or _OTHER_ASKS.search(text):
        return None
    explicit = explicit_kv(work, _blank(text, models_in(text)))
    if explicit is not None:
        return explicit
    room = _room(text)
    # Names of cards begin like counts ("20 路" is no L20).
    if room is None and gpus_in(text) or not (_ASKS_SIZE.search(text) or room):
        return None
    model = _model(work, text)
    if model is None:
        return None
    from agent.sizing.memory import kv_bytes
    from agent.sizing.resolve import resolve_model

    rest = _blank(text, models_in(text))
    dtype, stated = _kv_dtype(rest)
    load = _load(rest, room)
    try:
        found = resolve_model(model)
        token = kv_bytes(found, dtype)
        if room is not None:
            return _fits(work, found, token, dtype, room, text, load, stated)
        result = kv_bytes(found, dtype, per="sequence", context_tokens=int(load.context)) if load.context else token
    except SizingError as error:
        allow(work, [str(error), error.zh])
        return Draft(work.say(f"算不了 KV 缓存：{error.zh}", f"The KV cache cannot be computed: {error}"), intent="sizing")
    return _size(work, found, result, dtype, load, stated)


def _size(work: Work, model: Any, result: Any, dtype: str, load: _Load, stated: bool) -> Draft:
    each = _decimal(result.bytes)
    count = load.sessions if load.context else None
    total = each * (count or 1)
    steps = list(result.steps(work.language))
    allow(work, [*steps, model.name])
    if not load.context:
        what = work.say("每 token", "a token")
    elif count:
        what = work.say(f"{plain(count)} 个会话 × {plain(load.context)} token", f"{plain(count)} sessions of {plain(load.context)} tokens")
        steps.append(f"{_words(work, each)} × {plain(count)} = {_words(work, total)}")
    else:
        what = work.say(f"一个会话 {plain(load.context)} token", f"a session of {plain(load.context)} tokens")
    if load.sessions and not load.context:
        steps.append(
            work.say(
                f"{plain(load.sessions)} 个会话的总量还要每个会话的 token 数：总量 = 每 token × token 数 × {plain(load.sessions)}",
                f"the total of {plain(load.sessions)} sessions needs the tokens of one: total = a token × tokens × {plain(load.sessions)}",
            )
        )
    work.computed(*(v for v in (load.sessions, load.context, total, each) if v is not None))
    head = work.say(f"{model.name} 的 KV 缓存（{what}）：**{_words(work, total)}**。", f"KV cache of {model.name} ({what}): **{_words(work, total)}**.")
    return done(
        work, "kv_cache", head, [*steps, *_format_note(work, dtype, stated)],
        {"model": model.name, "kv_dtype": dtype, "context_tokens": str(load.context), "sessions": str(load.sessions or 1)}, {"bytes": str(total)},
    )  # fmt: skip


def _fits(
    work: Work, model: Any, token: Any, dtype: str, place: tuple[Decimal, tuple[int, int]], text: str, load: _Load, stated: bool
) -> Draft:
    """Sessions (or tokens) that a stated room for the cache holds, in pages of 16 tokens."""
    from agent.sizing.memory import kv_bytes

    room, shown = place[0], text[slice(*place[1])]
    per_token = _decimal(token.bytes)
    steps = list(token.steps(work.language))
    capacity = Decimal(int(room / per_token) // _PAGE * _PAGE)
    work.computed(room, per_token, capacity, Decimal(_PAGE))
    steps.append(
        f"{_words(work, room)} ÷ {plain(per_token)} {work.say('字节', 'bytes')} = {plain(capacity)} token {work.say(f'（按 {_PAGE} 个一页取整）', f'(whole pages of {_PAGE})')}"
    )
    inputs = {"model": model.name, "kv_dtype": dtype, "kv_budget_bytes": str(room), "context_tokens": str(load.context)}
    if load.context is None:
        head = work.say(
            f"{shown} 的 KV 空间能放 **{plain(capacity)} token**（{model.name}）；每个会话多长？除以它就是会话数。",
            f"{shown} of cache hold **{plain(capacity)} tokens** of {model.name}; divided by the tokens of a session that is the number of sessions.",
        )
        allow(work, [*steps, model.name])
        return done(work, "kv_room", head, [*steps, *_format_note(work, dtype, stated)], inputs, {"tokens": int(capacity)})
    one = kv_bytes(model, dtype, per="sequence", context_tokens=int(load.context))
    windowed = one.flat_sequence_bytes != one.bytes
    ratio = room / _decimal(one.bytes) if windowed else capacity / load.context
    whole = Decimal(int(ratio))
    work.computed(ratio, whole, load.context)
    steps.append(
        f"{_words(work, room)} ÷ {_words(work, _decimal(one.bytes))} = {plain(ratio, 2)}"
        if windowed
        else f"{plain(capacity)} ÷ {plain(load.context)} = {plain(ratio, 2)}"
    )
    enough = ""
    if load.sessions is not None:
        enough = work.say("**够**，" if whole >= load.sessions else "**不够**，", "**Enough**: " if whole >= load.sessions else "**Not enough**: ")
        work.computed(load.sessions)
    head = work.say(
        f"{enough}{shown} 的 KV 空间最多同时放 **{plain(whole)} 个会话**（{model.name}，每会话 {plain(load.context)} token）。",
        f"{enough}{shown} of cache hold at most **{plain(whole)} sessions** of {plain(load.context)} tokens of {model.name}.",
    )
    allow(work, [*steps, model.name])
    return done(work, "kv_room", head, [*steps, *_format_note(work, dtype, stated)], inputs, {"requests": int(whole), "tokens": int(capacity)})


_PAGE = 16


def _format_note(work: Work, dtype: str, stated: bool) -> list[str]:
    if stated:
        return []
    return [
        work.own_words(
            work.say(
                f"假设：KV 按 16 位（{dtype}）；用 fp8 的 KV 减半，权重量化不影响 KV。",
                f"Assumption: a 16-bit cache ({dtype}); an fp8 cache is half of it, quantised weights change nothing.",
            )
        )
    ]


def _model(work: Work, text: str) -> Any:
    """What the calculators take for the model: an architecture by name, else a size; named in this turn or carried over."""
    named = models_in(text)
    if named:
        return next((m.name for m in named if not re.fullmatch(r"[\d.]+[BT](?:参数)?", m.name)), named[0].name)
    for mention in work.question.named:
        for entity_id in mention.entities:
            entity = work.entity(entity_id)
            for name in (entity.name, *entity.aliases):
                found = models_in(name)
                if found and not re.fullmatch(r"[\d.]+[BT]", found[0].name):
                    return found[0].name
    carried = work.question.deployment.words.get("model")
    return carried or None


def _kv_dtype(rest: str) -> tuple[str, bool]:
    """The format of the cache and whether it is stated; a 16-bit format beside nothing else is the cache's."""
    found = KV_DTYPE.search(rest)
    if found:
        return (found[1] or found[2]).lower(), True
    plain16 = re.search(r"(?<![a-z0-9])(bf16|fp16|16[- ]?(?:bit|位))(?![a-z0-9])", rest, re.IGNORECASE)
    return ("fp16" if plain16 and plain16[1].lower() == "fp16" else "bf16"), plain16 is not None


def _room(text: str) -> tuple[Decimal, tuple[int, int]] | None:
    """A stated room for the cache in bytes ("KV 留 40GiB", "24 GB for KV cache"), with its place."""
    if not (_ASKS_SESSIONS.search(text) or _ASKS_TOKENS.search(text) or re.search(r"够|enough|fit", text, re.IGNORECASE)):
        return None
    for m in _ROOM.finditer(text):
        if _ROOM_BESIDE.search(text[: m.start()]) or _ROOM_FOR.match(text, m.end()):
            return Decimal(m["n"]) * _BYTES[m["unit"].lower()], m.span()
    return None


def _load(rest: str, room: tuple[Decimal, tuple[int, int]] | None) -> _Load:
    """Context and sessions of the text; a figure in brackets behind a rounded one is the exact one ("128k (131072)")."""
    if room:
        a, b = room[1]
        rest = rest[:a] + " " * (b - a) + rest[b:]
    quantities = [q for q in find_quantities(rest) if not q.is_money]
    sessions = next(
        (q.value for q in quantities if q.unit in ("concurrency", "user") and q.value > 1),
        next((q.value for q in quantities if q.unit == "request" and q.value > 1), None),
    )
    lengths = [q for q in quantities if q.unit in ("", "token") and _LEAST_CONTEXT <= q.value <= _MOST_CONTEXT and _is_length(q, rest)]
    if not lengths:
        return _Load(None, sessions)
    chosen = lengths[0]
    for q in lengths[1:]:
        if _EXACT.fullmatch(rest[chosen.end : q.start]) and abs(q.value - chosen.value) <= chosen.value / 10:
            chosen = q
            break
    context = chosen.value
    both = [q for q in lengths if re.search(r"(?:输入|输出|input|output|prompt|answer|进|出)[^\d]{0,6}$", rest[: q.start], re.IGNORECASE) or re.match(r"\s*(?:tokens? )?(?:输入|输出|进|出|in\b|out\b|input|output)", rest[q.end :], re.IGNORECASE)]
    if len(both) == 2:
        context = both[0].value + both[1].value
    return _Load(context, sessions)


def _is_length(q: Quantity, rest: str) -> bool:
    near = rest[max(0, q.start - 12) : q.start], rest[q.end : q.end + 12]
    beside = re.search(r"上下文|context|长度|窗口|ctx|会话|每路|每个|of|at|with|x|×|\*|[(（]|输入|输出|长", near[0], re.IGNORECASE) or re.match(
        r"\s*(?:tokens?|tok)?\s*(?:的)?(?:上下文|context|长度|窗口|ctx|会话|session|输入|输出|in\b|out\b|input|output|prompt|[)）])", near[1], re.IGNORECASE
    )
    return q.unit == "token" or q.scale.lower() == "k" or bool(beside)


def _words(work: Work, value: Decimal) -> str:
    """Bytes in decimal and binary units."""
    for size, name, binary, other in ((10**9, "GB", 2**30, "GiB"), (10**6, "MB", 2**20, "MiB"), (10**3, "KB", 2**10, "KiB")):
        if value >= size:
            a, b = value / size, value / binary
            work.computed(a, b, value)
            return f"{plain(a, 2)} {name} ({plain(b, 2)} {other})" if work.language == "en" else f"{plain(a, 2)} {name}（{plain(b, 2)} {other}）"
    work.computed(value)
    return f"{plain(value, 0)} {work.say('字节', 'bytes')}"


def _decimal(value: Fraction | int) -> Decimal:
    fraction = Fraction(value)
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)


def _blank(text: str, named: list[Named]) -> str:
    out = list(text)
    for name in named:
        out[name.start : name.end] = " " * (name.end - name.start)
    return "".join(out)
