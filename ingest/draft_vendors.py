"""Makers and their countries as running text tells them: `Obsidian Labs (Iceland) makes Basalt-2`, `总部位于美国的……推出……`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ingest.draft_cells import Scribe, Spot
from ingest.draft_lines import line_number, lines_of, wording_of
from ingest.draft_values import MAX_SENTENCE, country_in, sentences
from ingest.draft_words import plain
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
_OWN = re.compile(r"\s*(?:是|由)\s*(?P<org>[\u4e00-\u9fffA-Za-z]{2,12}?)\s*(?:开源|推出|发布|研发|开发|出品|自研)")
_MADE_BY = re.compile(rf"\bare (?:all |both )?(?:made|built|developed|released|published|offered|sold) by (?:the )?{_ORG}")
_TITLED = re.compile(
    r"^(?P<org>[A-Z][\w&-]*(?: [A-Z][\w&-]*){0,2} (?:AI|Labs|Inc|Ltd|GmbH|Corp|Systems|Research))(?='s|[\s–:-]).*"
    r"(?:pric|model|tariff|API|catalog|rate card)",
)
_ITS = re.compile(r"^(?:its\b|their\b|our\b|其)[^,.;，。；]{0,36}$", re.IGNORECASE)
_NO_ORG = re.compile(
    r"^(?:the|this|that|its|it|our|all|input|output|context|price|model|models|rival|vendor|api|azure|aws)$", re.IGNORECASE
)


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
        for block, _, text in lines:
            self.scribe.wording = wording_of(block)
            self._made_by(text)
            self._makers(text)
        self._heading_makers(blocks)
        self._only_maker(title)
        for entity in self.scribe.names.entities:
            seat = self._places.get(entity.vendor.lower())
            if seat and entity.claims and "country" not in entity.claims:
                code, quote, spot = seat
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

    def _makers(self, text: str) -> None:
        for entity, start, end in self.scribe.names.mentions(text):
            if entity.vendor or entity.kind != "model":
                continue
            before = text[:start]
            made = _MAKES.search(before)
            org = self._org_before(before[: made.start()]) if made else ""
            if not org and (own := _OWN.match(text, end)):
                org = own["org"]
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
