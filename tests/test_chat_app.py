"""The page without a browser: what it offers, and what goes around it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from scripted import ScriptedAdvisor, ScriptedConversation, scripted_done, scripted_passage

from channels.page.backend import Backend, NoAnswerError
from channels.page.front import POLICY, Front, House
from kb.errors import IndexMissingError

# Gradio leaves the event loops that it builds a page with to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def backend(advisor: ScriptedAdvisor, home: Path) -> Backend:
    return Backend(lambda: advisor, ScriptedConversation, scripted_passage, home)


def test_building_the_page_opens_nothing_and_asks_nothing(tmp_path: Path) -> None:
    from chat_app import build_page

    advisor = ScriptedAdvisor()
    page = build_page(backend(advisor, tmp_path))
    assert advisor.asked == [] and not page.is_running


def test_programs_are_offered_the_chat_and_nothing_else(tmp_path: Path) -> None:
    from chat_app import build_page

    page = build_page(backend(ScriptedAdvisor(), tmp_path))
    public = [fn.api_name for fn in page.fns.values() if fn.api_visibility == "public"]
    assert public == ["chat"]


def test_the_page_calls_nobody_and_keeps_markup_out(tmp_path: Path) -> None:
    import gradio as gr

    from chat_app import build_page

    page = build_page(backend(ScriptedAdvisor(), tmp_path))
    chatbot = next(block for block in page.blocks.values() if isinstance(block, gr.Chatbot))
    assert not page.analytics_enabled and chatbot.sanitize_html and chatbot.allow_tags is False


def test_one_answer_brings_its_sources_and_each_is_a_new_conversation(tmp_path: Path) -> None:
    advisor = ScriptedAdvisor(done=scripted_done(answer="**5** [1]"))
    one = backend(advisor, tmp_path)
    assert one.answer_once("一").startswith("**5** [1]\n\n来源\n\n[1] api-prices.md")
    one.answer_once("二")
    assert advisor.asked == [("一", ()), ("二", ())]


def test_an_answer_that_never_came_is_an_error(tmp_path: Path) -> None:
    class Silent:
        def answer(self, question: str, conversation: Any) -> Any:
            return iter(())

    with pytest.raises(NoAnswerError):
        Backend(lambda: Silent(), ScriptedConversation, scripted_passage, tmp_path).answer_once("一")
    with pytest.raises(IndexMissingError):
        backend(ScriptedAdvisor(failure=IndexMissingError("no index")), tmp_path).answer_once("一")


def respond(content_type: bytes, *bodies: bytes, method: str = "GET") -> tuple[dict[bytes, bytes], bytes]:
    """What a browser gets of a response that goes through `Front`."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type), (b"content-length", b"999")]})
        for i, body in enumerate(bodies):
            await send({"type": "http.response.body", "body": body, "more_body": i < len(bodies) - 1})

    sent: list[Any] = []

    async def run() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request"}

        await Front(app, House("zh"))({"type": "http", "method": method, "path": "/", "headers": []}, receive, send)

    # A loop of our own: the framework keeps one in this thread, which `asyncio.run` would push out unclosed.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
    return dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent[1:])


def test_a_page_gets_our_script_first_and_a_policy_against_other_hosts() -> None:
    headers, body = respond(b"text/html; charset=utf-8", b"<html><he", b"ad><title>x</title>")
    assert body.startswith(b'<html><head><script>window.advisorLanguage="zh";') and body.endswith(b"</script><title>x</title>")
    assert headers[b"content-length"] == str(len(body)).encode()
    assert headers[b"content-security-policy"] == POLICY.encode() and headers[b"referrer-policy"] == b"no-referrer"


def test_other_responses_stream_through_untouched() -> None:
    headers, body = respond(b"text/event-stream", b"data: <head>\n\n", b"data: 2\n\n")
    assert body == b"data: <head>\n\ndata: 2\n\n" and headers[b"content-length"] == b"999"


def test_the_policy_names_no_other_host() -> None:
    assert "http" not in POLICY and "*" not in POLICY
