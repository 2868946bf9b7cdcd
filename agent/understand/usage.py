"""Token volumes out of the quantities of a question: directions, requests x tokens, users x requests, days, durations.

"每天800次，每次输入1.5k输出500 token，一个月30天" -> 36M input and 12M output a month, with the derivation line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from agent.understand.each import users_each
from agent.understand.growth import VolumeChange, volume_changes
from agent.understand.lexicon import has, pattern
from agent.understand.request_sizes import Size, request_sizes
from agent.understand.split import Division, division_of, joined_pair, output_first, ratio_words
from agent.understand.usage_time import CLOCK, DAYS_PER_MONTH, a_day, asked_period, days_per_month_of
from agent.understand.usage_time import period_factor as period_factor
from kb.quantities import DAYS, Quantity, Ratio, clause_bounds, find_markers, find_ratios

Direction = Literal["input", "output", "total"]
_PRICE_NOUN = re.compile(r"价格|单价|定价|价钱|进出价|(?<![a-z])prices?(?![a-z])", re.IGNORECASE)
_ASKS_MONEY = re.compile(r"钱|价|费|花|成本|预算|账单|[$¥￥€£]|cost|price|bill|budget|spend|pay", re.IGNORECASE)
_WINDOW = re.compile(r"\s*(?:个)?(?:tokens?)?\s*的?\s*(?:超?长)?(?:上下文|窗口|context)", re.IGNORECASE)
_LONGEST_CONTEXT = Decimal(3_000_000)
_REQUESTS_OF = re.compile(r"(?:requests?|calls?|queries|prompts|chats) (?:of|with|at) $", re.IGNORECASE)
_UNIT_COUNTS = frozenset(Decimal(10) ** n for n in (3, 4, 5, 6, 8))


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens in one direction, as written: per what, and where."""

    direction: Direction
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Usage:
    """A volume of use. `period` is what `input_tokens` and `output_tokens` are for ("" = once); `asked` what the question wants.

    `total_tokens` holds tokens of unstated direction. `request_input_tokens` is the prompt of one request, for context tiers.
    """

    input_tokens: Decimal | None = None
    output_tokens: Decimal | None = None
    total_tokens: Decimal | None = None
    period: str = ""
    asked: str = ""
    duration_days: Decimal | None = None
    duration_label: str = ""
    requests: Decimal | None = None
    request_input_tokens: Decimal | None = None
    request_output_tokens: Decimal | None = None
    users: Decimal | None = None
    days_per_month: Decimal = DAYS_PER_MONTH
    in_chars: bool = False
    tokens_per_char: Decimal | None = None
    amounts: tuple[Amount, ...] = ()
    by_user: bool = False
    """Whether the tokens were multiplied by the users."""
    changes: tuple[VolumeChange, ...] = ()
    """What the question supposes of the volume ("砍掉两成"); the tokens are with it, those of one request without."""
    sizes: tuple[Size, ...] = ()
    """Sizes of the requests, where the question has several; `request_input_tokens` is their mean."""
    notes: tuple[str, ...] = field(default=())

    @property
    def has_volume(self) -> bool:
        return any(v is not None for v in (self.input_tokens, self.output_tokens, self.total_tokens))


_GLUED = {"入": "投收买导介加进", "出": "支付产发推给卖退", "进": "推引跟", "写": "手", "读": "阅", "回": "收赚几"}
"""投入, 支出, 回收: the character belongs to another word."""


_VERBS = frozenset("写问答读喂传塞丢扔灌")
_NOT_A_DIRECTION = re.compile(r"in (?:all|total|sum|the|one|a|our|my|each|every|\d+ (?:days?|months?|weeks?))(?![a-z])", re.IGNORECASE)


def _is_tokens(quantity: Quantity) -> bool:
    return quantity.unit in ("token", "char", "word") or (quantity.unit == "" and not quantity.is_money)


def _cues(text: str) -> list[tuple[int, int, Direction]]:
    found: list[tuple[int, int, Direction]] = []
    for group, direction in (("input_cue", "input"), ("output_cue", "output")):
        found += [(m.start(), m.end(), direction) for m in pattern(group).finditer(text)]  # type: ignore[misc]
    for group, direction in (("input_cue_near", "input"), ("output_cue_near", "output")):
        for m in pattern(group).finditer(text):
            beside_number = re.search(r"[\d万亿千百kKmMwWbBnil](?:\s*(?:个)?(?:token|tokens|tok|字))?\s*$", text[: m.start()]) or re.match(
                r"[\s了约大概]*(?:\d|[一二三四五六七八九十两几百千]+[万千百])", text[m.end() :]
            )
            glued = text[max(0, m.start() - 1) : m.start()] in _GLUED.get(m[0], "") or bool(_NOT_A_DIRECTION.match(text, m.start()))
            if beside_number and not (glued and m.start()) and not any(a <= m.start() < b for a, b, _ in found):
                found.append((m.start(), m.end(), direction))  # type: ignore[arg-type]
    return sorted(found)


def _says_shares(text: str, quantities: list[Quantity], division: Division | None) -> list[tuple[int, int]]:
    """Spans whose direction words belong to a share ("70%输入"), not to an amount."""
    spans = [ratio_words(text, ratio) for ratio in find_ratios(text)]
    if division:
        spans += [(division.start, division.end)] + [(q.start - 5, q.end + 5) for q in quantities if q.unit == "percent"]
    return spans


def direct(text: str, quantities: list[Quantity], division: Division | None = None) -> list[Amount]:
    """Give each token quantity its direction: the cue after it, or the cue before it, whichever reading pairs all with the nearest."""
    shares = _says_shares(text, quantities, division)
    cues = [c for c in _cues(text) if not any(a <= c[0] < b for a, b in shares)]
    said = {c[2] for c in cues if text[c[0] : c[1]] not in _VERBS}
    paired = len({c[2] for c in cues}) == 2 and (len(cues) == 2 or bool(said))
    if not paired and not any(q.unit in ("token", "char", "word") or "request" in q.per for q in quantities):
        # "一个地方写50万": a verb alone makes no volume of a bare figure; "喂 300万吐 50万" is a pair.
        cues = [c for c in cues if text[c[0] : c[1]] not in _VERBS]
    amounts: list[Amount] = []
    bounds = clause_bounds(text)
    for a, b in bounds:
        mine = [q for q in quantities if a <= q.start < b and _is_tokens(q)]
        here = [c for c in cues if a <= c[0] < b]
        if not mine:
            continue
        if len(mine) == 2 and joined_pair(text, mine[0], mine[1]) and len({c[2] for c in here}) != 1:
            first, second = ("output", "input") if [c[2] for c in here] == ["output", "input"] else ("input", "output")
            amounts += [Amount(first, mine[0]), Amount(second, mine[1])]  # type: ignore[arg-type]
            continue
        if not here:
            amounts += [Amount("total", q) for q in mine]
            continue
        if len(mine) == 1 and (together := _named_together(text, mine[0], here)):
            amounts += [Amount(direction, replace(mine[0], unit=mine[0].unit or "token")) for direction in together]
            continue
        if len(mine) == 1 and len({c[2] for c in here}) == 1:
            amounts.append(Amount(here[0][2], mine[0]))
            continue
        after, after_cost = _pair(mine, here, ahead=False)
        before, before_cost = _pair(mine, here, ahead=True)
        chosen = after if after_cost <= before_cost else before
        amounts += [Amount(direction, q) for q, direction in zip(mine, chosen, strict=True)]
    return amounts


_AND = re.compile(r"\s*(?:tokens?)?\s*(?:和|与|跟|及|以及|、|/|\+|and|&)?\s*", re.IGNORECASE)
_ALIKE = re.compile(r"各|都|均|分别|同为|\beach\b|\bboth\b|\bapiece\b", re.IGNORECASE)
_ONE_FIGURE = re.compile(r"\s*(?:tokens?|的?用?量)?\s*(?:各自?|都|也都|均|分别|同|一共|总共|合计|共|加起来|of)?(?:是|为|有|用)?\s*(?:约|大概|about)?\s*", re.IGNORECASE)


def _named_together(text: str, quantity: Quantity, cues: list[tuple[int, int, Direction]]) -> tuple[Direction, ...]:
    """Both directions where one figure is said of each ("输入输出各 1亿", "100M each of input and output"), "total" where it is said of
    them together ("输入输出 1亿"), none where the cues stand otherwise."""
    if len(cues) != 2 or {c[2] for c in cues} != {"input", "output"} or not _AND.fullmatch(text[cues[0][1] : cues[1][0]]):
        return ()
    if cues[1][1] <= quantity.start:
        between = text[cues[1][1] : quantity.start]
        after = re.match(r"\s*(?:tokens?)?\s*(?:each\b|apiece)", text[quantity.end :], re.IGNORECASE)
        if not _ONE_FIGURE.fullmatch(between):
            return ()
        return ("input", "output") if _ALIKE.search(between) or after else ("total",)
    if cues[0][0] >= quantity.end:
        between = text[quantity.end : cues[0][0]] + text[cues[1][1] : cues[1][1] + 8]
        if len(between) <= 24 and _ALIKE.search(between):
            return ("input", "output")
        return ("total",) if _AND.fullmatch(text[quantity.end : cues[0][0]]) and not re.match(r"\s*(?:各|比|\d)", text[cues[1][1] :]) else ()
    return ()


def _pair(quantities: list[Quantity], cues: list[tuple[int, int, Direction]], *, ahead: bool) -> tuple[list[Direction], float]:
    directions: list[Direction] = []
    cost = 0.0
    used: set[int] = set()
    for quantity in quantities:
        best, best_cost = None, 12.0
        for index, (start, end, _) in enumerate(cues):
            gap = quantity.start - end if ahead else start - quantity.end
            if 0 <= gap < best_cost and index not in used:
                best, best_cost = index, float(gap)
        if best is None:
            directions.append("total")
            cost += 14.0
        else:
            used.add(best)
            directions.append(cues[best][2])
            cost += best_cost
    return directions, cost


def read_usage(text: str, quantities: list[Quantity]) -> Usage:
    """The usage that a normalised question states. Quantities that are money, rates, shares or model sizes must be left out."""
    markers = find_markers(text)
    # "每百万" and "per 1M tokens" name the unit of a price, not a volume.
    quantities = [
        q
        for q in quantities
        if not (q.value in _UNIT_COUNTS and re.search(r"(?:每一?|per\s+|/)$", text[max(0, q.start - 5) : q.start], re.IGNORECASE))
    ]
    if not _ASKS_MONEY.search(text):
        # "支持 200万 token 上下文吗": the size of a window, not a volume of use.
        quantities = [q for q in quantities if not (_is_tokens(q) and _WINDOW.match(text, q.end))]
    # A bound ("contexts under 128K") limits the volume's kind, it is not a volume.
    others = any(not q.bound and _is_tokens(q) for q in quantities)
    unit_price = _PRICE_NOUN.search(text) and sum(1 for q in quantities if _is_tokens(q)) == 1
    quantities = [
        q for q in quantities if not (unit_price and q.value in _UNIT_COUNTS and _is_tokens(q)) and not (q.unit == "" and q.value < 10)
    ]
    quantities = [q for q in quantities if not (q.bound and _is_tokens(q)) or not others and q.value > _LONGEST_CONTEXT]
    quantities = [
        replace(q, per=(*q.per, "request")) if _is_tokens(q) and "request" not in q.per and _REQUESTS_OF.search(text[: q.start]) else q
        for q in quantities
    ]
    quantities = [replace(q, unit="token", per=(*q.per, "second")) if q.unit == "tokens_per_second" else q for q in quantities]
    quantities = [replace(q, per=(*q.per, "request")) if _is_tokens(q) and "request" not in q.per and _is_prompt(text, q, quantities) else q for q in quantities]
    sizes, quantities = request_sizes(text, quantities)
    division = division_of(text, quantities)
    changes = volume_changes(text, quantities)
    amounts = direct(text, quantities, division)
    # A bare number stands for tokens only beside a direction, a token noun, or a request.
    plain = [a for a in amounts if a.direction == "total" and a.quantity.unit == "" and not _follows_tokens(a, amounts)]
    if (division or find_ratios(text)) and len(amounts) == 1 and amounts[0].quantity.scale and not has("break_even_word", text):
        plain = []  # "总共 2亿，输入占八成": what divides into input and output is tokens
    plain = [a for a in plain if not (a.quantity.scale and _USES.search(text[: a.quantity.start]) and _ASKS_MONEY.search(text))]
    requests = _requests(text, quantities)
    users = _one(quantities, "user")
    amounts = [a for a in amounts if a not in plain]
    days = next((q for q in quantities if q.unit == "day"), None)
    asked = asked_period(text, quantities, markers)
    usage = Usage(
        days_per_month=days_per_month_of(text, quantities, days, asked),
        amounts=tuple(amounts),
        asked=asked,
        users=users.value if users else None,
        changes=changes,
        sizes=sizes,
    )
    usage = _with_duration(text, usage, quantities, days)
    if not amounts and requests is None:
        return usage
    per_char = _TOKENS_PER_CHAR.search(text)
    if per_char:
        ratio = Decimal(per_char[1] or per_char[2])
        written = [a for a in amounts if not (per_char.start() <= a.quantity.start < per_char.end())]
        amounts = [
            Amount(a.direction, replace(a.quantity, value=a.quantity.value * ratio, unit="token")) if a.quantity.unit == "char" else a
            for a in written
        ]
        usage = replace(usage, tokens_per_char=ratio)
    if _SAME_BOTH.search(text):
        one = next((a for a in amounts if a.direction != "output"), None)
        if one is not None and not any(a.direction == "output" for a in amounts):
            amounts = [Amount("input", one.quantity), Amount("output", one.quantity)]
    return _scale(usage, amounts, requests, users, find_ratios(text), text, quantities, division)


_USES = re.compile(r"(?:用了?|用掉|用到|用满|消耗了?|消耗掉|烧了?|烧掉|(?<![a-z])(?:use|using|used|consume[sd]?|consuming|burns?|burning))\s*(?:约|大概|about)?\s*$", re.IGNORECASE)
"""A verb that a bare figure with a scale word is tokens behind: "用 500万多少钱"."""
_PROMPT_BEFORE = re.compile(
    r"(?:prompts?|contexts?|提示词|上下文|长文|输入长度|单次|一次|单个请求)(?:长度|length|size|window)?(?:\s|\(|:|=|有|是|为|约|大概|达到?|到|都|输入|喂|塞|放|is|are|of|at|about|around|with|reaches)*$",
    re.IGNORECASE,
)
_PROMPT_AFTER = re.compile(r"[\s-]*(?:个)?(?:tokens?|字)?[\s-]*(?:的)?\s*(?:长)?(?:prompts?(?![a-z])|contexts?(?![a-z])|提示词|上下文|长文|文档的输入)", re.IGNORECASE)
_DOCUMENT_AFTER = re.compile(
    r"[\s-]*(?:个)?(?:tokens?|字)?[\s-]*(?:的|大小的)?\s*(?:文档|文件|合同|报告|文章|材料|论文|标书|书|(?:documents?|docs?|files?|contracts?|reports?|papers?|books?)(?![a-z]))", re.IGNORECASE
)


def _is_prompt(text: str, quantity: Quantity, quantities: list[Quantity]) -> bool:
    """Whether tokens are the length of one prompt ("my prompt is 300k", "20万 token 的长文"), not a volume."""
    counted = any(q.unit == "request" or "request" in q.per for q in quantities if q is not quantity)
    if not (counted or _ASKS_MONEY.search(text)) or not 0 < quantity.value <= _LONGEST_CONTEXT or quantity.bound or any(p in DAYS for p in quantity.per):
        return False
    before = text[max(0, quantity.start - 24) : quantity.start]
    if _PROMPT_BEFORE.search(before) or _PROMPT_AFTER.match(text, quantity.end):
        return True
    # "150k 的文档每份回 1k": a document is read at once where the answer to each is given.
    return counted and bool(_DOCUMENT_AFTER.match(text, quantity.end)) and not re.search(r"共|合计|total|altogether", before, re.IGNORECASE)


_TOKENS_PER_CHAR = re.compile(
    r"(?:1|一|每)\s*个?(?:汉|中文)?字(?:符)?\s*(?:按|=|≈|约|算|等于|折(?:合)?|大约|对应|是|~)*\s*(\d+(?:\.\d+)?)\s*个?\s*tok|(\d+(?:\.\d+)?)\s*tokens? (?:per|a|each) (?:char|chinese char)",
    re.IGNORECASE,
)
_SAME_BOTH = re.compile(
    r"输出(?:和|跟|与|同)输入(?:一样|相同|等量|差不多)|输入(?:和|跟|与)输出(?:一样多|等量|相同|各一半)|(?:same|equal) (?:amount|number)? ?(?:of )?(?:output|out)|输入输出各|进出各|in and out each|both in and out",
    re.IGNORECASE,
)


def _follows_tokens(amount: Amount, amounts: list[Amount]) -> bool:
    return "request" in amount.quantity.per


_PART = re.compile(r"(?:页|段|章|张|条|道题|pages?|sections?|turns?|rounds?|轮)$", re.IGNORECASE)


def _requests(text: str, quantities: list[Quantity]) -> Quantity | None:
    """The count of requests; pages of documents and turns of conversations are multiplied ("1000 份，每份 30 页")."""
    same = [q for q in quantities if q.unit == "request" and q.value != 1]
    parts = [q for q in same if _PART.search(q.text.strip())]
    wholes = [q for q in same if q not in parts]
    if len(parts) == 1 and len(wholes) == 1:
        per = tuple(p for p in (*wholes[0].per, *parts[0].per) if p != "request")
        return replace(wholes[0], value=wholes[0].value * parts[0].value, per=tuple(dict.fromkeys(per)))
    return _one(quantities, "request")


def _one(quantities: list[Quantity], unit: str) -> Quantity | None:
    same = [q for q in quantities if q.unit == unit]
    # "一份标书…一共65份": the one names the unit, the other the count.
    same = [q for q in same if q.value != 1] or same
    return next((q for q in same if q.per), same[0] if same else None)


def _with_duration(text: str, usage: Usage, quantities: list[Quantity], days: Quantity | None) -> Usage:
    for quantity in quantities:
        if quantity.unit == "day" and quantity.per == ("year",):
            return replace(usage, duration_days=quantity.value, duration_label=quantity.text)
        if quantity.unit not in DAYS or quantity.per or usage.days_per_month != DAYS_PER_MONTH and quantity.unit in ("day", "week"):
            continue
        if quantity.unit == "year" and quantity.value > 1000:
            continue
        factor = (
            usage.days_per_month * 12
            if quantity.unit == "year"
            else usage.days_per_month
            if quantity.unit == "month"
            else DAYS[quantity.unit]
        )
        return replace(usage, duration_days=quantity.value * factor, duration_label=quantity.text)
    return usage


def _scale(
    usage: Usage,
    amounts: list[Amount],
    requests: Quantity | None,
    users: Quantity | None,
    ratios: list[Ratio],
    text: str,
    quantities: list[Quantity],
    division: Division | None,
) -> Usage:
    per_request = any("request" in a.quantity.per for a in amounts) or (requests is not None and bool(amounts))
    per_user = (
        any("user" in a.quantity.per for a in amounts)
        or users is not None
        and users_each(text, quantities)
        or requests is not None
        and ("user" in requests.per or users is not None and bool(re.fullmatch(r"\s*(?:[x×*]|乘以?)\s*", text[users.end : requests.start])))
    )
    period = ""
    notes: list[str] = []
    if requests is not None:
        requests, hours = a_day(requests, quantities)
        period = next((p for p in requests.per if p in DAYS), "")
        if hours:
            notes.append(f"hours={hours}")
    amounts, streams, hours = _flowing(amounts, requests, quantities, text)
    if hours:
        notes.append(f"hours={hours}")
    if streams != 1:
        notes.append(f"streams={streams}")
    period = period or next((p for a in amounts for p in a.quantity.per if p in DAYS), "")
    if not period and users is not None and per_user and _DAILY_USERS.search(users.text):
        period = "day"
    if not period and not per_request and usage.asked:
        period = usage.asked
    sums: dict[Direction, Decimal] = {}
    for amount in amounts:
        sums[amount.direction] = sums.get(amount.direction, Decimal(0)) + amount.quantity.value
    factor = streams
    if per_request and requests is not None:
        factor *= requests.value
    if per_user and users is not None:
        factor *= users.value
    one_input, one_output, total = _divided(sums, ratios, division, text, len(amounts))
    changed = {c: c.factor for c in usage.changes}
    grown_in = _product(f for c, f in changed.items() if c.which != "output")
    grown_out = _product(f for c, f in changed.items() if c.which != "input")
    return replace(
        usage,
        by_user=per_user and users is not None,
        input_tokens=None if one_input is None else one_input * factor * grown_in,
        output_tokens=None if one_output is None else one_output * factor * grown_out,
        total_tokens=None if total is None else total * factor * grown_in,
        period=period,
        requests=requests.value if requests else None,
        users=users.value if users else None,
        request_input_tokens=(one_input if one_input is not None else total) if per_request else None,
        request_output_tokens=one_output if per_request else None,
        in_chars=any(a.quantity.unit in ("char", "word") for a in amounts) and usage.tokens_per_char is None,
        notes=tuple(notes),
    )


def _product(factors: Iterable[Decimal]) -> Decimal:
    whole = Decimal(1)
    for factor in factors:
        whole *= factor
    return whole


_EACH_STREAM = re.compile(r"每路|每个?并发|每条流|每个?(?:流|连接|通道)|per (?:stream|connection|slot|session)|each(?: stream)?", re.IGNORECASE)


def _flowing(
    amounts: list[Amount], requests: Quantity | None, quantities: list[Quantity], text: str
) -> tuple[list[Amount], Decimal, Decimal | None]:
    """Tokens a second, minute or hour as tokens a day, with the parallel streams that each give as much and the hours of use."""
    if requests is not None or not any(p in CLOCK for a in amounts for p in a.quantity.per):
        return amounts, Decimal(1), None
    found, hours = [], None
    for amount in amounts:
        quantity, used = a_day(amount.quantity, quantities)
        hours = used or hours
        found.append(Amount(amount.direction, quantity))
    parallel = _one(quantities, "concurrency")
    streams = parallel.value if parallel is not None and _EACH_STREAM.search(text) else Decimal(1)
    return found, streams, hours


def _divided(
    sums: Mapping[Direction, Decimal], ratios: list[Ratio], division: Division | None, text: str, figures: int
) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Input, output and what is left undirected, after a stated ratio or share has divided a total."""
    one_input, one_output, total = sums.get("input"), sums.get("output"), sums.get("total")
    if total is not None and ratios and one_input is None and one_output is None:
        left, right = ratios[0].left, ratios[0].right
        if output_first(text, ratios[0].start, ratios[0].end):
            left, right = right, left
        one_input, one_output, total = total * left / (left + right), total * right / (left + right), None
    elif division is not None and total is not None and one_input is None and one_output is None:
        one_output = total / (division.input_per_output + 1)
        one_input, total = total - one_output, None
    elif division is not None and one_input is not None and one_output is None:
        one_output = one_input / division.input_per_output
    elif division is not None and one_output is not None and one_input is None:
        one_input = one_output * division.input_per_output
    elif total is not None and one_output is not None and one_input is None:
        one_input, total = total, None
    elif total is not None and one_input is not None and one_output is None and figures == 2:
        one_output, total = total, None
    return one_input, one_output, total


_DAILY_USERS = re.compile(r"DAU|日活", re.IGNORECASE)
