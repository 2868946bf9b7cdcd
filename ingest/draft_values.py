"""Typed values out of the words of a cell or clause: prices, text lengths, yes or no, licences, countries, lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from ingest.draft_words import Lexicon, plain, spaced
from kb.catalog.schema import FieldRecord
from kb.catalog.values import ValueProblem, parse_date
from kb.quantities import find_quantities
from kb.rates import Rate, currency_in, find_rates, token_count_unit

_DECIMAL_COMMA = re.compile(r"(?<![\d.,])(\d{1,4}),(\d{1,2}|\d{4,})(?![\d,.])|(?<![\d.,])0,(\d+)(?![\d,.])")
_PER_BARE = re.compile(r"(?:/|\bper\b|每|a\b)\s*1?\s*(?P<scale>mtok|ktok|百万|千|万|million|thousand|[mk])(?![a-z])", re.IGNORECASE)
_PER_COUNT = re.compile(r"(?:/|\bper\b|每)\s*(?P<count>\d[\d,]*)(?!\s*[a-z\u4e00-\u9fff])", re.IGNORECASE)
_SCALES = {
    "mtok": 10**6,
    "ktok": 10**3,
    "百万": 10**6,
    "千": 10**3,
    "万": 10**4,
    "million": 10**6,
    "thousand": 10**3,
    "m": 10**6,
    "k": 10**3,
}
_FREE = re.compile(r"^(?:完全)?免费(?:使用|开放)?$|^free(?: of charge)?$|^gratis$|^complimentary$", re.IGNORECASE)
_EMPTY = re.compile(
    r"^(?:[-–—/\\.\s]*|n/?a|none|tbd|tba|null|unknown|暂无|待定|未知|未公开|未披露|面议|询价|未列出|not (?:listed|stated|disclosed"
    r"|published)|on request|contact sales|contact us|/)$",
    re.IGNORECASE,
)
_SIGN_SHARERS = {"$": {"HKD", "SGD", "AUD", "CAD", "TWD", "NZD", "MXN", "BRL"}, "¥": {"JPY"}}
SHARED_SIGNS = frozenset(code for codes in _SIGN_SHARERS.values() for code in codes)
"""Currencies that are often written with another one's sign."""

_LICENCE = re.compile(
    r"(?<![A-Za-z])(?:Apache(?:[ -]?(?:License)?[ -,]*(?:v(?:ersion)?[ ]?)?2(?:\.0)?)?|MIT|(?:A|L)?GPL(?:[ -]?v?[23](?:\.0)?)?"
    r"|BSD(?:[ -][23](?:[ -]Clause)?)?|MPL[ -]?2(?:\.0)?|CC[ -]BY(?:[ -](?:NC|SA|ND))*(?:[ -]\d\.\d)?|(?:Open)?RAIL(?:-[MDS]+)?"
    r"|[A-Z][\w.-]*(?: [A-Z][\w.-]*){0,3} (?:Community |Model |Research |Commercial |Open |Public )*(?:License|Licence)(?: (?:v"
    r"|version )?\d(?:\.\d)?)?)(?![A-Za-z])"
)
_LICENCE_ZH = re.compile(
    r"[A-Za-z][A-Za-z0-9.\- ]{1,20}[\u4e00-\u9fff]{0,6}(?:许可证|许可协议|开源协议|授权协议|协议)(?:\s?[vV]?\d+(?:\.\d+)*)?"
    r"|(?:(?<=采用)|(?<=遵循)|(?<=基于)|(?<=使用)|^)《?[\u4e00-\u9fff]{2,10}(?:许可证|许可协议|开源协议|授权协议)》?(?:\s?[vV]?\d+(?:\.\d+)*)?"
)
_NO_LICENCE = re.compile(r"^(?:其|该|本|此|商业|友好|宽松|服务|使用|API|开放|相关|模型)")
_COMMERCIAL = re.compile(
    r"(?:全?开源)?(?:免费)?(?:可商用|允许商用|商用自由|免费商用|可免费商用|禁止商用|不可商用|不得商用|不支持商用|不允许商用|仅限非商业\w{0,4}|非商业用途|仅限(?:研究|学术)(?:用途|使用)?)"
    r"|commercial use (?:is )?(?:not )?(?:allowed|permitted|prohibited|free)|non-commercial(?: use)?(?: only)?|free for commercial use",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"\s?[(（][^()（）]{2,40}[)）]")
"""A condition right behind a statement on commercial use: `可商用（月活用户不超过 1000 万）`."""
_FLAG = re.compile(r"[\U0001F1E6-\U0001F1FF]{2}")
_DATE = re.compile(r"\d{4}\s*[-/.年]\s*\d{1,2}(?:\s*[-/.月]\s*\d{1,2}\s*日?|\s*月)?|\d{4}年?")
_MONTHS = {name: index + 1 for index, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split())}
_DATE_EN = re.compile(
    r"(?:(?P<day>\d{1,2})\s+)?(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+(?:(?P<day2>\d{1,2})(?:st|nd|rd"
    r"|th)?,?\s+)?(?P<year>\d{4})",
    re.I,
)
_SPLIT = re.compile(r"[、；;]|(?<!\d)[,，](?!\d{3})|\s\|\s|\s*/\s(?=\S)|<br>|\n|\s+·\s+")


_ANSWER = re.compile(r"(?:yes|no)\b|不?(?:可以|能|支持|允许|行)(?=[。，,.!！]|$)", re.IGNORECASE)
_SENTENCE_END = re.compile(
    r"(?<=[。！？!?；;])\s*|(?<=[A-Za-z\d-][a-z)\]\d%”’\"'A-Z])\.\s+(?=[A-Z\u4e00-\u9fff])|\n"
    r"|(?<=[a-z]{3})(?<!prox)(?<!max)(?<!min)(?<!ers)(?<!ncl)(?<!xcl)(?<!fig)(?<!sec)\.\s+(?=[\d$¥€£₹₩])"
)
MAX_SENTENCE = 2000
"""A longer one is no sentence that a person wrote; reading it costs more than it can say."""


@dataclass(frozen=True, slots=True)
class PriceUnit:
    """What prices of a table or section stand for: a currency, and a count of tokens or characters. Either may be unknown."""

    currency: str = ""
    per: tuple[Decimal, str] | None = None

    def filled(self, other: PriceUnit) -> PriceUnit:
        """This one, with what it does not know from the other."""
        return PriceUnit(self.currency or other.currency, self.per or other.per)


def is_empty(text: str) -> bool:
    """Whether a cell says nothing (dash, n/a, not disclosed)."""
    return bool(_EMPTY.match(plain(text)))


def is_free(text: str) -> bool:
    """Whether a cell says that there is no charge."""
    return bool(_FREE.match(plain(text)))


def with_points(text: str) -> str:
    """Decimal commas as points; commas between groups of three digits stay. The length of the text stays the same."""
    return _DECIMAL_COMMA.sub(lambda match: match[0].replace(",", "."), text)


def price_unit(text: str) -> PriceUnit:
    """Currency and count of a header, caption, note or heading that speaks of prices."""
    text = plain(spaced(text))
    unit = token_count_unit(text)
    if unit is None:
        bare = _PER_BARE.search(text)
        count = _PER_COUNT.search(text)
        if bare:
            unit = (Decimal(_SCALES[bare["scale"].lower()]), "token")
        elif count and Decimal(count["count"].replace(",", "")) >= 1000:
            unit = (Decimal(count["count"].replace(",", "")), "token")
    return PriceUnit(currency_in(text), unit)


def stated_unit(text: str, words: Lexicon) -> PriceUnit:
    """The unit that a sentence of running text states for prices; nothing for sentences about something else."""
    found = PriceUnit()
    for sentence in sentences(plain(text)):
        has_per = re.search(r"/|每|\b(?:per|je|pro|pour)\b|以.{0,8}为单位|单位", sentence, re.IGNORECASE)
        if not (words.patterns["price_words"].search(sentence.lower()) or re.search(r"单位|币种|currency", sentence, re.IGNORECASE)):
            continue
        if re.search(r"\d\s*%|[$¥€£]\s?\d|\d\s*(?:元|美元|欧元)", sentence) and not re.match(
            r".{0,12}(?:单位|all prices|prices are|所有价格|alle preise|preise in)", sentence, re.I
        ):
            continue
        unit = price_unit(sentence)
        found = found.filled(PriceUnit(unit.currency, unit.per if has_per else None))
    return found


def rates_in(text: str, unit: PriceUnit) -> list[Rate]:
    """Prices in a cell or clause, with the currency and count of its column where it has none of its own."""
    text = with_points(plain(text))
    text = re.sub(r"(?<=[/每])\s*1(?=[KMkm](?![A-Za-z]))|(?<=per )1(?=[KMkm](?![A-Za-z]))", "", text)
    rates = find_rates(text, currency=unit.currency, per=unit.per)
    shared = next((sign for sign, codes in _SIGN_SHARERS.items() if unit.currency in codes and sign in text), "")
    if shared:
        rates = [Rate(r.per_million, unit.currency, r.noun, r.start, r.end, r.text) for r in rates]
    return rates


def rate_unit(rate: Rate) -> str:
    """The unit of a claim for this price, per million."""
    return f"{rate.currency}/1M {'character' if rate.noun == 'char' else 'token'}"


_NAMED_CURRENCIES = {
    "JPY": r"日元|日圆|\bJPY\b|\byen\b", "HKD": r"港币|港元|\bHKD\b|Hong Kong dollars?", "SGD": r"新加坡元|新币|\bSGD\b|Singapore dollars?",
    "AUD": r"澳元|\bAUD\b|Australian dollars?", "CAD": r"加元|\bCAD\b|Canadian dollars?", "TWD": r"新台币|台币|\bTWD\b",
    "NZD": r"\bNZD\b|New Zealand dollars?",
    "MXN": r"\bMXN\b|Mexican pesos?", "BRL": r"\bBRL\b",
}  # fmt: skip
_OWN_NAME = {"CNY": r"人民币|\bRMB\b|\bCNY\b|(?<![美欧日港澳加])元|yuan", "USD": r"美元|美金|\bUSD\b|US\$|US dollars?"}


def true_currency(unit: PriceUnit, text: str) -> PriceUnit:
    """A currency that was read from `¥` or `$` alone is the one that the text around names in words: `¥` under "prices in JPY"."""
    if unit.currency not in _OWN_NAME or re.search(_OWN_NAME[unit.currency], text, re.IGNORECASE):
        return unit
    sign = "¥" if unit.currency == "CNY" else "$"
    for code, words in _NAMED_CURRENCIES.items():
        if code in _SIGN_SHARERS[sign] and re.search(words, text, re.IGNORECASE):
            return PriceUnit(code, unit.per)
    return unit


def is_range(text: str) -> bool:
    """Whether a price cell gives a range, which is no one price."""
    return any(quantity.high is not None for quantity in find_quantities(with_points(plain(text))))


def sentences(text: str) -> list[str]:
    """Sentences of a text, cut at full stops, semicolons and line ends, not inside numbers or names."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part and part.strip()]


def statements(text: str) -> list[str]:
    """The sentences that state something: a question only with the yes or no behind it, as one: `Can I self-host X? No`."""
    found: list[str] = []
    question = ""
    for part in sentences(text):
        answer = _ANSWER.match(part) if question else None
        if answer:
            found.append(f"{question} {answer[0]}")
            part = part[answer.end() :].strip(" .,。，!！")
        question = part if part.endswith(("?", "？")) else ""
        if part and not question:
            found.append(part)
    return found


def clauses(sentence: str, marks: str = "，,；;:：") -> list[str]:
    """Clauses of a sentence, cut at marks that are not inside numbers or brackets."""
    parts: list[str] = []
    depth, start = 0, 0
    for index, char in enumerate(sentence):
        if char in "(（[":
            depth += 1
        elif char in ")）]":
            depth = max(0, depth - 1)
        elif (
            char in marks
            and depth == 0
            and not (char == "," and re.match(r"\d{3}", sentence[index + 1 :]) and sentence[index - 1 : index].isdigit())
        ):
            parts.append(sentence[start:index])
            start = index + 1
    parts.append(sentence[start:])
    return [part.strip() for part in parts if part.strip()]


def polarity(text: str, phrase: re.Pattern[str], words: Lexicon) -> str:
    """What a clause says of a thing: "yes", "no", "restricted", or "" if it does not say. The thing must occur in it."""
    lower = plain(text).lower()
    match = phrase.search(lower)
    if match is None:
        return ""
    before, after = lower[max(0, match.start() - 60) : match.start()], lower[match.end() : match.end() + 60]
    negation, yes, limit = words.patterns["negations"], words.patterns["affirmations"], words.patterns["restrictions"]
    if re.search(r"是否|whether|如何|怎么", before):
        return "restricted" if limit.search(after) else ""
    if negation.search(before) or negation.search(after):
        return "no"
    if limit.search(after) or limit.search(before):
        return "restricted"
    return "yes" if yes.search(before) or yes.search(after) else ""


def yes_or_no(cell: str, words: Lexicon) -> str:
    """A yes/no cell: "yes", "no", "partly", "restricted" or ""."""
    lower = plain(cell).lower()
    if re.search(r"部分|partial|partly|仅开源|open versions? only|some versions|limited to open", lower):
        return "partly"
    if words.patterns["negations"].search(lower):
        return "no"
    if words.patterns["restrictions"].search(lower):
        return "restricted"
    return "yes" if words.patterns["affirmations"].search(lower) or lower in ("y", "o") else "no" if lower in ("n", "x") else ""


def openness_of(text: str, words: Lexicon) -> str:
    """Which kind of openness the words of a cell or clause name: open, closed, mixed or ""."""
    lower = plain(text).lower()
    if words.patterns["mixed"].search(lower):
        return "mixed"
    closed = words.patterns["closed"].search(lower)
    without = words.patterns["closed"].sub(" ", lower)
    opened = words.patterns["open"].search(without)
    if closed and opened:
        return "mixed"
    return "closed" if closed else "open" if opened else ""


def licences_in(text: str) -> list[str]:
    """Names of licences and statements on commercial use, as written."""
    text = plain(text)
    found = [match[0].strip() for match in _LICENCE.finditer(text)]
    if not found:
        found = [match[0].strip() for match in _LICENCE_ZH.finditer(text) if not _NO_LICENCE.match(match[0].strip())]
    for match in _COMMERCIAL.finditer(text):
        limit = _LIMIT.match(text, match.end())
        found.append(match[0] + (limit[0] if limit else ""))
    return list(dict.fromkeys(found))


def country_in(text: str, field: FieldRecord | None) -> str:
    """The code of the country that a cell names in words or by its flag; "" if the registry does not have it."""
    if field is None:
        return ""
    flag = _FLAG.search(text)
    if flag:
        code = "".join(chr(ord(sign) - 0x1F1E6 + ord("A")) for sign in flag[0])
        return code if code in field.values else ""
    names, pattern = _country_names(tuple((code, (value.label.zh, value.label.en, *value.words)) for code, value in field.values.items()))
    lower = plain(text).lower()
    named = names.get(lower)
    if named is None and (match := pattern.search(lower)):
        named = names[match[0]]
    return named or ""


@lru_cache(maxsize=4)
def _country_names(countries: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[dict[str, str], re.Pattern[str]]:
    """Every name of a country to its code, and a pattern for those that are safe to find inside a text."""
    names = {name.lower(): code for code, words in countries for name in (code, *words)}
    long_names = sorted((name for name in names if len(name) > 2 or not name.isascii()), key=len, reverse=True)
    return names, re.compile(r"(?<![a-z])(?:" + "|".join(map(re.escape, long_names)) + r")(?![a-z])")


def modalities_in(text: str, table: Mapping[str, list[str]]) -> list[str]:
    """The kinds of media that a text names, by their Chinese names."""
    lower = plain(text).lower()
    return [name for name, forms in table.items() if any(re.search(rf"(?<![a-z]){re.escape(form)}(?![a-z])", lower) for form in forms)]


def items_of(text: str) -> list[str]:
    """The items of an enumeration, without closing marks; "A, B and C" is three."""
    cleaned = plain(text).strip().rstrip("。.;；")
    parts = [part.strip(" 。.;；") for part in _SPLIT.split(cleaned)]
    if len(parts) > 1 and parts[-1]:
        tail = re.split(r"\s+and\s+|^and\s+|^以及|^和", parts[-1])
        if len(tail) == 2 and max(map(len, parts)) <= 40:
            parts[-1:] = tail
    return [part for part in parts if part]


def statements_of(text: str) -> list[str]:
    """Statements of a cell about strengths: cut at commas, and at enumeration marks where the pieces are words."""
    cleaned = plain(text).strip().rstrip("。.;；")
    pieces = [piece.strip(" 。.;；") for piece in re.split(r"[；;|]|(?<!\d)[,，](?!\d{3})", cleaned)]
    found: list[str] = []
    for piece in pieces:
        words = [word.strip() for word in re.split(r"、", piece)]
        found += words if max(map(len, words)) <= 12 else [piece]
    return [piece for piece in found if piece]


def enum_value(record: FieldRecord, text: str) -> str:
    """The value of an enum whose label or words a short text is."""
    lower = plain(text).lower()
    for value, entry in record.values.items():
        if lower in {value.lower(), entry.label.zh.lower(), entry.label.en.lower(), *(word.lower() for word in entry.words)}:
            return value
    return ""


def date_in(text: str) -> str:
    """The first date of a text as ISO, "" if there is none."""
    english = _DATE_EN.search(text)
    if english:
        day = english["day"] or english["day2"]
        month = _MONTHS[english["month"].lower()]
        return f"{english['year']}-{month:02d}" + (f"-{int(day):02d}" if day else "")
    match = _DATE.search(text)
    if match is None:
        return ""
    try:
        return parse_date(re.sub(r"\s+", "", match[0]))
    except ValueProblem:
        return ""
