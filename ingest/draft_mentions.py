"""Sentences that mention known entities outside their own sections: what is said right at a name, or about the only one."""

from __future__ import annotations

import re

from ingest.draft_cells import Scribe, Spot
from ingest.draft_lengths import lengths_in
from ingest.draft_names import NO_MODEL, EntityDraft, name_strength, split_name
from ingest.draft_price_change import price_change
from ingest.draft_segments import read_segments
from ingest.draft_text import NAME, Surroundings, TextReader
from ingest.draft_values import MAX_SENTENCE, PriceUnit, clauses, openness_of, statements
from ingest.draft_words import Lexicon, plain
from kb.catalog.catalog import name_key

_SEGMENT = re.compile(r"[、，,；;：:。]|\s(?:and|while|whereas|but)\s")
_ALL = re.compile(
    r"(?:all|both|every|these|the above)(?: (?:of )?(?:our|the|these|its|their|listed))?(?: \w+)? models?\b"
    r"|(?:以上|上述|本表|全部|所有|各)[\u4e00-\u9fff]{0,4}模型(?:均|都|全部|一律)?",
    re.IGNORECASE,
)
_OF = re.compile(
    r"\b(?:outputs?|weights|use|copies|licen[sc]e|users?|customers|window|length|price|prices|latency|size|deployment|tokens)"
    r" (?:of|from|for)\s*$"
    r"|(?:使用|利用|用|对)\s*$",
    re.IGNORECASE,
)
_BETWEEN = ("", "、", ",", "和", "与", "及", "/", "and", "以及", ", and", "und", "&")
"""What stands between the names of an enumeration."""
_MAX_ABOUT = 24
_CONTINUES = re.compile(
    r"(?:it|its|they|you|users|on-prem(?:ises?)?|private"
    r"|the model|this model|weights|the weights|input|output|cached|context"
    r"|licen[sc]e|pric(?:e|es|ing)|self-hosting"
    r"|distillation|training|latency|max|maximum|available|proprietary|closed|open|hosted|customers|batch)\b"
    r"|(?:\d[.、)]\s*)?(?:其|该模型|它|上下文|输入|输出|价格|定价|售价|许可|协议|权重|支持|不支持|禁止|允许|蒸馏|首字|延迟|部署|官方|命中|缓存|夜间|批量|闭源|开源|可|采用)",
    re.IGNORECASE,
)
"""How a sentence begins that goes on about the model of the one before it."""
_INTRODUCED = re.compile(r"(?:\bmodel|\bmade by \S+|makes|offers|sells|launched|released|推出了?|发布了?|旗下的?|模型)\s*$", re.IGNORECASE)


def read_mentions(scribe: Scribe, reader: TextReader, text: str, spot: Spot, topic: EntityDraft | None = None) -> EntityDraft | None:
    """Claims of one line of running text that stands under no entity's heading.

    `topic` is the model that the paragraph spoke of before; returned is the one that it speaks of now.
    """
    for sentence in statements(plain(text)):
        if len(sentence) > MAX_SENTENCE:
            topic = None
            continue
        if _ALL.match(sentence):
            for entity in scribe.names.entities:
                if entity.kind == "model" and not entity.elsewhere:
                    reader.general(entity, sentence, spot)
            continue
        mentions = [mention for mention in scribe.names.mentions(sentence) if mention[0].kind == "model"]
        entities = {id(entity): entity for entity, _, _ in mentions}
        if not entities:
            if topic is not None and _CONTINUES.match(sentence) and not _names_others(scribe.words, sentence, []):
                reader.read(topic, sentence, spot, Surroundings())
                read_segments(scribe, topic, sentence, spot, PriceUnit())
            else:
                topic = None
        elif len(entities) == 1:
            topic = _about_one(scribe, reader, sentence, mentions, spot)
        else:
            topic = None
            _shared(scribe, reader, mentions, sentence, spot)
            _price_changes(scribe, sentence, spot)
            for index, (entity, start, end) in enumerate(mentions):
                stop = mentions[index + 1][1] if index + 1 < len(mentions) else len(sentence)
                if not _compared(scribe, sentence[:start]):
                    _bracket(scribe, reader, entity, sentence, end, stop, spot)
        _family_openness(scribe, sentence, spot)
    if len(text) <= MAX_SENTENCE:
        _recommendations(scribe, plain(text), spot)
    return topic


def _about_one(
    scribe: Scribe, reader: TextReader, sentence: str, mentions: list[tuple[EntityDraft, int, int]], spot: Spot
) -> EntityDraft | None:
    """Reads a sentence that names one model; returns the model if the sentence is about it."""
    entity, start, end = mentions[0]
    if _compared(scribe, sentence[:start]):
        return None
    alone = not _names_others(scribe.words, sentence, mentions)
    if alone and (start <= 24 or _OF.search(sentence[:start])):
        reader.read(entity, sentence, _of_label(scribe, sentence, mentions[0], spot), Surroundings())
    else:
        _bracket(scribe, reader, entity, sentence, end, len(sentence), spot)
    return entity if alone and (start <= 24 or _INTRODUCED.search(sentence[:start])) else None


def _shared(scribe: Scribe, reader: TextReader, mentions: list[tuple[EntityDraft, int, int]], sentence: str, spot: Spot) -> None:
    """`A、B 通过官方 API 提供智能体套件`: what a sentence says, in its own words, of the models that its subject lists."""
    label = re.match(r"(?:[-*+•]\s*)?[^:：，,。]{2,24}[:：]\s*", sentence)
    begin = label.end() if label else 0
    group: list[EntityDraft] = []
    for entity, start, end in mentions:
        between = sentence[begin:start].strip()
        if between not in _BETWEEN:
            break
        group.append(entity)
        begin = end
    if len(group) < 2 or len(sentence) > 200:
        return
    rest = sentence[begin:].strip()
    if re.match(r"(?:are|can|may|cannot|must|have|run)\b|均|都|支持|不|采用|为|是|可|通过|由", rest):
        for entity in group:
            reader.general(entity, rest, spot)
    for field in scribe.words.data["clause_words"]:
        if scribe.words.patterns[field].search(sentence[begin:].lower()):
            for entity in group:
                scribe.write(entity, field, sentence[label.end() if label else 0 :], spot, sentence)


def _price_changes(scribe: Scribe, sentence: str, spot: Spot) -> None:
    """`北辰 X2 与北辰 X2-mini 的批量价为标准价的 5 折`: a change of prices for all models that its clause lists before it."""
    for clause in clauses(sentence):
        change = price_change(clause, scribe.words)
        mentions = scribe.names.mentions(clause)
        gaps = [clause[a:b].strip() for (_, _, a), (_, b, _) in zip(mentions, mentions[1:], strict=False)]
        if change is None or not mentions or any(gap not in _BETWEEN for gap in gaps) or _names_others(scribe.words, clause, mentions):
            continue
        if re.search(r"\d", clause[: mentions[0][1]]) or _compared(scribe, clause[: mentions[0][1]]):
            continue
        for entity, _, _ in mentions:
            if entity.kind == "model":
                scribe.prices.surcharge(entity, clause, spot)


def _names_others(words: Lexicon, sentence: str, mentions: list[tuple[EntityDraft, int, int]]) -> bool:
    """Whether a sentence also speaks of names that are nobody's here: what it says may be theirs."""
    known = [(start, end) for _, start, end in mentions]
    names = (match for match in NAME.finditer(sentence) if not NO_MODEL.match(match[0]))
    others = (match for match in names if name_strength(match[0].strip(), words))
    return any(not any(other.start() < b and a < other.end() for a, b in known) for other in others)


def _of_label(scribe: Scribe, sentence: str, mention: tuple[EntityDraft, int, int], spot: Spot) -> Spot:
    """`豆包实时语音模型：...` speaks of a product whose name only begins with the entity's."""
    label = re.match(r"(?:[-*+•]\s*)?([^:：，,。]{2,24})[:：]", sentence)
    rest = label[1][mention[2] - label.start(1) :].strip() if label else ""
    if label and rest and mention[1] <= label.start(1) + 1 and not _is_label(scribe, rest):
        return spot.with_(about=label[1].strip())
    return spot


def _is_label(scribe: Scribe, text: str) -> bool:
    """Whether words behind a name only say what of it a line is about: `Aurora-7 pricing: ...`."""
    label = scribe.words.label(text)
    return label.role not in ("", "model", "plan", "notes", "index") or bool(label.direction)


def _compared(scribe: Scribe, before: str) -> bool:
    return bool(scribe.words.patterns["compared"].search(before.lower().rstrip()))


def _bracket(scribe: Scribe, reader: TextReader, entity: EntityDraft, sentence: str, end: int, stop: int, spot: Spot) -> None:
    """`GPT-5（输入$5/百万Tokens）、Kimi（200万字上下文）`: brackets belong to the name before them, other words up to the next name."""
    after = sentence[end:]
    bracket = re.match(r"\s*[(（]([^()（）]{2,60})[)）]", after)
    if bracket:
        inner = bracket[1]
        reader.read(entity, inner, spot, Surroundings())
        if not scribe.words.patterns["price_words"].search(inner.lower()) and "/" not in inner:
            lengths = [
                one
                for one in lengths_in(inner)
                if one.unit in ("token", "character") and one.value >= 1000 and (one.has_unit or re.search("上下文|context", inner))
            ]
            if len(lengths) == 1 and len(inner) <= 24 and not re.search(r"参数|parameter", inner):
                scribe.length(entity, "context_window", lengths[0], spot, inner)
        return
    segment = _SEGMENT.split(sentence[end:stop])[0]
    # "A costs $1 per million input tokens and B ..." : a segment with its own verb and unit.
    if re.search(r"\d", segment) and re.search(r"/|每|\bper\b|上下文|context", segment) and len(segment) > 6:
        reader.read(entity, segment, spot, Surroundings("", "", PriceUnit()))


def _family_openness(scribe: Scribe, sentence: str, spot: Spot) -> None:
    """`智谱GLM-4开源简化版`: a segment that calls a form of a known model open or closed says so about that form."""
    for segment in _SEGMENT.split(re.sub(r"[(（]", "，", sentence)):
        segment = segment.strip(" )）")
        if not segment or len(segment) > 40:
            continue
        value = openness_of(segment, scribe.words)
        if value not in ("open", "closed") or re.search(r"不|未|not|社区|community|生态|特性", segment):
            continue
        entity = _family_member(scribe, segment)
        if entity is None or scribe.words.patterns["comparators"].search(_between(scribe, entity, segment)):
            continue
        about = re.sub(r"^(?:如|例如|比如|such as|like)\s*", "", segment)
        form = re.match(r".*?(?:开源|闭源)(?:[\u4e00-\u9fff]{0,4}?(?:版本?|模型))?", about)
        about = form[0] if form else about
        exact = any(one is entity for one, _, _ in scribe.names.mentions(segment))
        if exact and not re.search(r"(?:开源|闭源)[\u4e00-\u9fff]", about):
            about = ""
        about = "" if name_key(about) == name_key(entity.name) or len(about) > _MAX_ABOUT else about
        scribe.write(entity, "openness", value, spot.with_(about=about), segment)


def _recommendations(scribe: Scribe, text: str, spot: Spot) -> None:
    """`金融/法律场景首选DeepSeek R3、GLM-4`, `For contract review we recommend Aurora-7`: what a model is recommended for."""
    if "recommended_for" not in scribe.fields:
        return
    label = re.match(r"\s*(?:[-*+•]|\d+[.)、])?\s*([^:：，,。]{2,24})[:：]", text)
    for segment in re.split(r"[。；;]|\.\s", text):
        became = re.search(r"成为\s*(.{2,40}?)\s*的首选", segment)
        words = list(scribe.words.patterns["recommend_words"].finditer(segment.lower()))
        if became:
            mentions = [entity for entity, start, _ in scribe.names.mentions(segment[: became.start()])]
            _recommend(scribe, mentions[-1:], became[1], segment, spot)
            continue
        for index, word in enumerate(words):
            stop = words[index + 1].start() if index + 1 < len(words) else len(segment)
            named = [(entity, start) for entity, start, _ in scribe.names.mentions(segment[word.end() : stop]) if entity.kind == "model"]
            if not named or named[0][1] > 12 or re.search(r"不|not\s*$", segment[max(0, word.start() - 4) : word.start()].lower()):
                continue
            before = re.split(r"[，,:：]", segment[words[index - 1].end() if index else 0 : word.start()])[-1].strip()
            english = re.search(r"\bfor\s+(.{3,60}?)(?:,|\s+we|\s+the|\s+our|\s+use|$)", segment[: word.start()], re.IGNORECASE)
            need = english[1] if english else before if re.search(r"[\u4e00-\u9fff]{2}", before) else label[1] if label else ""
            _recommend(scribe, [entity for entity, _ in named], need.strip("-* "), segment, spot)


def _recommend(scribe: Scribe, entities: list[EntityDraft], need: str, segment: str, spot: Spot) -> None:
    if 1 < len(need) <= 60:
        for entity in entities:
            scribe.write(entity, "recommended_for", [need], spot, segment)


def _between(scribe: Scribe, entity: EntityDraft, segment: str) -> str:
    """What stands between the name and the word on openness."""
    lower = segment.lower()
    word = scribe.words.patterns["open"].search(lower) or scribe.words.patterns["closed"].search(lower)
    name = next((match for one, *match in scribe.names.mentions(segment) if one is entity), None)
    if word is None or name is None:
        return ""
    return lower[name[1] : word.start()] if name[1] <= word.start() else lower[word.end() : name[0]]


def _family_member(scribe: Scribe, segment: str) -> EntityDraft | None:
    mentions = scribe.names.mentions(segment)
    if mentions:
        return mentions[0][0] if len({id(entity) for entity, _, _ in mentions}) == 1 else None
    found = []
    for entity in scribe.names.entities:
        family = split_name(entity.name, entity.vendor)[0]
        if len(family) > 2 and re.search(rf"(?<![a-z]){re.escape(family)}(?![a-z])", segment.lower()):
            found.append(entity)
    return found[0] if len(found) == 1 else None
