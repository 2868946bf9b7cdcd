"""Telling a page's own content from the site around it by structure: where links lead, how dense they are, what stands alone.

No site's words are known here except a few headings that every blog engine prints ("Related posts", "发表评论").
Every rule works on pieces in reading order, so that saved HTML and a page scraped to Markdown are treated alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ingest.pieces import Line, Piece, Run, host_of

_LINKED = 0.5  # share of a paragraph's characters that are site links, from which it is navigation
_LINKED_ITEM = 0.8
_NAV_TABLE = 0.9
_SHORT_CHARS = 16
_MANY_LINKS = 20
_TEASER_CHARS = 200
_BYLINE_CHARS = 80
_SENTENCE = re.compile(r"[^。！？!?\n]{8,}[。！？!?]|(?:\w+[ ,]+){5,}\w+\.(?:\s|$)")
_DATE = re.compile(
    r"(?:19|20)\d{2}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}"
    r"|\b[A-Z][a-z]{2,8}\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d{2}|\b\d{1,2} [A-Z][a-z]{2,8}\.? (?:19|20)\d{2}"
)
_TAIL_HEADING = re.compile(
    r"^(?:相关(?:文章|推荐|阅读|内容|链接|帖子)|推荐(?:文章|阅读)|热门(?:文章|推荐)|最新(?:文章|评论)"
    r"|猜你喜欢|你可能(?:还|也)?喜欢.*"
    r"|(?:发表|添加)?(?:评论|回复|留言)|(?:全部|网友|用户)?评论\s*[(（]?\d*[)）]?|\d+\s*条?评论.*|上一篇.*|下一篇.*|分享(?:(?:到|至|本文).{0,8})?|友情链接"
    r"|related (?:posts?|articles?|content|reading|stories)|recommended(?: (?:posts?|articles?|reading|stories|for you))?"
    r"|you (?:may|might) also like.*"
    r"|(?:\d+ )?comments?|leave a (?:reply|comment)|(?:recent|popular|latest) (?:posts?|articles?|comments?)"
    r"|share (?:this|on).*|more from .*|post navigation)$",
    re.IGNORECASE,
)
_POSTED = re.compile(
    r"(?:发表|发布|更新|修改|创建|撰写)(?:于|时间|日期)?|日期|时间|(?:last )?(?:posted|published|updated|modified)(?: on| at)?|date",
    re.IGNORECASE,
)


def is_web_page(pieces: Sequence[Piece], metadata: dict[str, str]) -> bool:
    """Whether a Markdown text was scraped: it names its address, or a good part of it is links into one site."""
    if page_url(metadata):
        return True
    blocks = [piece for piece in pieces if piece.kind in ("paragraph", "list")]
    hosts = Counter(host_of(run.href) for piece in blocks for run in piece.runs if host_of(run.href))
    if not hosts:
        return False
    host, count = hosts.most_common(1)[0]
    linked = sum(1 for piece in blocks if _share(piece, host) >= _LINKED)
    return count >= _MANY_LINKS and count >= 0.7 * sum(hosts.values()) and linked >= 0.4 * len(blocks)


def page_url(metadata: dict[str, str]) -> str:
    """The page's own address, if the metadata gives one."""
    for key in ("url", "link", "permalink", "canonical", "canonical_url", "source_url", "original_url", "source"):
        if host_of(metadata.get(key, "")):
            return metadata[key]
    return ""


def own_host(pieces: Sequence[Piece], metadata: dict[str, str]) -> str:
    """The host whose links are the site's own: of the page's address, else the one that most of many links lead to."""
    url = page_url(metadata)
    if url:
        return host_of(url)
    links = [run.href for piece in pieces for run in piece.runs if run.href]
    hosts = Counter(filter(None, map(host_of, links)))
    host, count = hosts.most_common(1)[0] if hosts else ("", 0)
    return host if count >= _MANY_LINKS and count >= 0.6 * len(links) else ""


def without_contents_lists(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without lists that only link to headings of the same text: they repeat the headings and say nothing more."""
    return [piece for piece in pieces if not (piece.kind in ("list", "paragraph") and _is_contents(piece))]


def content_only(pieces: Sequence[Piece], title: str, metadata: dict[str, str]) -> list[Piece]:
    """The pieces of a web page that are the page's own words, tables and lists; bylines with a date stay."""
    host = own_host(pieces, metadata)
    url = page_url(metadata)
    start = _title_position(pieces, title)
    kept: list[Piece] = []
    classes: list[str] = []
    first_heading = next((at for at, piece in enumerate(pieces) if at > start and piece.kind == "heading"), len(pieces))
    for position, piece in enumerate(pieces):
        byline = position < first_heading and len(piece.text) <= _BYLINE_CHARS and bool(_DATE.search(piece.text))
        piece, verdict = _judge(piece, host, url, byline)
        if position < start and not byline:
            verdict = "bad"
        kept.append(piece)
        classes.append(verdict)
    _settle_short(kept, classes)
    _cut_tail_sections(kept, classes)
    _cut_teasers(kept, classes, host, url)
    content = [piece for piece, verdict in zip(kept, classes, strict=True) if verdict in ("good", "rest", "heading")]
    if all(piece.kind == "heading" for piece in content):  # a page of links is all that it has to say
        return without_contents_lists(pieces[start:])
    return content


def posted_date(pieces: Sequence[Piece]) -> str:
    """The date of a "posted on" line among the first pieces, as written; empty if there is none."""
    for piece in list(pieces)[:12]:
        for line in piece.lines:
            text = line.text
            if len(text) <= _BYLINE_CHARS and (found := _DATE.search(text)) and _POSTED.search(text):
                return _whole_date(text, found)
    return ""


def _whole_date(text: str, found: re.Match[str]) -> str:
    return found[0] + ("日" if text[found.end() : found.end() + 1] == "日" else "")


def _judge(piece: Piece, host: str, url: str, byline: bool) -> tuple[Piece, str]:
    if piece.kind == "heading":
        return piece, "heading"
    if piece.kind == "code":
        return piece, "good"
    if piece.kind == "table":
        runs = piece.table_runs
        links = sum(1 for run in runs if run.href)
        return piece, "bad" if links >= 4 and _share(piece, host) >= _NAV_TABLE else "good"
    if piece.kind == "list":
        return _judge_list(piece, host, byline)
    text = piece.text
    if not text:
        return piece, "bad"
    if byline:
        return _unlinked(piece, host), "good"
    own_link = bool(url) and any(run.href.split("#")[0].rstrip("/") == url.rstrip("/") for run in piece.runs if run.text.strip())
    if own_link or _share(piece, host) >= _LINKED or _is_contents(piece):
        rest = _residue(piece, host)
        return rest, "rest" if _SENTENCE.search(rest.text) else "bad"
    if piece.kind == "paragraph" and len(text) <= _SHORT_CHARS and not _SENTENCE.search(text):
        return piece, "short"
    return piece, "good"


def _judge_list(piece: Piece, host: str, byline: bool) -> tuple[Piece, str]:
    if _is_contents(piece):
        return piece, "bad"
    items = _items(piece)
    nav = [_is_nav_item(item, host) for item in items]
    if not any(nav):
        return piece, "good"
    if (
        not byline
        and sum(nav) < 0.6 * len(nav)
        and sum(len(line.text) for item, is_nav in zip(items, nav, strict=True) if not is_nav for line in item) > 60
    ):
        return piece, "good"  # a list of content in which some items are links
    rest = [line for item, is_nav in zip(items, nav, strict=True) if not is_nav for line in item]
    said = " ".join(line.text for line in rest)
    if _DATE.search(said) and len(said) <= _BYLINE_CHARS or _SENTENCE.search(said):
        return Piece("list", rest, rest[0].number, rest[-1].number, page=piece.page), "good"
    return piece, "bad"


def _items(piece: Piece) -> list[list[Line]]:
    items: list[list[Line]] = []
    for line in piece.lines:
        if line.forced and line.prefix.strip() or not items:
            items.append([])
        items[-1].append(line)
    return items


def _is_nav_item(item: Sequence[Line], host: str) -> bool:
    runs = [run for line in item for run in line.runs]
    total = sum(len(run.text.strip()) for run in runs)
    return total == 0 or _site_chars(runs, host) >= _LINKED_ITEM * total


def _is_site_link(run: Run, host: str) -> bool:
    target = run.href
    if not target:
        return False
    if target.lower().startswith(("javascript:", "mailto:", "tel:")):
        return True
    target_host = host_of(target)
    return not target_host or target_host == host or target_host.endswith("." + host) or host.endswith("." + target_host)


def _site_chars(runs: Sequence[Run], host: str) -> int:
    return sum(len(run.text.strip()) for run in runs if _is_site_link(run, host))


def _share(piece: Piece, host: str) -> float:
    runs = piece.runs
    total = sum(len(run.text.strip()) for run in runs)
    return _site_chars(runs, host) / total if total else 0.0


def _is_contents(piece: Piece) -> bool:
    """A list (or line) of links to headings of the same page."""
    runs = [run for run in piece.runs if run.text.strip()]
    anchors = [run for run in runs if run.href.startswith("#")]
    total = sum(len(run.text.strip()) for run in runs)
    return len(anchors) >= 2 and sum(len(run.text.strip()) for run in anchors) >= 0.8 * total


def _unlinked(piece: Piece, host: str) -> Piece:
    lines = [
        Line([run for run in line.runs if not _is_site_link(run, host)], line.number, line.prefix, line.forced) for line in piece.lines
    ]
    return (
        Piece(piece.kind, [line for line in lines if line.text], piece.first, piece.last, page=piece.page)
        if any(line.text for line in lines)
        else piece
    )


def _residue(piece: Piece, host: str) -> Piece:
    """What a block of links also says in whole sentences of its own."""
    lines: list[Line] = []
    for line in piece.lines:
        runs: list[Run] = []
        for run in line.runs:
            if _is_site_link(run, host):
                if runs:  # the label before a link goes with it, back to the last sentence end
                    runs[-1] = Run(re.sub(r"[^。！？!?]*$", "", runs[-1].text), runs[-1].href)
                continue
            runs.append(Run(run.text, run.href, run.strong))
        lines.append(Line(runs, line.number, line.prefix, line.forced))
    return Piece(piece.kind, lines, piece.first, piece.last, page=piece.page)


def _title_position(pieces: Sequence[Piece], title: str) -> int:
    """Where the content starts: at the last heading that repeats the title, if it stands in the upper half of the page."""
    wanted = re.sub(r"\W+", "", title).lower()
    if not wanted:
        return 0
    total = sum(len(piece.text) + sum(len(run.text) for run in piece.table_runs) for piece in pieces) or 1
    position, seen = 0, 0
    for at, piece in enumerate(pieces):
        if piece.kind == "heading" and re.sub(r"\W+", "", piece.text).lower() == wanted and seen <= total / 2:
            position = at
        seen += len(piece.text) + sum(len(run.text) for run in piece.table_runs)
    return position


def _settle_short(pieces: Sequence[Piece], classes: list[str]) -> None:
    """A short line goes with what follows it: content makes it content, navigation or the end of the page makes it navigation."""
    following = "bad"
    for position in range(len(pieces) - 1, -1, -1):
        verdict = classes[position]
        if verdict == "short":
            alone_under_heading = position > 0 and classes[position - 1] == "heading"
            classes[position] = "good" if following in ("good", "heading") or alone_under_heading else "bad"
        elif verdict == "heading":
            following = "heading"
        else:
            following = verdict


def _cut_tail_sections(pieces: Sequence[Piece], classes: list[str]) -> None:
    """Drops the sections under the headings that blog engines print below an article, where they do stand below it."""
    sizes = [len(piece.text) if verdict == "good" else 0 for piece, verdict in zip(pieces, classes, strict=True)]
    half = sum(sizes) / 2
    seen = cutting = 0
    for position, piece in enumerate(pieces):
        seen += sizes[position]
        if piece.kind == "heading":
            if cutting and piece.level > cutting:
                classes[position] = "bad"
                continue
            cutting = piece.level if seen >= half and _TAIL_HEADING.match(piece.text.strip(" :：#")) else 0
            if cutting:
                classes[position] = "bad"
        elif cutting:
            classes[position] = "bad"


def _cut_teasers(pieces: Sequence[Piece], classes: list[str], host: str, url: str) -> None:
    """Drops the cards of other pages at the end: sections of few words whose headings link into the site."""
    total = sum(len(piece.text) for piece, verdict in zip(pieces, classes, strict=True) if verdict == "good")
    end, position = len(pieces), len(pieces) - 1
    cut: list[int] = []
    while position >= 0:
        if classes[position] == "heading":
            said = sum(len(pieces[at].text) for at in range(position, end) if classes[at] == "good")
            if said and not (said <= _TEASER_CHARS and _leads_elsewhere(pieces[position], host, url)):
                break
            if said or _leads_elsewhere(pieces[position], host, url):
                cut.extend(range(position, end))
            end = position
        position -= 1
    if sum(len(pieces[at].text) for at in cut if classes[at] == "good") < total / 2:
        for at in cut:
            classes[at] = "bad"


def _leads_elsewhere(piece: Piece, host: str, url: str) -> bool:
    """Whether a heading is a link to another page of the site."""
    runs = [run for run in piece.runs if run.text.strip()]
    return bool(runs) and all(
        _is_site_link(run, host) and not run.href.startswith("#") and run.href.split("#")[0].rstrip("/") != url.rstrip("/") for run in runs
    )
