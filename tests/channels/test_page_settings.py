"""A visitor's settings: what is taken from the browser, what it comes to, and what it does to an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripted import ScriptedAdvisor, ScriptedConversation, scripted_passage

from agent.events import AnswerDone
from agent.session import Advisor, Conversation
from channels.page.backend import Backend, NotAllowedError, active_catalog
from channels.page.session import Session
from channels.page.settings_view import choices_of, looks_html, server_html, shares, weighable_fields, weights_html, who_html
from channels.state.database import close_databases
from channels.state.keys import ApiKeys
from kb.settings import Settings

FIELDS = ["input_price", "context_window"]


@pytest.mark.parametrize(
    ("kept", "mode", "weights"),
    [
        ({"mode": "offline", "weights": {"input_price": 40, "context_window": 0}}, "offline", {"input_price": 40}),
        ({"mode": "root", "weights": {"password": 40, "input_price": "x", "context_window": 900}}, "auto", {"context_window": 100}),
        ({"weights": [1, 2]}, "auto", {}),
        (None, "auto", {}),
        ("x", "auto", {}),
    ],
)
def test_only_what_can_be_used_is_taken_from_the_browser(kept: object, mode: str, weights: dict[str, int]) -> None:
    assert choices_of(kept, FIELDS) == (mode, weights)


def test_shares_are_together_at_most_one() -> None:
    assert shares({"a": 40, "b": 20}) == {"a": 0.4, "b": 0.2}
    assert shares({"a": 100, "b": 100}) == {"a": 0.5, "b": 0.5} and shares({}) == {}


def test_models_can_be_weighed_by_what_enough_of_them_state() -> None:
    fields = weighable_fields(active_catalog())
    assert "input_price" in fields and "context_window" in fields and "saving" not in fields


def test_what_is_set_is_said_in_both_languages_and_as_text() -> None:
    html = weights_html({"context_window": 60}, active_catalog())
    assert "上下文窗口 60%、用途契合 40%" in html and "context window 60%, fit to the need 40%" in html
    assert "&lt;b&gt;" in server_html({"set_model": {"zh": "<b>", "en": "<b>"}})
    assert "读者" in who_html("li", "reader") and 'href="logout"' in who_html("li", "reader") and who_html(None, "reader") == ""
    assert looks_html().count("data-colours") == 3


def test_weights_rank_a_choice_whose_question_puts_nothing_first() -> None:
    advisor = Advisor(Settings(), None)

    def answer(question: str, weights: dict[str, float]) -> AnswerDone:
        last = list(advisor.answer(question, Conversation(weights=weights)))[-1]
        assert isinstance(last, AnswerDone)
        return last

    question = "写代码选哪个模型好？"
    plain, weighed = answer(question, {}), answer(question, {"context_window": 0.6})
    assert "上下文窗口 60%" in weighed.answer and "上下文窗口 60%" not in plain.answer
    own = answer("写代码选哪个模型好？价格优先", {"context_window": 0.6})
    assert "上下文窗口 60%" not in own.answer, "what the question says comes first"
    assert answer("GPT-5.1 的上下文窗口是多少？", {"context_window": 0.6}).answer == answer("GPT-5.1 的上下文窗口是多少？", {}).answer


def test_a_session_hands_the_weights_to_the_agent_and_takes_them_back() -> None:
    session, advisor = Session(ScriptedConversation), ScriptedAdvisor()
    list(session.ask("一", advisor, scripted_passage, {"context_window": 0.6}))
    list(session.ask("二", advisor, scripted_passage))
    assert advisor.weights == [{"context_window": 0.6}, {}]


def backend(home: Path, **settings: Any) -> Backend:
    made = Backend(ScriptedAdvisor, ScriptedConversation, scripted_passage, home)
    made.settings = Settings(home=home, **settings)
    return made


def test_who_asks_too_often_waits_and_the_machines_own_user_never_does(tmp_path: Path) -> None:
    try:
        own = backend(tmp_path, rate_per_minute=1)
        assert [own.wait_s("browser:x", None) for _ in range(3)] == [0.0, 0.0, 0.0]
        team = backend(tmp_path, rate_per_minute=2)
        team.has_accounts = True
        assert [team.wait_s("account:li", "li") > 0 for _ in range(3)] == [False, False, True]
        assert team.wait_s("account:han", "han") == 0.0
        assert [own.wait_s("key:ci", "key:ci") > 0 for _ in range(2)] == [False, True]
        assert backend(tmp_path, rate_per_minute=0).wait_s("key:ci", "key:ci") == 0.0
    finally:
        close_databases()


def test_where_keys_are_set_a_program_needs_one(tmp_path: Path) -> None:
    made = backend(tmp_path)
    made.admit_program(None)
    made.keys = ApiKeys.read("ci:0123456789abcdef")
    with pytest.raises(NotAllowedError, match="Authorization: Bearer"):
        made.admit_program(None)
    made.admit_program("key:ci")
    made.admit_program("li")


def test_a_visitor_may_leave_the_language_model_out(tmp_path: Path) -> None:
    class WithModel(Advisor):
        endpoint = object()

        def answer(self, question: str, conversation: Conversation | None = None) -> Any:
            raise AssertionError("the model was asked")

    advisor = WithModel(Settings(), None)
    made = Backend(lambda: advisor, Conversation, scripted_passage, tmp_path)
    assert made.answerer_for("auto") is advisor
    last = list(made.answerer_for("offline").answer("GPT-5.1 的上下文窗口是多少？", Conversation()))[-1]
    assert isinstance(last, AnswerDone) and last.mode == "offline"
