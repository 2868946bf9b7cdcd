"""Makers and their countries as running text tells them: `Obsidian Labs (Iceland) makes Basalt-2`, `总部位于美国的……推出……`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ingest.draft_cells import Scribe, Spot
from ingest.draft_lines import line_number, lines_of, wording_of
from ingest.draft_names import EntityDraft, clean_name
from ingest.draft_values import MAX_SENTENCE, country_in, sentences
from ingest.draft_words import Wording, plain
from kb.types import Block

_ORG = r"(?P<org>[A-Z][\w&-]*(?: (?:[A-Z][\w&.-]*|of|de)){0,4})"
_PLACE = r"(?P<place>[A-Z][\w' -]*(?:, [A-Z][\w' -]*){0,2})"
_ORG_ZH = r"(?P<org>[\u4e00-\u9fffA-Za-z]{2,12}?)"
_KIND = r"(?:company|vendor|lab|start-?up|firm|maker)"
_SEATED = (
    re.compile(rf"{_ORG},? (?:is |are )?(?:headquartered|based|located) in {_PLACE}"),
    re.compile(rf"{_ORG} is an? (?:\w+ )?{_KIND} (?:from|in|of) {_PLACE}"),
    re.compile(rf"{_ORG} is an? (?P<place>[A-Z]\w+) {_KIND}"),
    re.compile(rf"{_ORG} ?\((?P<place>[A-Z][A-Za-z ,]{{2,30}})\)"),
    re.compile(rf"{_ORG_ZH}(?:公司)?[,，(（]?总部(?:位于|设在|设于|在)(?P<place>[\u4e00-\u9fff]{{2,12}})"),
    re.compile(rf"{_ORG_ZH}[(（](?P<place>[\u4e00-\u9fff]{{2,12}})[)）]"),
    re.compile(rf"{_ORG_ZH}是一?家(?P<place>[\u4e00-\u9fff]{{2,6}}?)(?:的)?(?:公司|厂商|企业|初创)"),
)
"""An organisation with its place."""
_MAKES = re.compile(
    r"(?:makes?|builds?|develops?|offers?|sells?|launched|released|introduced|publishes|provides?|has|runs)"
    r"(?: (?:the|its|a|an|two|three|also))?(?: [\w-]+){0,3}\s*$"
    r"|(?:推出|发布|研发|开发|出品|自研|打造)(?:了|的)?(?:[\u4e00-\u9fff]{0,8})?\s*$|旗下(?:的)?(?:[\u4e00-\u9fff]{0,8})?\s*$"
)
"""What stands between a maker and its model."""
_OWN = re.compile(
    r"\s*(?:是|由)\s*(?P<org>[\u4e00-\u9fffA-Za-z]{2,12}?"
    r"|(?P<place>[\u4e00-\u9fff]{2,5}?)?\s*(?P<latin>[A-Z][\w&-]*(?: [A-Z][\w&-]*){0,3}))"
    r"\s*(?:(?:于|在)[^，。,]{2,16}?)?(?:开源|推出|发布|研发|开发|出品|自研)"
)
_ASIDE = re.compile(r"^(?P<name>[^()（）]{1,40}?)\s*[(（](?P<aside>[^()（）]{3,60})[)）]\s*$")
_ORG_WORD = re.compile(
    r"(?:\s(?:AI|Labs?|Inc\.?|Corp\.?|Ltd\.?|GmbH|AG|SAS|SA|BV|AB|Oy|K\.?K\.?|Systems|Technologies|Research|Group|Compute|Computing)|公司|集团|科技|智能"
    r"|实验室|研究院|智算|网络)$"
)
_ENGLISH_NAME = re.compile(
    r"(?:英文名(?:称)?(?:为|是|叫|作)?|英文(?:叫|写作)|known (?:in English |abroad )?as|English name(?: is)?"
    r"|marketed (?:abroad )?as)\s*[:：「“\"]?\s*(?P<en>[A-Z][A-Za-z]{2,})"
)
_LEADING_CJK = re.compile(r"[\u4e00-\u9fff]{2,8}")
_MADE_BY = re.compile(rf"\bare (?:all |both )?(?:made|built|developed|released|published|offered|sold) by (?:the )?{_ORG}")
_TITLED = re.compile(
    r"^(?P<org>[A-Z][\w&-]*(?: [A-Z][\w&-]*){0,2} (?:AI|Labs|Inc|Ltd|GmbH|Corp|Systems|Research))(?='s|[\s–:-]).*"
    r"(?:pric|model|tariff|API|catalog|rate card)",
)
_ITS = re.compile(r"^(?:its\b|their\b|our\b|其)[^,.;，。；]{0,36}$", re.IGNORECASE)
_NO_ORG = re.compile(
    r"^(?:the|this|that|its|it|our|all|input|output|context|price|model|models|rival|vendor|api|azure|aws)$", re.IGNORECASE
)


def _under(section: str, heading: str) -> bool:
    return section == heading or section.startswith(heading + " > ")


class Makers:
    """Reads the makers of a document's models and writes vendor and country where no table or label has."""

    def __init__(self, scribe: Scribe) -> None:
        self.scribe = scribe
        self._places: dict[str, tuple[str, str, Spot]] = {}
        """Country code, quote and place by organisation in lower case."""
        self._names: dict[str, str] = {}

    def read(self, blocks: Sequence[tuple[Block, Spot]], title: str) -> None:
        """All of a document: first where organisations are, then which of them makes what."""
        lines = list(self._lines(blocks))
        for _, spot, text in [*((None, blocks[0][1], title),) * bool(blocks), *lines]:
            self._seats(text, spot)
        for block, spot, text in lines:
            self.scribe.wording = wording_of(block)
            self._made_by(text)
            self._makers(text, spot)
        self._asides(blocks)
        self._heading_makers(blocks)
        self._english_names(blocks)
        self._only_maker(title)
        for entity in self.scribe.names.entities:
            seat = self._places.get(entity.vendor.lower())
            if seat and entity.claims and "country" not in entity.claims:
                code, quote, spot = seat
                self.scribe.wording = Wording(quote)
                self.scribe.write(entity, "country", code, spot, quote, note=f"{entity.vendor} 所在国", note_en=f"where {entity.vendor} is")

    def _lines(self, blocks: Sequence[tuple[Block, Spot]]) -> Iterator[tuple[Block, Spot, str]]:
        for block, spot in blocks:
            if block.table is None:
                for offset, line in lines_of(block):
                    for sentence in sentences(plain(line)):
                        if len(sentence) <= MAX_SENTENCE:
                            yield block, spot.with_(line=line_number(block, offset)), sentence

    def _seats(self, text: str, spot: Spot) -> None:
        field = self.scribe.fields.get("country")
        for pattern in _SEATED:
            for match in pattern.finditer(text):
                org, code = match["org"].strip(), country_in(match["place"].split(",")[-1], field) or country_in(match["place"], field)
                if code and not _NO_ORG.match(org) and self.scribe.names.find(org) is None and not self.scribe.names.mentions(org):
                    self._places.setdefault(org.lower(), (code, match[0], spot))
                    self._names.setdefault(org.lower(), org)

    def _makers(self, text: str, spot: Spot) -> None:
        for entity, start, end in self.scribe.names.mentions(text):
            if entity.vendor or entity.kind != "model":
                continue
            before = text[:start]
            made = _MAKES.search(before)
            org = self._org_before(before[: made.start()]) if made else ""
            if not org and (own := _OWN.match(text, end)):
                org = own["latin"] or own["org"]
                self._place_of(org, own["place"] or "", text, spot)
            if not org and _ITS.match(before.strip()) and len(self._names) == 1:
                org = next(iter(self._names.values()))
            if org:
                self.scribe.vendor(entity, org)

    def _made_by(self, text: str) -> None:
        """`Mistigri 2 and Mistigri 2 Grand are made by Chat Noir SAS`."""
        by = _MADE_BY.search(text)
        org = by["org"].strip() if by else ""
        for entity, _, end in self.scribe.names.mentions(text) if by and not _NO_ORG.match(org) else ():
            if by is not None and end <= by.start() and not entity.vendor:
                self.scribe.vendor(entity, org)

    def _place_of(self, org: str, place: str, quote: str, spot: Spot) -> None:
        code = country_in(place, self.scribe.fields.get("country")) if place else ""
        if code:
            self._places.setdefault(org.lower(), (code, quote, spot))

    def _asides(self, blocks: Sequence[tuple[Block, Spot]]) -> None:
        """Headings of models with their maker and its place in brackets: `青鸾 3.5 系列（青鸾智能，杭州，中国）`."""
        seen: set[tuple[str, ...]] = set()
        for block, spot in blocks:
            for depth in range(1, len(block.headings) + 1):
                path = block.headings[:depth]
                match = None if path in seen else _ASIDE.match(clean_name(path[-1]))
                seen.add(path)
                parts = [part.strip() for part in re.split(r"[，,、·;；]", plain(match["aside"]))] if match else []
                if match is None or len(parts) < 2 or not country_in(parts[-1], self.scribe.fields.get("country")):
                    continue
                if not (len(parts) == 3 or _ORG_WORD.search(parts[0])) or not 2 <= len(parts[0]) <= 30:
                    continue
                for entity in self._below(path, match["name"]):
                    if not entity.vendor:
                        self.scribe.vendor(entity, parts[0])
                    self._place_of(parts[0], parts[-1], path[-1], spot)

    def _below(self, path: tuple[str, ...], name: str) -> list[EntityDraft]:
        """The models that a heading names, or whose statements stand under it."""
        whole = " > ".join(path)
        named = self.scribe.names.find(name.strip())
        return [
            entity
            for entity in self.scribe.names.entities
            if entity.kind == "model"
            and (entity is named or any(_under(claim.section, whole) for claims in entity.claims.values() for claim in claims))
        ]

    def _english_names(self, blocks: Sequence[tuple[Block, Spot]]) -> None:
        """`英文名 Luan` under the heading of a family: the English name with the version is another name of each of its models."""
        for block, _ in blocks:
            for sentence in sentences(plain(block.text)) if block.table is None else ():
                match = _ENGLISH_NAME.search(sentence) if len(sentence) <= MAX_SENTENCE else None
                if match is None:
                    continue
                places = [sentence[: match.start()], *reversed([clean_name(heading) for heading in block.headings])]
                for text in places:
                    lead = _LEADING_CJK.match(text.strip())
                    entities = self._family(lead[0]) if lead else []
                    for entity, stem in entities:
                        self.scribe.names.alias(entity, match["en"] + entity.name[len(stem) :])
                    if entities:
                        break

    def _family(self, lead: str) -> list[tuple[EntityDraft, str]]:
        """Models whose name begins with a Chinese word that also begins a text, and that word."""
        found = []
        for entity in self.scribe.names.entities:
            stem = _LEADING_CJK.match(entity.name)
            rest = lead[len(stem[0]) :] if stem and lead.startswith(stem[0]) else "-"
            if entity.kind == "model" and stem and re.fullmatch(r"(?:系列|大?模型|家族)?", rest):
                found.append((entity, stem[0]))
        return found

    def _org_before(self, text: str) -> str:
        """The organisation that ends a text, or that a bracket or a comma with its place follows."""
        text = re.sub(r"\s*[(（][^()（）]*[)）]\s*$|,? (?:is )?(?:based|headquartered) in [^.;]*$", "", text.rstrip(" ,，、"))
        found = re.search(rf"{_ORG}$", text) or re.search(r"(?:^|[，,。；;])(?P<org>[\u4e00-\u9fffA-Za-z]{2,12})$", text)
        org = found["org"] if found else ""
        return "" if _NO_ORG.match(org) or self.scribe.names.mentions(org) else org

    def _only_maker(self, title: str) -> None:
        """A document titled by the one organisation that it places somewhere is about that one's models."""
        titled = None if self.scribe.words.is_generic(title.split(" ")[0]) else _TITLED.match(title)
        known = self._names or ({titled["org"].lower(): titled["org"]} if titled else {})
        if len(known) != 1 or any(entity.vendor for entity in self.scribe.names.entities):
            return
        low, name = next(iter(known.items()))
        if re.search(rf"(?<!\w){re.escape(low)}(?!\w)", title.lower()):
            for entity in self.scribe.names.entities:
                if entity.kind == "model" and not entity.elsewhere:
                    self.scribe.vendor(entity, name)

    def _heading_makers(self, blocks: Sequence[tuple[Block, Spot]]) -> None:
        """Models of a section whose heading is an organisation: `Rival: Obsidian Labs (Iceland)`."""
        by_section: dict[str, set[str]] = {}
        for entity in self.scribe.names.entities:
            sections = {claim.section for claims in entity.claims.values() for claim in claims}
            if not entity.vendor and len(sections) == 1:
                by_section.setdefault(sections.pop(), set()).add(entity.name)
        for section, names in by_section.items():
            last = section.split(" > ")[-1].lower()
            orgs = [org for org in self._names if re.search(rf"(?<![\w]){re.escape(org)}(?![\w])", last)]
            if len(orgs) == 1:
                for name in names:
                    if (found := self.scribe.names.find(name)) is not None:
                        self.scribe.vendor(found, self._names[orgs[0]])
