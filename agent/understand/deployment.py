"""A deployment as a conversation describes it: model, cards, load and money, whatever of it was said so far.

Every value keeps a name of its own, so that a later turn ("int4 呢", "换 H100", "并发 100", "电费按 0.8") replaces one and leaves
the rest. Nothing is filled in here: what nobody said is a default of the calculation, and is shown as an assumption there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from agent.understand.deployment_money import Amount, card_prices, factors, read_money
from agent.understand.deployment_numbers import impossible, read_numbers
from agent.understand.deployment_words import (
    ASKS,
    ASKS_POWER,
    CARD_MEMORY,
    CHEAP_CHECK,
    DTYPE,
    DTYPE_LIKE,
    FIT,
    KV_DTYPE,
    NEGATIVE,
    NOT_A_FIGURE,
    OWN,
    QUANTISATION_NEEDED,
    RENT,
    RESET_PRICE,
    SERVING,
    TRAINING,
    TRAINING_METHOD,
)
from agent.understand.hardware_names import UNKNOWN_CARD, Named, gpus_in, models_in
from agent.understand.lexicon import has
from agent.understand.usage import Usage
from kb.quantities import Quantity, find_quantities, normalise

MOST_CHARACTERS = 4000


@dataclass(frozen=True)
class Deployment:
    """`words`: model, gpu, weight_dtype, kv_dtype, acquire. `numbers`: context, input, output, concurrency, users, qps, cards, nodes,
    cards_per_node, months, utilization, residual, pue, min_rate, max_ttft, share_self. `money`: amounts by role (deployment_money.py).

    `asks` are the things wanted to know, `carried` the names of what an earlier turn said, `problems` what cannot be so (zh, en).
    """

    words: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, Decimal] = field(default_factory=dict)
    money: Mapping[str, Amount] = field(default_factory=dict)
    gpus: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """Models that a family and a size may mean as well."""
    asks: frozenset[str] = frozenset()
    carried: frozenset[str] = frozenset()
    dropped: tuple[str, ...] = ()
    """Prices of an earlier turn that belong to another card."""
    problems: tuple[tuple[str, str], ...] = ()
    training: bool = False
    serving: bool = False
    """Whether running the model, not training it, is named."""
    usage: Usage | None = None
    """The volume of the API bill that it is compared with."""
    card_prices: Mapping[str, Amount] = field(default_factory=dict)
    """Prices of several cards, by card; `per` is "hour" for a rent."""
    gpus_carried: bool = False
    idle: bool = False
    """Said earlier and not meant by this turn: kept for the turns after it."""
    priced: tuple[str, ...] = ()
    """Catalog entities that stand for the API side."""

    @property
    def said(self) -> bool:
        """Whether anything about a deployment was said at all."""
        return bool(self.words or self.numbers or self.money or self.gpus)

    @property
    def pays(self) -> bool:
        """Whether it is a matter of an investment against an API bill, without hardware named."""
        return {"upfront", "api_month"} <= set(self.money)

    @property
    def hardware(self) -> bool:
        """Whether cards or machines are named or counted."""
        return bool(self.gpus or self.words.get("gpu") or {"cards", "nodes"} & set(self.numbers))

    @property
    def strong(self) -> bool:
        """Whether hardware or a model to run on it is named: enough to be about a deployment and nothing else."""
        return self.hardware or bool(self.words.get("model"))


def read_deployment(text: str) -> Deployment:
    """What one turn says about a deployment; an empty `Deployment` where it says nothing of the kind."""
    text = normalise(text)[:MOST_CHARACTERS]
    if not CHEAP_CHECK.search(text):
        return Deployment()
    config = _CONFIG.search(text)
    if config:
        text = text[: config.start()] + " " * (config.end() - config.start()) + text[config.end() :]
    gpus, models = gpus_in(text), hosted_models(text)
    masked = _blank(text, [*gpus, *models])
    words, problems = _words(text, masked, gpus, models)
    bare = _blank_matches(masked, DTYPE, CARD_MEMORY)
    quantities = [q for q in find_quantities(bare) if not (q.unit == "hour" and re.fullmatch(r"\d+\s*h", q.text, re.IGNORECASE) and gpus)]
    changes = factors(text)
    numbers = read_numbers(text, bare, [q for q in quantities if not (changes and q.unit == "percent")], gpus)
    money = read_money(bare, [q for q in quantities if not _is_no_amount(q, bare, gpus)])
    for role, factor in changes.items():
        numbers[f"factor_{role}"] = factor
    prices = card_prices(bare, quantities, [(g.name, g.start, g.end) for g in gpus])
    if prices:
        money.pop("card_price", None)
        money.pop("rent_card_hour", None)
    elif gpus and not {"card_price", "rent_card_hour", "rent_card_month", "upfront", "node_price"} & set(money):
        _lone_price(bare, quantities, gpus[0], money)
    asks = _asks(text, masked, money, gpus)
    if {"min_rate", "utilization"} <= set(numbers) and set(_RENTS) & set(money) and not models:
        # Rent, speed and utilisation without a model: what a token costs.
        numbers["throughput"] = numbers.pop("min_rate")
        asks |= {"unit_cost"}
    problems += impossible(numbers)
    if set(_RENTS) & set(money):
        words.setdefault("acquire", "rent")
    elif set(_PURCHASES) & set(money):
        words.setdefault("acquire", "buy")
    if config:
        words["model"] = words["config"] = config[0]
    found = Deployment(
        words, numbers, money, tuple(dict.fromkeys(g.name for g in gpus)), models[0].others if models else (), asks,
        problems=tuple(problems), card_prices=prices, training=bool(TRAINING.search(text)), serving=bool(SERVING.search(text)),
    )  # fmt: skip
    return found


def _asks(text: str, masked: str, money: Mapping[str, Amount], gpus: list[Named]) -> frozenset[str]:
    """What is wanted to know, words that only state something ("电费 0.8 一度") left out."""
    asks = frozenset(name for name, pattern in ASKS.items() if pattern.search(text))
    pays = has("break_even_word", masked)
    if pays:
        asks |= {"break_even"}
    if FIT.search(text):
        asks |= {"enough"}
    if {"budget", "budget_month"} & set(money):
        asks |= {"cost"}
    if {"kwh", "power_month"} & set(money) and not ASKS_POWER.search(text):
        asks -= {"power"}
    if "break_even" in asks and not ASKS_POWER.search(text):
        # "电费人工每月 1.2 万，多久回本": one of the costs, not what is asked.
        asks -= {"power"}
    if len({g.name for g in gpus}) > 1 and "break_even" in asks and not pays and not {"api_month", "api_per_1m"} & set(money):
        # "H20 和 4090 哪个划算": between cards, not against an API.
        asks = (asks - {"break_even"}) | {"recommend"}
    return asks


def continued(now: Deployment, before: Deployment) -> Deployment:
    """The turn before with what this turn says in place of it. Prices of a card do not pass to another card."""
    words, money = {**before.words, **now.words}, {**before.money, **now.money}
    if "model" in now.words and "config" not in now.words:
        words.pop("config", None)
    numbers = _numbers_after(now, before)
    dropped = _drop_stale_prices(now, before, money)
    asks = now.asks or before.asks
    if not now.asks and "concurrency" in now.numbers and "concurrency" in asks:
        asks = (asks - {"concurrency"}) | {"cards"}
    if now.asks <= {"cost", "power"} and before.asks & {"break_even", "tco"} and now.money:
        asks = now.asks | before.asks
    said_now = {*now.words, *now.numbers, *now.money}
    return replace(
        now, words=words, numbers=numbers, money=money, gpus=now.gpus or (before.gpus if "gpu" not in now.words else ()),
        others=now.others if "model" in now.words else before.others, asks=asks, carried=frozenset({*words, *numbers, *money} - said_now),
        training=now.training or before.training and not now.serving, dropped=dropped, card_prices=now.card_prices or (before.card_prices if not now.gpus else {}), gpus_carried=not now.gpus, usage=now.usage or before.usage, priced=now.priced or before.priced,
    )  # fmt: skip


_RENTS, _PURCHASES = ("rent_card_hour", "rent_card_month", "rent_month"), ("card_price", "node_price", "upfront")


def _drop_stale_prices(now: Deployment, before: Deployment, money: dict[str, Amount]) -> tuple[str, ...]:
    """Takes out prices of a card that was exchanged, and those of the way of having it that was given up."""
    new_card = now.gpus and now.gpus != before.gpus or now.words.get("gpu", before.words.get("gpu")) != before.words.get("gpu")
    dropped = tuple(role for role in RESET_PRICE if new_card and role in money and role not in now.money)
    given_up = {"rent": _PURCHASES, "buy": _RENTS}.get(now.words.get("acquire", ""), ())
    for role in (*dropped, *(r for r in given_up if r not in now.money)):
        money.pop(role, None)
    return dropped


_REPLACES = {"concurrency": ("users", "qps"), "users": ("concurrency",), "context": ("input", "output")}
"""A figure that is stated anew, and those that it makes void."""


def _numbers_after(now: Deployment, before: Deployment) -> dict[str, Decimal]:
    numbers = {**before.numbers, **now.numbers}
    for key, void in _REPLACES.items():
        for other in void:
            if key in now.numbers and other not in now.numbers:
                numbers.pop(other, None)
    for key in ("factor_api", "factor_hardware", "factor_volume"):
        if key in before.numbers and key in now.numbers:
            numbers[key] = before.numbers[key] * now.numbers[key]
    return numbers


def _is_no_amount(q: Quantity, text: str, gpus: list[Named]) -> bool:
    """Counts in front of a card ("8xH100") and a PUE are no money, whatever else stands in the clause."""
    if re.search(r"pue[ :=是为约]*$", text[max(0, q.start - 8) : q.start], re.IGNORECASE):
        return True
    return (
        not q.is_money and not q.scale and any(re.fullmatch(r"[\s\-x×*]*", text[q.end : g.start].lower()) for g in gpus if g.start >= q.end)
    )


def _lone_price(text: str, quantities: list[Quantity], card: Named, money: dict[str, Amount]) -> None:
    """ "H100 $28,000": an amount right behind the only card is its price."""
    q = next((q for q in quantities if card.end <= q.start <= card.end + 6 and q.is_money and q.value >= 100), None)
    if q is not None and not re.search(r"[，,。;；]", text[card.end : q.start]) and not set(q.per) & {"month", "year", "hour", "day"}:
        money["card_price"] = Amount(q.value, q.unit, q.text.strip())


def _blank(text: str, named: list[Named]) -> str:
    out = list(text)
    for name in named:
        out[name.start : name.end] = " " * (name.end - name.start)
    return "".join(out)


def _blank_matches(text: str, *patterns: re.Pattern[str]) -> str:
    for pattern in patterns:
        text = pattern.sub(lambda m: " " * len(m[0]), text)
    return text


def hosted_models(text: str) -> list[Named]:
    """Models of a text that are to be run; those named as the API side, or to be replaced, are left out."""
    return [m for m in models_in(text) if not _API_SIDE.match(text[m.end :]) and not _REPLACED.search(text[: m.start])]


def _words(text: str, masked: str, gpus: list[Named], models: list[Named]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    words: dict[str, str] = {}
    if models:
        chosen = next((m for m in models if "参数" in m.name), models[0])
        words["model"] = chosen.name
    memories = list(CARD_MEMORY.finditer(masked))
    # "24G 换 48G": what it is changed to.
    memory = memories[-1 if len(memories) > 1 and re.search("换|改|instead", masked) else 0] if memories else None
    if gpus:
        words["gpu"] = gpus[0].name
    elif memory:
        words["gpu"] = f"{memory[1]}{'GiB' if memory[2].lower() == 'gib' else 'GB'}"
    kv = KV_DTYPE.search(masked)
    if kv:
        words["kv_dtype"] = (kv[1] or kv[2]).lower()
        masked = masked.replace(kv[0], " " * len(kv[0]))
    masked = QUANTISATION_NEEDED.sub(lambda found: " " * len(found[0]), masked)
    dtype = DTYPE.search(masked)
    if dtype:
        words["weight_dtype"] = re.sub(r"\s", "", dtype[1].lower())
    if RENT.search(text):
        words["acquire"] = "rent"
    elif OWN.search(text):
        words["acquire"] = "buy"
    if method := TRAINING_METHOD.search(text):
        words["method"] = method[0].lower()
    return words, _problems(text, masked, words)


def _problems(text: str, masked: str, words: Mapping[str, str]) -> list[tuple[str, str]]:
    """What cannot be: cards and formats that nobody knows, figures that are none, zero or negative counts."""
    problems: list[tuple[str, str]] = []
    if "gpu" not in words and (unknown := UNKNOWN_CARD.search(masked)):
        name = unknown[0].strip()
        problems.append(
            (
                f"目录里没有显卡“{name}”，请直接给显存（如 24GB 的卡）",
                f"the card {name!r} is not in the catalog; give its memory (e.g. 24GB cards)",
            )
        )
    if "weight_dtype" not in words and (odd := DTYPE_LIKE.search(masked)):
        problems.append(
            (
                f"不认识的权重格式“{odd[0].strip()}”；支持 fp32、bf16/fp16、fp8、int8、int4、nf4、nvfp4、mxfp4、q8_0、q4_k_m",
                f"unknown weight format {odd[0].strip()!r}; known: fp32, bf16/fp16, fp8, int8, int4, nf4, nvfp4, mxfp4, q8_0, q4_k_m",
            )
        )
    if m := NOT_A_FIGURE.search(text):
        problems.append((f"“{m[0].strip()}”不是能计算的数", f"{m[0].strip()!r} is no figure to calculate with"))
    if m := NEGATIVE.search(text):
        problems.append((f"“{m[0].strip()}”不能为零或负数", f"{m[0].strip()!r} cannot be zero or negative"))
    return problems


_API_SIDE = re.compile(r"\s*(?:的\s*)?(?:api|接口|官方)", re.IGNORECASE)
_REPLACED = re.compile(
    r"(?:替代|代替|取代|replac\w+|instead of|对比|\bvs\.?|versus|api\s*(?:用的?|是|选|走|为|:|side|with|is|of)?)\s*$", re.IGNORECASE
)
_CONFIG = re.compile(r"\{[^{}]*\"(?:num_hidden_layers|n_layer|num_layers)\"(?:[^{}]|\{[^{}]*\})*\}")
"""A checkpoint's config.json in the question; one level of nested objects, as rope_scaling has."""
