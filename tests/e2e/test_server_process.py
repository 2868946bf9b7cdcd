"""The real thing: `advisor chat` as a process over the shipped index, asked through the API and in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import free_port, server_process

from channels.page.accounts import write_account

Visit = Callable[..., Any]
pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def served(shipped_index: Path) -> Iterator[str]:
    with server_process(shipped_index, free_port()) as (url, lines):
        assert any(line.strip() == url for line in lines)
        yield url


def test_the_api_takes_one_string_and_gives_the_answer_as_markdown(served: str) -> None:
    from gradio_client import Client

    answer = Client(served, verbose=False).predict("GPT-5.1 每百万 token 多少钱？", api_name="/chat")
    assert "GPT-5.1" in answer and "[1]" in answer and "gpt-5.1.md" in answer


def test_each_call_of_the_api_is_a_conversation_of_its_own(served: str) -> None:
    from gradio_client import Client

    client = Client(served, verbose=False)
    follow_up = "那输出呢？"
    first = client.predict(follow_up, api_name="/chat")
    client.predict("GPT-5.1 每百万 token 多少钱？", api_name="/chat")
    assert client.predict(follow_up, api_name="/chat") == first


def test_only_the_chat_is_offered_to_programs(served: str) -> None:
    from gradio_client import Client

    api = Client(served, verbose=False).view_api(return_format="dict", print_info=False)
    assert list(api["named_endpoints"]) == ["/chat"] and not api["unnamed_endpoints"]


@pytest.mark.parametrize(
    ("locale", "question", "expected"),
    [("zh-CN", "GPT-5.1 每百万 token 多少钱？", "来源"), ("en-US", "What does GPT-5.1 cost per million tokens?", "Sources")],
)
def test_a_visitor_asks_reads_and_checks_the_source(visit: Visit, served: str, locale: str, question: str, expected: str) -> None:
    page = visit(served, locale=locale)
    page.fill("#question textarea", question)
    page.keyboard.press("Enter")
    page.locator(".adv-foot").wait_for()
    page.get_by_role("heading", name=expected, exact=True).wait_for()
    page.locator('#chat a[href*="#src-"]').first.click()
    mark = page.locator(".adv-source mark").first
    mark.wait_for(state="visible")
    quoted = mark.inner_text()
    passage = page.locator(".adv-source[open] blockquote").inner_text()
    assert quoted and quoted in passage


def test_a_search_shows_what_was_found_and_why_and_what_is_indexed(visit: Visit, served: str) -> None:
    page = visit(served)
    page.get_by_role("tab", name="文档").click()
    page.locator("#documents tbody tr:visible", has_text="gemini-2.5.md").wait_for()
    page.locator("#search textarea").fill("Gemini 2.5 输入价")
    page.keyboard.press("Enter")
    first = page.locator("#hits .adv-zh .adv-hit").first
    first.wait_for()
    assert "gemini" in first.locator(".adv-file").inner_text().lower() and first.locator("mark").count() > 0
    assert "语义" in first.inner_text() or "词语" in first.inner_text()


def test_with_accounts_a_wrong_password_is_refused_and_a_right_one_asks(shipped_index: Path, tmp_path: Path) -> None:
    from gradio_client import Client
    from gradio_client.exceptions import AuthenticationError

    accounts = tmp_path / "accounts"
    write_account(accounts, "li", "correct horse")
    with server_process(shipped_index, free_port(), "--auth-file", str(accounts)) as (url, _):
        with pytest.raises((AuthenticationError, ValueError)):
            Client(url, verbose=False, auth=("li", "wrong password"))
        with pytest.raises((AuthenticationError, ValueError)):
            Client(url, verbose=False).predict("hi", api_name="/chat")
        assert Client(url, verbose=False, auth=("li", "correct horse")).predict("GPT-5.1 多少钱？", api_name="/chat")
