"""Conditions that a question puts on models: enum values, bounds on figures, currencies, ratios of prices, superlatives.

Everything is found over the field registry; which fields exist does not matter here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from agent.tools.prices import INPUT, OUTPUT
from agent.understand.pairs import currency_words
from agent.understand.question import FieldMention, Question, model_sizes
from kb.catalog.catalog import Catalog
from kb.quantities import Quantity, bound_span

Operator = Literal[
    "is", "not", "any", "max", "min", "below", "above", "sum", "equals", "has", "lacks",
    "currency", "ratio", "same", "differ", "mentions", "stated", "unstated",
]  # fmt: skip
"""`any`: one of several values of an enum field, joined by `|`; `stated`, `unstated`: whether the sources say anything of the field."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One condition: `field` `operator` `value` (`unit` for money); `text` is how the question says it."""

    field: str
    operator: Operator
    value: str | Decimal
    unit: str = ""
    text: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Superlative:
    """The highest or lowest of a numeric field; `count` for "the three cheapest", `place` 2 for "the second cheapest"."""

    field: str
    highest: bool
    count: int = 1
    start: int = 0
    end: int = 0
    place: int = 1


_SUPERLATIVE = re.compile(
    r"(?:最|第\s*(?P<place>[二三四五2-5])\s*)(?P<zh>便宜|实惠|省钱|划算|贵|强|好|厉害|牛|长|大|高|多|低|小|短|少|快|靠前|靠后|省)|\b(?:(?P<nth>second|third|fourth|2nd|3rd|4th)[ -])?(?P<en>best(?= (?:model|llm|one|ai)\b)|strongest|most powerful|cheapest|lowest|least expensive|most expensive|priciest|highest|longest|largest|biggest|smallest|shortest|fastest|top)\b",
    re.IGNORECASE,
)
_LOW = {
    "便宜",
    "实惠",
    "省钱",
    "划算",
    "省",
    "低",
    "小",
    "短",
    "少",
    "快",
    "靠前",
    "cheapest",
    "lowest",
    "least expensive",
    "smallest",
    "shortest",
    "fastest",
    "top",
}
_LAST = {"低", "小", "靠后", "lowest"}
_BEST = {"强", "好", "厉害", "牛", "best", "strongest", "most powerful"}
_PRICE_WORDS = {"便宜", "实惠", "省钱", "划算", "贵", "省", "cheapest", "least expensive", "most expensive", "priciest"}
_CURRENCY = re.compile(
    r"(?P<cny>人民币|RMB|CNY|元)(?:来)?(?:计价|定价|结算|标价|报价|付款|收费|收钱|计费|卖)|(?P<usd>美元|美金|USD|dollar)s?(?:来)?(?:计价|定价|结算|标价|报价|付款|收费|收钱|计费|卖)|(?:priced|billed|charged?s?|sold|quoted|paid) in (?P<en>USD|RMB|CNY|dollars|yuan)|(?P<en2>USD|RMB|CNY|dollar|yuan)[- ]priced",
    re.IGNORECASE,
)
_PRICED_IN = re.compile(
    r"priced in (?:the )?(?P<a>[a-z]+)|(?P<b>[a-z]+)[- ]priced|\b(?P<c>[a-z]{3}|euro|yen|pound|franc)(?:[- ]models?\b|[- ]denominated)"
    r"|(?P<d>欧元|日元|日圆|英镑|港币|港元|韩元|卢比|瑞士法郎)(?:来)?(?:计价|定价|结算|标价|报价|付款|收费)",
    re.IGNORECASE,
)
_SAME = re.compile(
    r"(?:输入|进|input).{0,6}(?:输出|出|output).{0,8}?(?P<differ>不同价|不一样|不相同|不同|不相等|differ)|"
    r"(?:输入|进|input).{0,6}(?:输出|出|output).{0,8}(?:同价|一样|相同|一个价|相等)|"
    r"same (?:price )?(?:for )?(?:input and output|in and out)|input and output (?:prices? )?(?:are |cost )?the same",
    re.IGNORECASE,
)
_TOP_N = re.compile(r"前\s*(?P<n>[一二两三四五六七八九十\d]+)(?:名|位|个)?|top[ -]?(?P<e>\d+)|first (?P<w>three|five|\d+)", re.IGNORECASE)
_NTH = re.compile(
    r"(?:排名?|排行|榜单?|位列)?第\s*(?P<n>[一二三四五六七八九十\d]+)(?:名|位)?|(?P<e>\d+)(?:st|nd|rd|th)\b|(?:rank(?:ed|s)?|placed?|comes?|number|is)\s+(?:in\s+)?(?P<o>first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)\b|(?P<p>first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)[ -](?:place|rank|in the|on the)|\bnumber (?P<w>\d+|one|two|three)|ranks? (?P<r>\d+)",
    re.IGNORECASE,
)


_PLACE = {"二": 2, "三": 3, "四": 4, "五": 5, "2": 2, "3": 3, "4": 4, "5": 5, "second": 2, "third": 3, "fourth": 4, "2nd": 2, "3rd": 3, "4th": 4}


def constraints_of(question: Question, catalog: Catalog) -> list[Constraint]:
    """All hard conditions of a question, in order of place."""
    text = question.masked
    found: list[Constraint] = []
    for value in question.values:
        record = catalog.fields[value.field]
        one_value = record.type == "enum" and not record.multiple
        operator: Operator = ("not" if value.negated else "is") if one_value else ("lacks" if value.negated else "has")
        if record.type == "enum" and _only_names_field(value.text, record.words, value.field, question):
            continue
        found.append(Constraint(value.field, operator, value.value, "", value.text, value.start, value.end))
    found += _bounds(question, catalog)
    found += _must_fit(question, catalog)
    for match in _CURRENCY.finditer(text):
        code = "CNY" if match["cny"] or (match["en"] or match["en2"] or "").lower() in ("rmb", "cny", "yuan") else "USD"
        found.append(Constraint(INPUT, "currency", code, "", match[0], match.start(), match.end()))
    for match in _PRICED_IN.finditer(text):
        codes = [code for _, code in currency_words(match["a"] or match["b"] or match["c"] or match["d"]) if code not in ("CNY", "USD")]
        if codes:
            found.append(Constraint(INPUT, "currency", codes[0], "", match[0], match.start(), match.end()))
    same = _SAME.search(text)
    if same:
        operator = "differ" if same["differ"] else "same"
        found.append(Constraint(OUTPUT, operator, Decimal(1), "", same[0], same.start(), same.end()))
    times = next((q for q in question.quantities if q.unit == "times"), None)
    named = {f.field for f in question.fields}
    if times is not None and {INPUT, OUTPUT} <= named and not question.named:
        found.append(Constraint(OUTPUT, "ratio", times.value, "", times.text, times.start, times.end))
    found += _implied(question, catalog, {c.field for c in found})
    return sorted(_without_contradictions(_without_repeats(found)), key=lambda c: c.start)


def _without_contradictions(found: list[Constraint]) -> list[Constraint]:
    """Several values of one field, of which a model has only one, are alternatives; a value and all others together are no condition."""
    kept: list[Constraint] = []
    denied = {(c.field, c.value) for c in found if c.operator == "not"}
    both = {(c.field, c.value) for c in found if c.operator == "is"} & denied
    for constraint in (c for c in found if (c.field, c.value) not in both):
        twin = next((k for k in kept if k.field == constraint.field and {k.operator, constraint.operator} <= {"is", "any"}), None)
        if twin is None:
            kept.append(constraint)
            continue
        values, text = f"{twin.value}|{constraint.value}", f"{twin.text}/{constraint.text}"
        kept[kept.index(twin)] = Constraint(twin.field, "any", values, "", text, twin.start, constraint.end)
    return kept


_DENIED = re.compile(
    r"(?:不能|不可以?|不支持|不允许|没法|无法|没办法|禁止|不得|不开放|不|cannot|can't|can not|not|never|no)[^，,。;；]{0,4}$", re.IGNORECASE
)


_UNTOLD = re.compile(r"(?:没有?|未)(?:写明|写|给出|给|提到|提及|提|说明|说|标明|标|列出|列|公布)(?:出|明|到|过)?[的了]?\s*$|(?:without|no) (?:a |an |any |stated |given )?$", re.IGNORECASE)
_NOTHING_ON = re.compile(r"没有?(?:任何)?$"), re.compile(r"(?:的)?(?:信息|数据|资料|说明|介绍|记录)")
_UNTOLD_AFTER = re.compile(r"\s*(?:没有?|未)(?:写明|写|给|提|说|标|列|公布)|\s*(?:is |are )?(?:not (?:stated|given|mentioned)|unknown|missing)", re.IGNORECASE)
DEFINES = re.compile(r"什么是|是什么(?:意思|东西)?[?？。]*$|啥是|是啥|指的?是?什么|什么意思|^what(?: is|'s) (?!the (?:best|cheap))|meaning of", re.IGNORECASE)
_CAN = re.compile(r"(?:能|可以?|支持|允许|带|提供|有|can|could|with|allows?|supports?|offers?)\s*(?:够)?$", re.IGNORECASE)


def _implied(question: Question, catalog: Catalog, given: set[str]) -> list[Constraint]:
    """A yes/no field that a wish names ("想自己部署", "谁能蒸馏") means yes, or no where it is denied ("没法自己部署的")."""
    found: list[Constraint] = []
    if DEFINES.search(question.text):
        return found
    for mention in question.fields:
        record = catalog.fields[mention.field]
        if mention.field in given:
            continue
        before = question.masked[max(0, mention.start - 8) : mention.start]
        untold = _UNTOLD.search(before) or _UNTOLD_AFTER.match(question.masked, mention.end)
        untold = untold or _NOTHING_ON[0].search(before) and _NOTHING_ON[1].match(question.masked, mention.end)
        denied_words = record.type in ("text", "list") and _DENIED.search(question.masked[max(0, mention.start - 12) : mention.start])
        if (untold or denied_words) and not question.named and question.has("list_word"):
            found.append(Constraint(mention.field, "unstated", "", "", mention.text, mention.start, mention.end))
            continue
        if record.type in ("text", "list") and _CAN.search(before) and not question.named:
            generic = mention.text.lower() in {record.label.zh, record.label.en.lower()}
            held = any(
                mention.text.lower() in str(c.value).lower()
                for e in catalog.entities.values()
                for c in e.claims.get(mention.field, ())
            )
            operator: Operator = "mentions" if held and not generic else "stated"
            found.append(Constraint(mention.field, operator, mention.text.lower(), "", mention.text, mention.start, mention.end))
            continue
        if record.type != "enum" or "yes" not in record.values:
            continue
        denied = bool(_DENIED.search(question.masked[max(0, mention.start - 12) : mention.start]))
        found.append(Constraint(mention.field, "is", "no" if denied else "yes", "", mention.text, mention.start, mention.end))
    return found


def is_vague(text: str) -> bool:
    """Whether a value's word ("支持", "allowed") fits any yes/no field, so that it names none."""
    return text.lower() in (
        "支持",
        "可以",
        "禁止",
        "不支持",
        "允许",
        "不允许",
        "不可以",
        "allowed",
        "supported",
        "not allowed",
        "not supported",
        "restricted",
        "受限",
        "合同",
        "完全支持",
        "forbidden",
        "prohibited",
        "可用",
    )


def _only_names_field(text: str, words: list[str], field: str, question: Question) -> bool:
    """Yes/no values say nothing unless the field itself is named elsewhere in the question."""
    return is_vague(text) and not any(f.field == field for f in question.fields)


def _without_repeats(found: list[Constraint]) -> list[Constraint]:
    kept: dict[tuple[str, str, str], Constraint] = {}
    for c in found:
        kept.setdefault((c.field, c.operator, str(c.value)), c)
    return list(kept.values())


def _bounds(question: Question, catalog: Catalog) -> list[Constraint]:
    found = []
    sizes = model_sizes(question)
    for quantity in question.quantities:
        if quantity.high is not None and quantity.is_money and not question.named:
            field = _field_for(quantity, question, catalog)
            if field:
                found += [
                    Constraint(field, "min", quantity.value, quantity.unit, quantity.text, quantity.start, quantity.end),
                    Constraint(field, "max", quantity.high, quantity.unit, quantity.text, quantity.start, quantity.end),
                ]
            continue
        if quantity in sizes or quantity.per:
            continue
        at_least = not quantity.bound and not question.named and _beside_field(quantity, question, catalog)
        if not quantity.bound and not at_least:
            continue
        field = _field_for(quantity, question, catalog)
        if (
            not field
            and quantity.is_money
            and not question.named
            and (
                any(question.has(g) for g in ("input_cue", "output_cue", "price_word", "dear_word", "cheap_word"))
                or question.has("list_word") and quantity.value < _TOO_DEAR and _MODELS.search(question.masked)
            )
        ):
            field = OUTPUT if question.has("output_cue") and not question.has("input_cue") else INPUT
        if field:
            span = bound_span(question.masked, quantity)
            strict = bool(span and _STRICT.fullmatch(question.masked[slice(*span)]))
            operator: Operator = (
                ("below" if strict else "max")
                if quantity.bound == "max"
                else ("above" if strict else "min")
            )
            if operator in ("max", "below") and catalog.fields[field].type == "rate" and _SUM.search(question.masked):
                operator = "sum"
            unit = quantity.unit if quantity.is_money else ""
            said = question.masked[min(quantity.start, span[0]) : max(quantity.end, span[1])] if span else quantity.text
            found.append(Constraint(field, operator, quantity.value, unit, said, quantity.start, quantity.end))
    return found


def _beside_field(quantity: Quantity, question: Question, catalog: Catalog) -> bool:
    """ "支持 100 万上下文的": a figure right before a field of which more is better asks for at least that much."""
    return quantity.value >= 2 and any(
        0 <= f.start - quantity.end <= 1 and catalog.fields[f.field].type == "quantity" and catalog.fields[f.field].better == "high"
        for f in question.fields
    )


FITS = re.compile(
    r"够(?:不够)?(?:用来)?(?:放|装|塞|读|处理|用)|(?:放|装|塞|吃|读|看|处理|喂|丢|扔)(?:得下|得了|得完|下|完|进(?:去|得去)?)|能处理|能读|能吃|要处理|一次(?:性)?(?:读|处理|看|放|塞|丢|扔|喂|输入)|(?<![a-z])(?:fits?|holds?|handles?|process|take in)(?![a-z])",
    re.IGNORECASE,
)


def _must_fit(question: Question, catalog: Catalog) -> list[Constraint]:
    """ "50 万 token 的合同放得下": the size of what is read at once bounds the context window from below."""
    field = next((i for i, r in catalog.fields.items() if r.type == "quantity" and r.unit == "token"), "")
    if not field or not FITS.search(question.masked) or question.has("cost_word") or question.named:
        return []
    sizes = [q for q in question.quantities if q.unit in ("token", "char") and not set(q.per) - {"request"} and q.value >= 1000]
    return [Constraint(field, "min", sizes[0].value, "", sizes[0].text, sizes[0].start, sizes[0].end)] if sizes else []


_MODELS = re.compile(r"模型|(?<![a-z])models?(?![a-z])", re.IGNORECASE)
_TOO_DEAR = 1000
"""No price for a million tokens is this high: a bare figure from here on measures something else."""
_STRICT = re.compile(
    r"[低小少高大多贵便宜]+[于过]|不到|不足|超[过出]?了?|under|below|over|above|exceeds?|(?!no |not )(?:more )?[a-z]+ than|[<>]", re.IGNORECASE
)
"""Words of a bound that leave the figure itself out."""
_SUM = re.compile(r"加起来|加在一起|合计|总和|之和|一共|combined|together|in total|sum of", re.IGNORECASE)


def _field_for(quantity: Quantity, question: Question, catalog: Catalog) -> str:
    """The numeric field that a bounded quantity is about: the nearest one named that its unit can measure."""
    wanted = ("rate", "money") if quantity.is_money else ("quantity", "rank", "rate", "money") if not quantity.unit else ("quantity",)
    if not quantity.is_money and quantity.value >= _TOO_DEAR and any(catalog.fields[f.field].type == "quantity" for f in question.fields):
        wanted = ("quantity",)
    near: list[tuple[bool, int, FieldMention]] = []
    for mention in question.fields:
        record = catalog.fields[mention.field]
        if record.type not in wanted or quantity.unit == "token" and record.unit not in ("token", ""):
            continue
        gap = quantity.start - mention.end if mention.end <= quantity.start else mention.start - quantity.end
        if gap <= 14:
            between = question.masked[min(mention.end, quantity.end) : max(mention.start, quantity.start)]
            near.append((bool(re.search(r"[,，;；。、]", between)), gap, mention))
    # "上下文至少10万，数据放欧洲": a figure belongs to its own clause.
    return min(near, key=lambda n: n[:2])[2].field if near else ""


def says_superlative(question: Question) -> bool:
    """Whether the question has a superlative word at all ("性价比最高"), of a figure or not."""
    return bool(_SUPERLATIVE.search(question.masked))


def superlative_of(question: Question, catalog: Catalog) -> Superlative | None:
    """The superlative asked for, with the numeric field nearest to it; prices where the word itself says price."""
    match = _SUPERLATIVE.search(question.masked)
    if not match and question.has("order_word"):
        ordered = next((f for f in question.fields if catalog.fields[f.field].type in ("rate", "quantity", "money")), None)
        falling = re.search(r"高到低|大到小|贵到便宜|降序|descending|highest first|dearest first", question.masked, re.IGNORECASE)
        return Superlative(ordered.field, bool(falling), 12, ordered.start, ordered.end) if ordered else None
    if not match:
        return None
    word = (match["zh"] or match["en"]).lower()
    place = _PLACE.get((match["place"] or match["nth"] or "").lower(), 1)
    count = 1
    top = _TOP_N.search(question.masked)
    if top:
        # "top10 里最便宜的" names the ranking, not how many are wanted.
        count = 1 if question.has("scope_ranked") else _small_number(top["n"] or top["e"] or top["w"]) or 1
    numeric = [f for f in question.fields if catalog.fields[f.field].type in ("rate", "quantity", "rank", "money")]
    if word in _PRICE_WORDS:
        field = next((f.field for f in numeric if catalog.fields[f.field].type == "rate"), INPUT)
        return Superlative(field, word not in _LOW, count, match.start(), match.end(), place)
    if word in _BEST and not numeric:
        rank = next((i for i, r in catalog.fields.items() if r.type == "rank"), "")
        return Superlative(rank, False, count, match.start(), match.end(), place) if rank else None
    ranks = [f for f in numeric if catalog.fields[f.field].type == "rank"]
    if ranks and len(ranks) == len(numeric):
        # The highest place is the smallest number.
        return Superlative(ranks[0].field, word in _LAST, count, match.start(), match.end(), place)
    near = sorted(numeric, key=lambda f: min(abs(f.start - match.end()), abs(match.start() - f.end)))
    if not near or min(abs(near[0].start - match.end()), abs(match.start() - near[0].end)) > 12:
        return None
    return Superlative(near[0].field, word not in _LOW, count, match.start(), match.end(), place)


def places_asked(question: Question, catalog: Catalog) -> list[int]:
    """Several places of a ranking at once ("第五和第六")."""
    if rank_asked(question, catalog) is None:
        return []
    numbers = [_small_number(m["n"] or m["e"] or m["o"] or m["p"] or m["w"] or m["r"]) for m in _NTH.finditer(question.masked)]
    return [n for n in numbers if n]


_OF_A_RANKING = re.compile(
    r"排(?:在|到|行)?第|排前|名次|第\s*[\d一二三四五六七八九十]+\s*名|前\s*[\d一二两三四五六七八九十]+\s*(?:名|位|强)|\btop[ -]?(?:\d+|three|five|ten) (?:models?|llms?|vendors?)\b",
    re.IGNORECASE,
)


def rank_asked(question: Question, catalog: Catalog) -> Constraint | None:
    """A place or the first places of a ranking, where the question is about a ranking."""
    ranks = [f for f in question.fields if catalog.fields[f.field].type == "rank"]
    if not ranks and _OF_A_RANKING.search(question.masked):
        ranks = [FieldMention(i, 0, 0, "") for i, r in catalog.fields.items() if r.type == "rank"]
    if question.has("order_word") or not ranks and not question.has("scope_ranked"):
        return None
    field = ranks[0].field if ranks else next((i for i, r in catalog.fields.items() if r.type == "rank"), "")
    top = _TOP_N.search(question.masked)
    if top and field:
        number = _small_number(top["n"] or top["e"] or top["w"])
        if number and not (number == 10 and question.has("scope_ranked")):
            return Constraint(field, "max", Decimal(number), "", top[0], top.start(), top.end())
    nth = _NTH.search(question.masked)
    if nth and field:
        number = _small_number(nth["n"] or nth["e"] or nth["o"] or nth["p"] or nth["w"] or nth["r"])
        if number:
            within = re.match(r"\s*(?:place |rank )?(?:or (?:better|higher|above)|及以上|以上|以内|之内|及以前|之前|以前)", question.masked[nth.end() :], re.IGNORECASE)
            return Constraint(field, "max" if within else "equals", Decimal(number), "", nth[0], nth.start(), nth.end())
    return None


def _small_number(text: str | None) -> int | None:
    from kb.numbers import parse_han

    words = {"one": 1, "two": 2, "three": 3, "five": 5}
    words |= {w: n for n, w in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), 1)}
    if not text:
        return None
    if text.lower() in words:
        return words[text.lower()]
    value = parse_han(text)
    return int(value) if value is not None else None
