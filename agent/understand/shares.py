"""How a volume or a budget divides among several models: "GPT-5.1 20%, GLM-4 80%", "三成走 Claude，其余 GLM-4", "1:4", "五五开".

A share belongs to the name that it stands next to, before or after; a name without one takes what is left. Words between the
two may only say that they belong together, so that discounts, input shares and utilisations are never taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from agent.understand.link import Mention
from kb.quantities import Quantity, find_quantities

MOST_PARTS = 6
_FARTHEST = 48
"""Characters between a share and its name."""
_WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Mix:
    """`parts` are names with their share (0..1) in the order of the text, `open` those that were given none; `left` is what no name has.

    `spans` are the words that say so: no amounts of tokens and no ratios of input to output.
    """

    parts: tuple[tuple[Mention, Decimal], ...]
    open: tuple[Mention, ...] = ()
    left: Decimal = Decimal(0)
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every name has a share and the shares make one."""
        return len(self.parts) > 1 and not self.open and abs(self.left) < Decimal("0.005")


@dataclass(frozen=True, slots=True)
class _Share:
    value: Decimal
    start: int
    end: int


_LOAD = r"(?:第三方|官方|托管|平台|开源|自部署|本地|云上|便宜|贵|大?模型|third[- ]party|hosted|official|cheap(?:er)?|model|从|from|流量|请求|调用|用量|业务|问题|任务|场景|量|预算|经费|tokens?|traffic|volume|requests?|calls?|load|usage|queries|work|budget|money|的|of|the|it|them|that|this|all|our|is|are|was|were|would|be|s|'|’|\s)*"
_TOWARDS = r"(?:改?走|跑|改?用|交给|分给|给|换(?:成|到|给)?|切(?:换)?(?:到|成|给)?|改成|迁(?:移)?到|转(?:到|给)?|挪(?:到|给)|放(?:到|在)?|分流(?:到|给)?|路由(?:到|给)?|去|到|由|是|在|花在|投给|买|on|onto|to|via|through|with|in|at|by|for|goes?|go|going|went|sent|send|move[ds]?|moving|switch(?:ed)?|shift(?:ed)?|route[ds]?|handled|served|runs?|uses?|using|over|\s)*"
_SHARE_TO_NAME = re.compile(rf"\s*{_LOAD}{_TOWARDS}{_LOAD}\s*", re.IGNORECASE)
_NAME_TO_SHARE = re.compile(
    r"\s*(?:占(?:比|了)?|走|跑|用|承担|处理|分(?:到|得|走)?|拿|花|是|为|约|大概|大约|takes?|gets?|handles?|carries|has|with|at|on|to|for|is|about|used|=|:|\(|-|\s)*\s*",
    re.IGNORECASE,
)
_FROM = re.compile(r"从|from", re.IGNORECASE)
_MOVED_ON = re.compile(
    r"\s*(?:'s|的|上的)?\s*(?:流量|请求|调用|用量|量|traffic|volume|requests?|calls?|load|usage|tokens?)?\s*(?:over\s+)?"
    r"(?:换成|换到|换给|切到|切换到|改用|改走|改成|迁到|迁移到|转到|转给|挪到|分流到|分流给|分给|移到|给|to|onto|with|by)\s*",
    re.IGNORECASE,
)
_DIRECTION_AFTER = re.compile(r"\s*(?:的|是|为|of it |of them |as )?\s*(?:输入|输出|进(?![行了])|出(?![了来])|input|output|prompt)", re.IGNORECASE)
_DIRECTION_BEFORE = re.compile(r"(?:输入|输出|input|output|缓存|命中|cache|利用率|折扣)(?:量|token)?\s*(?:占(?:比)?|比例|share|约|是|为|=|:|\s)*$", re.IGNORECASE)
_FRACTION_WORDS = {
    "half": Decimal("0.5"), "a third": _WHOLE / 3, "one third": _WHOLE / 3, "two thirds": Decimal(2) / 3, "a quarter": Decimal("0.25"),
    "one quarter": Decimal("0.25"), "three quarters": Decimal("0.75"), "a fifth": Decimal("0.2"), "one fifth": Decimal("0.2"), "一半": Decimal("0.5"),
}  # fmt: skip
_FRACTIONS = re.compile(
    r"(?<![a-z])(?:half|(?:a|one)[ -](?:third|quarter|fifth)|two[ -]thirds|three[ -]quarters)(?![a-z])|一半|(?P<of>[二三四五六七八九十])分之(?P<n>[一二三四五六七八九])",
    re.IGNORECASE,
)
_HAN = {c: i for i, c in enumerate("零一二三四五六七八九十")}
_EVENLY = re.compile(
    r"对半(?:开|分)?|各(?:占|用|走|承担|分|花|买)?(?:一半|半)|一半一半|(?<!人)(?<!人均)(?:平分|均分|均摊|平均分(?:配|流|给)?)|"
    r"half[ -](?:and[ -])?half|fifty[ -]fifty|\b(?:split |divided |shared )?(?:evenly|equally|in equal (?:parts|shares))\b|half each|half of (?:it )?each",
    re.IGNORECASE,
)
_TENTHS_PAIR = re.compile(r"(五五|四六|六四|三七|七三|二八|八二|一九|九一)\s*(?:开|分(?:成|账|流|摊)?|比例|配比|混)")
_RATIO = re.compile(r"(?<![\d.:/])(\d{1,3}(?:\.\d+)?(?:\s*[:比/\-]\s*\d{1,3}(?:\.\d+)?){1,5})(?![\d.]*[:/%\d])")
_JOINED_BY_RATIO = re.compile(r"\s*(?::|/|比)\s*")
_IS_RATIO = re.compile(r"\s*(?:的?(?:比例|配比|占比|流量比|分流比|ratio|mix|split)?\s*(?:=|是|为|按|以|at|in|of|is|:|\s)*)\s*", re.IGNORECASE)
_DIVIDES = re.compile(r"分(?!钟|之|析|别|档|类)|混|流量|开\b|配比|路由|split|mix|route|routing|traffic|shared?\b|divided", re.IGNORECASE)
_STOP = re.compile(r"[,，。;；]")
_NOT_MODELS = re.compile(r"输入|输出|进出|(?<![a-z])(?:in|out|input|output)(?![a-z])", re.IGNORECASE)


def read_mix(masked: str, mentions: Sequence[Mention], quantities: Sequence[Quantity], taken: tuple[int, int] | None = None) -> Mix | None:
    """The division of a normalised question with its names blanked out. `taken` is the span of a supposed change of prices."""
    names = [m for m in mentions if m.entities][:MOST_PARTS]
    if not names:
        return None
    evenly = _even(masked) if len(names) > 1 else None
    shares = [s for s in _shares(masked, quantities, taken) if not (evenly and s.start < evenly.end() and evenly.start() < s.end)]
    single = _one_by_one(masked, names, shares)
    if evenly is None:
        return (_together(masked, names) if len(names) > 1 else None) or single
    if single is None or not single.open:
        names = _distinct(names)
        return _mix([(m, _WHOLE / len(names)) for m in names], (), (evenly.span(),))
    # "Claude 20%，GPT-5.1 和 GLM-4 平分剩下的"
    rest = [(m, single.left / len(single.open)) for m in single.open]
    return _mix([*single.parts, *rest], (), (*single.spans, evenly.span()))


def blanked(text: str, mix: Mix | None) -> str:
    """The text without the words of the division, offsets kept."""
    out = list(text)
    for start, end in mix.spans if mix else ():
        out[start:end] = " " * (end - start)
    return "".join(out)


def without_mix(quantities: Sequence[Quantity], mix: Mix | None, text: str) -> tuple[Quantity, ...]:
    """Quantities as they are without the words of the division ("五五分" is no 55)."""
    if mix is None:
        return tuple(quantities)
    shares = [q for q in quantities if q.unit == "percent"]
    rest = [q for q in find_quantities(blanked(text, mix)) if q.unit != "percent"]
    return tuple(sorted([*shares, *rest], key=lambda q: q.start))


def says_direction(text: str, quantity: Quantity) -> bool:
    """Whether a percentage is one of input or output ("输入占 80%"), not of models."""
    return bool(_DIRECTION_AFTER.match(text, quantity.end) or _DIRECTION_BEFORE.search(text[max(0, quantity.start - 16) : quantity.start]))


def _even(text: str) -> re.Match[str] | None:
    """Words for even parts ("对半", "split evenly") that are not those of input and output."""
    found = _EVENLY.search(text)
    if found is None or _DIRECTION_AFTER.match(text, found.end()) or _DIRECTION_BEFORE.search(text[: found.start()]):
        return None
    return found


def _together(text: str, names: list[Mention]) -> Mix | None:
    """One statement on all names: "三七开", or a ratio with a term for each."""
    for pattern in (_TENTHS_PAIR, _RATIO):
        for match in pattern.finditer(text):
            terms = [Decimal(_HAN[c]) for c in match[1]] if pattern is _TENTHS_PAIR else [Decimal(t) for t in re.findall(r"\d+(?:\.\d+)?", match[1])]
            ordered = _named_by(text, names, match, len(terms), certain=pattern is _TENTHS_PAIR)
            if ordered and sum(terms) > 0:
                return _mix([(m, t / sum(terms)) for m, t in zip(ordered, terms, strict=True)], (), (match.span(),))
    return None


def _named_by(text: str, names: list[Mention], match: re.Match[str], count: int, *, certain: bool) -> list[Mention]:
    """The names that a ratio is of, in its order; none where it may be one of input to output."""
    distinct = _distinct(names)
    if len(distinct) != count:
        return []
    if certain:
        return distinct
    around = _STOP.split(text[max(0, match.start() - 8) : match.start()])[-1], _STOP.split(text[match.end() : match.end() + 10])[0]
    if any(_NOT_MODELS.search(a) for a in around):
        return []
    last = max((m for m in distinct if m.end <= match.start()), key=lambda m: m.end, default=None)
    chained = all(_JOINED_BY_RATIO.fullmatch(text[a.end : b.start]) for a, b in zip(distinct, distinct[1:], strict=False))
    if chained and last is distinct[-1] and _IS_RATIO.fullmatch(text[last.end : match.start()]):
        return distinct
    sign = re.sub(r"[\d.\s]", "", match[1])[:1]
    terms = [Decimal(t) for t in re.findall(r"\d+(?:\.\d+)?", match[1])]
    if sign in "/-" and sum(terms) not in (10, 100):
        return []
    if sign == "/" and sum(terms) == 100:
        return distinct
    near = text[max(0, match.start() - 14) : match.start()] + text[match.end() : match.end() + 14]
    return distinct if _DIVIDES.search(near) else []


def _shares(text: str, quantities: Sequence[Quantity], taken: tuple[int, int] | None) -> list[_Share]:
    """Percentages and fractions that may be shares of models: none of a price, and none of input or output."""
    found = [
        _Share(q.value / 100, q.start, q.end) for q in quantities if q.unit == "percent" and "折" not in q.text and 0 < q.value <= 100 and q.text not in ("对半",)
    ]
    for m in _FRACTIONS.finditer(text):
        value = Decimal(_HAN[m["n"]]) / _HAN[m["of"]] if m["of"] else _FRACTION_WORDS[m[0].lower().replace("-", " ")]
        found = [s for s in found if not (s.start < m.end() and m.start() < s.end)]
        found.append(_Share(value, m.start(), m.end()))
    return sorted(
        (
            s
            for s in found
            if not (taken and s.start < taken[1] and taken[0] < s.end)
            and not _DIRECTION_AFTER.match(text, s.end)
            and not _DIRECTION_BEFORE.search(text[max(0, s.start - 16) : s.start])
        ),
        key=lambda s: s.start,
    )[:MOST_PARTS]


def _one_by_one(text: str, names: list[Mention], shares: list[_Share]) -> Mix | None:
    if not shares:
        return None
    pairs = _linked(text, names, shares) or _listed(names, shares)
    if not pairs:
        return None
    parts = [(m, s.value) for m, s in pairs]
    rest = [m for m in _distinct(names) if not any(set(m.entities) & set(p.entities) for p, _ in parts)]
    return _mix(parts, tuple(rest), tuple((s.start, s.end) for _, s in pairs))


def _linked(text: str, names: list[Mention], shares: list[_Share]) -> list[tuple[Mention, _Share]]:
    """Names and shares that stand next to each other: of all ways to pair them, the one with most pairs and the smallest gaps."""
    options: list[list[tuple[int, Mention]]] = []
    for share in shares:
        near: list[tuple[int, Mention]] = []
        after = min((m for m in names if m.start >= share.end), key=lambda m: m.start, default=None)
        before = max((m for m in names if m.end <= share.start), key=lambda m: m.end, default=None)
        if after is not None and after.start - share.end <= _FARTHEST and _SHARE_TO_NAME.fullmatch(text[share.end : after.start]):
            onward = min((m for m in names if m.start >= after.end), key=lambda m: m.start, default=None)
            moved = onward is not None and onward.start - after.end <= _FARTHEST and _MOVED_ON.fullmatch(text[after.end : onward.start])
            if moved and onward is not None:
                near.append((after.start - share.end, onward))
            elif not _FROM.search(text[share.end : after.start]):
                near.append((after.start - share.end, after))
        if before is not None and share.start - before.end <= _FARTHEST and _NAME_TO_SHARE.fullmatch(text[before.end : share.start]):
            near.append((share.start - before.end, before))
        options.append(near)
    best: tuple[int, int, list[tuple[Mention, _Share]]] = (0, 0, [])

    def choose(index: int, pairs: list[tuple[Mention, _Share]], gaps: int) -> None:
        nonlocal best
        if index == len(shares):
            if (len(pairs), -gaps) > (best[0], -best[1]):
                best = (len(pairs), gaps, pairs)
            return
        choose(index + 1, pairs, gaps)
        for gap, name in options[index]:
            if all(p is not name for p, _ in pairs):
                choose(index + 1, [*pairs, (name, shares[index])], gaps + gap)

    choose(0, [], 0)
    return best[2]


def _listed(names: list[Mention], shares: list[_Share]) -> list[tuple[Mention, _Share]]:
    """ "Claude 和 GLM-4 分别 30% 和 70%": all names, then as many shares that make one, or the other way round."""
    distinct = _distinct(names)
    if len(distinct) != len(shares) or len(shares) < 2 or abs(sum((s.value for s in shares), Decimal(0)) - 1) > Decimal("0.005"):
        return []
    if distinct[-1].end <= shares[0].start or shares[-1].end <= distinct[0].start:
        return list(zip(distinct, shares, strict=True))
    return []


def _mix(parts: Sequence[tuple[Mention, Decimal]], rest: tuple[Mention, ...], spans: tuple[tuple[int, int], ...]) -> Mix:
    left = _WHOLE - sum((s for _, s in parts), Decimal(0))
    if len(rest) == 1 and left > 0:
        return Mix(tuple(sorted([*parts, (rest[0], left)], key=lambda p: p[0].start)), (), Decimal(0), spans)
    if len(parts) > 1 and abs(left) < Decimal("0.005"):
        # "把 Claude 换成 GLM-4 70%、GPT-5.1 30%": what is left over is what was used before.
        rest = ()
    return Mix(tuple(sorted(parts, key=lambda p: p[0].start)), rest, left, spans)


def _distinct(names: Sequence[Mention]) -> list[Mention]:
    kept: list[Mention] = []
    for m in names:
        if not any(set(m.entities) & set(k.entities) for k in kept):
            kept.append(m)
    return kept


def continued_mix(now: Mix | None, before: Sequence[Mention]) -> Mix | None:
    """A share of what an earlier turn was about ("一半换成 GLM-4 呢"): the rest stays with the one model that was named there."""
    if now is None or len(now.parts) != 1 or now.open or not now.left > 0:
        return None
    named = now.parts[0][0]
    others = [m for m in _distinct([m for m in before if m.entities]) if not set(m.entities) & set(named.entities)]
    if len(others) != 1:
        return None
    return replace(now, parts=((others[0], now.left), now.parts[0]), left=Decimal(0))
