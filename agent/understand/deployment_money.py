"""Which part of a deployment's bill an amount is: the price of a card, rent, power, staff, the API bill it is to replace.

An amount takes the role of the words nearest to it in its clause. Bare numbers count as money only beside such words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from agent.understand.deployment_words import edges
from kb.quantities import Quantity, clause_bounds


@dataclass(frozen=True, slots=True)
class Amount:
    """Money as stated. `currency` is "" where none was written; `per` what a recurring amount recurs in ("month", "year" ...)."""

    value: Decimal
    currency: str
    text: str
    per: str = ""

    @property
    def monthly(self) -> Decimal:
        """The amount a month (730 hours, 365/12 days)."""
        return self.value * _PER_MONTH.get(self.per, Decimal(1))


_PER_MONTH = {
    "hour": Decimal(730), "day": Decimal(365) / 12, "week": Decimal(52) / 12, "quarter": Decimal(1) / 3, "year": Decimal(1) / 12,
}  # fmt: skip
_CARD = r"每张|一张|单张|每块(?!钱)|单卡|每卡|每片|/\s*(?:张|卡|块)|单价|卡价|显卡价|\beach\b|per (?:card|gpu)|apiece|a (?:card|piece|gpu)|/\s*(?:gpu|card)\b|(?:gpu|card) price"
_HOUR = r"小时|每时|/\s*h(?:r|our)?s?\b|per (?:gpu[- ]?)?hour|an hour|hourly|gpu[- ]?hour|卡时"
_RENT = r"租|包月|算力|\brent|\blease|cloud"
_ROLES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (role, edges(words))
    for role, words in (
        ("kwh", r"电价|元/度|每度|一度|/\s*度|度电|/\s*kwh|per kwh|a kwh|electricity (?:price|rate|at)|kilowatt"),
        ("power", r"电费|电力|耗电|electricity|\bpower\b"),
        ("staff", r"人工|运维|工程师|人力|月薪|年薪|工资|薪资|薪水|salar|staff|engineer|devops|\bops\b|admin"),
        ("hosting", r"机房|托管|机柜|机架|带宽|网络费|hosting|colo|rack|datacent"),
        ("maintenance", r"维保|维护|保修|maintenance|warranty|upkeep"),
        ("api", r"api|接口|调用费|账单|\bbill\b|云上(?:费用|花)|(?:现在|目前|原来|原先|之前|以前)每?个?月|currently|subscription"),
        (
            "budget",
            r"预算|上限|以内|不超过|(?:我们?|咱们?|公司|老板)只?有|手[上里]只?有|够(?:吗|不够|用|么)|\bonly have|\bi have \$|budget|at most|no more than|under|within|max",
        ),
        ("node", r"每台|一台|单台|/\s*台|per (?:server|node|box|machine)|a (?:server|node|box|machine)"),
        ("rent", _RENT),
        (
            "upfront",
            r"(?<!每月)(?<!费用)花(?!费)|一体机|机器|硬件|服务器|整机|采购|投入|设备|购置|集群|买|server|hardware|upfront|capex|purchase|machine|invest|\bbox\b|cluster|\brig\b",
        ),
        ("running", r"运行|运营|运转|自建(?:每月|月)|其他|杂费|running(?!\s+(?:an?|the|our|on|\d))|operating|opex|other"),
    )
)
_IN_ALL = edges(r"总?共|合计|总价|\btotal\b|\bin all\b|altogether")
"""Of an amount beside no other word: "8 张 A100 共 80 万"."""
_EACH = edges(_CARD)
_CARDS = re.compile(r"\d\s*(?:张|块|片|台)|\b(?:cards?|gpus?)\b|\d\s*[x×](?:\s|$)|\d\s*[x×]?\s*(?:[abhl]\d{1,2}0|rtx|mi\d{3}|910)", re.IGNORECASE)
"""An amount a month beside cards and no other word is what they are rented for: "8 张 H100 每月 2 万"."""
_SPLIT = re.compile(
    r"[、,，;；。:：\n]|(?<!\d)\.(?!\d)|\band\b|\bplus\b|\+|加上|和(?=\D{1,6}\d)|(?<=[万元块度人年月%千\d])\s+(?=(?![涨降到至块元万亿千度以的一])[\u4e00-\u9fff]|\d+\s*[个名位张台])",
    re.IGNORECASE,
)


def read_money(text: str, quantities: Sequence[Quantity]) -> dict[str, Amount]:
    """Role -> amount: card_price, node_price, upfront, rent_card_hour, rent_card_month, rent_month, kwh, power_month, staff_month,
    staff_each, hosting_month, maintenance_month, running_month, api_month, api_per_1m, budget_month, budget."""
    found: dict[str, Amount] = {}
    for q in quantities:
        start, end = _clause(text, q)
        clause, at = text[start:end], q.start - start
        if not _is_amount(q, clause):
            continue
        whole = next((a for a, b in clause_bounds(text) if a <= q.start < b), 0)
        role = _role(clause, at, q.end - start, q) or (_RENT_ROLE if _rents(text[whole : q.start], clause, q) else "")
        if not role:
            continue
        role, amount = _settled(role, clause, q)
        if role in found and role.endswith("_month"):
            amount = Amount(found[role].monthly + amount.monthly, amount.currency, f"{found[role].text} + {amount.text}", "month")
        found[role] = amount
    return found


def _clause(text: str, q: Quantity) -> tuple[int, int]:
    start, end = next(((a, b) for a, b in clause_bounds(text) if a <= q.start < b), (0, len(text)))
    for m in _SPLIT.finditer(text, start, end):
        if m.end() <= q.start:
            start = m.end()
        elif m.start() >= q.end:
            return start, m.start()
    return start, end


_UNITS = frozenset({"token", "char", "user", "request", "concurrency", "card", "node", "year", "month", "day", "percent", "gb", "gib", "qps", "parameter", "times", "ms", "second", "kw", "watt", "bit", "tokens_per_second", "hour", "week"})  # fmt: skip


_LIKE_A_CARD = re.compile(r"[1-9]0[5-9]0")
"""3060, 4090: beside "张" that is a name, not a price."""


def _is_amount(q: Quantity, clause: str) -> bool:
    if q.is_money:
        return True
    if q.unit == "kwh":
        return q.value != 1
    if q.unit in _UNITS or q.unit == "percent":
        return False
    small = (
        q.value < 10
        and not q.scale
        and bool(_ROLES[0][1].search(clause) or _ROLES[1][1].search(clause) or re.search(_HOUR, clause, re.IGNORECASE))
    )
    if _LIKE_A_CARD.fullmatch(q.text.strip()):
        return False
    # Counts of tokens and sizes of contexts are no money, whatever stands beside them.
    if (
        re.search(r"tok|上下文|context|输入|输出|input|output|并发|pue", clause, re.IGNORECASE)
        and q.scale.lower() in ("k", "")
        and not small
    ):
        return False
    if q.scale.lower() in ("m", "b", "亿") or "request" in q.per:
        return False
    return small or q.scale in ("万", "千", "百万", "w", "W", "k", "K") or not q.scale and q.value >= 100


def _role(clause: str, start: int, end: int, q: Quantity) -> str:
    near: list[tuple[int, int, str]] = []
    for order, (role, words) in enumerate((*_ROLES, ("each", _EACH))):
        for m in words.finditer(clause):
            gap = start - m.end() if m.end() <= start else (m.start() - end + 1 if m.start() >= end else 0)
            near.append((gap, order, role))
    hourly = bool(re.search(_HOUR, clause, re.IGNORECASE)) or "hour" in q.per
    each = bool(_EACH.search(clause)) or "card" in q.per
    role = min(near)[2] if near else "upfront" if _IN_ALL.search(clause) and not set(q.per) else ""
    if role == "each":
        role = ""
    if role in ("power",) and q.value < 10 and not q.scale:
        return "kwh"
    if role in ("kwh", "staff", "hosting", "maintenance", "api", "power") and not (each and role == "api"):
        return role
    if hourly:
        return "rent_hour"
    if each:
        return "rent_each" if re.search(_RENT, clause, re.IGNORECASE) or {"month", "year"} & set(q.per) else "card_price"
    return role


_RENT_ROLE = "rent"


def _rents(before: str, clause: str, q: Quantity) -> bool:
    """Whether a recurring amount beside no other word is what the cards before it are rented for."""
    return bool({"week", "month", "quarter", "year"} & set(q.per)) and bool(_CARDS.search(before) or _CARDS.search(clause))


def _settled(role: str, clause: str, q: Quantity) -> tuple[str, Amount]:
    currency = q.unit if q.is_money else ""
    per = next((p for p in q.per if p in ("hour", "day", "week", "month", "quarter", "year")), "")
    if re.search(r"年薪|annual salary|per year|a year|/\s*(?:年|yr|year)|每年|一年", clause, re.IGNORECASE) and not per:
        per = "year"
    amount = Amount(q.value, currency, q.text.strip(), per)
    if role in ("staff", "hosting", "maintenance", "power", "running"):
        if role == "staff" and re.search(r"月薪|年薪|每人|人均|工资|each|per (?:person|head)|salar", clause, re.IGNORECASE):
            return "staff_each", amount if per else Amount(amount.value, currency, amount.text, "month")
        return f"{role}_month", amount
    if role == "api":
        if re.search(r"每百万|百万\s*tok|/\s*(?:1)?m\b|per (?:1m|million)|/\s*百万|1m tok", clause, re.IGNORECASE):
            return "api_per_1m", amount
        return "api_month", amount
    if role == "budget":
        return ("budget_month" if per else "budget"), amount
    if role == "rent_hour":
        return "rent_card_hour", amount
    if role == "rent_each":
        return "rent_card_month", amount
    if role == "rent":
        return "rent_month", amount
    if role == "node":
        return ("rent_month" if per else "node_price"), amount
    if role == "upfront" and per:
        return "running_month", amount
    return role, amount


def card_prices(text: str, quantities: Sequence[Quantity], cards: Sequence[tuple[str, int, int]]) -> dict[str, Amount]:
    """Card -> its price, where several cards are each followed by an amount ("4090 每张 1.5 万，A100 每张 8 万"). `per` is "hour" for rent."""
    found: dict[str, Amount] = {}
    for position, (name, _, end) in enumerate(cards):
        limit = cards[position + 1][1] if position + 1 < len(cards) else len(text)
        q = next((q for q in quantities if end <= q.start < min(limit, end + 24) and _is_amount(q, text[end : q.end + 8])), None)
        if q is not None and not re.search(r"[。;；]", text[end : q.start]):
            hourly = "hour" in q.per or bool(
                re.match(
                    r"\s*(?:[/每]\s*(?:卡|张)?\s*)?(?:小时|h\b|hr|hour)|\s*(?:/|per |an? )\s*(?:gpu[- ]?)?h", text[q.end :], re.IGNORECASE
                )
            )
            found[name] = Amount(q.value, q.unit if q.is_money else "", q.text.strip(), "hour" if hourly else "")
    return found if len(found) > 1 else {}


_CHANGE = re.compile(
    r"(?P<what>api|接口|调用|硬件|显卡|机器|卡|服务器|用量|调用量|hardware|gpus?|cards?|volume|usage|prices?|价格?|单价)[^,，。;；\d]{0,8}?"
    r"(?:(?P<half>减半|砍半|降(?:价)?一半|打对折|halv\w+|(?:by|in) half)|(?P<double>翻倍|翻番|doubl\w+|twice)"
    r"|(?P<down>降价?|便宜|下降|减少|跌|cut|drops?|falls?|less|cheaper|lower)[^\d]{0,6}(?P<d>\d+(?:\.\d+)?)\s*(?:%|个点|percent)"
    r"|(?P<up>涨价?|贵|上涨|增加|涨|rises?|more|up|increases?)[^\d]{0,6}(?P<u>\d+(?:\.\d+)?)\s*(?:%|个点|percent)"
    r"|打\s*(?P<zhe>[一二三四五六七八九\d](?:\.\d)?)\s*折)",
    re.IGNORECASE,
)


def factors(text: str) -> dict[str, Decimal]:
    """`api`, `hardware`, `volume` -> the factor by which a turn changes it ("api 降价一半", "硬件打八折", "用量翻倍")."""
    found: dict[str, Decimal] = {}
    for m in _CHANGE.finditer(text):
        what = (m["what"] or "").lower()
        if re.search(r"api|接口|调用$", what):
            kind = "api"
        elif re.search(r"硬件|显卡|机器|卡|服务器|hardware|gpu|card", what):
            kind = "hardware"
        elif re.search(r"用量|调用量|volume|usage", what):
            kind = "volume"
        else:
            continue
        if m["half"]:
            factor = Decimal("0.5")
        elif m["double"]:
            factor = Decimal(2)
        elif m["down"]:
            factor = 1 - Decimal(m["d"]) / 100
        elif m["up"]:
            factor = 1 + Decimal(m["u"]) / 100
        else:
            digit = "零一二三四五六七八九".find(m["zhe"]) if not m["zhe"][0].isdigit() else -1
            factor = (Decimal(digit) if digit > 0 else Decimal(m["zhe"])) / 10
        if factor > 0:
            found[kind] = factor
    return found
