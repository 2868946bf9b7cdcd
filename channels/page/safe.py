"""Text of documents, models and users made safe to show: markup is shown as text, links and images are not followed."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

_CODE = re.compile(r"(?ms)^(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^(?P=fence)[^\n]*$|\Z)|(?P<ticks>(?<!`)`+(?!`)).+?(?<!`)(?P=ticks)(?!`)")
_MARK = re.compile(r"\\?\[(\d{1,3})\\?\](?!\()")
_ACTIVE = (
    (re.compile(r"\\?<"), "&lt;"),
    (re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]{1,20}):(?=//)"), r"\1&#58;"),
    (re.compile(r"\b(www)\.", re.IGNORECASE), r"\1&#46;"),
    (re.compile(r"(?<=[\w.+-])@(?=[\w-]+\.)"), "&#64;"),
)


def escape(text: str) -> str:
    """Text for HTML, inside an element or a quoted attribute."""
    return html.escape(text, quote=True)


def safe_markdown(text: str, citation_link: Callable[[int], str | None] = lambda _n: None) -> str:
    """Markdown with its structure kept (headings, tables, lists, emphasis, code) and everything active disarmed.

    HTML becomes visible text, links and images become their own source, bare addresses are not linked. `[n]` becomes a link
    to `citation_link(n)` where that gives one.
    """
    out, at = [], 0
    for code in _CODE.finditer(text):
        out += [_disarm(text[at : code.start()], citation_link), code.group()]
        at = code.end()
    return "".join([*out, _disarm(text[at:], citation_link)])


def _disarm(text: str, citation_link: Callable[[int], str | None]) -> str:
    text = text.replace("&", "&amp;")
    for pattern, replacement in _ACTIVE:
        text = pattern.sub(replacement, text)
    parts, at = [], 0
    for mark in _MARK.finditer(text):
        target = citation_link(int(mark.group(1)))
        parts.append(_unlink(text[at : mark.start()]))
        parts.append(f"[{mark.group(1)}]({target})" if target else _unlink(mark.group()))
        at = mark.end()
    return "".join([*parts, _unlink(text[at:])])


def _unlink(text: str) -> str:
    """Square brackets as entities, so that neither `[a](b)`, `![a](b)`, `[a][b]` nor `[a]: b` is a link, whatever stands before."""
    return re.sub(r"\\?([\[\]])", lambda m: f"&#{ord(m.group(1))};", text)
