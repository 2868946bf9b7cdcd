"""Conversations outlive the process that held them, belong to one owner, and leave as files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import QUOTE, ScriptedAdvisor, ScriptedConversation, scripted_done, scripted_passage

from agent.events import AnswerFailed
from channels.page.export import export
from channels.page.history_view import head_html, list_html
from channels.page.session import Session, Sessions
from channels.page.view import all_messages
from channels.page.visitors import owner_for
from channels.state.conversations import Conversations, StoredTurn
from channels.state.database import close_databases, open_database
from kb.errors import IndexMissingError
from kb.settings import Settings


@pytest.fixture
def talks(tmp_path: Path) -> Iterator[Conversations]:
    yield Conversations(open_database(Settings(home=tmp_path)))
    close_databases()


def sessions_over(talks: Conversations) -> Sessions:
    """What a process holds: another call is another process over the same database."""
    return Sessions(ScriptedConversation, lambda: talks, scripted_passage)


def ask(session: Session, question: str, advisor: ScriptedAdvisor) -> None:
    list(session.ask(question, advisor, scripted_passage))


def test_another_process_shows_the_conversation_with_its_citations_and_goes_on_with_it(talks: Conversations) -> None:
    advisor, first = ScriptedAdvisor(), sessions_over(talks)
    token, session = first.open("account:li")
    ask(session, "一", advisor)
    second = sessions_over(talks)
    loaded = second.find(token, "account:li")
    assert loaded is not None and all_messages(loaded.turns) == all_messages(session.turns)
    assert f"<mark>{QUOTE}</mark>" in loaded.turns[0].cards
    ask(loaded, "二", advisor)
    assert advisor.asked[-1] == ("二", ("一",)), "the agent's memory is rebuilt from what was stored"
    seen_by_first = first.find(token, "account:li")
    assert seen_by_first is not None and [turn.question for turn in seen_by_first.turns] == ["一", "二"]


def test_of_the_stored_conversations_few_are_held_and_the_others_read_again(talks: Conversations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.page.session.MAX_STORED_SESSIONS", 2)
    advisor, sessions = ScriptedAdvisor(), sessions_over(talks)
    opened = [sessions.open("o") for _ in range(4)]
    for number, (_, session) in enumerate(opened):
        ask(session, str(number), advisor)
    fresh, unasked = sessions.open("o")
    assert len(sessions._sessions) == 3 and sessions.find(fresh, "o") is unasked
    first = sessions.find(opened[0][0], "o")
    assert first is not None and first is not opened[0][1] and [turn.question for turn in first.turns] == ["0"]


def test_a_restored_turn_can_be_taken_back(talks: Conversations) -> None:
    advisor = ScriptedAdvisor()
    token, session = sessions_over(talks).open("o")
    for question in ("一", "二", "三"):
        ask(session, question, advisor)
    loaded = sessions_over(talks).find(token, "o")
    assert loaded is not None and loaded.rewind(1) == "二"
    ask(loaded, "二改", advisor)
    assert advisor.asked[-1] == ("二改", ("一",))
    assert [turn.question for turn in talks.turns(token, "o")] == ["一", "二改"]


def test_stopped_and_failed_turns_are_kept_as_such_and_do_not_enter_the_memory(talks: Conversations) -> None:
    advisor, sessions = ScriptedAdvisor(), sessions_over(talks)
    token, session = sessions.open("o")
    run = session.ask("停", advisor, scripted_passage)
    for _ in range(6):
        next(run)
    session.stop()
    run.close()
    advisor.failure = IndexMissingError("no index; run advisor ingest")
    ask(session, "坏", advisor)
    stopped, failed = talks.turns(token, "o")
    assert stopped.done is None and stopped.failed is None and stopped.answer.startswith("**DeepSeek**")
    assert failed.failed == AnswerFailed("no index; run advisor ingest", "")
    advisor.failure = None
    loaded = sessions_over(talks).find(token, "o")
    assert loaded is not None and (loaded.turns[0].stopped, loaded.turns[1].failed) == (True, failed.failed)
    ask(loaded, "好", advisor)
    assert advisor.asked[-1] == ("好", ())


def test_a_turn_that_was_stopped_and_taken_back_is_not_stored_again_when_its_answer_ends(talks: Conversations) -> None:
    advisor, sessions = ScriptedAdvisor(), sessions_over(talks)
    token, session = sessions.open("o")
    late = session.ask("旧", advisor, scripted_passage)
    next(late)
    next(late)
    session.stop()
    session.rewind(0)
    ask(session, "新", advisor)
    list(late)
    assert [turn.question for turn in talks.turns(token, "o")] == ["新"]


def test_a_conversation_is_found_by_its_owner_alone_and_not_after_it_was_deleted(talks: Conversations) -> None:
    sessions = sessions_over(talks)
    token, session = sessions.open("account:li")
    ask(session, "一", ScriptedAdvisor())
    for process in (sessions, sessions_over(talks)):
        assert process.find(token, "account:han") is None and process.find(token, "") is None
    talks.remove(token, "account:li")
    assert sessions.find(token, "account:li") is None


def test_without_an_owner_nothing_is_stored_and_the_token_leads_back(talks: Conversations) -> None:
    sessions = sessions_over(talks)
    token, session = sessions.open("")
    ask(session, "一", ScriptedAdvisor())
    assert sessions.find(token, "") is session and talks.listed("") == []


def test_an_owner_is_an_account_a_key_or_a_browser_with_a_long_secret() -> None:
    secret = "s" * 43
    assert owner_for("li", secret) == "account:li" and owner_for("key:ci", None) == "key:ci"
    assert owner_for("", secret).startswith("browser:") and owner_for(None, secret) != owner_for(None, "t" * 43)
    assert owner_for("", "short") == "" and owner_for(None, None) == ""


def test_the_list_marks_the_open_conversation_and_shows_titles_as_text(talks: Conversations) -> None:
    one = talks.create("o", "page", "<script>x</script>")
    html = list_html(talks.listed("o"), one, "", kept=True)
    assert "&lt;script&gt;" in html and "<script>" not in html and 'aria-current="true"' in html
    assert "<script>" not in head_html(talks.find(one, "o")) and head_html(None) == ""
    assert "没有找到" in list_html([], "", "x", kept=True) and "Cookie" in list_html([], "", "", kept=False)


def test_an_export_holds_questions_answers_and_sources_and_nothing_active(talks: Conversations) -> None:
    id_ = talks.create("o", "page", "DeepSeek / GPT: 多少钱？")
    done = scripted_done()
    talks.append(id_, "o", StoredTurn("t1", "多少钱 <b>？", done.answer, done))
    talks.append(id_, "o", StoredTurn("t2", "停", "半句"))
    talks.append(id_, "o", StoredTurn("t3", "坏", failed=AnswerFailed("no index", "ab12")))
    row = talks.find(id_, "o")
    assert row is not None
    markdown = export(row, talks.turns(id_, "o"), "md")
    text = markdown.content.decode()
    assert markdown.name == "DeepSeek-GPT-多少钱.md" and "## 多少钱 &lt;b>？" in text
    assert "- [1] api-prices.md · API 价格 > 国产模型 · 第 10–12 行" in text and f"> {QUOTE}" in text and "$12 &lt;b>" in text
    assert "](http" not in text and "<script" not in text and "已停止" in text and "no index" in text
    data = json.loads(export(row, talks.turns(id_, "o"), "json").content)
    assert [turn["question"] for turn in data["turns"]] == ["多少钱 <b>？", "停", "坏"]
    assert data["turns"][0]["citations"][0]["quote"] == QUOTE and data["turns"][0]["conflicts"][0]["verdict"] == "相差 20%"
    assert data["turns"][1]["stopped"] and data["turns"][2]["error"]["reference"] == "ab12"
