"""Blocks -> messages that a platform takes: never broken inside a fence, table row, link or citation, numbered when several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from channels.core.adapter import Unit
from channels.core.markdown import Block, ends_sentence

Size = Callable[[str], int]
_NUMBERING = "(99/99)\n"


def size_in(unit: Unit) -> Size:
    """The length that a platform counts: code points, UTF-8 bytes or UTF-16 units."""
    if unit == "bytes":
        return lambda text: len(text.encode("utf-8", "surrogatepass"))
    if unit == "utf16":
        return lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len


def split(blocks: Sequence[Block], limit: int, unit: Unit = "chars") -> list[str]:
    """Messages of at most `limit`; several are numbered `(1/3)`. Joining their bodies gives every block's text again.

    Raises:
        ValueError: the limit leaves no room for anything.
    """
    size = size_in(unit)
    if limit < 8 * size(_NUMBERING):
        raise ValueError(f"a limit of {limit} leaves no room")
    parts = _pack(blocks, limit, size)
    if len(parts) > 1:
        parts = _pack(blocks, limit - size(_NUMBERING), size)
        parts = [f"({number}/{len(parts)})\n{part}" for number, part in enumerate(parts, 1)]
    return parts


def _pack(blocks: Sequence[Block], limit: int, size: Size) -> list[str]:
    parts: list[str] = []
    current = ""
    for block in blocks:
        gap = block.gap if current else ""
        if size(current) + size(gap) + size(block.whole) <= limit:
            current += gap + block.whole
        elif current and size(block.whole) <= limit and (3 * size(current) >= limit or len(block.atoms) == 1):
            parts.append(current)
            current = block.whole
        else:
            full, current = _break(block, current, limit, size)
            parts += full
    return [*parts, current] if current else parts


def _break(block: Block, current: str, limit: int, size: Size) -> tuple[list[str], str]:
    """Spread a block over several parts, starting in what is left of the current one: (finished parts, the open one)."""
    parts: list[str] = []
    atoms = list(block.atoms)
    around = size(block.head) + size(block.tail)
    if around * 2 > limit:  # a header row that would fill every part is shown once
        atoms, block, around = [block.head, *atoms], Block((), "", block.tail, block.gap), size(block.tail)
    while atoms:
        gap = block.gap if current else ""
        count = _fitting(atoms, limit - size(current) - size(gap) - around, size)
        if count == 0 and current:
            parts.append(current)
            current = ""
            continue
        if count == 0:
            head, rest = _cut(atoms[0], limit - around, size)
            atoms[:1] = [head, rest] if rest else [head]
            count = 1
        current += f"{gap}{block.head}{''.join(atoms[:count])}{block.tail}"
        del atoms[:count]
        if atoms:
            parts.append(current)
            current = ""
    return parts, current


def _fitting(atoms: Sequence[str], room: int, size: Size) -> int:
    """How many atoms to take: all that fit, or fewer if that ends a sentence in the last third."""
    used, count, sentence, at_sentence = 0, 0, 0, 0
    for atom in atoms:
        used += size(atom)
        if used > room:
            break
        count += 1
        if ends_sentence(atom):
            sentence, at_sentence = count, used
    if count == len(atoms) or not sentence:
        return count
    return sentence if 3 * at_sentence >= 2 * room else count


def _cut(atom: str, room: int, size: Size) -> tuple[str, str]:
    """An atom that is longer than a whole message: as many of its characters as fit, and the rest."""
    low, high = 1, len(atom)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(atom[:middle]) <= room else (low, middle - 1)
    return atom[:low], atom[low:]
