"""A deployment ready to be calculated: what was said, what is assumed instead of what was not, and the lines of the answer so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import Any

from agent.answers.sizing_parts import allow
from agent.events import Chart
from agent.sizing.errors import SizingError
from agent.sizing.gpus import Gpu
from agent.sizing.models import ModelLike
from agent.sizing.steps import Calculation
from agent.understand.deployment import Deployment
from agent.understand.deployment_money import Amount
from agent.words import money, plain
from agent.work import Work

DEFAULT_CONTEXT = 4096
DEFAULT_MONTHS = 36
DEFAULT_UTILIZATION = Decimal("0.3")
DEFAULT_PUE = Decimal("1.5")
USERS_AT_ONCE = Decimal("0.1")
"""Share of known users that is taken to be waiting for an answer at the same moment, where no concurrency is given."""
FEW_USERS = 20
"""Up to so many users are all taken to be at it at once."""
_SHORT = re.compile(r"^(?:NVIDIA|AMD Instinct|Huawei|Intel|Apple)\s+|GeForce\s+", re.IGNORECASE)


_ASSUMPTION = re.compile(r"假设：|assumption: ", re.IGNORECASE)
_LOAD_KEYS = frozenset({"model", "gpu", "gpus", "weight_dtype", "kv_dtype", "context", "concurrency", "users", "qps", "input", "output", "cards", "nodes", "min_rate", "max_ttft"})  # fmt: skip


@dataclass
class Case:
    """Mutable while an answer is put together. `heads` answer what was asked, one line each; `steps` show how."""

    work: Work
    d: Deployment
    model: ModelLike | None = None
    gpu: Gpu | None = None
    dtype: str = "bf16"
    kv_dtype: str = "bf16"
    context: int = DEFAULT_CONTEXT
    concurrency: int = 1
    prompt: int = 0
    answer: int = 0
    cards: int = 0
    """Cards that the money is about: those there are, else those needed."""
    stated_cards: bool = False
    total_tokens_per_s: float | None = None
    heads: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    output: dict[str, Any] = field(default_factory=dict)

    def say(self, zh: str, en: str) -> str:
        return self.work.say(zh, en)

    def head(self, zh: str, en: str) -> None:
        self._line(self.heads, zh, en)

    def step(self, zh: str, en: str) -> None:
        self._line(self.steps, zh, en)

    def assume(self, zh: str, en: str) -> None:
        self._line(self.assumed, zh, en)

    def miss(self, zh: str, en: str) -> None:
        self._line(self.missing, zh, en)

    def note(self, zh: str, en: str) -> None:
        self._line(self.notes, zh, en)

    def _line(self, lines: list[str], zh: str, en: str) -> None:
        text = self.work.say(zh, en)
        if text not in lines:
            lines.append(text)

    def shown(self, result: Calculation, keep: slice = slice(None)) -> None:
        """A calculator's own steps, as part of the answer's."""
        lines = [_plain_names(line) for line in result.steps(self.work.language)[keep]]
        allow(self.work, lines)
        for line in lines:
            assumption = _ASSUMPTION.match(line)
            target, text = (self.assumed, line[assumption.end() :]) if assumption else (self.steps, line)
            if text not in target:
                target.append(text)

    def n(self, value: Any, places: int = 0) -> str:
        """A calculated number in words; it may then be stated."""
        number = decimal(value)
        self.work.computed(number)
        return plain(number, places)

    def m(self, value: Any) -> str:
        """A calculated amount of money in words."""
        number = decimal(value)
        if abs(number) >= 1000:
            number = number.quantize(Decimal(1))
        elif abs(number) < 1:
            number = number.quantize(Decimal("0.0001"))
        self.work.computed(number)
        return money(number, self.currency) if self.currency else plain(number, 2)

    @property
    def only_money_changed(self) -> bool:
        """Whether this turn added money to a deployment that earlier turns described."""
        said = {*self.d.words, *self.d.numbers, *self.d.money} - self.d.carried
        return bool(self.d.carried & _LOAD_KEYS) and bool(said) and not said & _LOAD_KEYS and self.d.gpus_carried

    @property
    def label(self) -> str:
        """The card's name as people say it."""
        return short(self.gpu.name).replace(" card", self.say(" 的卡", " card")) if self.gpu is not None else ""

    @property
    def model_name(self) -> str:
        return self.model.name if self.model is not None else ""

    @property
    def currency(self) -> str:
        return next((a.currency for a in (*self.d.money.values(), *self.d.card_prices.values()) if a.currency), "")

    @property
    def months(self) -> int:
        return int(self.d.numbers.get("months", Decimal(DEFAULT_MONTHS)))

    def amount(self, role: str) -> Amount | None:
        return self.d.money.get(role)


def decimal(value: Any) -> Decimal:
    if isinstance(value, Fraction):
        return Decimal(value.numerator) / Decimal(value.denominator)
    return value if isinstance(value, Decimal) else Decimal(str(value))


def short(name: str) -> str:
    """A card's name without its maker."""
    return _SHORT.sub("", _SHORT.sub("", name)).strip()


def _plain_names(line: str) -> str:
    return re.sub(r"NVIDIA (?:GeForce )?|AMD Instinct |Huawei (?=Ascend|Atlas)", "", line)


def settle(work: Work, d: Deployment) -> Case:
    """Resolves names and fills in defaults, each of which becomes an assumption. Raises `SizingError` for what cannot be."""
    from agent.sizing.dtypes import weight_type
    from agent.sizing.resolve import resolve_gpu, resolve_model

    case = Case(work, d)
    if d.words.get("model"):
        case.model = resolve_model(_config(d.words["config"]) if "config" in d.words else d.words["model"])
        if d.others:
            names = "、".join(d.others)
            case.note(
                f"“{d.words['model']}”可能是 {names}；这里按参数量 {d.words['model']} 计，指明哪一个会更准。",
                f"{d.words['model']} may be {', '.join(d.others)}; the size alone is used, naming one is more exact.",
            )
    gpu = d.words.get("gpu") or (d.gpus[0] if d.gpus else "")
    if gpu:
        case.gpu = resolve_gpu(gpu)
    native = getattr(case.model, "checkpoint_dtype", "bf16") or "bf16"
    case.dtype = weight_type(d.words["weight_dtype"]).name if "weight_dtype" in d.words else native
    case.kv_dtype = d.words.get("kv_dtype", "bf16")
    if "weight_dtype" not in d.words and case.model is not None:
        case.assume(
            f"精度按 {case.dtype}（{'发布时的格式' if native not in ('bf16', 'fp16') else '16 位'}）",
            f"weights as {case.dtype} ({'as published' if native not in ('bf16', 'fp16') else '16 bit'})",
        )
    if case.gpu is None and re.search(r"(?<![a-z])cpu(?![a-z])", work.question.text, re.IGNORECASE):
        case.note(
            "这里只算显卡和加速卡：CPU 推理没有速度模型，能不能放下看内存是否大于权重加 KV 缓存，速度请实测。",
            "Only GPUs and accelerators are calculated: there is no speed model of CPUs; whether it fits depends on RAM over weights and cache.",
        )
    _load(case)
    _eight_bit(case, native)
    return case


def _config(text: str) -> dict[str, Any]:
    """A config.json that was pasted into the question."""
    import json

    try:
        return dict(json.loads(text))
    except ValueError as error:
        raise SizingError(f"the config.json cannot be read: {error}", f"config.json 读不了：{error}") from None


def _eight_bit(case: Case, native: str) -> None:
    """Cards without fp8 units cannot calculate in it: fp8 files are then taken as int8, which is as large."""
    if case.dtype != "fp8" or case.gpu is None or case.gpu.fp8_flops is not None or case.gpu.bf16_flops is None:
        return
    if "weight_dtype" in case.d.words:
        case.note(
            f"{case.label} 没有 FP8 单元：fp8 权重只省显存、不提速，通常要换成 int8。",
            f"{case.label} has no FP8 units: fp8 weights save memory but gain no speed; int8 is the usual choice.",
        )
    elif native == "fp8":
        case.dtype = "int8"
        case.assumed = [a for a in case.assumed if "fp8" not in a]
        case.assume(
            f"{case.label} 没有 FP8 单元，按 int8 计（和发布的 fp8 一样大，需转换；用 bf16 约要两倍显存）",
            f"{case.label} has no FP8 units, so int8 (as large as the published fp8, after conversion; bf16 takes twice the memory)",
        )


def one_currency(case: Case) -> None:
    """Amounts in two currencies are brought to the first one's, at a stated rate; without one nothing is added up."""
    from agent.answers.price import converted

    if (case.d.priced or "unit_cost" in case.d.asks) and case.d.money and not case.currency:
        code = "CNY" if case.work.language == "zh" else "USD"
        role, amount = next(iter(case.d.money.items()))
        case.d = replace(case.d, money={**case.d.money, role: replace(amount, currency=code)})
        case.assume(f"金额没有写币种，按 {code} 算", f"amounts have no currency; {code} is taken")
    _bare_amounts(case)
    codes = list(dict.fromkeys(a.currency for a in case.d.money.values() if a.currency))
    if len(codes) < 2:
        return
    changed: dict[str, Amount] = {}
    for role, amount in case.d.money.items():
        if amount.currency in ("", codes[0]):
            changed[role] = amount
            continue
        change = converted(case.work, amount.value, amount.currency, codes[0])
        if change is None:
            case.work.computed(Decimal("7.2"))
            raise SizingError(
                f"amounts are in {' and '.join(codes)}; state an exchange rate, e.g. at 7.2",
                f"金额有 {'、'.join(codes)} 两种货币，资料没有汇率，请给出汇率（如“汇率 7.2”）再算",
            )
        case.step(change[1], change[1])
        changed[role] = replace(amount, value=change[0], currency=codes[0])
    case.d = replace(case.d, money=changed)


def _bare_amounts(case: Case) -> None:
    """Amounts without a currency beside a rate and amounts with one: in a Chinese question they are yuan, else in the first one's."""
    bare = {role: a for role, a in case.d.money.items() if not a.currency and role != "kwh"}
    stated = [a.currency for a in case.d.money.values() if a.currency]
    if not bare or not stated or "rate" not in case.d.numbers or case.work.language != "zh" or stated[0] == "CNY":
        return
    case.d = replace(case.d, money={role: replace(a, currency="CNY") if not a.currency else a for role, a in case.d.money.items()})
    said = "、".join(a.text for a in bare.values())
    case.assume(f"{said} 没有写币种，按元计", f"{said} names no currency and is taken as CNY")


def _load(case: Case) -> None:
    numbers = case.d.numbers
    prompt, answer = numbers.get("input"), numbers.get("output")
    if "context" in numbers:
        case.context = int(numbers["context"])
    elif prompt is not None and prompt < 2_000_000 and (answer or 0) < 2_000_000:
        case.context = int(prompt + (answer or 0))
    elif case.model is not None or {"fits", "cost", "cards", "recommend"} & case.d.asks and not case.d.money:
        case.assume(f"每会话上下文 {case.n(DEFAULT_CONTEXT)} token", f"{case.n(DEFAULT_CONTEXT)} tokens of context a session")
    case.prompt = int(prompt) if prompt is not None and prompt < case.context else case.context * 3 // 4
    case.answer = int(answer) if answer is not None and 0 < answer <= case.context else max(1, case.context - case.prompt)
    case.work.computed(Decimal(case.prompt), Decimal(case.answer), Decimal(case.context))
    if "concurrency" in numbers:
        case.concurrency = int(numbers["concurrency"].to_integral_value(ROUND_CEILING))
    elif "users" in numbers:
        case.concurrency = max(1, int((numbers["users"] * USERS_AT_ONCE).to_integral_value(ROUND_CEILING)))
        if numbers["users"] <= FEW_USERS:
            case.concurrency = max(1, int(numbers["users"]))
            case.assume(f"{case.n(case.concurrency)} 个用户都同时在用", f"all {case.n(case.concurrency)} users at the same moment")
            return
        case.assume(
            f"{case.n(numbers['users'])} 个用户中同一时刻有 {case.n(USERS_AT_ONCE * 100)}% 在等回答，即并发 {case.n(case.concurrency)}（用户数不等于并发）",
            f"of {case.n(numbers['users'])} users {case.n(USERS_AT_ONCE * 100)}% wait at the same moment: {case.n(case.concurrency)} at once (users are not concurrency)",
        )
    elif case.model is not None and "qps" not in numbers:
        case.assume("并发 1", "1 session at once")
    case.work.computed(Decimal(case.concurrency))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    return [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}", *(f"| {' | '.join(row)} |" for row in rows)]
