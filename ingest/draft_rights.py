"""How open a model is and what may be done with it: its weights, its outputs, running it on one's own machines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.draft_cells import Scribe, Spot
from ingest.draft_names import EntityDraft
from ingest.draft_values import clauses, licences_in, polarity
from ingest.draft_words import Lexicon, plain

NEGATIVE = re.compile(r"(?<![a-z])(?:not|no longer|never|cannot)(?![a-z])|不|未|无法|没有", re.IGNORECASE)
_SUBJECT_ZH = re.compile(
    r"(?:^|作为|是(?:一[款个种])?|属于|为|已(?:经)?|全面?|完全|采用|均|都|该模型|本模型|目前|默认|仍|一款|最强(?:大)?的?)$"
)
_SUBJECT_EN = re.compile(
    r"(?:^|\b(?:is|are|as|an|a|fully|remains?|stays?|being|was|it's|its|completely|entirely|both|currently|ships? as|released as"
    r"|(?:is|are) (?:our|their)|ist|sind|ein|eine|unser)\s*)$",
    re.IGNORECASE,
)
_NOT_SUBJECT = re.compile(
    r"^(?:[-\s]*(?:源)?(?:社区|生态|工具|框架|力量|项目|替代|组件|版本?|了)|\s*(?:community|communities|alternatives?|ecosystem|tools?"
    r"|frameworks?|projects?|rivals?|competitors?|versions?|variants?|editions?|peers?|models\s+(?:such|like)))",
    re.IGNORECASE,
)
_BARE_CLOSED = re.compile(
    r"^(?P<who>[^,]{0,40}?)\s*\b(?:is|are|remains?|stays?|ist|sind)\s+(?:an?\s+|both\s+|fully\s+|strictly\s+|ein(?:e)?\s+)?"
    r"(?:closed|geschlossen(?:es|e)?)(?=\s*(?:$|[,.;]|and\b|und\b|model\b|modell\b|flagship\b))",
    re.IGNORECASE,
)
"""`X is closed and API-only`: the plain word, said of the model and of nothing else."""
_ITSELF = re.compile(r"(?:it|this model|the model|both|they|es|das modell)?$", re.IGNORECASE)
_WEIGHTS = re.compile(
    r"权重[^，。,;；]{0,14}下载|下载[^，。,;；]{0,6}权重|weights[^,.;]{0,30}download|download[^,.;]{0,12}weights"
    r"|host [^,.;?]{0,30}(?:myself|yourself|ourselves)",
    re.IGNORECASE,
)
_RUN_BY_USERS = re.compile(
    r"\b(?:you|customers|users|clients|teams|companies)\s+(?:(?:can|may|must|have to|need to)\s+)?(?:run|host|operate)s?\s+(?:it|them)\s+"
    r"(?:yourself|yourselves|themselves|on (?:your|their) own)|\bruns? on (?:your|their|customers'|the customer's) own (?:servers?|hardware"
    r"|machines?|gpus?|infrastructure)|(?:用户|客户|企业)(?:需)?自行部署",
    re.IGNORECASE,
)
"""Words that say by themselves that users run the model."""
_API_ONLY = re.compile(
    r"\bAPI[- ]only\b|\bonly (?:available |offered |sold )?(?:through|via|as|over) (?:an |the |its |our )?(?:\w+ )?API\b|\bnur (?:über"
    r" (?:die |eine )?)?API\b|(?:仅|只)(?:提供|支持|通过|能通过|限|有|开放)\s*(?:官方|云端|公有云)?\s*API(?!\s*[、和与及/])",
    re.IGNORECASE,
)
_DENIED_BEFORE = re.compile(
    r"(?:不支持|不提供|不允许|不可以?|不能|无法|禁止|没有|暂无|未提供|不开放|暂不支持|尚不支持|不接受|(?<![a-z])(?:no|(?:not|n't|cannot)"
    r" (?:support|offer|allow|provide|be (?:installed|deployed|run|hosted|used|operated)(?: in| on)?)|cannot run|without"
    r"|kein(?:e|en)?))\s*(?:任何|客户|企业|本地|其|进行|做|对其|用户|any|an?|the"
    r"|(?:form of )?)?\s*$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"^(?:部署|方案|模式|版本?|交付|\s*(?:deployments?|hosting|installations?|options?|use))?\s*(?:(?:暂|均|目前|尚|也|都)?(?:不支持|不提供"
    r"|不可用|不允许|不开放|不可行)|(?:is|are)\s+(?:currently\s+|also\s+)?(?:not|un)\s*(?:available|offered|possible|supported|allowed"
    r"|provided|permitted)|(?:wird |ist )?nicht (?:angeboten|möglich|verfügbar|erlaubt))",
    re.IGNORECASE,
)
_OFFERS = re.compile(
    r"可|允许|支持|提供|能|\b(?:can|may|offers?|offered|available|allowed|supports?|provides?|possible)\b", re.IGNORECASE
)
_FRAME = re.compile(r"(?:场景下?|情况下|之后|以后|前提下|时)$|是否|能否|可否|^(?:under|after|in case of|whether)\b", re.IGNORECASE)
"""A clause that only says when, or asks whether."""
_IF = re.compile(r"^(?:作为|若|如果|if )", re.IGNORECASE)
_MONEY = re.compile(r"\d\s*[万亿]?\s*(?:元|美元|欧元)|[$€£¥]\s?\d|(?:USD|EUR|GBP|CNY)\s?\d")
_NEXT_SAYS = re.compile(r"、(?=(?:但|也|且|并)?(?:不|禁止|严禁|允许|支持|可|需|仅|无|未))")
_BARE_ITEM = re.compile(r"(?:both )?[a-z]+(?:[- ][a-z]+){0,2}", re.IGNORECASE)
_LIST_GOES_ON = re.compile(r"(?:[a-z]+(?:[- ][a-z]+){0,2})?\s*(?:and|or|und|oder)\s+[a-z]", re.IGNORECASE)
_CARDS = re.compile(
    r"(?:部署|运行|推理|自建|跑|本地)[^，。；;]{0,16}(?:\d+|[一二两三四六八单])\s*(?:张|块|卡|台)|(?:单张?|[\d一二两四八]+\s*[张块])[^，。；;]{0,16}(?:显卡|卡|GPU)"
    r"[^，。；;]{0,16}(?:运行|部署|跑|推理)|\b(?:runs?|fits?|deployed|hosted|served|inference)\b[^.;,]{0,24}\b(?:\d+|one|two|four|eight|a"
    r" single)\b[^.;,]{0,20}\bGPUs?\b|\b(?:needs?|requires?)\b[^.;,]{0,24}\b(?:\d+|one|two|four|eight|a single)\b[^.;,]{0,20}\bGPUs?\b",
    re.IGNORECASE,
)
"""What cards a model needs, as a document states it."""


def states_rights(text: str, words: Lexicon) -> bool:
    """Whether a text says how open something is or what may be done with it."""
    lower = text.lower()
    names = ("open", "closed", "self_host_phrases", "private_phrases")
    return any(words.patterns[name].search(lower) for name in names) or bool(
        licences_in(text) or re.search(r"\b(?:is|ist) (?:a )?(?:closed|geschlossen)\b", lower)
    )


class Rights:
    """Writes openness, self-hosting, private deployment and distillation through a `Scribe`."""

    def __init__(self, scribe: Scribe) -> None:
        self.scribe = scribe
        self.words = scribe.words

    # -- openness ----------------------------------------------------------------------------------------------

    def openness(self, entity: EntityDraft, clause: str, spot: Spot) -> None:
        """What a clause about the entity says of its weights."""
        lower = clause.lower()
        if self.words.patterns["mixed"].search(lower):
            self.scribe.write(entity, "openness", "mixed", spot, clause)
            return
        for name in ("open_versions", "closed_versions"):
            if self.words.patterns[name].search(lower) and re.search(
                r"包含|包括|提供|推出|发布|开源了|顶级|旗舰|offers?|includes?|has|have|releases?|published|flagship|top", lower
            ):
                self.scribe.write(entity, "openness", "mixed", spot.with_(about=""), clause)
                return
        if lower.strip(" .。") in ("open", "closed"):
            self.scribe.write(entity, "openness", lower.strip(" .。"), spot, clause)
            return
        for value, pattern in (("closed", self.words.patterns["closed"]), ("open", self.words.patterns["open"])):
            for match in pattern.finditer(lower):
                before = self._without_own_name(entity, lower[: match.start()]).rstrip(" :：*")
                after = lower[match.end() :]
                if _NOT_SUBJECT.match(after) or (value == "open" and NEGATIVE.search(before[-8:])):
                    continue
                if _SUBJECT_ZH.search(before) or _SUBJECT_EN.search(before + " "):
                    self.scribe.write(entity, "openness", value, spot, clause)
                    return
        plainly = _BARE_CLOSED.match(clause)
        if plainly and _ITSELF.match(self._without_own_name(entity, plainly["who"].lower()).strip(" :：*-•")):
            self.scribe.write(entity, "openness", "closed", spot, clause)

    def _without_own_name(self, entity: EntityDraft, text: str) -> str:
        for name in (entity.name, *entity.aliases):
            if text.rstrip().endswith(name.lower()):
                return text.rstrip()[: -len(name)]
        return text

    # -- self-hosting and distillation -------------------------------------------------------------------------

    def permissions(self, entity: EntityDraft, clause: str, spot: Spot) -> None:
        """What a clause allows or forbids."""
        for part in _NEXT_SAYS.split(clause):
            self._permission(entity, part, spot)

    def _permission(self, entity: EntityDraft, clause: str, spot: Spot) -> None:
        lower = clause.lower()
        for field, phrases in (("self_host", "self_host_phrases"), ("distillation", "distillation_phrases")):
            pattern = self.words.patterns[phrases]
            if field == "self_host" and not pattern.search(lower):
                pattern = _WEIGHTS
            by_users = field == "self_host" and _RUN_BY_USERS.search(lower) and not self.words.patterns["negations"].search(lower)
            if not (pattern.search(lower) or by_users) or field not in self.scribe.fields:
                continue
            if field == "self_host" and self.words.patterns["private_phrases"].search(lower) and not re.search(r"自主|self", lower):
                continue
            value = "yes" if by_users else polarity(clause, pattern, self.words)
            if value and value in self.scribe.fields[field].values:
                self.scribe.write(entity, field, value, spot.with_(when=self.circumstances(lower)), clause)
        if field_restricted := self._contract(lower):
            self.scribe.write(entity, field_restricted, "restricted", spot.with_(when=self.circumstances(lower)), clause)

    def listed(self, entity: EntityDraft, parts: Sequence[str], spot: Spot) -> None:
        """`self-hosting, fine-tuning and distillation are allowed`: what the last of an enumeration says holds for all of it."""
        for index, part in enumerate(parts[:-1]):
            rest = parts[index + 1 :]
            ends = next((at for at, one in enumerate(rest) if not _BARE_ITEM.fullmatch(one)), None)
            if _BARE_ITEM.fullmatch(part) and ends is not None and _LIST_GOES_ON.match(rest[ends]):
                self._permission(entity, f"{part}, {rest[ends]}", spot)

    def _contract(self, lower: str) -> str:
        """`whether distillation is allowed depends on the contract`"""
        pattern = self.words.patterns["distillation_phrases"]
        if pattern.search(lower) and re.search(r"取决于|depends on|subject to|视.{0,6}(?:合同|协议)", lower):
            return "distillation"
        return ""

    def circumstances(self, lower: str) -> dict[str, str]:
        """The access and the audience that a statement is limited to."""
        when: dict[str, str] = {}
        for name in ("public_api", "private_deployment"):
            if self.words.patterns[name].search(lower):
                when["channel"] = name
        if self.words.patterns["ordinary"].search(lower):
            when["audience"] = "ordinary"
        return when

    # -- private deployment ------------------------------------------------------------------------------------

    def private(self, entity: EntityDraft, sentence: str, spot: Spot, *, of_all: bool) -> None:
        """Private deployment as a sentence offers or denies it, and the cards that running the model takes.

        `of_all`: it speaks of the model as a whole, not of its open or closed versions.
        """
        parts = [part for clause in clauses(sentence) for part in _NEXT_SAYS.split(clause)]
        pattern = self.words.patterns["private_phrases"]
        offered: list[str] = []
        for part in parts:
            lower = part.lower()
            match = pattern.search(lower)
            if match and not _IF.match(lower):
                if _DENIED_BEFORE.search(lower[: match.start()]) or _DENIED_AFTER.match(lower[match.end() :]):
                    self._once(entity, "no", spot, part) if of_all else None
                elif not self.words.patterns["negations"].search(lower):
                    offered.append(part)
            elif of_all and _API_ONLY.search(part) and not self._of_versions(lower):
                self._once(entity, "no", spot, part)
            if _CARDS.search(part) and "hardware" in self.scribe.fields and not self.words.patterns["price_words"].search(lower):
                self.scribe.write(entity, "hardware", part, spot, part)
        if offered and not _IF.match(sentence.lower()):
            whole = not self.words.patterns["distillation_phrases"].search(sentence.lower()) and len(offered) == len(
                [part for part in parts if pattern.search(part.lower())]
            )
            offered = offered if whole else [part for part in offered if _OFFERS.search(part) and not _FRAME.search(part)]
            shown = sentence if whole else "，".join(offered)
            known = [plain(str(one.value)) for one in entity.claims.get("private_deployment", []) if one.source_line == spot.line]
            if not whole:
                offered = [part for part in parts if part in offered or (_MONEY.search(part) and parts[parts.index(part) - 1] in offered)]
                shown = "，".join(offered)
            if offered:
                if not any(one.rstrip("。.;；") in shown for one in known):
                    self.scribe.write(entity, "private_deployment", shown, spot, sentence)
                self._by_openness(entity, spot, offered[0]) if of_all else None

    def _of_versions(self, lower: str) -> bool:
        return any(self.words.patterns[name].search(lower) for name in ("open_versions", "closed_versions"))

    def _by_openness(self, entity: EntityDraft, spot: Spot, quote: str) -> None:
        """Private deployment of an open model is self-hosting; that of a closed one is the vendor's, where the same line says both."""
        if not _OFFERS.search(quote) or _FRAME.search(quote):
            return
        if self.words.patterns["restrictions"].search(quote.lower()):
            return
        said = {
            str(claim.value)
            for claim in entity.claims.get("openness", [])
            if claim.source_line == spot.line and not claim.when and claim.about == spot.about
        }
        if said in ({"open"}, {"closed"}):
            self._once(entity, "yes" if said == {"open"} else "vendor_only", spot, quote)

    def is_term(self, text: str) -> bool:
        """Whether a phrase states a licence, a permission or what it runs on, and is no praise."""
        lower = text.lower()
        names = ("open", "closed", "mixed", "self_host_phrases", "private_phrases", "distillation_phrases")
        return bool(
            any(self.words.patterns[name].search(lower) for name in names)
            or licences_in(text)
            or _API_ONLY.search(text)
            or _CARDS.search(text)
            or _MONEY.search(text)
            or re.match(r"(?:暂|均|也)?(?:不|禁止|严禁|未|无法|没有)|(?:仅|只)(?:限|能|供)|(?:not?|no|only) ", lower)
        )

    def _once(self, entity: EntityDraft, value: str, spot: Spot, quote: str) -> None:
        """Writes self-hosting unless this line has said something of it already."""
        record = self.scribe.fields.get("self_host")
        known = (claim for claim in entity.claims.get("self_host", []) if claim.source_line == spot.line)
        if record is not None and value in record.values and not any(True for _ in known):
            self.scribe.write(entity, "self_host", value, spot, quote)
