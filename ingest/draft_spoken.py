"""Names of models that only what is said of them shows: headings that the text below speaks of, lines that begin with a name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.draft_lines import LABEL, lines_of
from ingest.draft_names import NO_MODEL, Names, clean_name, name_and_aside, name_strength, split_name
from ingest.draft_rights import states_rights
from ingest.draft_values import MAX_SENTENCE
from ingest.draft_words import plain
from kb.types import Block

SAYS = re.compile(
    r"\s*(?:costs?|reads|takes|由|is|has|charges?|supports?|offers?|comes|accepts|handles|was|runs|的|输入|输出|支持|上下文|每|定价|售价|采用"
    r"|[:：(（,，])",
    re.IGNORECASE,
)
"""What follows a name that is the subject of a sentence."""
_SERIES = re.compile(r"系列|家族|\b(?:series|family|models)\b", re.IGNORECASE)


def declare_spoken(blocks: Sequence[Block], names: Names) -> None:
    """Headings that only look like a name: models where the text below begins a sentence with it, or others share its family."""
    below: dict[tuple[str, ...], list[str]] = {}
    for block in blocks:
        if block.table is None and block.headings:
            below.setdefault(block.headings, []).append(plain(block.text)[:MAX_SENTENCE])
    families = {entity.family for entity in names.entities if entity.kind == "model" and re.search(r"\d", entity.version)}
    for path, texts in below.items():
        cleaned = clean_name(path[-1])
        name = name_and_aside(cleaned)[0]
        if names.of_heading(cleaned) or name_strength(name, names.words) != 2 or _SERIES.search(name) or NO_MODEL.match(name):
            continue
        begins = re.compile(rf"(?:^|[.。]\s*){re.escape(name)}(?![\w-]){SAYS.pattern}", re.IGNORECASE)
        if any(begins.search(text) for text in texts) or split_name(name)[0] in families:
            names.add(cleaned)


def declare_lines(block: Block, names: Names) -> None:
    """Lines of a plain text that are a name with a version and what it is: `星槎 3：闭源，不支持私有化部署`; two at least."""
    found: list[str] = []
    for _, line in lines_of(block):
        match = LABEL.match(line) if len(line) <= MAX_SENTENCE else None
        label = clean_name(match["label"]) if match else ""
        if match and name_strength(name_and_aside(label)[0], names.words) == 2 and not NO_MODEL.match(label):
            found += [label] if states_rights(plain(match["rest"]), names.words) else []
    if len(found) >= 2:
        for name in found:
            names.add(name)
