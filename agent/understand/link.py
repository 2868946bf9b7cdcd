"""Which entities a question names: by alias, family and version, vendor, misspelling or sound; and which versions are unknown.

An alias is compared in a compact form (no spaces, hyphens, case), so that `GPT 5.1`, `gpt-5.1` and `gpt5.1` are one. A
family name followed by a version that no entity has ("gemini 3 pro") is an unknown version, never the nearest known one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein

from agent.understand.longer_names import LongerNames
from kb.catalog.catalog import Catalog
from kb.catalog.schema import Entity
from kb.quantities import find_quantities, normalise

MOST_MENTIONS = 24
"""More names than this in one question are noise; the rest is left unread."""
How = Literal["alias", "family", "vendor", "typo", "sound"]
_LONGEST_SOUNDED = 400
"""Characters of a question in which names are looked for by their sound; a longer text is not a question somebody mistyped."""
_SKIP = re.compile(r"[\s\-_·'’\"“”「」]")
_VERSION = re.compile(
    r"(?P<version>[a-z]?\d{1,2}(?:\.\d{1,2})?)(?![\d.]*(?:[万亿千百十kKwWmM%倍成折个次元块美刀张卡天月年号字条人路]|mil|tok|billion|million|b(?![a-z])|\d))(?!,\d)(?P<rest>[a-z]*)",
    re.IGNORECASE,
)
_VARIANT = re.compile(
    r"(?P<variant>pro|max|mini|turbo|flash|ultra|plus|opus|sonnet|haiku|lite|air|nano|thinking|preview|instruct|coder|vl|omni|speed|long)",
    re.IGNORECASE,
)


_COUNTED = re.compile(r"[万亿千百%]|[kwm](?![a-z])|[:比/]\d")


@dataclass(frozen=True, slots=True)
class Mention:
    """One name in the question and the entities that it can mean, best first; no entity means an unknown version or variant."""

    text: str
    start: int
    end: int
    entities: tuple[str, ...]
    how: How
    unknown: str = ""
    """The version or variant asked for that the catalog does not have, as written."""
    family: str = ""


def compact(text: str) -> tuple[str, list[int]]:
    """Lower-case text without spaces and hyphens, and for each of its characters the offset in `text`.

    A space or hyphen between two digits is kept as a space: "kimi 2 000" must not become one number.
    """
    out: list[str] = []
    where: list[int] = []
    for index, char in enumerate(text):
        if _SKIP.match(char):
            if out and out[-1].isdigit() and index + 1 < len(text) and text[index + 1].isdigit():
                out.append(" ")
                where.append(index)
            continue
        out.append(char.lower())
        where.append(index)
    return "".join(out), where


@dataclass(frozen=True, slots=True)
class _Alias:
    text: str
    entities: tuple[str, ...]
    how: How
    family: str


class Linker:
    """Aliases of one catalog, compiled once. Reading it is thread-safe."""

    def __init__(self, catalog: Catalog) -> None:  # noqa: C901
        self._entities: Mapping[str, Entity] = catalog.entities
        table: dict[str, tuple[list[str], How, str]] = {}

        def add(alias: str, entity: str, how: How, family: str = "") -> None:
            key = compact(normalise(alias))[0]
            if len(key) < 2:
                return
            entry = table.setdefault(key, ([], how, family))
            if entity not in entry[0]:
                entry[0].append(entity)
            if how == "alias" and entry[1] != "alias":
                table[key] = (entry[0], "alias", family or entry[2])

        models = [e for e in catalog.entities.values()]
        for entity in models:
            for name in (entity.name, *entity.aliases):
                add(name, entity.id, "alias", entity.family)
            if entity.family and entity.version:
                add(entity.family + entity.version, entity.id, "alias", entity.family)
        for entity in models:
            if entity.family and entity.kind == "model":
                add(entity.family, entity.id, "family", entity.family)
        self._add_short_names(models, table)
        for vendor in catalog.vendors.values():
            owned = [e for e in models if e.vendor == vendor.id and e.kind == "model"]
            for name in (vendor.name, *vendor.aliases):
                key = compact(normalise(name))[0]
                if key not in table:
                    for entity in owned:
                        add(name, entity.id, "vendor")
        self._aliases = {key: _Alias(key, tuple(self._by_weight(ids)), how, family) for key, (ids, how, family) in table.items()}
        self._by_length = sorted(self._aliases, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(key) for key in self._by_length) or r"(?!)")
        # As they are spelt: a compact key ("veraswift") has lost where its words end.
        spelt = {normalise(name).lower() for entity in models for name in (entity.name, *entity.aliases)}
        self._longer_names = LongerNames(spelt, COMMON_WORDS)
        self._latin = [key for key in self._aliases if key.isascii() and len(re.sub(r"[^a-z]", "", key)) >= 4]
        # Loaded here and not with the first misspelt question.
        _pinyin("预热")
        # Titles of documents ("第二篇") are phrases; a phrase that sounds like one is seldom meant as one.
        self._han = [
            key
            for key, alias in self._aliases.items()
            if re.fullmatch(r"[\u4e00-\u9fff]{2,}", key) and any(catalog.entities[i].kind != "document" for i in alias.entities)
        ]

    @staticmethod
    def _add_short_names(entities: list[Entity], table: dict[str, tuple[list[str], How, str]]) -> None:
        """The telling last word of a name ("Swift" of "Vela Swift"), where it belongs to one entity alone."""
        owners: dict[str, list[Entity]] = {}
        for entity in entities:
            parts = entity.name.split()
            if entity.kind == "model" and len(parts) >= 2 and re.fullmatch(r"[A-Za-z]{4,}", parts[-1]):
                owners.setdefault(parts[-1].lower(), []).append(entity)
        for word, owned in owners.items():
            if len(owned) == 1 and word not in table and word not in COMMON_WORDS and not _VARIANT.fullmatch(word):
                table[word] = ([owned[0].id], "alias", owned[0].family)

    def _by_weight(self, ids: Iterable[str]) -> list[str]:
        """Entities that the documents say most about come first; ranked ones before all."""
        return sorted(
            ids, key=lambda i: (0 if "rank" in self._entities[i].claims else 1, -sum(map(len, self._entities[i].claims.values())))
        )

    def link(self, question: str) -> list[Mention]:
        """Mentions in order of place. `question` must be normalised; spans index it."""
        text, where = compact(question)
        found: list[Mention] = []
        position = 0
        while position < len(text) and len(found) <= MOST_MENTIONS:
            match = self._pattern.match(text, position)
            key = match[0] if match else ""
            while key and not self._bounded(text, where, position, position + len(key)):
                key = self._shorter(text, position, key)
            if not key:
                position += 1
                continue
            mention, end = self._mention(question, text, where, position, self._aliases[key])
            found.append(mention)
            position = end
        covered = [(m.start, m.end) for m in found]
        found += self._misspelt(question, covered)
        found = self._lengthen(question, found)
        sounded = self._by_sound(question, [(m.start, m.end) for m in found])
        # "通义千闻" holds the alias "通义" and means the longer one.
        found = [m for m in found if not any(s.start <= m.start and m.end <= s.end for s in sounded)] + sounded
        found.sort(key=lambda m: m.start)
        return self._drop_vendor_of_named(found)[:MOST_MENTIONS]

    def _shorter(self, text: str, position: int, key: str) -> str:
        for other in self._by_length:
            if len(other) < len(key) and text.startswith(other, position):
                return other
        return ""

    @staticmethod
    def _bounded(text: str, where: list[int], start: int, end: int) -> bool:
        glued_before = start > 0 and where[start] - where[start - 1] == 1
        if glued_before and text[start].isascii() and text[start].isalnum() and text[start - 1].isascii() and text[start - 1].isalpha():
            return False
        last, after = text[end - 1], text[end : end + 1]
        if after and where[end] - where[end - 1] > 1 and not (last.isdigit() and after.isdigit()):
            return True
        if last.isdigit() and (after.isdigit() or re.match(r"\.\d", text[end:])):
            return False
        digits = re.search(r"[\d.]+$", text[start:end])
        if digits and start + digits.start() > start and _COUNTED.match(text, end):
            first = start + digits.start()
            if where[first] - where[first - 1] > 1:
                # "kimi 2亿" and "kimi 2:8" are a name and a count, not "Kimi 2"; "Gemini 2.5: 200 calls" is a name.
                return text[end] in ":比/" and where[end + 1] - where[end] > 1
        if last.isdigit() and end - start > 1 and where[end - 1] - where[end - 2] > 1 and _SCALE.fullmatch(_glued(text, where, end)):
            # "kimi 2kw": a figure with its scale, no version.
            return False
        return not (last.isascii() and last.isalpha() and after.isascii() and after.isalpha() and not re.match(r"(?:v|r)\d", text[end:]))

    def _mention(self, question: str, text: str, where: list[int], start: int, alias: _Alias) -> tuple[Mention, int]:
        end = start + len(alias.text)
        entities, unknown = alias.entities, ""
        if alias.how != "vendor" and not alias.text[-1].isdigit() or alias.how == "family":
            version = _VERSION.match(text, end)
            gap = end < len(text) and question[where[end - 1] + 1 : where[end]].isspace()
            if version and not (gap and self._counts(question[where[end] :])):
                known = [i for i in alias.entities if _same_version(self._version(i), version["version"])]
                if known:
                    entities, end = tuple(known), version.end("version")
                elif any(self._version(i) for i in alias.entities) or alias.how == "family":
                    entities, unknown, end = (), version["version"], version.end("version")
        elif alias.how == "vendor":
            version = _VERSION.match(text, end)
            of_version = [i for i in alias.entities if version and _same_version(self._entities[i].version, version["version"])]
            if version and of_version:
                entities, end = tuple(of_version), version.end("version")
            elif version and version["version"][0].isalpha() and self._names_models(alias):
                entities, unknown, end = (), version["version"], version.end("version")
        variant = _VARIANT.match(text, end)
        if variant and variant.end() < len(text) and text[variant.end()].isascii() and text[variant.end()].isalpha():
            # Spaces are gone here: "flash price" is a variant and a word, "flashback" is neither.
            variant = variant if where[variant.end()] - where[variant.end() - 1] > 1 else None
        if variant and (unknown or end == start + len(alias.text) or entities):
            varied, name = self._with_variant(alias, entities, variant["variant"]) if not unknown else ((), "")
            unknown = "" if varied else (unknown + " " + variant["variant"]).strip()
            entities, end = varied, variant.end()
            if varied:
                # The name as the sources write it, so that what is said of this variant alone is found.
                first, last = where[start], where[end - 1] + 1
                return Mention(name, first, last, varied, alias.how, "", alias.family or self._family(varied)), end
        first, last = where[start], where[end - 1] + 1
        return Mention(question[first:last], first, last, entities, alias.how, unknown, alias.family or self._family(alias.entities)), end

    def _with_variant(self, alias: _Alias, entities: tuple[str, ...], variant: str) -> tuple[tuple[str, ...], str]:
        """Entities of the same family that some name of theirs calls by the variant ("千问max" where "Qwen-Max" is known), and that name."""
        for candidates in (entities, self._siblings(alias)):
            names = {i: n for i in candidates for n in (*reversed(self._entities[i].aliases), self._entities[i].name) if _ends_with(n, variant)}
            if names:
                return tuple(names), next(iter(names.values()))
        return (), ""

    @staticmethod
    def _counts(rest: str) -> bool:
        """Whether the number after a name counts something ("kimi 12 元", "kimi 2:8") rather than naming a version."""
        if re.match(r"\d{1,2}[:比/]\d", rest):
            return True
        first = next(iter(find_quantities(rest[:40])), None)
        return first is not None and first.start == 0 and bool(first.unit or first.scale)

    def _names_models(self, alias: _Alias) -> bool:
        """Whether a vendor's name and a version make up the names of its models ("北辰 X2")."""
        names = (compact(normalise(self._entities[i].name))[0] for i in alias.entities)
        return any(name.startswith(alias.text) and re.match(r"[a-z]\d", name[len(alias.text) :]) for name in names)

    def _family(self, ids: Iterable[str]) -> str:
        return next((self._entities[i].family for i in ids if self._entities[i].family), "")

    def _misspelt(self, question: str, covered: list[tuple[int, int]]) -> list[Mention]:
        found: list[Mention] = []
        seen: set[str] = set()
        for word in re.finditer(r"[A-Za-z][A-Za-z]{3,}(?:[ -]?[vrkVRK]?\d{1,2}(?:\.\d)?)?", question):
            if any(a < word.end() and word.start() < b for a, b in covered) or word[0].lower() in COMMON_WORDS:
                continue
            if word[0] in seen or len(seen) > 60:
                continue
            seen.add(word[0])
            key = compact(word[0])[0]
            letters = re.sub(r"[^a-z]", "", key)
            best = None
            for alias in self._latin:
                other = re.sub(r"[^a-z]", "", alias)
                if abs(len(other) - len(letters)) > 2 or other[0] != letters[0] and len(letters) < 6:
                    continue
                distance = DamerauLevenshtein.distance(letters, other)
                if distance <= (1 if len(other) < 7 else 2) and len(other) >= 4:
                    score = (distance, -fuzz.ratio(key, alias))
                    if best is None or score < best[0]:
                        best = (score, alias)
            if best:
                alias_text = best[1]
                digits = re.search(r"\d.*$", key)
                target = self._aliases[alias_text]
                entities, unknown = target.entities, ""
                tail = re.match(r"[ -]?[vrkVRK]?\d{1,2}(?:\.\d{1,2})?(?![\d万亿千百])", question[word.end() :])
                end = word.end()
                if not digits and tail and not self._counts(question[word.end() :].lstrip(" -")):
                    digits, end = re.search(r"\d.*$", tail[0]), word.end() + tail.end()
                whole = self._aliases.get(re.sub(r"\d.*$", "", alias_text) + digits[0]) if digits else None
                if whole is not None:
                    found.append(
                        Mention(
                            question[word.start() : end],
                            word.start(),
                            end,
                            whole.entities,
                            "typo",
                            "",
                            whole.family or self._family(whole.entities),
                        )
                    )
                    continue
                if digits:
                    known = [i for i in self._siblings(target) if _same_version(self._entities[i].version, digits[0])]
                    entities = tuple(known)
                    unknown = "" if known else digits[0]
                found.append(
                    Mention(word[0], word.start(), word.end(), entities, "typo", unknown, target.family or self._family(target.entities))
                )
        return found

    def _lengthen(self, question: str, found: list[Mention]) -> list[Mention]:
        """Mentions whose next word, misspelt, makes a longer name of the catalog ("quil 2.1 flsh") become that name."""
        out: list[Mention] = []
        for mention in sorted(found, key=lambda m: m.start):
            if out and mention.start < out[-1].end:
                continue
            longer = self._longer_names.at(question, mention.start, mention.end)
            if longer is not None:
                name, end = longer
                alias = self._aliases[compact(name)[0]]
                family = alias.family or self._family(alias.entities)
                mention = Mention(question[mention.start : end], mention.start, end, alias.entities, "typo", "", family)
            out.append(mention)
        return out

    def _version(self, entity_id: str) -> str:
        """An entity's version, read off its name where the record has none ("北辰-X1" -> "X1")."""
        entity = self._entities[entity_id]
        if entity.version:
            return entity.version
        match = re.search(r"(?:^|[\s\-_\u4e00-\u9fff])([A-Za-z]?\d{1,2}(?:\.\d{1,2})?)$", entity.name)
        return match[1] if match else ""

    def _siblings(self, alias: _Alias) -> tuple[str, ...]:
        family = alias.family or self._family(alias.entities)
        return alias.entities + tuple(i for i, e in self._entities.items() if family and e.family == family and i not in alias.entities)

    def _by_sound(self, question: str, covered: list[tuple[int, int]]) -> list[Mention]:
        """Names written with other characters of the same sound (智普 for 智谱), or in pinyin (wenxin)."""
        found: list[Mention] = []
        sounds = _sounds(tuple(self._han))
        for word in re.finditer(r"[A-Za-z]{5,}", question):
            if any(a < word.end() and word.start() < b for a, b in covered):
                continue
            keys = sounds.get(word[0].lower())
            if keys:
                found.append(self._sound(question, word.start(), word.end(), keys[0]))
        for run in re.finditer(r"[\u4e00-\u9fff]{2,}", question[:_LONGEST_SOUNDED]):
            if len(found) > MOST_MENTIONS:
                break
            syllables = _pinyin(run[0])
            for size in (5, 4, 3, 2):
                for offset in range(len(run[0]) - size + 1):
                    start, end = run.start() + offset, run.start() + offset + size
                    if any(a < end and start < b and not (start <= a and b <= end and b - a < size) for a, b in covered) or any(m.start < end and start < m.end for m in found):
                        continue
                    window = run[0][offset : offset + size]
                    # One shared character tells a slip of the keyboard from a chance homophone; function words are no names.
                    key = next(
                        (k for k in sounds.get("".join(syllables[offset : offset + size]), ()) if len(k) == size and set(k) & set(window)),
                        "",
                    )
                    if key and not set(window) & _FUNCTION_CHARACTERS:
                        found.append(self._sound(question, start, end, key))
        return found

    def _sound(self, question: str, start: int, end: int, key: str) -> Mention:
        alias = self._aliases[key]
        rest, offsets = compact(question[end : end + 24])
        longer = next((k for k in self._by_length if len(k) > len(key) and k.startswith(key) and rest.startswith(k[len(key) :])), "")
        if longer:
            alias, end = self._aliases[longer], end + offsets[len(longer) - len(key) - 1] + 1
        version = re.match(r"[ -]?(\d{1,2}(?:\.\d{1,2})?)(?![\d.]*[万亿千百kKwWmM个次元块])", question[end:])
        entities = alias.entities
        if version:
            known = tuple(i for i in self._siblings(alias) if _same_version(self._entities[i].version, version[1]))
            if known:
                entities, end = known, end + version.end()
        return Mention(question[start:end], start, end, entities, "sound", "", alias.family or self._family(alias.entities))

    def _drop_vendor_of_named(self, found: list[Mention]) -> list[Mention]:
        named = {self._entities[i].vendor for m in found if m.how != "vendor" for i in m.entities}
        named |= {
            self._entities[i].vendor
            for m in found
            if m.unknown
            for i in self._entities
            if m.family and self._entities[i].family == m.family
        }
        return [m for m in found if m.how != "vendor" or not any(self._entities[i].vendor in named for i in m.entities)]


def _ends_with(name: str, variant: str) -> bool:
    return re.search(rf"(?<![a-z]){re.escape(variant.lower())}$", name.lower()) is not None


_SCALE = re.compile(r"kw|kk|[kwm]|[万亿千百].*", re.DOTALL)


def _glued(text: str, where: list[int], end: int) -> str:
    """The letters that stand right behind `end` in the question, without a space between."""
    last = end
    while last < len(text) and where[last] - where[last - 1] == 1 and text[last].isalpha():
        last += 1
    return text[end:last]


def _same_version(known: str, written: str) -> bool:
    def clean(version: str) -> str:
        version = re.sub(r"[^0-9a-z.]", "", version.lower()).lstrip("v")
        return re.sub(r"\.0+$", "", version)

    letters = re.match(r"[a-uw-z](?=\d)", known.lower()), re.match(r"[a-z](?=\d)", written.lower())
    if letters[0] and letters[1] and letters[0][0] != letters[1][0]:
        return False
    return bool(known) and (clean(known) == clean(written) or clean(known).lstrip("rk") == clean(written))


@lru_cache(maxsize=4096)
def _pinyin(text: str) -> tuple[str, ...]:
    from pypinyin import lazy_pinyin

    return tuple(lazy_pinyin(text))


@lru_cache(maxsize=8)
def _sounds(aliases: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for alias in aliases:
        found.setdefault("".join(_pinyin(alias)), []).append(alias)
    return found


_FUNCTION_CHARACTERS = frozenset("的了在按是和每一个不有会能要多少几用给到为与及或者吗呢吧啊就都也还把被让从向对这那哪什么怎样")

COMMON_WORDS = frozenset(
    "about above after again against also answer another anything around before being below between could different does "
    "doing down during each english every from give good have having here input inside into just know large like long make "
    "many mean means model models more most much need only other output over price prices pricing question should some "
    "such than that their them then there these they thing this those through token tokens under using very want were what "
    "when where which while with would year years month monthly million billion cost costs cheap cheaper context open source "
    "closed cloud local private deploy deployment support supported server servers card cards self host hosting train "
    "training rank ranked ranking release latency voice video image images text code coding tell show list compare best "
    "please translate write story joke weather today tomorrow hello thanks license commercial distill distillation phone "
    "claim says said state stated budget spend money dollar dollars rate exchange percent users user team company".split()
)
