"""How a platform writes bold, links, code and tables. Text comes from documents and models: it is escaped, and it mentions nobody."""

from __future__ import annotations

import html
import re
from typing import Literal

TableStyle = Literal["native", "code", "rows"]
_EVERYBODY = re.compile(r"@(?=(?:all|here|channel|everyone|所有人|全体成员)(?![A-Za-z0-9]))", re.IGNORECASE)
_TAG = re.compile(r"<(?=[!@#]|/?at\b)", re.IGNORECASE)
_MARKUP = re.compile(r"[*`~\\]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\[(?!\d+\])")
ZERO_WIDTH = "\u200b"


def neutralise(text: str) -> str:
    """The text with every spelling of a mention of everybody or somebody broken by an invisible character."""
    return _TAG.sub("<" + ZERO_WIDTH, _EVERYBODY.sub("@" + ZERO_WIDTH, text))


class Dialect:
    """Standard Markdown, and the base of the others. Methods take text that `text` has escaped and give balanced markup."""

    tables: TableStyle = "code"
    soft_break = "\n"

    def text(self, value: str) -> str:
        """Plain text, escaped and without mentions. Marks such as `[1]` stay."""
        return _MARKUP.sub(lambda found: "\\" + found.group(), neutralise(value))

    def code_text(self, value: str) -> str:
        """The inside of a code block or span."""
        return neutralise(value)

    def strong(self, inner: str) -> str:
        return f"**{inner}**"

    def emphasis(self, inner: str) -> str:
        return f"*{inner}*"

    def strike(self, inner: str) -> str:
        return f"~~{inner}~~"

    def code(self, value: str) -> str:
        """Inline code of raw text."""
        fence = "``" if "`" in value else "`"
        pad = " " if "`" in value else ""
        return f"{fence}{pad}{self.code_text(value)}{pad}{fence}"

    def link(self, inner: str, url: str) -> str:
        return f"[{inner}]({url.replace('(', '%28').replace(')', '%29').replace(' ', '%20')})"

    def heading(self, level: int, inner: str) -> str:
        return f"{'#' * min(level, 6)} {inner}"

    def item(self, depth: int, marker: str) -> str:
        """What stands before a list item: `marker` is `-` or a number with its point."""
        return "   " * depth + marker + " "

    def quote(self) -> tuple[str, str]:
        """What stands before and after each piece of a quotation."""
        return "> ", ""

    def fence(self, language: str) -> tuple[str, str]:
        """What opens and closes a code block."""
        return f"```{language}\n", "```"

    def rule(self) -> str:
        return "---"


class SlackMarkdown(Dialect):
    """Slack's `markdown` block: standard Markdown, in which `<...>` would still be a mention, in code too."""

    def text(self, value: str) -> str:
        return _angles(super().text(value))

    def code_text(self, value: str) -> str:
        return _angles(neutralise(value))


def _angles(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class FeishuMarkdown(Dialect):
    """The `markdown` element of a Feishu card (JSON 2.0): tables are native, tags are written as entities."""

    tables: TableStyle = "native"

    def text(self, value: str) -> str:
        return super().text(value).replace("<", "&#60;").replace(">", "&#62;")


class WecomMarkdown(Dialect):
    """The Markdown of WeCom's AI bot."""

    tables: TableStyle = "native"


class DingtalkMarkdown(Dialect):
    """DingTalk's `markdown` message: no tables and no code blocks, so a table becomes a list and code a quotation."""

    tables: TableStyle = "rows"
    soft_break = "  \n"

    def fence(self, language: str) -> tuple[str, str]:
        return "> ", ""


class DiscordMarkdown(Dialect):
    """Discord: headings up to the third level; a link's address in `<>` shows no preview."""

    def heading(self, level: int, inner: str) -> str:
        return f"{'#' * min(level, 3)} {inner}"

    def link(self, inner: str, url: str) -> str:
        return f"[{inner}](<{url.replace('>', '%3E').replace(' ', '%20')}>)"


class TelegramHtml(Dialect):
    """Telegram's HTML: few tags, everything else escaped."""

    def text(self, value: str) -> str:
        return html.escape(neutralise(value), quote=False)

    def code_text(self, value: str) -> str:
        return html.escape(neutralise(value), quote=False)

    def strong(self, inner: str) -> str:
        return f"<b>{inner}</b>"

    def emphasis(self, inner: str) -> str:
        return f"<i>{inner}</i>"

    def strike(self, inner: str) -> str:
        return f"<s>{inner}</s>"

    def code(self, value: str) -> str:
        return f"<code>{self.code_text(value)}</code>"

    def link(self, inner: str, url: str) -> str:
        return f'<a href="{html.escape(url)}">{inner}</a>'

    def heading(self, level: int, inner: str) -> str:
        return f"<b>{inner}</b>"

    def quote(self) -> tuple[str, str]:
        return "<blockquote>", "</blockquote>"

    def fence(self, language: str) -> tuple[str, str]:
        return "<pre>", "</pre>"

    def rule(self) -> str:
        return "———"
