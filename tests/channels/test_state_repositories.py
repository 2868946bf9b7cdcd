"""Conversations, feedback, limits and keys: what is kept for whom, and what another owner can reach of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scripted import scripted_done
from sqlalchemy import Engine

from agent.events import AnswerFailed, Understood
from channels.state.conversations import Conversations, StoredTurn, UnknownConversationError, browser_owner, title_of
from channels.state.database import close_databases, open_database
from channels.state.feedback import Feedback, Opinion
from channels.state.keys import ApiKeys
from channels.state.limits import Limits, Rate
from kb.errors import SettingsError
from kb.settings import Settings


@pytest.fixture
def engine(state_settings: Settings) -> Iterator[Engine]:
    yield open_database(state_settings)
    close_databases()


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds


@pytest.fixture
def talks(engine: Engine) -> Conversations:
    return Conversations(engine, Clock())


def test_a_turn_comes_back_as_it_was_given_with_its_citations(talks: Conversations, engine: Engine) -> None:
    done = scripted_done(tools=())
    id_ = talks.create("account:li", "page")
    given = StoredTurn("t1", "多少钱？", done.answer, done, Understood("zh", "api_cost", "DeepSeek"))
    talks.append(id_, "account:li", given)
    talks.append(id_, "account:li", StoredTurn("t2", "又如何？", failed=AnswerFailed("no index", "ab12")))
    talks.append(id_, "account:li", StoredTurn("t3", "停", "半句"))
    first, second, third = Conversations(engine).turns(id_, "account:li")
    assert (first.done, first.understood) == (done, given.understood) and first.done is not None
    assert first.done.citations[0].quote == done.citations[0].quote
    assert second.failed == AnswerFailed("no index", "ab12") and second.done is None
    assert (third.answer, third.done, third.failed) == ("半句", None, None)


def test_another_owner_reaches_nothing(talks: Conversations) -> None:
    id_ = talks.create("account:li", "page", "秘密")
    turn = StoredTurn("t1", "q")
    for call in (
        lambda: talks.turns(id_, "account:han"),
        lambda: talks.append(id_, "account:han", turn),
        lambda: talks.cut(id_, "account:han", 0),
        lambda: talks.rename(id_, "account:han", "x"),
    ):
        with pytest.raises(UnknownConversationError):
            call()
    talks.remove(id_, "account:han")
    assert talks.find(id_, "account:han") is None and talks.listed("account:han") == []
    assert [row.title for row in talks.listed("account:li")] == ["秘密"]


def test_the_list_is_newest_first_and_searched_by_all_words_in_titles_questions_and_answers(talks: Conversations) -> None:
    one, two = talks.create("o", "page"), talks.create("o", "slack")
    talks.append(one, "o", StoredTurn("t1", "GPT-5.1 多少钱", "输入 100%_off"))
    talks.append(two, "o", StoredTurn("t2", "要几张卡", "需要 4 张 A100"))
    assert [row.id for row in talks.listed("o")] == [two, one]
    assert [row.id for row in talks.listed("o", channel="page")] == [one]
    assert [row.id for row in talks.listed("o", query="a100 卡")] == [two]
    assert [row.id for row in talks.listed("o", query="100%_off gpt-5.1")] == [one]
    assert talks.listed("o", query="A100 gpt") == [] and talks.listed("o", query="100%-off") == []


def test_a_conversation_is_named_after_its_first_question_and_can_be_renamed_cut_and_deleted(talks: Conversations) -> None:
    id_ = talks.create("o", "page")
    for n in range(3):
        talks.append(id_, "o", StoredTurn(f"t{n}", f"问题 {n}"))
    row = talks.find(id_, "o")
    assert row is not None and (row.title, row.turns) == ("问题 0", 3)
    assert talks.cut(id_, "o", 1) > row.updated_at
    talks.append(id_, "o", StoredTurn("t9", "改"))
    assert [turn.question for turn in talks.turns(id_, "o")] == ["问题 0", "改"]
    talks.rename(id_, "o", "  ")
    talks.rename(id_, "o", "我的\n对话")
    assert [r.title for r in talks.listed("o")] == ["我的 对话"]
    talks.remove(id_, "o")
    with pytest.raises(UnknownConversationError):
        talks.turns(id_, "o")


def test_long_titles_are_cut_and_a_browsers_secret_is_not_kept() -> None:
    assert len(title_of("长" * 500)) == 80
    assert "hunter2" not in browser_owner("hunter2") and browser_owner("a") != browser_owner("b")


def test_an_opinion_replaces_the_one_before_and_can_be_withdrawn(engine: Engine) -> None:
    feedback = Feedback(engine, Clock())
    feedback.store(Opinion("account:li", "page", "t1", "up", ["一", "二"]))
    feedback.store(Opinion("account:li", "page", "t1", "down", ["一", "二"], "价格过时" * 1000, "答", ["a.md"], "offline"))
    feedback.store(Opinion("account:han", "slack", "t1", "up", ["一", "二"]))
    first, second = feedback.records()
    assert (first["rating"], first["question"], first["turns"], first["sources"]) == ("down", "二", ["一", "二"], ["a.md"])
    assert len(first["reason"]) == 2000 and second["owner"] == "account:han"
    feedback.withdraw("account:li", "t1")
    assert [record["owner"] for record in feedback.records()] == ["account:han"]


def test_a_bucket_empties_refills_and_says_how_long_to_wait(engine: Engine) -> None:
    now = [0.0]
    limits, rate = Limits(engine, lambda: now[0]), Rate(per_minute=60, burst=2)
    assert [limits.take("account:li", rate) for _ in range(3)] == [0.0, 0.0, 1.0]
    assert limits.take("account:han", rate) == 0.0
    now[0] = 0.5
    assert limits.take("account:li", rate) == 0.5
    now[0] = 1.0
    assert limits.take("account:li", rate) == 0.0
    now[0] = 1000.0
    assert [limits.take("account:li", rate) for _ in range(3)] == [0.0, 0.0, 1.0], "a bucket never holds more than its burst"
    now[0] = 90_000.0
    assert limits.sweep() == 2 and limits.take("account:li", rate) == 0.0


def test_keys_are_named_told_apart_and_never_repeated() -> None:
    keys = ApiKeys.read("ci:abcdefghijklmnop, qrstuvwxyz0123456789")
    assert keys and not ApiKeys.read(" ")
    assert keys.name_of_header("Bearer abcdefghijklmnop") == "ci" and keys.name_of_header("bearer qrstuvwxyz0123456789") == "key2"
    assert [keys.name_of_header(text) for text in ("", "Bearer ", "Basic abcdefghijklmnop", "Bearer abcdefghijklmno")] == [None] * 4
    with pytest.raises(SettingsError) as caught:
        ApiKeys.read("short-secret")
    assert "short-secret" not in str(caught.value)
