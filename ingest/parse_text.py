"""Bytes to text in whatever encoding they are in, and plain text to blocks with exact lines."""

from __future__ import annotations

import re

from ingest.errors import DamagedFileError
from ingest.pieces import Line, Piece, Run, to_blocks
from kb.types import Block

_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_COMMON = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
    "這個為說時來們會對發過產種後學經與從還點現進沒實問開關長樣與間無"
    "이다는의가을를에서하고은도로한지기사어나있습니"
)
_HEADING = re.compile(
    r"^(?:第[\d零一二三四五六七八九十百]+[章节篇部分]|[一二三四五六七八九十]{1,3}[、.．]|[（(][一二三四五六七八九十]{1,3}[)）]"
    r"|\d{1,2}(?:\.\d{1,2}){1,3}[\s、.．]|(?:chapter|section|part)\s+\d+|【[^】]{1,24}】$)",
    re.IGNORECASE,
)
_END = re.compile(r"[。！？；;!?，,…]$|\.$")
_SAMPLE_BYTES = 64 * 1024
HEADING_CHARS = 40


def decode(data: bytes, source: str, declared: str | None = None) -> str:
    """The text of a file in UTF-8/16/32 (with or without BOM), GB18030, Big5, Shift-JIS or another detected encoding.

    `declared` is what the file or its server claims; it is believed only if the bytes decode with it. A binary file
    raises `DamagedFileError`. Line ends become `\\n`.
    """
    text = _decode(data, source, declared)
    if text.startswith("\ufeff"):
        text = text[1:]
    sample = text[:_SAMPLE_BYTES]
    controls = len(_CONTROL.findall(sample)) + sample.count("\ufffd")
    if controls > max(2, len(sample) * 0.01):
        raise _binary(source)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", text) if controls or _CONTROL.search(text) else text


def _decode(data: bytes, source: str, declared: str | None) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, errors="replace")
    text = _as_utf8(data)
    if text is None:
        text = _as_utf16(data)
    if text is None and data[:_SAMPLE_BYTES].count(0) > 2:
        raise _binary(source)
    if text is None and declared:
        try:
            text = data.decode(declared)
        except (UnicodeDecodeError, LookupError):
            text = None
    if text is None:
        encoding = _likely_encoding(data[:_SAMPLE_BYTES])
        if not encoding:
            raise _binary(source)
        text = data.decode(encoding, errors="replace")
    return text


def _as_utf8(data: bytes) -> str | None:
    """The text if it is UTF-8, cut off at its end or with a few broken bytes at most."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 4:
            return data[: error.start].decode("utf-8")
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    sound = len(text) - broken - len(text.encode("ascii", "ignore"))
    return text if sound > 20 * broken else None


def _as_utf16(data: bytes) -> str | None:
    """The text if it is UTF-16 without a byte order mark: zeros at every other byte, or Chinese full of common characters."""
    sample = data[:_SAMPLE_BYTES]
    if sample.count(0) > len(sample) * 0.2:
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        if max(even, odd) > 8 * min(even, odd):
            return data.decode("utf-16-le" if odd > even else "utf-16-be", errors="replace")
    return _wide_without_bom(data)


def _likely_encoding(sample: bytes) -> str:
    """The East Asian encoding in which the text reads best, else what the detector says; empty for binary data."""
    readings = ((encoding, _lenient(sample, encoding)) for encoding in ("gb18030", "big5", "shift_jis", "euc_kr"))
    score, encoding = max(((_plausible(text), encoding) for encoding, text in readings if text is not None), default=(0.0, ""))
    if score > 0.02:
        return encoding
    if _lenient(sample, "gb2312") is not None:  # too short to judge, but every character is an everyday one
        return "gb18030"
    from charset_normalizer import from_bytes

    match = from_bytes(sample).best()
    return match.encoding if match is not None and match.encoding != "ascii" else ""


def _wide_without_bom(data: bytes) -> str | None:
    """UTF-16 without a BOM and with few ASCII characters: Chinese text whose decoding is full of common characters."""
    best: tuple[float, str] = (0.08, "")
    sample = data[: _SAMPLE_BYTES & ~1]
    for encoding in ("utf-16-le", "utf-16-be"):
        text = _lenient(sample, encoding)
        if text is not None:
            best = max(best, (_plausible(text), encoding))
    return data.decode(best[1], errors="replace") if best[1] else None


def _lenient(sample: bytes, encoding: str) -> str | None:
    """The sample decoded, where at most its last character may be cut; None if it is not in this encoding."""
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 4:
            text = sample.decode(encoding, errors="replace")
            return text if text.count("\ufffd") < len(text) * 0.002 else None
        return sample[: error.start].decode(encoding)


def _plausible(text: str) -> float:
    """The share of the commonest Chinese and Korean characters and of kana: high only in the right decoding."""
    if not text:
        return 0.0
    common = sum(1 for character in text if character in _COMMON or "\u3040" <= character <= "\u30fe")
    rare = sum(1 for character in text if "\ue000" <= character <= "\uf8ff" or character == "\ufffd" or "\uff61" <= character <= "\uff9f")
    return (common - 4 * rare) / len(text)


def _binary(source: str) -> DamagedFileError:
    return DamagedFileError(
        f"{source}: this is binary data, not text; expected UTF-8, UTF-16, GB18030 or another text encoding. "
        "Give the file its real extension, or convert it to text"
    )


def text_blocks(text: str, title: str) -> list[Block]:
    """Plain text as paragraphs; short numbered lines ("一、", "第二章", "1.2") are headings."""
    return to_blocks(text_pieces(text), title)


def text_pieces(text: str, first_line: int = 1) -> list[Piece]:
    """Paragraphs end at a blank line, and at every line end where lines are too long to have been wrapped by an editor."""
    lines = text.split("\n")
    pieces: list[Piece] = []
    open_lines: list[Line] = []

    def close() -> None:
        if open_lines:
            pieces.append(Piece("paragraph", open_lines.copy(), open_lines[0].number, open_lines[-1].number))
            open_lines.clear()

    for number, raw in enumerate(lines, start=first_line):
        content = raw.strip()
        if not content:
            close()
            continue
        level = heading_level(content)
        if level and _stands_alone(lines, number - first_line):
            close()
            pieces.append(Piece("heading", [Line([Run(content)], number)], number, number, level))
            continue
        if raw.startswith(("\u3000", "    ")) or (open_lines and len(open_lines[-1].text) > 120):
            close()
        open_lines.append(Line([Run(content)], number))
    close()
    return pieces


def heading_level(line: str) -> int:
    """The depth of a numbered heading line of plain text; 0 if it is none."""
    if len(line) > HEADING_CHARS or _END.search(line):
        return 0
    match = _HEADING.match(line)
    if not match:
        return 0
    mark = match[0]
    if mark[0] in "第【" or mark[0].isalpha() and mark[0].isascii():
        return 3 if "节" in mark else 2
    if mark[0] in "（(":
        return 4
    if mark[0].isdigit():
        return 2 + mark.count(".")
    return 3


def promote_heading(piece: Piece) -> None:
    """Makes a heading of a paragraph that is a numbered heading line alone, for Markdown without headings of its own."""
    level = heading_level(piece.text) if piece.kind == "paragraph" and len(piece.lines) == 1 else 0
    if level:
        piece.kind, piece.level = "heading", level


def _stands_alone(lines: list[str], index: int) -> bool:
    """A heading has a blank line or the top of the file above it, and is not one of a run of numbered lines (a list)."""
    above = lines[index - 1].strip() if index else ""
    below = lines[index + 1].strip() if index + 1 < len(lines) else ""
    return not above and not (below and heading_level(below) == heading_level(lines[index].strip()))


def first_line_title(text: str) -> str:
    """The first line, if it looks like a title: short, with no sentence end, alone, and more text below."""
    head, _, rest = text.lstrip().partition("\n")
    head = head.strip()
    if not head or len(head) > HEADING_CHARS or _END.search(head) or heading_level(head) or not rest.strip():
        return ""
    if re.search(r"[:：]", head) or not re.search(r"[^\W\d]", head):
        return ""
    return head if not rest.split("\n", 1)[0].strip() or len(rest.split("\n", 1)[0]) > 2 * len(head) else ""
