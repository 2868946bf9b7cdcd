"""The hub: which channels are on, what it says of them, how it stops; limits, order, deadlines, commands, charts without fonts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_kits import SlackKit, WebhookKit
from chat_world import CHART, Clock, FakeAdvisor, Platform, done, drain, make_hub
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.testclient import TestClient

from agent.events import Chart, ChartSeries
from channels.adapters import registry
from channels.core import chart_png
from channels.core.adapter import ChannelError
from channels.core.commands import command_in, rating_in
from channels.core.http import Redact, remember_secret, retry_after_s
from channels.core.hub import Hub, build_hub
from channels.core.settings import ChannelSettings, get_channel_settings
from channels.core.socket import Socket
from channels.state.database import close_databases, open_database
from kb.errors import SettingsError
from kb.settings import Settings


@pytest.fixture
def kit() -> Iterator[WebhookKit]:
    with Platform() as platform:
        yield WebhookKit(platform, Clock())


@pytest.fixture
def advisor() -> FakeAdvisor:
    return FakeAdvisor()


@pytest.fixture
def hub(kit: WebhookKit, advisor: FakeAdvisor, tmp_path: Path) -> Iterator[Hub]:
    made = make_hub({"webhook": kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    yield made
    made.stop(0.1)
    close_databases()


def post(hub: Hub, kit: WebhookKit, text: str, id_: str = "1", **how: Any) -> None:
    assert hub.intake.request(hub.adapters["webhook"], kit.signed(kit.message(text, id_=id_, **how))).status == 200


def built(tmp_path: Path, **settings: Any) -> dict[str, tuple[str, str]]:
    chosen = ChannelSettings(_env_file=None, **settings)
    hub = build_hub(Settings(home=tmp_path), FakeAdvisor, open_database(Settings(home=tmp_path)), chosen)  # type: ignore[arg-type]
    found = {status.name: (status.state, status.detail) for status in hub.status()}
    hub.stop(0.1)
    close_databases()
    return found


def test_without_settings_every_channel_is_off(tmp_path: Path) -> None:
    assert {state for state, _ in built(tmp_path).values()} == {"off"}


def test_a_missing_package_turns_off_its_channel_alone_and_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_installed", lambda package: package != "slack_sdk")
    found = built(
        tmp_path,
        slack_bot_token=SecretStr("xoxb-1"),
        slack_signing_secret=SecretStr("s"),
        webhook_secret=SecretStr("w"),
        webhook_reply_url="http://127.0.0.1:9/",
    )
    assert found["slack"] == ("not installed", "slack_sdk is missing: pip install 'llm-advisor[slack]'")
    assert found["webhook"][0] == "running"


def test_half_the_settings_name_the_one_that_is_missing(tmp_path: Path) -> None:
    assert built(tmp_path, slack_bot_token=SecretStr("xoxb-1"))["slack"] == ("failing", "ADVISOR_SLACK_SIGNING_SECRET is not set")


def test_a_wrong_setting_is_an_error_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    get_channel_settings.cache_clear()
    monkeypatch.setenv("ADVISOR_CHANNEL_WORKERS", "many")
    with pytest.raises(SettingsError, match="ADVISOR_CHANNEL_WORKERS"):
        get_channel_settings()
    get_channel_settings.cache_clear()


def test_webhooks_are_served_and_bodies_limited(hub: Hub, kit: WebhookKit) -> None:
    request = kit.signed(kit.message("价格"))
    with TestClient(Starlette(routes=hub.routes())) as client:
        assert client.post("/channels/webhook/events", content=request.body, headers=dict(request.headers)).status_code == 200
        assert client.post("/channels/webhook/events", content=request.body).status_code == 401
        assert client.post("/channels/webhook/events", content=b"x" * 1_100_000).status_code == 413


def test_a_database_that_fails_asks_the_platform_to_come_again(hub: Hub, kit: WebhookKit, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(item: object) -> bool:
        raise OSError("disk full in /srv/data")

    monkeypatch.setattr(hub.inbox, "add", broken)
    request = kit.signed(kit.message("价格"))
    with TestClient(Starlette(routes=hub.routes())) as client:
        answer = client.post("/channels/webhook/events", content=request.body, headers=dict(request.headers))
    assert (answer.status_code, answer.content) == (503, b"")


def test_one_answer_at_a_time_in_a_conversation_several_beside_each_other(hub: Hub, kit: WebhookKit, advisor: FakeAdvisor) -> None:
    for number in range(6):
        post(hub, kit, f"问题 {number}", str(number))
    hub.start()
    while len(advisor.asked) < 6:
        time.sleep(0.02)
    assert advisor.most_at_once == 1
    assert advisor.asked == [f"问题 {number}" for number in range(6)]


def test_answers_to_different_people_are_made_beside_each_other(hub: Hub, kit: WebhookKit, advisor: FakeAdvisor) -> None:
    advisor.gate = threading.Event()
    for number in range(3):
        post(hub, kit, f"问题 {number}", str(number), group=True, mention=True, sender=f"U{number}")
    hub.start()
    while advisor.most_at_once < 3:
        time.sleep(0.02)
    advisor.gate.set()


def test_who_asks_too_fast_is_told_when_to_ask_again(kit: WebhookKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    settings = kit.settings(channel_user_per_minute=2)
    hub = make_hub({"webhook": kit.adapter()}, tmp_path, advisor, settings, kit.clock)
    for number in range(3):
        post(hub, kit, f"问题 {number}", str(number))
    post(hub, kit, "别人的问题", "9", group=True, mention=True, sender="U2")
    drain(hub)
    assert advisor.asked == ["问题 0", "问题 1", "别人的问题"]
    assert any("30 秒" in said for said in kit.said())
    hub.stop(0.1)
    close_databases()


def test_an_answer_that_takes_too_long_is_given_up_with_a_reference(kit: WebhookKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    settings = kit.settings(channel_deadline_s=0.5)
    hub = make_hub({"webhook": kit.adapter()}, tmp_path, advisor, settings, time.time)
    advisor.gate = threading.Event()
    post(hub, kit, "慢")
    worker = threading.Thread(target=hub.worker.step)
    worker.start()
    while not hub.courier.step():
        time.sleep(0.05)
    assert "编号" in kit.said()[0]
    advisor.gate.set()
    worker.join()
    drain(hub)
    assert len(kit.said()) == 1
    hub.stop(0.1)
    close_databases()


def test_stopping_hands_back_what_is_not_finished(hub: Hub, kit: WebhookKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    advisor.gate = threading.Event()
    post(hub, kit, "价格")
    hub.start()
    while not advisor.asked:
        time.sleep(0.02)
    hub.stop(0.3)
    other = make_hub({"webhook": kit.adapter()}, tmp_path, FakeAdvisor(), kit.settings(), kit.clock)
    drain(other)
    advisor.gate.set()
    assert len(kit.said()) == 1
    other.stop(0.1)


def test_stopping_waits_for_the_answer_that_is_being_made(hub: Hub, kit: WebhookKit, advisor: FakeAdvisor) -> None:
    advisor.gate = threading.Event()
    post(hub, kit, "价格")
    hub.start()
    while not advisor.asked:
        time.sleep(0.02)
    threading.Timer(0.3, advisor.gate.set).start()
    hub.stop(20)
    assert len(kit.said()) == 1


def test_the_next_question_refers_to_the_turns_before_it_also_in_another_process(
    hub: Hub, kit: WebhookKit, advisor: FakeAdvisor, tmp_path: Path
) -> None:
    post(hub, kit, "DeepSeek 多少钱？")
    drain(hub)
    post(hub, kit, "那输出呢？", "2")
    drain(hub)
    assert advisor.resumed == []  # kept in this process
    other = make_hub({"webhook": kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    post(other, kit, "还有呢？", "3")
    drain(other)
    assert [[question for question, _ in turns] for turns in advisor.resumed] == [["DeepSeek 多少钱？", "那输出呢？"]]
    other.stop(0.1)


def test_a_part_that_the_platform_never_takes_is_given_up_and_shown_in_the_status(hub: Hub, kit: WebhookKit) -> None:
    kit.platform.answers["/replies"] = (400, {"error": "bad"}, {})
    post(hub, kit, "价格")
    drain(hub)
    assert hub.outbox.counts() == {"dead": 1}
    status = {s.name: s for s in hub.status()}["webhook"]
    assert (status.state, status.detail) == ("failing", "the reply address answered 400 bad")


def test_a_platform_out_of_reach_is_tried_again_later_and_later(hub: Hub, kit: WebhookKit) -> None:
    kit.platform.answers["/replies"] = (503, {}, {})
    post(hub, kit, "价格")
    assert hub.worker.step()
    waits = []
    for _ in range(4):
        assert hub.courier.step()
        before = kit.clock.now
        while not hub.outbox.due(["webhook"]):
            kit.clock.now += 0.5
        waits.append(kit.clock.now - before)
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_commands_answer_without_the_model(hub: Hub, kit: WebhookKit, advisor: FakeAdvisor) -> None:
    post(hub, kit, "DeepSeek 多少钱？")
    for number, text in enumerate(("/status", "/feedback 不好 太贵了", "/nonsense", "／帮助", "/sources", "/new", "/sources"), 2):
        drain(hub)
        kit.clock.now += 1
        post(hub, kit, text, str(number))
    drain(hub)
    status, feedback, unknown, help_, sources, new, empty = kit.said()[1:]
    assert "离线" in status and "1 轮" in status
    assert "已经记下" in feedback
    assert "/nonsense" in unknown and "/sources" in unknown
    assert "I answer questions" in help_ and "我根据" in help_
    assert "Input: $3.80" in sources.replace("\\", "")
    assert "从头开始" in new and "还没有" in empty
    assert len(advisor.asked) == 1


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [("/help", "help", ""), ("/help@advisor_bot", "help", ""), ("/FEEDBACK good x", "feedback", "good x"), ("/新对话", "new", "")],
)
def test_commands_are_recognised(text: str, name: str, rest: str) -> None:
    found = command_in(text)
    assert found is not None and (found.name, found.rest) == (name, rest)


@pytest.mark.parametrize("text", ["/etc/hosts 是什么", "help", "1/2 的价格", "/"])
def test_questions_are_not_commands(text: str) -> None:
    assert command_in(text) is None


def test_ratings_are_read_in_both_languages() -> None:
    assert rating_in("good, thanks") == ("up", "thanks")
    assert rating_in("不好 太贵") == ("down", "太贵")
    assert rating_in("好") == ("up", "")
    assert rating_in("goodness") == (None, "")


def test_a_chart_whose_characters_have_no_font_stays_a_table() -> None:
    pytest.importorskip("matplotlib")
    assert chart_png.can_draw(CHART)
    rare = Chart("bar", "\U00012000", "x", "y", "", (ChartSeries("a", ("b",), (1.0,)),))
    assert not chart_png.can_draw(rare)
    assert chart_png.png_of(CHART).startswith(b"\x89PNG")


def test_without_matplotlib_charts_are_tables(hub: Hub, kit: WebhookKit, advisor: FakeAdvisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_png, "installed", lambda: False)
    advisor.reply = done("费用 [1]", charts=(CHART,))
    post(hub, kit, "费用")
    drain(hub)
    assert "1,000" in kit.said()[0]
    assert "pip install 'llm-advisor[charts]'" in {s.name: s.detail for s in hub.status()}["webhook"]


def test_tokens_that_a_platform_gave_are_redacted_like_configured_ones(caplog: pytest.LogCaptureFixture) -> None:
    import logging

    remember_secret("token-from-platform")
    redact = Redact(["configured-secret"])
    record = logging.LogRecord("httpx", logging.INFO, "f", 1, "GET %s", ("http://x/?a=token-from-platform&b=configured-secret",), None)
    assert redact.filter(record)
    assert record.getMessage() == "GET http://x/?a=********&b=********"


def test_retry_after_may_be_seconds_or_a_date() -> None:
    assert retry_after_s("7") == 7.0
    assert retry_after_s("Thu, 01 Jan 1970 00:00:00 GMT") == 0.0
    assert retry_after_s("soon") is None and retry_after_s(None) is None


def test_a_connection_that_is_refused_says_so_and_can_be_stopped() -> None:
    class Refused(Socket):
        def address(self) -> str:
            raise ChannelError("not today")

        def received(self, frame: str | bytes) -> None:
            raise AssertionError

    connection = Refused("x")
    thread = threading.Thread(target=connection.run)
    thread.start()
    while connection.problem != "not today":
        time.sleep(0.01)
    connection.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_allow_lists_hold_for_chats_and_people(tmp_path: Path, advisor: FakeAdvisor) -> None:
    with Platform() as platform:
        kit = SlackKit(platform, Clock())
        hub = make_hub({"slack": kit.adapter(slack_allow="U1, C9")}, tmp_path, advisor, kit.settings(), kit.clock)
        for number, sender in enumerate(("U1", "U2"), 1):
            hub.intake.request(hub.adapters["slack"], kit.signed(kit.message(f"问 {sender}", id_=str(number), sender=sender)))
        drain(hub)
        hub.stop(0.1)
    assert advisor.asked == ["问 U1"]
    close_databases()
