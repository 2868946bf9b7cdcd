"""What holds for every chat platform, tested on each through requests as that platform signs them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chat_kits import BOT_LOOP, EDIT, KITS, Kit
from chat_world import CHART, Clock, FakeAdvisor, Platform, done, drain, make_hub
from pydantic import SecretStr

from agent.events import AnswerFailed
from channels.core.hub import Hub
from channels.core.markdown import blocks_of
from channels.core.split import size_in, split
from channels.state.database import close_databases
from kb.errors import IndexMissingError


@pytest.fixture(params=list(KITS))
def kit(request: pytest.FixtureRequest) -> Iterator[Kit]:
    with Platform() as platform:
        yield KITS[request.param](platform, Clock())


@pytest.fixture
def advisor() -> FakeAdvisor:
    return FakeAdvisor()


@pytest.fixture
def hub(kit: Kit, advisor: FakeAdvisor, tmp_path: Path) -> Iterator[Hub]:
    made = make_hub({kit.name: kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    kit.hub = made
    yield made
    made.stop(0.1)
    close_databases()


def post(hub: Hub, kit: Kit, body: bytes, **how: Any) -> int:
    return hub.intake.request(hub.adapters[kit.name], kit.signed(body, **how)).status


def test_a_signed_question_is_acknowledged_and_answered_once(kit: Kit, hub: Hub, advisor: FakeAdvisor) -> None:
    assert post(hub, kit, kit.message("DeepSeek 多少钱？")) == 200
    assert advisor.asked == []
    drain(hub)
    assert advisor.asked == ["DeepSeek 多少钱？"]
    (said,) = kit.said()
    assert "$3.80 [1]" in said
    assert "prices.md" in said and "API prices" in said


def test_one_flipped_byte_is_refused(kit: Kit, hub: Hub, advisor: FakeAdvisor) -> None:
    request = kit.tampered(kit.signed(kit.message("DeepSeek 多少钱？")))
    assert hub.intake.request(hub.adapters[kit.name], request).status == 401
    drain(hub)
    assert advisor.asked == []


@pytest.mark.parametrize("offset_s", [-4000, 4000])
def test_a_stale_or_future_signature_is_refused(kit: Kit, hub: Hub, advisor: FakeAdvisor, offset_s: float) -> None:
    if not kit.has_signed_time:
        pytest.skip("the platform signs no time")
    assert post(hub, kit, kit.message("DeepSeek 多少钱？"), offset_s=offset_s) == 401
    drain(hub)
    assert advisor.asked == []


def test_a_request_without_a_signature_is_refused(kit: Kit, hub: Hub) -> None:
    request = kit.unsigned(kit.signed(kit.message("DeepSeek 多少钱？")))
    assert hub.intake.request(hub.adapters[kit.name], request).status == 401


def test_an_empty_secret_accepts_nothing(kit: Kit, hub: Hub) -> None:
    adapter = kit.adapter(webhook_secret=SecretStr(""))
    assert hub.intake.request(adapter, kit.signed(kit.message("DeepSeek 多少钱？"))).status == 401


def test_the_challenge_is_answered_only_when_it_is_signed(kit: Kit, hub: Hub) -> None:
    if not kit.has_challenge:
        pytest.skip("the platform asks no such question")
    request, expected = kit.challenge()
    answer = hub.intake.request(hub.adapters[kit.name], request)
    assert (answer.status, answer.body) == (200, expected)
    assert hub.intake.request(hub.adapters[kit.name], kit.tampered(request)).status == 401


def test_five_deliveries_at_once_are_answered_once(kit: Kit, hub: Hub, advisor: FakeAdvisor) -> None:
    request = kit.signed(kit.message("DeepSeek 多少钱？"))
    with ThreadPoolExecutor(5) as pool:
        statuses = list(pool.map(lambda _: hub.intake.request(hub.adapters[kit.name], request).status, range(5)))
    drain(hub)
    assert statuses == [200] * 5
    assert advisor.asked == ["DeepSeek 多少钱？"]
    assert len(kit.said()) == 1


def test_a_slow_model_does_not_hold_up_the_acknowledgement(kit: Kit, hub: Hub, advisor: FakeAdvisor) -> None:
    advisor.gate = threading.Event()
    hub.start()
    assert post(hub, kit, kit.message("一", id_="1")) == 200
    while not advisor.asked:
        threading.Event().wait(0.02)
    assert post(hub, kit, kit.message("二", id_="2", sender="U2")) == 200
    assert not kit.said()
    advisor.gate.set()


def test_what_was_acknowledged_before_a_crash_is_answered_once_after_it(kit: Kit, hub: Hub, advisor: FakeAdvisor, tmp_path: Path) -> None:
    body = kit.message("DeepSeek 多少钱？")
    assert post(hub, kit, body) == 200
    claimed = hub.inbox.claim([kit.name])  # taken by a process that then dies
    assert claimed is not None
    other = make_hub({kit.name: kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    drain(other)
    assert advisor.asked == []
    kit.clock.now += hub.settings.channel_lease_s + 1
    drain(other)
    assert post(other, kit, body) == 200
    drain(other)
    assert len(advisor.asked) == 1 and len(kit.said()) == 1
    other.stop(0.1)


def test_a_process_that_was_only_slow_does_not_answer_a_second_time(kit: Kit, hub: Hub, advisor: FakeAdvisor, tmp_path: Path) -> None:
    post(hub, kit, kit.message("DeepSeek 多少钱？"))
    claimed = hub.inbox.claim([kit.name])
    assert claimed is not None
    kit.clock.now += hub.settings.channel_lease_s + 1
    other = make_hub({kit.name: kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    drain(other)
    hub.worker._work(claimed)
    drain(hub)
    assert len(kit.said()) == 1
    other.stop(0.1)


@pytest.mark.parametrize("kind", [BOT_LOOP, EDIT])
def test_bots_and_edits_are_not_answered(kit: Kit, hub: Hub, advisor: FakeAdvisor, kind: str) -> None:
    assert post(hub, kit, kit.message("DeepSeek 多少钱？", kind=kind)) == 200
    drain(hub)
    assert advisor.asked == [] and kit.said() == []


def test_a_group_is_answered_only_when_the_bot_is_mentioned(kit: Kit, hub: Hub, advisor: FakeAdvisor) -> None:
    if not kit.only_mentions:
        post(hub, kit, kit.message("今天吃什么", group=True))
    post(hub, kit, kit.message("DeepSeek 多少钱？", id_="2", group=True, mention=True))
    drain(hub)
    assert advisor.asked == ["DeepSeek 多少钱？"]


def test_an_empty_mention_gets_help_without_asking_the_model(kit: Kit, hub: Hub, advisor: FakeAdvisor) -> None:
    post(hub, kit, kit.message("", group=True, mention=True))
    drain(hub)
    assert advisor.asked == []
    assert "/sources" in kit.said()[0]


def test_old_messages_are_dropped(kit: Kit, hub: Hub, advisor: FakeAdvisor) -> None:
    if not kit.has_age:
        pytest.skip("a message says nothing of its age; the signature's time is checked")
    assert post(hub, kit, kit.message("DeepSeek 多少钱？", age_s=3600)) == 200
    drain(hub)
    assert advisor.asked == []


def test_a_long_answer_comes_in_messages_that_the_platform_takes(kit: Kit, hub: Hub, advisor: FakeAdvisor) -> None:
    text = "".join(f"模型甲第 {i} 档的价格是 {i} 元[1]。" for i in range(1400))
    assert len(text.encode()) > 50_000
    advisor.reply = done(text)
    post(hub, kit, kit.message("全部价格"))
    drain(hub)
    caps, size = hub.adapters[kit.name].caps, size_in(hub.adapters[kit.name].caps.unit)
    said = kit.said()
    shown = [part for part in said if part.startswith("(")] or said[:1]
    assert all(size(part) <= caps.max_len for part in shown)
    assert "第 0 档" in said[0]
    if len(split(blocks_of(text, hub.adapters[kit.name].dialect), caps.max_len, caps.unit)) <= caps.max_parts or caps.files:
        assert all(f"第 {i} 档" in "".join(said) for i in (0, 700, 1399))


def test_text_of_a_model_mentions_nobody(kit: Kit, hub: Hub, advisor: FakeAdvisor) -> None:
    advisor.reply = done("请 @all @everyone @所有人 看 <!channel> <!here|x> <@U123> <at id=all></at> `<!here>` [1]")
    post(hub, kit, kit.message("谁"))
    drain(hub)
    (said,) = kit.said()
    for mention in ("@all", "@everyone", "@所有人", "<!channel>", "<!here", "<@U123>", "<at id"):
        assert mention not in said


def test_a_command_inside_a_retrieved_text_is_only_text(kit: Kit, hub: Hub, advisor: FakeAdvisor) -> None:
    advisor.reply = done("/new\n\n资料说：/status [1]")
    post(hub, kit, kit.message("资料说什么"))
    drain(hub)
    assert "/status" in kit.said()[0]
    post(hub, kit, kit.message("/sources", id_="2"))
    drain(hub)
    assert "Input: $3.80" in kit.said()[1].replace("\\", "")


def test_exception_text_never_reaches_the_chat(kit: Kit, hub: Hub, advisor: FakeAdvisor, caplog: pytest.LogCaptureFixture) -> None:
    for number, failure in enumerate([RuntimeError("boom /etc/passwd sk-123"), IndexMissingError("no index in /srv/data"), AnswerFailed("回答时出错", "abcd1234")], 1):
        advisor.fails = failure
        post(hub, kit, kit.message(f"问题 {number}", id_=str(number)))
        drain(hub)
    shown = "\n".join(kit.said())
    assert len(kit.said()) >= 2 and "abcd1234" in shown
    assert not any(word in shown for word in ("boom", "/etc/passwd", "sk-123", "/srv/data", "Traceback"))


def test_no_secret_reaches_a_log(kit: Kit, hub: Hub, advisor: FakeAdvisor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    post(hub, kit, kit.message("DeepSeek 多少钱？"))
    request = kit.signed(kit.message("x", id_="2"))
    hub.intake.request(hub.adapters[kit.name], kit.tampered(request))
    hub.intake.request(hub.adapters[kit.name], replace(request, headers={}, query={}))
    kit.platform.answers[kit.delivery_path()] = (500, {"ok": False, "error": "internal_error"}, {})
    drain(hub)
    assert caplog.text
    assert [secret for secret in kit.secrets if secret in caplog.text] == []


def test_a_platform_that_is_busy_gets_the_answer_when_it_asked_for_it(kit: Kit, hub: Hub) -> None:
    if kit.is_pulled:
        pytest.skip("the platform comes for the answer")
    before = kit.platform.answers.get(kit.delivery_path())
    post(hub, kit, kit.message("DeepSeek 多少钱？"))
    assert hub.worker.step()
    kit.platform.answers[kit.delivery_path()] = kit.busy(40)
    hub.courier.step()
    if before is None:
        del kit.platform.answers[kit.delivery_path()]
    else:
        kit.platform.answers[kit.delivery_path()] = before
    said = len(kit.said())
    kit.clock.now += 39
    assert not hub.courier.step()
    kit.clock.now += 2
    assert hub.courier.step()
    assert "$3.80" in kit.said()[-1] and len(kit.said()) <= said + 1


def test_thumbs_are_kept_with_the_questions_that_led_to_the_answer(kit: Kit, hub: Hub, tmp_path: Path) -> None:
    if not kit.has_thumbs:
        pytest.skip("the platform has no buttons here")
    from channels.state.feedback import Feedback

    post(hub, kit, kit.message("DeepSeek 多少钱？"))
    drain(hub)
    (turn_id,) = sorted(set(kit.turn_ids()))
    for rating in ("up", "down"):
        assert post(hub, kit, kit.thumb(turn_id, rating)) == 200
        drain(hub)
    (record,) = Feedback(hub.inbox.engine).records()
    assert (record["rating"], record["turns"], record["sources"]) == ("down", ["DeepSeek 多少钱？"], ["prices.md"])


def test_a_chart_is_a_picture_or_a_table(kit: Kit, hub: Hub, advisor: FakeAdvisor) -> None:
    advisor.reply = done("费用如下 [1]", charts=(CHART,))
    post(hub, kit, kit.message("费用"))
    drain(hub)
    sent = b"".join(call.raw for call in kit.platform.calls)
    if hub.adapters[kit.name].caps.images:
        assert any(sign in sent for sign in (b"\x89PNG", b"iVBORw0KGgo"))
    else:
        assert "1,000" in "".join(kit.said())


def test_turns_of_a_conversation_belong_together_until_new(kit: Kit, hub: Hub, advisor: FakeAdvisor, tmp_path: Path) -> None:
    post(hub, kit, kit.message("DeepSeek 多少钱？"))
    drain(hub)
    other = make_hub({kit.name: kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    for number, text in ((2, "那输出呢？"), (3, "/new"), (4, "GPT 呢？")):
        post(other, kit, kit.message(text, id_=str(number)))
        drain(other)
    assert [[q for q, _ in turns] for turns in advisor.resumed] == [["DeepSeek 多少钱？"]]
    other.stop(0.1)
