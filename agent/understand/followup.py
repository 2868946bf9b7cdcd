"""What a later turn refers to: names, volumes and the thing asked are carried over by code, and said.

A turn that adds nothing of its own ("输出呢", "换成glm4，量不变", "按7.3") is the turn before it with one slot changed. A turn
with words of its own takes over only the names that it leaves out; one with a name and a question of its own takes nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from agent.similar import content_tokens
from agent.understand.constraints import says_superlative
from agent.understand.deployment_turn import deployment_of
from agent.understand.followup_usage import directed_switch, patched
from agent.understand.growth import volume_changes
from agent.understand.lexicon import pattern
from agent.understand.link import Mention
from agent.understand.question import Question
from agent.understand.shares import continued_mix
from agent.understand.weights import FIRST
from kb.quantities import Quantity, find_markers

_REFERS = re.compile(
    r"它|他们|他家|这家|那家|那个|那么|那如果|那要是|这个|这些|上面|刚才|刚刚|前面|同样|一样|不变|照旧|还是这|这么多|那.{0,12}呢|呢[?？。 ]*$|换成|换到|改成|改为|"
    r"如果|要是|再加|前者|后者|两个|两者|二者|^(?:and|or|so|then)\b|^(?:但|那|再|还有|换|改)|"
    r"\b(?:it|its|that|those|they|them|this one|same|instead|what about|how about|what if|the two|both|the (?:former|latter))\b",
    re.IGNORECASE,
)
_NEW_TOPIC = re.compile(
    r"先不(?:管|说)|换个话题|另外(?:问|请教)|对了|顺便问|不说这个|by the way|different question|new question|another topic|unrelated",
    re.IGNORECASE,
)
_BOTH = re.compile(r"两个|两者|二者|俩|前者|后者|它们|these two|the two|both|the (?:former|latter)|difference|差多少|差几倍", re.IGNORECASE)
_ADDS = re.compile(r"^(?:那|那么)?(?:跟|和|与|同)?(?:比|对比|相比)|^(?:and )?(?:compared (?:to|with)|vs\.?|versus)(?![a-z])|再加|加上|加个|带上|算上|也算|也比|一起比|一起算|和.{0,8}比|跟.{0,8}比|and add|add .{1,20} (?:too|to)|as well|(?:^|and |what about )adding|plus|include", re.IGNORECASE)
_DIFFERENCE = re.compile(r"(?:便宜|贵|省|差|少|多)(?:了|下|出)?\s*(?:多少|几|how much)|多少差|差(?:价|额)|相差|how much (?:cheaper|less|more|dearer|do|would|could|can|is)?.{0,12}(?:cheaper|less|save|saved|saving|difference|dearer|more)|(?:cheaper|dearer) by how much|(?:difference|save|saving)", re.IGNORECASE)
"""The answer wanted is a difference, so the model of the turn before stays in it."""
_CURRENCY_WORD = re.compile(r"人民币|rmb|cny|yuan|美元|美金|usd|dollars?|汇率|rate", re.IGNORECASE)


_PER_COUNT = re.compile(r"按?每?(?:一)?(?:千|百万|万|1k|1m|1000)(?:个)?\s*(?:token|字|词)s?(?:来)?(?:说|算|讲|计)?|per (?:1k|1m|thousand|million)(?: tokens?)?", re.IGNORECASE)
_SEAMS = frozenset("的了呢吗那这换改成按用到给和跟与也都就还再又来去一个些是把被让要会能我你他它吧啊嘛不没")
"""Characters that never belong to a content word here: a pair with one of them is the seam of two words."""


def own_words(question: Question) -> list[str]:
    """Content words of a turn that are neither names, quantities, periods, currencies nor words that point back."""
    text = list(_PER_COUNT.sub(lambda m: " " * len(m[0]), question.masked))
    spans = [(q.start, q.end) for q in question.quantities]
    spans += [(f.start, f.end) for f in question.fields]
    spans += [(c.start, c.end) for c in question.conditions]
    spans += [(m.start, m.end) for m in find_markers(question.masked)]
    spans += [(v.start, v.end) for v in volume_changes(question.masked, question.quantities)]
    for start, end in spans:
        text[start:end] = " " * (end - start)
    rest = _DIFFERENCE.sub(" ", _PER_COUNT.sub(" ", "".join(text)))
    for group in (
        "input_cue",
        "output_cue",
        "price_word",
        "cost_word",
        "convert_cue",
        "followup_filler",
        "compare_word",
        "saving_word",
        "budget_word",
    ):
        rest = pattern(group).sub(" ", rest)
    rest = _REFERS.sub(" ", _CURRENCY_WORD.sub(" ", re.sub(r"(?<![a-z])(?:in|out)(?![a-z])", " ", rest, flags=re.IGNORECASE)))
    return [t for t in content_tokens(rest) if not t.isdigit() and len(t) > 1 and not set(t) & _SEAMS]


def refers_back(question: Question) -> bool:
    """Whether a turn leans on the ones before it."""
    if _NEW_TOPIC.search(question.text):
        return False
    if _REFERS.search(question.text):
        return True
    own = own_words(question)
    if question.mentions or question.conditions and own:
        aside = {f.field for f in question.fields} <= _BESIDE and bool(_DIFFERENCE.search(question.masked))
        return not own and (not question.fields or aside)
    signals = question.fields or question.quantities or question.values or question.rate is not None
    cues = any(question.has(g) for g in ("price_word", "input_cue", "output_cue", "convert_cue", "compare_word", "budget_word"))
    per_unit = re.search(r"每千|每百万|per (?:1k|thousand|million)", question.text, re.IGNORECASE) or find_markers(question.masked)
    return len(question.text) <= 40 and len(own) <= 2 and bool(signals or cues or per_unit)


_SUBJECTLESS = re.compile(
    r"^(?:那|那么)?(?:主要|一般|通常|都|能不能|能|可不可以|可以|会不会|会|有(?:没有|什么|哪些|多少|几)|是不是|干(?:啥|什么|嘛)|做(?:什么|啥)|用来|适合|为(?:什么|啥|何)|在哪|"
    r"贵不贵|怎么(?:样|收费|部署|用|计费)|支持|允许|排第|谁(?:做|开发|家)|哪家|哪国)"
)
_LONGEST_SUBJECTLESS = 16
_OTHERS = re.compile(
    r"除了(?:它|他|这个|这些|上面|那个)|还有(?:没有)?(?:别的|其他|其它|吗|没|哪些)|(?:别的|其他的?|其它的?)(?:呢|有吗|选择)|"
    r"\b(?:any ?(?:thing|one)? ?others?|any alternatives?|what else|anything else|other options?|besides (?:it|that|these))\b",
    re.IGNORECASE,
)


def _without_subject(now: Question, before: Question) -> bool:
    """ "主要干啥用的": a predicate that leaves its subject to the turn before."""
    return bool(before.named) and not now.mentions and len(now.text) <= _LONGEST_SUBJECTLESS and bool(_SUBJECTLESS.search(now.text))


def _other_choice(now: Question, before: Question) -> Question | None:
    """ "除了它还有吗" after a choice: the same wish again, without what was chosen."""
    wished = before.has("select_word") or before.has("wish_word")
    if not wished or now.mentions or own_words(now) and len(now.text) > _LONGEST_SUBJECTLESS or not _OTHERS.search(now.text):
        return None
    chosen = frozenset(i for m in (*before.mentions, *before.recent) for i in m.entities)
    return replace(before, mentions=(), excluded=before.excluded | chosen, carried=("wish",)) if chosen else None


def _chooses_between(now: Question, before: Question) -> bool:
    """ "Which is cheaper for 10M in?" after two models were compared is about those two."""
    everyone = re.search(r"模型|所有|全部|哪些|models?\b|all\b", now.text, re.IGNORECASE)
    return not now.mentions and len(before.named) >= 2 and not everyone and bool(re.search(r"哪个|谁|which|who", now.text, re.IGNORECASE))


def merge(now: Question, before: Question | None) -> Question:
    """The turn completed from the turn before it; unchanged if it stands on its own."""
    merged = replace(_merged(now, before), deployment=deployment_of(now, before))
    if merged.rate is None and merged.deployment.carried:
        merged = replace(merged, rate=merged.deployment.numbers.get("rate"))
    if before is not None and before.language != now.language and _says_too_little(now.text, before.language):
        merged = replace(merged, language=before.language)
    return merged


def _says_too_little(text: str, language: str) -> bool:
    """Whether a turn is too short to change the conversation's language: names, formats and units are nobody's language."""
    if re.search(r"[\u3400-\u9fff]", text):
        return language == "zh"
    words = re.findall(r"[A-Za-z]{3,}", text)
    return language == "zh" and len(words) < 3


def _merged(now: Question, before: Question | None) -> Question:
    if before is None:
        return now
    other = _other_choice(now, before)
    if other is not None:
        return other
    mix = continued_mix(now.mix, before.mentions) if before.usage.has_volume and not now.usage.has_volume and not now.money and not _NEW_TOPIC.search(now.text) else None
    if mix is not None:
        # "一半换成 GLM-4 呢": the same volume, divided; not half of the volume.
        return replace(
            now, mentions=tuple(m for m, _ in mix.parts), mix=mix, usage=before.usage, rate=now.rate or before.rate, carried=("volume",), recent=_recent(now, before)
        )
    if not re.search(r"[\u4e00-\u9fff]|[A-Za-z]{2,}", now.masked):
        # "GPT-5.1" alone is said in the language of the conversation.
        now = replace(now, language=before.language)
    recent = _recent(now, before)
    if not _leans_on(now, before):
        return replace(now, recent=recent)
    mentions, carried = _mentions(now, before)
    bare = (not own_words(now) or _under_condition(now, before)) and not _asks_something_new(now, before)
    if not bare:
        return replace(now, mentions=mentions, carried=tuple(carried), recent=recent, rate=now.rate or before.rate)
    rate = now.rate or _plain_rate(now) or before.rate
    usage, quantities = now.usage, now.quantities
    fields = now.fields
    if before.usage.has_volume:
        usage = patched(now, before.usage)
        carried.append("volume")
    own_money = any(q.is_money for q in now.quantities)
    if not now.usage.has_volume or before.has("break_even_word") or own_money:
        carried.append("quantities")
    words = f"{now.masked} \n {before.masked}"
    if "quantities" in carried or before.usage.has_volume:
        shift = len(now.masked) + 3
        quantities = now.quantities + tuple(_shifted(q, shift) for q in before.quantities if not before.is_rate(q))
    if not now.fields or {f.field for f in now.fields} <= _BESIDE or _under_condition(now, before):
        directed = now.has("input_cue") != now.has("output_cue")
        fields = () if directed and not before.usage.has_volume else before.fields
        carried.append("field")
    if directed_switch(now) and not before.usage.has_volume:
        words = f"{now.masked} \n {_without_directions(before.masked)}"
    return replace(
        now,
        mentions=mentions,
        usage=usage,
        fields=fields,
        quantities=quantities,
        rate=rate,
        masked=words,
        carried=tuple(carried),
        conditions=now.conditions or before.conditions,
        ratios=now.ratios or before.ratios,
        price_change=now.price_change or before.price_change,
        tier=now.tier or before.tier,
        recent=recent,
    )


def _leans_on(now: Question, before: Question) -> bool:
    if _chooses_between(now, before) or _without_subject(now, before):
        return True
    if not refers_back(now) or now.unknown and not now.named:
        return False
    # "那第二便宜的呢" asks the whole field anew.
    return not (says_superlative(now) and not now.mentions and not before.usage.has_volume)


def _mentions(now: Question, before: Question) -> tuple[tuple[Mention, ...], list[str]]:
    """The names that the turn is about, and what of it was carried over."""
    if FIRST.search(now.text) and before.has("select_word") and not now.mentions:
        # "价格优先呢" chooses anew among all.
        return (), []
    ordinal = _ordinal(now, before)
    if ordinal is not None:
        return (ordinal,), ["models"]
    if not now.mentions:
        pair = before.recent[-2:]
        kept = pair if _BOTH.search(now.text) and len(before.named) < 2 and len(pair) == 2 else before.mentions
        return kept, ["models"] if kept else []
    ids = {i for m in now.mentions for i in m.entities}
    others = tuple(m for m in before.mentions if not ids & set(m.entities))
    if others and (_ADDS.search(now.text) or len(before.mentions) == 1 and _of_money(before) and _DIFFERENCE.search(now.text)):
        return others + now.mentions, ["models"]
    return now.mentions, []


def _of_money(question: Question) -> bool:
    """Whether a turn was about a price or a bill."""
    priced = any(f.field in ("input_price", "output_price") for f in question.fields)
    return question.usage.has_volume or priced or question.has("price_word") or question.has("cost_word")


_ORDINAL = re.compile(
    r"第(?P<n>[一二三123])(?:个|款|家|种)|(?P<former>前者|\bthe former\b)|(?P<latter>后者|\bthe latter\b)|\bthe (?P<e>first|second|third)(?: one| model)?\b",
    re.IGNORECASE,
)
_PLACES = {"一": 0, "1": 0, "first": 0, "二": 1, "2": 1, "second": 1, "三": 2, "3": 2, "third": 2}


def _ordinal(now: Question, before: Question) -> Mention | None:
    """ "第二个的上下文", "the latter": one of the models of the turn before, in its order."""
    match = _ORDINAL.search(now.text)
    named = before.named or before.recent
    if match is None or now.named or len(named) < 2 or len(list(_ORDINAL.finditer(now.text))) > 1:
        return None
    place = 0 if match["former"] else len(named) - 1 if match["latter"] else _PLACES[(match["n"] or match["e"]).lower()]
    return named[place] if place < len(named) else None


_BESIDE = frozenset(
    {"input_price", "output_price", "volume", "stated_cost", "figure", "context_window", "saving", "relative_price", "monthly_users"}
)


def _without_directions(text: str) -> str:
    for group in ("input_cue", "output_cue"):
        text = pattern(group).sub(lambda m: " " * len(m[0]), text)
    return text


def _recent(now: Question, before: Question) -> tuple[Mention, ...]:
    """The last names spoken of, oldest first, for "两个差多少"."""
    kept = [*(before.recent or before.mentions), *now.mentions]
    distinct: list[Mention] = []
    for mention in reversed(kept):
        if mention.entities and all(mention.entities[0] != m.entities[0] for m in distinct):
            distinct.append(replace(mention, start=0, end=0))
    return tuple(reversed(distinct[:3]))


def _shifted(quantity: Quantity, shift: int) -> Quantity:
    return replace(quantity, start=quantity.start + shift, end=quantity.end + shift)


def _plain_rate(now: Question) -> Decimal | None:
    """ "人民币呢，7.3": a lone number beside a currency word is the rate."""
    bare = [q for q in now.quantities if not q.unit and not q.scale and Decimal(4) <= q.value <= Decimal(20)]
    return bare[0].value if len(bare) == 1 and len(now.quantities) == 1 and _CURRENCY_WORD.search(now.text) else None


_CONDITION = re.compile(r"(?:的?情况下|的?条件下|的话|时候|场景下)(?:呢|怎么样|又|还)?[?？。]*$|^(?:and |what )?(?:if|in case of|under|when|with)\b", re.IGNORECASE)


def _under_condition(now: Question, before: Question) -> bool:
    """ "私有化部署的情况下呢": the fact asked before, under a condition that has the name of another."""
    return bool(_CONDITION.search(now.text)) and bool(before.fields) and not now.mentions and not now.quantities


def _asks_something_new(now: Question, before: Question) -> bool:
    """A field or a wish of its own that has nothing to do with what was asked before."""
    if _under_condition(now, before):
        return False
    if before.money and now.has("budget_word"):
        return False
    own = {f.field for f in now.fields} - _BESIDE
    per_unit = re.search(r"每千|每百万|per (?:1k|thousand|million)", now.text, re.IGNORECASE)
    if {f.field for f in now.fields} == {"context_window"} and not now.quantities and not per_unit:
        own = {"context_window"}
    return bool(own) and not now.usage.has_volume
