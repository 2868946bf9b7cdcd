"""Events folded into messages, and messages found again."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from scripted import PASSAGE, QUOTE, ScriptedAdvisor, ScriptedConversation, scripted_done, scripted_passage

import agent
from agent.events import AnswerFailed, TextDelta, ToolFinished, ToolStarted, Understood
from channels.page.cards import cards_html, copy_text, highlighted
from channels.page.session import BusyError, Session, Sessions
from channels.page.view import TurnView, all_messages, turn_of_message
from channels.page.words import tool_title, translations, word
from kb.errors import IndexMissingError


def finished_session(*questions: str) -> tuple[Session, ScriptedAdvisor]:
    session, advisor = Session(ScriptedConversation), ScriptedAdvisor()
    for question in questions:
        list(session.ask(question, advisor, scripted_passage))
    return session, advisor


def titles(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(m["metadata"]["title"], m["metadata"]["status"]) for m in messages if "metadata" in m]


def test_text_appears_as_it_arrives_and_the_checked_answer_replaces_it() -> None:
    turn = TurnView("问")
    turn.fold(Understood("zh", "api_cost", "DeepSeek"), scripted_passage)
    turn.fold(TextDelta("先是"), scripted_passage)
    turn.fold(TextDelta("草稿"), scripted_passage)
    assert turn.messages()[-1]["content"][0]["text"] == "先是草稿"
    turn.fold(scripted_done(answer="定稿"), scripted_passage)
    assert turn.messages()[-1]["content"][0]["text"] == "定稿"


def test_steps_are_pending_while_they_run_and_done_afterwards() -> None:
    turn = TurnView("问")
    assert titles(turn.messages()) == [("正在处理", "pending")]
    turn.fold(Understood("zh", "api_cost", "DeepSeek"), scripted_passage)
    turn.fold(ToolStarted("api_cost", {"tokens": "1亿"}), scripted_passage)
    assert titles(turn.messages()) == [("正在处理", "pending"), ("计算 API 费用", "pending")]
    turn.fold(ToolFinished("api_cost", {"tokens": "1亿"}, {"cost": "500"}, ("a",), 0.01), scripted_passage)
    turn.fold(scripted_done(), scripted_passage)
    assert titles(turn.messages()) == [("步骤", "done"), ("计算 API 费用", "done")]


def test_two_calls_of_one_tool_are_two_steps() -> None:
    turn = TurnView("问")
    for event in (ToolStarted("t", {"n": 1}), ToolFinished("t", {"n": 1}, {}), ToolStarted("t", {"n": 2}), ToolFinished("t", {"n": 2}, {})):
        turn.fold(event, scripted_passage)
    assert [t.input["n"] for t in turn.tools] == [1, 2]


def test_the_quoted_words_are_highlighted_in_their_passage_and_nothing_in_it_is_markup() -> None:
    html = cards_html(scripted_done(), "t", scripted_passage)
    assert f"<mark>{QUOTE}</mark>" in html and "&lt;script&gt;" in html and "<script" not in html
    assert "$12 &lt;b&gt;" in html
    assert highlighted(PASSAGE, QUOTE).count("<mark>") == 1


def test_a_quote_that_its_passage_has_lost_is_shown_alone() -> None:
    assert highlighted("changed", "quote <1>") == "<mark>quote &lt;1&gt;</mark>"


def test_conflicts_show_both_sides_with_their_sources_and_the_verdict() -> None:
    html = cards_html(scripted_done(), "t", scripted_passage)
    assert all(text in html for text in ("资料说法不一致", "$10 / 百万", "top-list.md", "api-prices.md", "相差 20%"))


def test_copied_text_brings_its_sources_along() -> None:
    sources = "[1] api-prices.md · API 价格 > 国产模型 · 第 10–12 行\n[2] report.pdf · 定价 · 第 3 页 第 1 行"
    assert copy_text(scripted_done(answer="x [1]")) == f"x [1]\n\n来源\n\n{sources}"


def test_a_failed_turn_shows_why_and_leaves_the_memory_as_it_was() -> None:
    session, _ = finished_session("一")
    list(session.ask("二", ScriptedAdvisor(failure=IndexMissingError("no index; run advisor ingest")), scripted_passage))
    assert session.turns[-1].failed == AnswerFailed("no index; run advisor ingest", "")
    assert session.memory.turns == ["一"]


def test_a_stopped_turn_keeps_its_text_and_does_not_advance_the_memory() -> None:
    session, _ = finished_session("一")
    run = session.ask("二", ScriptedAdvisor(), scripted_passage)
    for turn in run:
        if turn.text:
            break
    run.close()
    assert session.turns[-1].stopped and session.turns[-1].text and session.memory.turns == ["一"]
    assert "已停止" in session.turns[-1].messages()[-1]["content"][-1]["text"]


def test_a_second_question_while_the_first_is_answered_is_refused() -> None:
    session, advisor = finished_session()
    run = session.ask("一", advisor, scripted_passage)
    next(run)
    with pytest.raises(BusyError):
        next(session.ask("二", advisor, scripted_passage))
    list(run)
    assert [q for q, _ in advisor.asked] == ["一"]


def test_rewinding_forgets_the_turn_and_all_after_it() -> None:
    session, advisor = finished_session("一", "二", "三")
    assert session.rewind(1) == "二"
    list(session.ask("二改", advisor, scripted_passage))
    assert advisor.asked[-1] == ("二改", ("一",))
    assert [turn.question for turn in session.turns] == ["一", "二改"]


def test_each_message_is_found_again_in_its_turn() -> None:
    session, _ = finished_session("一", "二")
    messages = all_messages(session.turns)
    users = [i for i, m in enumerate(messages) if m["role"] == "user"]
    assert [turn_of_message(session.turns, i) for i in users] == [0, 1]
    assert turn_of_message(session.turns, len(messages) - 1) == 1
    assert turn_of_message(session.turns, len(messages)) is None


def test_a_long_conversation_shows_its_last_turns_and_finds_them() -> None:
    session, _ = finished_session(*[str(i) for i in range(5)])
    messages = all_messages(session.turns, visible=2)
    assert messages[0]["content"] == "3" and turn_of_message(session.turns, 0, visible=2) == 3


def test_sessions_of_another_owner_are_unknown_and_the_oldest_goes_first() -> None:
    sessions = Sessions(ScriptedConversation, limit=2)
    first, session = sessions.open("li")
    assert sessions.find(first, "li") is session and sessions.find(first, "han") is None and sessions.find(None) is None
    sessions.open()
    sessions.find(first, "li")
    third, _ = sessions.open()
    assert sessions.find(first, "li") is session and sessions.find(third) is not None


def test_every_word_exists_in_both_languages() -> None:
    zh, en = translations()["zh-CN"], translations()["en"]
    assert set(zh) == set(en) and all(zh.values()) and all(en.values())
    assert word("lines", "en", 3, 5) == "lines 3–5" and tool_title("unknown_tool", "zh") == "unknown tool"


def test_steps_that_the_answer_shows_already_are_folded_and_others_are_open() -> None:
    tool = ToolFinished("api_cost", {}, {}, ("1 × **2** = 2 [1]",))
    shown = cards_html(scripted_done(tools=(tool,), answer="- 1 × **2** = 2 [1]"), "t", scripted_passage)
    hidden = cards_html(scripted_done(tools=(tool,), answer="2"), "t", scripted_passage)
    assert '<details class="adv-calc"><summary>' in shown and '<details class="adv-calc" open>' in hidden
    assert '1 × <b>2</b> = 2 <a href="#src-t-1">1</a>' in shown


def test_every_tool_of_the_agent_has_a_title_in_both_languages() -> None:
    folder = Path(agent.__file__).parent
    calls = [node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    names = {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "tool" and call.args and isinstance(call.args[0], ast.Constant)
    }
    assert len(names) > 30
    assert [name for name in sorted(names) if not {tool_title(name, "zh"), tool_title(name, "en")}.isdisjoint({name.replace("_", " ")})] == []
