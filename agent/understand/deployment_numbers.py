"""Figures of a deployment that are no money: cards, sessions, lengths, targets, years, shares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from agent.understand.deployment_words import ASKS, CARD_COUNT, CARD_MEMORY, FIT, FULL_LOAD, MEASURED, ONE_SESSION, QUANTISATION_NEEDED
from agent.understand.hardware_names import Named
from kb.numbers import parse_han
from kb.quantities import Quantity

_PEOPLE = re.compile(
    r"(\d{1,3}|[一两二三四五六七八九十]|one|two|three|four)\s*(?:个|名|位)?\s*(?:全职|兼职|full-time)?\s*(?:的)?\s*(?:运维|工程师|人力(?!成本)|admins?\b|engineers?|sres?\b|ops (?:people|engineers?))",
    re.IGNORECASE,
)
_ABOUT_ONE = re.compile(
    rf"{FIT.pattern}|{ASKS['concurrency'].pattern}|{ASKS['speed'].pattern}|{ASKS['capacity'].pattern}|{ASKS['fits'].pattern}"
    rf"|{QUANTISATION_NEEDED.pattern}",
    re.IGNORECASE,
)
"""With these "一张 3090" is one card that is there; "一张 3090 多少钱" asks for a price."""
_COUNT_WORDS = {"一": 1, "两": 2, "双": 2, "single": 1, "dual": 2, "one": 1, "two": 2, "three": 3, "four": 4, "eight": 8, "单": 1}


def read_numbers(text: str, bare: str, quantities: list[Quantity], gpus: list[Named]) -> dict[str, Decimal]:  # noqa: C901
    """Name -> figure, by the unit and the words around it. `bare` is the text with names, formats and memory sizes blanked out."""
    found: dict[str, Decimal] = {}
    cards = _cards(text, bare, gpus)
    if cards:
        found["cards"] = cards
    for q in quantities:
        left, right = bare[max(0, q.start - 24) : q.start].lower(), bare[q.end : q.end + 14].lower()
        value = q.value
        if q.is_money:
            continue
        if (
            q.unit == "concurrency"
            or re.search(r"(?<!\d)(?<!\d )(?:并发|同时|simultaneous|concurren\w*|at once)[^\d,，。;；]{0,8}$", left)
            and q.unit in ("", "user", "request")
        ):
            found["concurrency"] = value
        elif q.unit in ("", "user", "request") and re.match(
            r"\s*(?:个|路)?\s*(?:人|用户|users?|people)?\s*(?:同时|并发|at once|simultaneous|in parallel|concurren)", right
        ):
            found["concurrency"] = value
        elif q.unit == "qps" or q.unit == "request" and "second" in q.per:
            found["qps"] = value
        elif q.unit == "user":
            if re.search(r"运维|工程师|人力|人工|staff|engineer|admin|devops|sre", left + right + q.text):
                found["staff"] = value
            else:
                found["users"] = value
        elif q.unit == "node":
            found["nodes"] = value
        elif q.unit == "tokens_per_second" or (q.unit == "token" and "second" in q.per):
            _rate(text, left, right, value, found)
        elif q.unit in ("second", "ms") and re.search(r"首字|首\s*token|ttft|first token|延迟|latency|响应", left + right):
            found["max_ttft"] = value / 1000 if q.unit == "ms" else value
        elif q.unit == "percent" and (re.search(r"利用率|utili[sz]ation|使用率|占用率|负载", left + right) or re.search(r"跑(?:到|满)?\s*$|(?:running|loaded|busy) (?:at )?$", left)):
            found["utilization"] = value / 100
        elif q.unit == "" and 0 < value <= 1 and re.search(r"(?:利用率|utili[sz]ation|使用率|负载率)[^\d,，;；]{0,6}$", left):
            found["utilization"] = value
        elif q.unit == "percent" and re.search(r"残值|residual|salvage|resale", left + right):
            found["residual"] = value / 100
        elif q.unit == "percent" and re.search(r"省|节约|节省|低|sav|cheaper", left + right) and not re.search(r"省电", left + right):
            found["save_low"], found["save_high"] = value / 100, (q.high if q.high is not None else value) / 100
        elif q.unit == "percent" and re.search(r"自建|本地|self|own|on-?prem|简单|simple|请求占", left + right):
            found["share_self"] = value / 100
        elif q.unit == "percent" and re.search(r"api|云", left + right):
            found["share_self"] = 1 - value / 100
        elif q.unit == "year" and value <= 30 and not q.per:
            found["months"] = value * 12
        elif q.unit == "month" and value <= 360 and not q.per:
            found["months"] = value
        elif q.unit == "hour" and value <= 24 and ("day" in q.per or re.search(r"每天|一天|每日|a day|per day|daily", bare)):
            found["hours_per_day"] = value
        elif q.unit == "day" and value <= 31 and "month" in q.per:
            found["days_per_month"] = value
        elif re.search(r"pue[ :=是为按取用到ofat]*$", left):
            found["pue"] = value
        elif q.unit in ("", "token") and (q.unit == "token" or value >= 256) and _is_context(q, left, right):
            found["context"] = value
    if "cards" not in found and not gpus and CARD_MEMORY.search(text) and FIT.search(text) and not ASKS["cards"].search(text):
        found["cards"] = Decimal(1)
    if "cards" not in found and re.search(r"单卡|单张|single (?:card|gpu)", text, re.IGNORECASE):
        found["cards"] = Decimal(1)
    if "cards" not in found and re.search(r"(?<![a-z])mac(?:book|\s?studio|\s?mini|\s?pro)?(?![a-z])|笔记本|laptop", text, re.IGNORECASE):
        found["cards"] = Decimal(1)
    if "concurrency" not in found and (
        batch := re.search(r"batch(?:[ _-]?size)?\s*(?:of|=|:|是|为)?\s*(\d{1,5})(?!\d)", text, re.IGNORECASE)
    ):
        found["concurrency"] = Decimal(batch[1])
    if "utilization" not in found and FULL_LOAD.search(text):
        found["utilization"] = Decimal(1)
    if people := _PEOPLE.search(text):
        found["staff"] = _count(people[1]) or Decimal(1)
        if found.get("users") == found["staff"]:
            del found["users"]
    if (
        "months" not in found
        and re.search(r"一年(?!半)|全年|\b(?:one|1|a|per|first) year|/year|annual", text, re.IGNORECASE)
        and ASKS["tco"].search(text)
    ):
        found["months"] = Decimal(12)
    return found


_PER_CARD = re.compile(r"(?:每张|每卡|每块|每片|单卡|单张|一张)(?:卡)?[^,，。;；]{0,10}$", re.IGNORECASE)
_PER_CARD_AFTER = re.compile(r"\s*(?:/\s*(?:卡|张|gpu|card)|per (?:card|gpu)|(?:on )?each\b|a (?:card|gpu)|每卡|每张)", re.IGNORECASE)


def _rate(text: str, left: str, right: str, value: Decimal, found: dict[str, Decimal]) -> None:
    """Tokens a second: what the cards make together or each, or what one session shall at least get."""
    together = MEASURED.search(left[-12:] + right) or ASKS["unit_cost"].search(text)
    if ONE_SESSION.search(left + right) or not together:
        found["min_rate"] = value
    elif _PER_CARD.search(left) or _PER_CARD_AFTER.match(right):
        found["throughput_card"] = value
    else:
        found["throughput"] = value


def _is_context(q: Quantity, left: str, right: str) -> bool:
    if any(p in ("day", "week", "month", "quarter", "year") for p in q.per):
        return False
    if re.search(r"(?:上下文|context|窗口|ctx|长度|length|window)[^\d]{0,8}$", left) or re.match(
        r"\s*(?:token|tokens|tok)?\s*(?:的)?\s*(?:上下文|context|ctx|窗口|长文|window)", right
    ):
        return True
    return (
        q.scale.lower() == "k"
        and q.value <= 2_000_000
        and not set(q.per) - {"user", "request"}
        and not re.search(r"(?:输入|输出|input|output|in|out)\s*$", left)
        and not re.match(r"\s*(?:输入|输出|input|output|in\b|out\b|tok)", right)
    )


def _cards(text: str, bare: str, gpus: list[Named]) -> Decimal | None:
    """Cards that are there or offered: "8 卡 A100", "2x RTX 4090", "H100*8", "4 张". A lone "一张/每张" in front of a price is none."""
    for gpu in gpus[:1]:
        before = re.search(
            r"(?<![\d.a-z])(\d{1,4}|[一两双单二三四五六七八九十]{1,3}|single|dual|one|two|three|four|eight)\s*(?:-?\s*(?:张|块|卡|片|个|x|×|\*|gpus?|cards?|pcs|of|路))?\s*(?:的|of|rented|owned|new|used|existing)?\s*(?:\d{1,3}\s*G(?:i?B)?\s*(?:显存|内存)?\s*的?)?\s*(?:nvidia|英伟达|华为)?\s*$",
            text[max(0, gpu.start - 22) : gpu.start].lower(),
            re.IGNORECASE,
        )
        after = re.match(
            r"\s*(?:的卡|显卡)?\s*(?:[x×*]\s*(\d{1,4})(?!\d)|(\d{1,4}|[两二三四五六七八九十]{1,3})\s*(?:张|块|卡(?!\w*价)|片|cards?|gpus?))",
            text[gpu.end : gpu.end + 14].lower(),
        )
        lone = before is not None and before[1] == "一" and not _ABOUT_ONE.search(text)
        if before and not lone:
            return _count(before[1])
        if after:
            return _count(after[1] or after[2])
    match = CARD_COUNT.search(bare) or re.search(r"(?<![\d.])(\d{1,4}) (?:of them|pieces|units|pcs)", bare)
    return _count(match[1]) if match else None


def _count(word: str) -> Decimal | None:
    if word in _COUNT_WORDS:
        return Decimal(_COUNT_WORDS[word])
    value = parse_han(word)
    return value if value is not None and 0 < value <= 4096 else None


def impossible(numbers: Mapping[str, Decimal]) -> list[tuple[str, str]]:
    """Figures that cannot be so: shares over one, a PUE below one."""
    found = []
    for key, zh, en in (
        ("utilization", "利用率", "utilisation"),
        ("residual", "残值", "residual value"),
        ("share_self", "自建比例", "own share"),
    ):
        if key in numbers and not 0 <= numbers[key] <= 1:
            found.append((f"{zh} {numbers[key] * 100:f}% 不在 0–100% 之间", f"{en} {numbers[key] * 100:f}% is not between 0 and 100%"))
    if "pue" in numbers and not 1 <= numbers["pue"] <= 5:
        found.append((f"PUE {numbers['pue']} 不合理，应在 1 到 5 之间", f"PUE {numbers['pue']} cannot be; expected 1 to 5"))
    return found
