"""Text of others is shown as text."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from channels.page.safe import escape, safe_markdown

RENDER = MarkdownIt("commonmark").enable("table").render


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "\\<script>alert(1)</script>",
        "![x](http://a.invalid/p.png)",
        "[click](http://a.invalid)",
        "\\\\[click](http://a.invalid)",
        "[a]: http://a.invalid\n\n[a]",
        "<http://a.invalid>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "&lt;b&gt;<b>",
        "| a |\n|---|\n| <i>x</i> [y](z) |",
    ],
)
def test_markup_links_and_images_never_become_elements(text: str) -> None:
    html = RENDER(safe_markdown(text))
    assert not any(tag in html for tag in ("<script", "<a ", "<img", "<b>", "<i>"))


def test_what_is_shown_is_what_was_written() -> None:
    assert RENDER(safe_markdown("a < b && [c] & &lt;")).strip() == "<p>a &lt; b &amp;&amp; [c] &amp; &amp;lt;</p>"


def test_structure_of_an_answer_is_kept() -> None:
    html = RENDER(safe_markdown("# T\n\n**b** `x < y`\n\n- i\n\n| a |\n|---|\n| 1 |\n\n```\n<raw> [x](y)\n```"))
    assert all(tag in html for tag in ("<h1>", "<strong>b", "<code>x &lt; y</code>", "<li>", "<td>1", "&lt;raw&gt; [x](y)"))


def test_citation_marks_become_links_to_their_source_and_no_other_mark_does() -> None:
    assert safe_markdown("价格 [1]，[2]", lambda n: "#src-a-1" if n == 1 else None) == "价格 [1](#src-a-1)，&#91;2&#93;"


def test_a_mark_directly_before_a_bracket_is_not_taken_for_a_link_with_a_foreign_target() -> None:
    html = RENDER(safe_markdown("[1](http://a.invalid)", lambda n: "#src-a-1"))
    assert "a.invalid" not in html.replace("(http://a.invalid)", "") and "<a " not in html


def test_adjacent_marks_are_both_links() -> None:
    assert safe_markdown("x[1][2]", lambda n: f"#s-{n}") == "x[1](#s-1)[2](#s-2)"


def test_escape_covers_attributes() -> None:
    assert escape("\"'<>&") == "&quot;&#x27;&lt;&gt;&amp;"
