"""Sentences about one known entity -> claims. A sentence that could be about something else says nothing here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.draft_cells import Scribe, Spot
from ingest.draft_lengths import lengths_in
from ingest.draft_names import EntityDraft, split_name
from ingest.draft_rights import NEGATIVE, Rights
from ingest.draft_values import (
    MAX_SENTENCE,
    PriceUnit,
    clauses,
    date_in,
    items_of,
    licences_in,
    modalities_in,
    sentences,
    statements,
)
from ingest.draft_words import plain
from kb.quantities import find_quantities

_EDITION = (
    r"(?:Pro|Max|Mini|Turbo|Flash|Ultra|Plus|Lite|Nano|Air|Large|Medium|Small|XL|XS|Edge|Long|Swift|Core|Prime|Vision|Coder|Instruct|Chat)"
)
NAME = re.compile(
    r"(?<![A-Za-z0-9-])[A-Z][A-Za-z]*(?:[- ][A-Z][A-Za-z]*){0,4}[- ]?\d+(?:\.\d+)*[A-Za-z]?"
    rf"(?:[- ]{_EDITION}|[ ][A-Z][a-z]{{2,}}(?=\s(?:is|has|costs?|supports?|was|handles|offers|can)\s))*(?![A-Za-z0-9])"
    rf"|(?<![A-Za-z0-9-])[A-Z][A-Za-z]+[- ]{_EDITION}(?![A-Za-z])"
    rf"|[\u4e00-\u9fff]{{2,6}}\s?\d+(?:\.\d+)+|[\u4e00-\u9fff]{{2,6}}(?:-\d+(?:\.\d+)*[A-Za-z]?|[- ]?{_EDITION})(?![A-Za-z])"
)
EDITION_NAME = re.compile(rf"[- ]?{_EDITION}$")
"""A name that ends with an edition (`Sable Ultra`, `瑶光 Max`)."""
_THROUGH = re.compile(
    r"(?:通过|经由|依托|上线于|已上架|部署在|托管在|可在|可以在)\s*(?P<zh>[^。；;]{2,120}?)\s*(?:提供(?!的)|进行|调用|接入|使用|访问"
    r"|快速|来|对外|获取|购买|等(?:平台|渠道|云|主流)|上(?:提供|使用|调用|购买|自行|部署)|$)"
    r"|(?:available|offered|served|accessible|sold|provided|hosted|accessed|reachable|delivered|runs?)(?:\s+(?:only|exclusively|both"
    r"|mainly|primarily|today|directly))?\s+(?:through|via|on|from|at|over)\s+(?P<en>[^.;]{2,140})",
    re.IGNORECASE,
)
_CARD = re.compile(r"\d\s*GB\b|\bGPUs?\b|显卡|张卡", re.IGNORECASE)
_PLATFORM = re.compile(
    r"平台|云|API|市场|站|Hub|Cloud|Platform|Azure|AWS|Bedrock|Vertex|Face|Market|Studio|Console|Foundry|Gateway|Portal|Exchange|Store"
    r"|Replicate|[A-Z][a-z]+[A-Z]",
    re.IGNORECASE,
)
_DEVELOPED = re.compile(
    r"^(?:by|from)\s+(?P<by>[^,.;。，]{2,40})$|由\s*(?P<zh>[^，。,.]{2,20}?)\s*(?:研发|开发|推出|发布|出品|提供|打造)|\bmodel (?:from"
    r"|by) (?P<from>[A-Z][\w&.-]*(?: [A-Z&][\w&.-]*){0,3})|(?:developed|made|built|created|released|maintained|published"
    r"|offered) by (?P<en>[A-Z][\w&.-]*(?: [A-Z&][\w&.-]*){0,3})"
)
_LATENCY = re.compile(
    r"延迟|时延|latency|响应时间|response time|time to first token|TTFT|(?:answers?|responds?|replies)(?: \w+)? (?:in|within)|首字"
    r"|(?:响应|回答|作答)(?:时间)?(?:仅|只|约|在)",
    re.IGNORECASE,
)
_AND_HAS = re.compile(r"\s(?:and|with)\s(?=(?:has|an?|the|its|supports?|offers?|context)\s)", re.IGNORECASE)
_READS = re.compile(
    r"(?:reads?|accepts?|handles?|takes?|process(?:es)?|supports?|inputs? of|prompts? of)[^,;]{0,30}?(?:up to|at most)\s*\d"
    r"|(?:读取|处理|接受|输入|支持|容纳)[^，,；;]{0,12}?(?:最多|最长|高达|不超过)\s*\d"
)
"""What a model takes in at once, said without the word context."""
_PARAMETERS = re.compile(
    r"(\d+(?:\.\d+)?)\s*(B|亿|万亿|billion|trillion)\s*[- ]?(?:个)?(?:参数|parameters?)|参数(?:量|规模)?\s*(?:为|达|约|是"
    r"|:)?\s*(\d+(?:\.\d+)?)\s*(B|亿|万亿)",
    re.IGNORECASE,
)
_RELEASED = re.compile(
    r"(?:发布于|上线于|推出于|于.{4,14}(?:发布|上线|推出)|released (?:on|in)|launched (?:on|in)|发布时间|上线时间)", re.IGNORECASE
)
_ANNOUNCED = re.compile(
    r"(?:价格|定价|售价)(?:尚|暂|还)?未(?:公布|公开|确定)|(?:尚|暂)未(?:发布|上线|推出|公布)|即将(?:发布|推出|上线)|(?:计划|预计|将)(?:于|在)?[^，。,]{0,12}(?:发布|推出"
    r"|上线)|\b(?:is|was|has been) announced for\b|\bwill be (?:released|launched|available)\b"
    r"|\bnot (?:yet )?(?:been )?(?:published|announced|released)\b"
    r"|\bnot yet (?:available|released|priced)\b|\b(?:is )?(?:planned|expected|scheduled) for\b|\bcoming (?:in|this|next)\b",
)
_MEANT = re.compile(
    r"(?:擅长|善于|长于|强于)(?P<good>[^，。；;,!！（()）]{2,60})|(?:适合|适用于|主要用于|专为)(?:进行|做)?(?P<fit>[^，。；;,!！（()）]{2,60}?)(?:设计|打造|使用|场景)?(?=[，。；;,（(]|$)"
    r"|\b(?:is|are) (?:especially |particularly |very )?(?:good|strong|best) at (?P<good_en>[^.;()]{3,80})"
    r"|\b(?:(?:is|are) (?:meant|made|built|designed|suited|intended|best)|(?:flagship|workhorse|model)) for (?P<fit_en>[^.;()]{3,80})",
    re.IGNORECASE,
)
_MEDIUM = r"(?:text|images?|pictures?|photos|audio|voice|speech|sound|videos?|vision)"
_MEDIUM_ZH = r"(?:文本|文字|图片|图像|图文|音频|语音|声音|视频|影像)"
_MEDIA = re.compile(
    rf"\b(?:takes?|accepts?|handles?|understands?|processes|reads?|supports?)\s+(?P<media>{_MEDIUM}(?:(?:,\s*(?:and\s+)?|\s+and\s+|\s*/\s*){_MEDIUM})*)"
    rf"(?=\s*(?:inputs?\b|prompts?\b|[.,;]|$|as input))|(?:支持|接受|可处理|能处理|可输入)(?P<zh>{_MEDIUM_ZH}(?:(?:、|和"
    rf"|与|及|以及|,){_MEDIUM_ZH})*)(?:的)?(?:混合)?输入",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"^(?:这些|其|该|它|此|且|并|同时|they|these|it|its|those|and)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a sentence stands under: the role of its sub-heading or label, the words of that label, the unit of prices there."""

    role: str = ""
    label: str = ""
    unit: PriceUnit = PriceUnit()


class TextReader:
    """Reads sentences for a `Scribe`."""

    def __init__(self, scribe: Scribe) -> None:
        self.scribe = scribe
        self.words = scribe.words
        self.rights = Rights(scribe)

    def label(self, entity: EntityDraft, text: str, spot: Spot) -> None:
        """The little that a label itself may state: `百万级上下文窗口: ...`."""
        self._lengths(entity, plain(text), spot, Surroundings())

    def read(self, entity: EntityDraft, text: str, spot: Spot, around: Surroundings) -> None:
        """Everything that a line of text says of an entity."""
        variant: dict[str, str] = {}
        about = spot.about
        hosted = False
        for sentence in statements(plain(text)):
            if not _PRONOUN.match(sentence):
                variant, about = {}, spot.about
            if len(sentence) > MAX_SENTENCE or self._about_another(entity, sentence):
                continue
            hosted = hosted or self._depends_on_hosts(sentence)
            unit = around.unit if around.role in ("price", "input_price", "output_price") else None
            self.scribe.prices.sentence(entity, sentence, spot.with_(when={"channel": "third_party"}) if hosted else spot, unit)
            self.scribe.prices.free(entity, sentence, spot)
            self._platforms(entity, sentence, spot, around)
            self._whole(entity, sentence, spot, around)
            self._media(entity, sentence, spot)
            self._uses(entity, sentence, spot)
            self._clauses(entity, clauses(sentence), spot, around, variant, about)
            if not variant:
                self.rights.listed(entity, clauses(sentence), spot)
            self.rights.private(entity, sentence, spot, of_all=not variant)
            about = self._other_version(entity, sentence, spot) or about
            variant = next((found for clause in reversed(clauses(sentence)) if (found := self._variant(clause))), variant)
        self._vendor_only(entity, text, spot, around)
        self.scribe.partly(entity, spot)

    def general(self, entity: EntityDraft, sentence: str, spot: Spot) -> None:
        """What a sentence about several models says of one of them: how open it is, what may be done with it, where it is offered."""
        self._platforms(entity, sentence, spot, Surroundings())
        self.scribe.prices.surcharge(entity, sentence, spot)
        for clause in clauses(sentence):
            self.rights.openness(entity, clause, spot)
            self.rights.permissions(entity, clause, spot)

    def _clauses(
        self, entity: EntityDraft, parts: list[str], spot: Spot, around: Surroundings, variant: dict[str, str], about: str
    ) -> None:
        frame: dict[str, str] = {}
        for index, clause in enumerate(parts):
            variant = self._variant(clause) or variant
            if self._about_another(entity, clause):
                continue
            # "As a closed model, GPT-4o ...": the subject of the first clause is named in the next one.
            leading = parts[index + 1] if re.match(r"作为|as an? ", clause, re.IGNORECASE) and index + 1 < len(parts) else ""
            name = self._other_version(entity, clause, spot) or self._other_version(entity, leading, spot) or about
            for part in _AND_HAS.split(clause):
                self._lengths(entity, part, spot, around)
            self._max_output(entity, clause, spot)
            self.rights.openness(entity, clause, spot.with_(about=name))
            self.rights.permissions(entity, clause, spot.with_(when={**variant, **frame}, about=name))
            self._figures(entity, clause, spot)
            if re.search(r"^在.*下$|场景|情况|^(?:under|for|in|with)\b", clause, re.IGNORECASE):
                frame = self.rights.circumstances(clause.lower())

    def _depends_on_hosts(self, sentence: str) -> bool:
        """Whether a sentence says that what follows are prices of third-party hosts."""
        lower = sentence.lower()
        return bool(self.words.patterns["third_party"].search(lower) and re.search(r"取决于|视.*而定|depend|var(?:y|ies)|set by", lower))

    def _vendor_only(self, entity: EntityDraft, text: str, spot: Spot, around: Surroundings) -> None:
        """Under a heading on self-hosting, a closed model with a vendor's private deployment and no word on self-hosting itself."""
        record = self.scribe.fields.get("self_host")
        if around.role != "self_host" or record is None or "vendor_only" not in record.values:
            return
        lower = plain(text).lower()
        said = any(claim.section == spot.section for claim in entity.claims.get("self_host", []))
        closed = any(claim.section == spot.section and claim.value == "closed" for claim in entity.claims.get("openness", []))
        offered = re.search(r"(?:提供|支持|可|offers?|provides?|available)[^。;；.]{0,20}", lower)
        if not said and closed and offered and self.words.patterns["private_phrases"].search(lower, offered.start()):
            quote = next(s for s in sentences(plain(text)) if self.words.patterns["private_phrases"].search(s.lower()))
            self.scribe.write(entity, "self_host", "vendor_only", spot, quote)

    # -- platforms and whole sentences --------------------------------------------------------------------------

    def _platforms(self, entity: EntityDraft, sentence: str, spot: Spot, around: Surroundings) -> None:
        in_section = around.role in ("channels", "private_deployment", "self_host")
        for match in _THROUGH.finditer(sentence):
            before = sentence[: match.start()]
            text = match["zh"] or match["en"] or ""
            if NEGATIVE.search(clauses(before)[-1] if clauses(before) else "") or re.match(r"(?:no|any)\b", text):
                continue
            if not (
                in_section
                or (match["en"] and _PLATFORM.search(text))
                or (match["zh"] and re.search(r"提供|调用|接入|API", sentence) and _PLATFORM.search(text))
            ):
                continue
            items = self._names_of_platforms(text)
            if items:
                self.scribe.write(entity, "channels", items, spot, sentence)
        if around.role == "channels" and not _THROUGH.search(sentence):
            head = re.match(r"[^(（,，。；;]{2,30}(?=\s*[(（])", sentence)
            if head and re.search(r"平台|API|Platform|Cloud|云$|Hub", head[0]) and not NEGATIVE.search(head[0]):
                self.scribe.write(entity, "channels", [head[0].strip()], spot, sentence)
        if in_section:
            kinds = [match[0] for match in self.words.patterns["billing"].finditer(sentence)]
            if kinds:
                self.scribe.write(entity, "billing", list(dict.fromkeys(kinds)), spot, sentence)

    def _names_of_platforms(self, text: str) -> list[str]:
        text = re.sub(r"^(?:the|its|their|our)\s+", "", text.strip())
        text = re.split(
            r"\s(?:with|for|under|at|as|which|where|starting|since|to|in (?:the|all|over)|from (?!the)|but|when|while|only)\s|，"
            r"|,(?= (?:with|which|where|and can))",
            text,
        )[0]
        items = []
        for part in re.split(r"、|,\s*(?:and\s+)?|\s+and\s+|\s*(?<![\u4e00-\u9fff])和\s*|\s+和\s*|以及|\s+与\s+|\s+or\s+", text):
            item = re.sub(r"^(?:(?:and|or|the|on|in|via|through|from|以及|和)\s+)+", "", part.strip(" 。.;；:：")).strip()
            item = re.sub(r"\s*等(?:平台|云|主流)?$", "", item)
            if 1 < len(item) <= 40 and re.search(r"[A-Z\u4e00-\u9fff]", item) and not _CARD.search(item):
                items.append(item)
        return items

    def _whole(self, entity: EntityDraft, sentence: str, spot: Spot, around: Surroundings) -> None:
        """Statements that are kept in their own words."""
        lower = sentence.lower()
        if self.words.patterns["terms_words"].search(lower):
            self.scribe.write(entity, "terms", sentence, spot, sentence)
        if _ANNOUNCED.search(lower):
            self.scribe.write(entity, "availability", sentence, spot, sentence)
        developed = _DEVELOPED.search(sentence)
        if developed and not entity.vendor:
            self.scribe.vendor(entity, developed["by"] or developed["zh"] or developed["en"] or developed["from"])
        if _RELEASED.search(sentence) and (value := date_in(sentence)):
            self.scribe.write(entity, "released_on", value, spot, sentence)

    # -- clauses -----------------------------------------------------------------------------------------------

    def _variant(self, clause: str) -> dict[str, str]:
        lower = clause.lower()
        for name in ("open_versions", "closed_versions"):
            if self.words.patterns[name].search(lower):
                return {"variant": name}
        return {}

    def _about_another(self, entity: EntityDraft, clause: str) -> bool:
        """Whether the subject of a clause is another known entity."""
        mentions = self.scribe.names.mentions(clause)
        others = [start for other, start, end in mentions if other is not entity and not self._is_sibling(entity, other, clause[start:end])]
        own = [start for other, start, _ in mentions if other is entity]
        if not others or (own and min(own) < min(others)):
            return False
        before = clause[: min(others)].lower().rstrip()
        return not self.words.patterns["compared"].search(before)

    def _is_sibling(self, entity: EntityDraft, other: EntityDraft, name: str) -> bool:
        """Whether a name that only other documents give a place of its own is a version of the entity: it is said in `about` then."""
        return other.elsewhere and split_name(name, other.vendor)[0].split(" ")[-1] in self._families(entity)

    def _families(self, entity: EntityDraft) -> set[str]:
        return {split_name(name, entity.vendor)[0].split(" ")[-1] for name in (entity.name, *entity.aliases)}

    def _other_version(self, entity: EntityDraft, clause: str, spot: Spot) -> str:
        """The name of another version of the entity's family that a clause has as its subject."""
        if spot.about:
            return spot.about
        own = self._families(entity)
        named = [(start, end) for one, start, end in self.scribe.names.mentions(clause) if one is entity]
        for match in NAME.finditer(clause):
            name = match[0].strip()
            if any(start < match.end() and match.start() < end for start, end in named):
                continue
            before = clause[: match.start()].lower().rstrip()
            if self.words.patterns["compared"].search(before):
                continue
            family = split_name(name)[0].split(" ")[-1]
            if family in own and self.scribe.names.find(name) is not entity:
                return name
        return ""

    def _lengths(self, entity: EntityDraft, clause: str, spot: Spot, around: Surroundings) -> None:
        lower = clause.lower()
        context = self.words.patterns["context_words"]
        if not (context.search(lower) or context.search(around.label.lower()) or _READS.search(lower)):
            return
        if self.words.patterns["price_words"].search(lower) or re.search(
            r"[<>≤≥]|超过|以内|以下|翻倍|output|输出|beyond|above|exceed|each request|每次", lower
        ):
            return
        lengths = [one for one in lengths_in(clause) if one.unit in ("token", "character") and one.value >= 1000]
        if re.search(r"(?:per|/|每|a)\s*(?:day|month|second|minute|hour|年|月|日|天|秒|分钟|小时)", lower):
            return
        lengths = [one for one in lengths if one.has_unit or context.search(lower)]
        if len(lengths) == 1:
            self.scribe.length(entity, "context_window", lengths[0], spot, clause)

    def _max_output(self, entity: EntityDraft, clause: str, spot: Spot) -> None:
        if re.search(r"最大输出|最长输出|输出上限|max(?:imum)? output|output limit|up to .{3,20} output tokens", clause, re.IGNORECASE):
            lengths = [one for one in lengths_in(clause) if one.unit == "token" and one.value >= 256]
            if len(lengths) == 1:
                self.scribe.length(entity, "max_output", lengths[0], spot, clause)

    def _figures(self, entity: EntityDraft, clause: str, spot: Spot) -> None:
        """Licences, latencies, parameter counts and kinds of media."""
        lower = clause.lower()
        if re.search(r"许可|协议|licen[sc]e|商用|仅限|commercial|research use|apache|(?<![a-z])mit(?![a-z])", lower) and not re.search(
            r"禁止.*(?:训练|蒸馏)", lower
        ):
            for licence in licences_in(clause):
                if any(one.source_line == spot.line and licence in str(one.value) for one in entity.claims.get("license", [])):
                    continue
                self.scribe.write(entity, "license", licence, spot, clause)
                if re.match(r"Apache|MIT$|BSD", licence):
                    self.scribe.openness_from_licence(entity, licence, spot)
        if _LATENCY.search(clause) and "latency" in self.scribe.fields:
            times = [one for one in find_quantities(clause) if one.unit in ("ms", "second") and one.high is None]
            if len(times) == 1:
                factor = 1000 if times[0].unit == "second" else 1
                bounded = re.search(r"[<≤]|不超过|以内|低于|小于|under|below|less than", clause, re.IGNORECASE)
                written = f"{bounded[0]}{times[0].text}" if bounded else ""
                self.scribe.write(
                    entity, "latency", f"{times[0].value * factor:f}", spot, clause, unit="ms", written=written, approx=bool(bounded)
                )
        sized = _PARAMETERS.search(clause)
        if sized:
            self.scribe.cell(entity, self.words.label("参数量"), f"{sized[1] or sized[3]}{sized[2] or sized[4]}", spot, PriceUnit())
        for field in self.words.data["clause_words"]:
            if 4 <= len(clause) <= 90 and self.words.patterns[field].search(lower):
                self.scribe.write(entity, field, clause, spot, clause)
        if re.search(r"多模态|跨模态|modal", lower):
            found = modalities_in(clause, self.words.data["modalities"])
            if len(found) > 1:
                self.scribe.write(entity, "modalities", found, spot, clause)

    def _uses(self, entity: EntityDraft, sentence: str, spot: Spot) -> None:
        """`适合日语客服、日文技术文档翻译`, `It is meant for e-mail triage`: what a sentence says a model is good for."""
        match = _MEANT.search(sentence)
        if match is None or len(sentence) > 160 or NEGATIVE.search(sentence[max(0, match.start() - 8) : match.start()]):
            return
        field = "strengths" if match["good"] or match["good_en"] else "scenarios"
        said = next(text for text in (match["good"], match["fit"], match["good_en"], match["fit_en"]) if text)
        items = [item.strip(" 。.的") for item in items_of(said)]
        if items and all(1 < len(item) <= 40 for item in items) and field in self.scribe.fields:
            known = {plain(str(part)) for one in entity.claims.get(field, []) if isinstance(one.value, list) for part in one.value}
            if not any(item in part for item in items for part in known):
                self.scribe.write(entity, field, items, spot, sentence)

    def _media(self, entity: EntityDraft, sentence: str, spot: Spot) -> None:
        """`支持文本、图片和音频输入`, `It takes speech, images and text`: the kinds of media that a model takes."""
        if "modalities" in entity.claims and any(one.source_line == spot.line for one in entity.claims["modalities"]):
            return
        for match in _MEDIA.finditer(sentence):
            if NEGATIVE.search(sentence[max(0, match.start() - 12) : match.end()]):
                continue
            found = modalities_in(match["media"] or match["zh"], self.words.data["modalities"])
            if len(found) > 1 or (found and found != ["文本"]):
                self.scribe.write(entity, "modalities", found, spot, match[0])
