"""What looks like the name of a model, and which entities a document is about.

A name comes from a place where names stand: a table's model column, a heading with facts under it, a list label, the
document's title. Running text never adds one, it only mentions those that are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.draft_words import Lexicon, alternation, plain
from kb.catalog.catalog import name_key
from kb.catalog.schema import ClaimRecord, EntityKind

_NUMBERING = re.compile(
    r"^(?:第?[一二三四五六七八九十百]+[、.．章节)）]\s*|[(（][一二三四五六七八九十\d]+[)）]\s*|(?:§\s*)?\d+(?:\.\d+)*[.、)）:]\s+"
    r"|\d+(?:\.\d+)+\s+|\d+(?:\.\d+)*[、)）]\s*|[A-Z][.)]\s+|[#*•●▪■◆★☆✦]+\s*)+"
)
_URL = re.compile(r"\s*[(（]?\s*(?:https?://|www\.)[^\s)）]*\s*[)）]?")
_BRACKET = re.compile(r"\s*[(（\[【]([^()（）\[\]【】]*)[)）\]】]\s*")
_SENTENCE = re.compile(r"[，。！？!?；;：:、“”\"]|, |\. ")
_VERSION_WORDS = (
    "pro|max|mini|turbo|flash|ultra|plus|opus|sonnet|haiku|lite|air|nano|thinking|preview|instruct|coder|vl|omni|long|base|chat|large|small|medium|xl"
    "|micro|edge|vision|code|reasoner|fast|core|prime|standard"
)
_VERSION = re.compile(
    rf"(?<![a-z0-9.])(?P<version>(?:[vrkxgm]-?)?\d+(?:\.\d+)*(?:x\d+)?[a-z]?)(?![a-z0-9])(?P<rest>(?:[\s\-]*(?:{_VERSION_WORDS}"
    rf"|\d+b))*)(?![a-z])"
    rf"|(?<=[a-z\u4e00-\u9fff])(?P<glued>\d+(?:\.\d+)*[a-z]?)(?P<rest2>(?:[\s\-]*(?:{_VERSION_WORDS}|\d+b))*)(?![a-z])",
    re.IGNORECASE,
)
_VARIANT = re.compile(rf"(?<=[\s\-])(?:{_VERSION_WORDS})(?![a-z])", re.IGNORECASE)
_LATIN = re.compile(r"[A-Za-z]{2,}|[A-Za-z]\d")
_NOT_NAMES = re.compile(
    r"^(?:step|q\d|table|figure|fig|chapter|section|part|appendix|top|tier|phase|level|question|q|h|week|day|item|note|version|v|round"
    r"|row|no|page|表|图|第)\s*[-.]?\s*\d+[a-z]?$"
    r"|^\d|^q\d\b|^(?:a|h|b|l|v|mi|rtx|gtx|tpu|t)\s?-?\d{1,4}[a-z]?$|^(?:gpu|cpu|api|sdk|llm|llms|ai|usd|cny|eur|rmb|token|tokens|sla"
    r"|faq|n/?a|tbd|total|合计|总计|平均|小计|yes|no|无|-+|—+)$",
    re.IGNORECASE,
)
NO_MODEL = re.compile(
    r"^(?:Apache|Python|CUDA|Windows|Ubuntu|Linux|Android|iOS|ISO|IEEE|RFC|HTTP|USB|PCIe|DDR|Wi-?Fi|Office|Version|Release|Phase|Level"
    r"|Article|Clause|Schedule|Annex|Issue|Vol|Above|Over|Under|Below|From|Beyond|About|Around|Only|Just|Until|Since|Between|Within|Than"
    r"|In|On|By|At|For|Of|With|Per|Least|Most|More|Nearly|Roughly|Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?"
    r"|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b",
    re.IGNORECASE,
)
"""Words before a number that make no model of it."""
_CJK_MODEL = re.compile(r"^[\u4e00-\u9fff]{2,8}(?:大模型|模型)$")
_CJK_KIND = re.compile(
    r"^(?:开源|闭源|国产|国际|国内|海外|通用|垂直|轻量|主流|多模态|语言|商业|商用|小|大|基础|推荐|行业|各|本|该|其他|其它|全部|所有"
    r"|推理|视觉|语音|云端|端侧|本地|候选|新|旧|高端|中端|入门)+(?:大模型|模型)$"
)
_VENDOR_WORDS = re.compile(
    r"(?:\s(?:AI|Labs?|Inc\.?|Corp\.?|Ltd\.?|GmbH|Systems|Technologies|Research|Group|Compute|Computing|Software|Networks|Robotics"
    r"|Studio)|公司|集团|科技|智能|实验室|研究院)$",
    re.IGNORECASE,
)
_MAX_NAME = 48
_BETWEEN = re.compile(r"[\s\-_·•‐-―]")
_NEXT_WORD = re.compile(r"[ -]([A-Z][a-z]{2,})(?![A-Za-z])")
_LATIN_OR_DIGIT = re.compile(r"[a-z0-9]", re.IGNORECASE)
_CONTINUES = re.compile(r"[a-z]|\.?\d", re.IGNORECASE)


@dataclass
class EntityDraft:
    """A thing that a document says something about, with the claims drafted from it."""

    name: str
    aliases: list[str] = field(default_factory=list)
    vendor: str = ""
    kind: EntityKind = "model"
    elsewhere: bool = False
    """Named by another document; this one has not given it a place of its own."""
    claims: dict[str, list[ClaimRecord]] = field(default_factory=dict)
    _said: set[tuple[object, ...]] = field(default_factory=set, repr=False, compare=False)

    @property
    def family(self) -> str:
        """The name without vendor and version, in lower case."""
        return split_name(self.name, self.vendor)[0]

    @property
    def version(self) -> str:
        """The version or variant in the name, empty if there is none."""
        return split_name(self.name, self.vendor)[1]

    def prefer(self, name: str) -> None:
        """Makes a way to write the name the main one: that of the section about the entity."""
        if name and name != self.name:
            former, self.name = self.name, name
            self.aliases = [alias for alias in self.aliases if name_key(alias) != name_key(name)]
            self.add_alias(former)

    def add(self, field_id: str, record: ClaimRecord) -> None:
        """Adds a claim unless the same place already says the same."""
        known = self.claims.setdefault(field_id, [])
        value = tuple(record.value) if isinstance(record.value, list) else record.value
        same = (field_id, value, record.unit, record.section, tuple(sorted(record.when.items())), record.about)
        if same not in self._said:
            self._said.add(same)
            known.append(record)

    def add_alias(self, alias: str) -> None:
        """Another way to name it; ways that only differ in case, spaces and hyphens are one."""
        keys = {name_key(self.name), *(name_key(known) for known in self.aliases)}
        if len(alias) > 1 and name_key(alias) not in keys:
            self.aliases.append(alias)


def clean_name(text: str) -> str:
    """A cell, heading or label without numbering, links, marks of emphasis and closing colon."""
    text = _URL.sub("", plain(text))
    text = re.sub(r"[*_`~†‡※⭐🔥🏆🥇🥈🥉]+|\[\d+\]$", "", text)
    text = re.sub(r"^[\U0001F1E6-\U0001F1FF\U0001F300-\U0001FAFF\s]+|[\U0001F1E6-\U0001F1FF\U0001F300-\U0001FAFF\s]+$", "", text)
    return _NUMBERING.sub("", text).strip().rstrip(":：#").strip()


def name_and_aside(text: str) -> tuple[str, tuple[str, ...]]:
    """A name and what stands in brackets behind it: `Qwen3（通义千问）` -> (`Qwen3`, (`通义千问`,))."""
    asides = tuple(part.strip() for part in _BRACKET.findall(text) if part.strip())
    return _BRACKET.sub(" ", text).strip(), asides


def split_name(name: str, vendor: str = "") -> tuple[str, str]:
    """Family and version: `GPT-5.1` -> (`gpt`, `5.1`), `Aurora-7 Pro` -> (`aurora`, `7 pro`), `Qwen-Max` -> (`qwen`, `max`)."""
    text = plain(name)
    if vendor and text.lower().startswith(vendor.lower()) and len(text) > len(vendor) + 1:
        text = text[len(vendor) :].strip()
    lower = text.lower()
    match = _VERSION.search(lower)
    if match and match.start() > 0:
        return lower[: match.start()].strip(" -_"), match[0].strip(" -_")
    letter = re.search(r"(?<=\w)[- ][A-Z]$", text)
    if letter and letter.start() > 1:
        return lower[: letter.start()].strip(" -_"), lower[letter.start() :].strip(" -_")
    variant = _VARIANT.search(lower)
    if variant and variant.start() > 1:
        return lower[: variant.start()].strip(" -_"), lower[variant.start() :].strip(" -_")
    return lower.strip(" -_"), ""


def name_strength(text: str, words: Lexicon) -> int:
    """How much a text looks like a model's name by itself: 0 not at all, 1 perhaps, 2 likely (a word with a version)."""
    if not 1 < len(text) <= _MAX_NAME or _SENTENCE.search(text) or _NOT_NAMES.match(text) or "/" in text.strip("/"):
        return 0
    if re.search(r"[$¥€£%=<>≤≥§#]|\d{4}[-年]\d", text) or len(text.split()) > 5:
        return 0
    cjk_model = bool(_CJK_MODEL.match(text)) and not _CJK_KIND.match(text)
    if words.is_generic(text) and not cjk_model:
        return 0
    family, version = split_name(text)
    if not family or not re.search(r"[a-z\u4e00-\u9fff]", family):
        return 0
    if version and (re.search(r"\d", version) or "-" in text):
        return 2
    if cjk_model:
        return 1
    if _LATIN.search(text):
        return 1 if re.search(r"[A-Z]", text) else 0
    return 1 if re.fullmatch(r"[\u4e00-\u9fff]{2,6}", text) else 0


def is_variant_word(text: str) -> bool:
    """Whether a text is only the name of a variant (`Lite`, `Pro Max`)."""
    return bool(re.fullmatch(rf"(?:(?:{_VERSION_WORDS})[\s\-]*)+", text, re.IGNORECASE))


class Names:
    """The entities of one document by the ways they are named."""

    def __init__(self, words: Lexicon) -> None:
        self.words = words
        self.entities: list[EntityDraft] = []
        self._by_key: dict[str, EntityDraft] = {}
        self._lengths: dict[str, list[int]] = {}
        """Lengths of the known names by their first two letters, the longest first."""
        self._beside = alternation(words.data["beside_name"])

    def find(self, text: str) -> EntityDraft | None:
        """The entity that goes by this name; a trailing zero of a version makes no other name (`5.10`, `5.1`)."""
        key = name_key(text)
        return self._by_key.get(key) or self._by_key.get(without_zero(key))

    def add(self, text: str) -> EntityDraft:
        """The entity of this name, new if there is none."""
        name, asides = name_and_aside(text)
        known = self.find(text) or self.find(name)
        if known is not None:
            known.add_alias(name)
            known.elsewhere = False
        else:
            known = EntityDraft(name or text)
            self.entities.append(known)
        self._register(known, text, name)
        for aside in asides:
            if not known.vendor and _VENDOR_WORDS.search(aside) and not re.search(r"\d", aside):
                known.vendor = aside
            elif name_strength(aside, self.words) and not self._beside.fullmatch(aside) and self.find(aside) in (None, known):
                known.add_alias(aside)
                self._register(known, aside)
        return known

    def add_exact(self, text: str) -> EntityDraft:
        """As `add`, with the brackets as part of the name: rows that differ only in them are different things."""
        known = self.find(text)
        if known is None:
            known = EntityDraft(text)
            self.entities.append(known)
            self._register(known, text)
        return known

    def without_beside(self, title: str) -> str:
        """A title without the words that only say what kind of text it is: `云杉模型手册` -> `云杉`."""
        text = title
        while True:
            match = re.search(rf"[\s\-–:：]*(?:{self._beside.pattern})$", text, re.IGNORECASE)
            if match is None or match.start() < 2:
                return text.strip()
            text = text[: match.start()]

    def add_known(self, name: str, aliases: Iterable[str]) -> None:
        """A name that other documents use: recognised here, and of no account unless something is said of it."""
        if self.find(name) is None:
            entity = EntityDraft(name, elsewhere=True)
            self.entities.append(entity)
            self._register(entity, name, *(alias for alias in aliases if self.find(alias) is None))

    def alias(self, entity: EntityDraft, alias: str) -> None:
        """Lets an entity go by another name, unless that is somebody else's."""
        if self.find(alias) in (None, entity):
            entity.add_alias(alias)
            self._register(entity, alias)

    def _register(self, entity: EntityDraft, *names: str) -> None:
        for name in names:
            for key in {name_key(name), without_zero(name_key(name))}:
                if len(key) > 1 and key not in self._by_key:
                    self._by_key[key] = entity
                    lengths = self._lengths.setdefault(key[:2], [])
                    if len(key) not in lengths:
                        lengths.append(len(key))
                        lengths.sort(reverse=True)

    def of_heading(self, text: str) -> tuple[EntityDraft, str] | None:
        """The known entity that a heading names, with the rest of the heading: `Aurora-7 pricing` -> (Aurora-7, `pricing`)."""
        cleaned = clean_name(text)
        whole = self.find(cleaned) or self.find(name_and_aside(cleaned)[0])
        if whole is not None:
            return whole, ""
        mentions = self.mentions(cleaned)
        if len({id(entity) for entity, _, _ in mentions}) != 1:
            return None
        entity, start, end = mentions[0]
        before, after = cleaned[:start].strip(" -–—:：|·"), cleaned[end:].strip(" -–—:：|·的'’s")
        if start == 0 and (not after or self._beside.search(after) or self.words.label(after).role):
            return entity, after
        if not after and (before.lower() in ("model", "模型", "product", "产品") or self._beside.fullmatch(before)):
            return entity, ""
        return None

    def mentions(self, text: str) -> list[tuple[EntityDraft, int, int]]:
        """Known names in a text (NFKC), the longest first where several begin, with their spans."""
        letters, where = _compact(text)
        found = []
        position = 0
        while position < len(letters):
            key = self._key_at(text, letters, where, position)
            entity = self.find(key) if key else None
            if entity is None:
                position += 1
                continue
            found.append((entity, where[position], where[position + len(key) - 1] + 1))
            position += len(key)
        return found

    def _key_at(self, text: str, letters: str, where: list[int], position: int) -> str:
        """The longest known name that begins here and is not part of a longer word or number."""
        for length in self._lengths.get(letters[position : position + 2], ()):
            key = letters[position : position + length]
            if len(key) < length or key not in self._by_key:
                continue
            before, after = where[position] - 1, where[position + length - 1] + 1
            if _LATIN_OR_DIGIT.match(key[0]) and before >= 0 and _LATIN_OR_DIGIT.match(text[before]):
                continue
            if _LATIN_OR_DIGIT.match(key[-1]) and (_CONTINUES.match(text, after) or self._is_longer(text, after)):
                continue
            return key
        return ""

    def _is_longer(self, text: str, after: int) -> bool:
        """Whether a word right behind a name makes another name of it: `Polaris 3 Swift` is not Polaris 3."""
        word = _NEXT_WORD.match(text, after)
        if word is None or self.words.is_generic(word[1]) or self._beside.fullmatch(word[1].lower()):
            return False
        label = self.words.label(word[1])
        return not (label.role or label.direction or label.when)


def _compact(text: str) -> tuple[str, list[int]]:
    """Lower-case text without spaces and hyphens, and for each character its place in `text`."""
    letters: list[str] = []
    where: list[int] = []
    for position, char in enumerate(text):
        if not _BETWEEN.match(char):
            lower = char.lower()
            letters.append(lower if len(lower) == 1 else char)
            where.append(position)
    return "".join(letters), where


def without_zero(key: str) -> str:
    """A name or version without the trailing zero of a number: `gpt5.10` -> `gpt5.1`."""
    return re.sub(r"(\.\d*[1-9])0+(?=\D|$)", r"\1", key)
