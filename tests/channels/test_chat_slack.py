"""Slack: our signatures against the SDK's, Bolt as the judge of both, Socket Mode, streams and what happens where they are refused."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_kits import SlackKit
from chat_world import Clock, FakeAdvisor, Platform, done, drain, make_hub
from pydantic import SecretStr
from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import Clock as SdkClock
from slack_sdk.signature import SignatureVerifier
from websockets.sync.server import ServerConnection, serve

from channels.adapters import slack
from channels.core.hub import Hub
from channels.core.message import InboundMessage, Reject, Verified, WebhookRequest
from channels.state.database import close_databases


@pytest.fixture
def kit() -> Iterator[SlackKit]:
    with Platform() as platform:
        yield SlackKit(platform, Clock())


@pytest.fixture
def advisor() -> FakeAdvisor:
    return FakeAdvisor(done("DeepSeek 的价格是 $3.80 [1]。\n\n第二段也在这里。\n\n第三段。"))


@pytest.fixture
def hub(kit: SlackKit, advisor: FakeAdvisor, tmp_path: Path) -> Iterator[Hub]:
    made = make_hub({"slack": kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    yield made
    made.stop(0.1)
    close_databases()


class _At(SdkClock):
    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now


def test_the_sdk_accepts_our_signature_and_we_accept_the_sdks(kit: SlackKit) -> None:
    body, stamp = kit.message("价格"), str(int(kit.clock()))
    verifier = SignatureVerifier(kit.secrets[0], _At(kit.clock()))
    ours, theirs = slack.sign(kit.secrets[0], stamp, body), verifier.generate_signature(timestamp=stamp, body=body)
    assert verifier.is_valid(body, stamp, ours)
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": str(theirs)}
    assert isinstance(kit.adapter().verify(WebhookRequest("POST", headers, {}, body), kit.clock()), Verified)


def test_both_refuse_every_flipped_byte_of_a_signature(kit: SlackKit) -> None:
    body, stamp = kit.message("价格"), str(int(kit.clock()))
    verifier, adapter = SignatureVerifier(kit.secrets[0], _At(kit.clock())), kit.adapter()
    good = slack.sign(kit.secrets[0], stamp, body)
    for at in range(len(good)):
        bad = good[:at] + ("0" if good[at] != "0" else "1") + good[at + 1 :]
        assert not verifier.is_valid(body, stamp, bad)
        request = WebhookRequest("POST", {"x-slack-request-timestamp": stamp, "x-slack-signature": bad}, {}, body)
        assert isinstance(adapter.verify(request, kit.clock()), Reject)


def test_bolt_takes_the_requests_that_we_take(kit: SlackKit) -> None:
    heard: list[str] = []
    app = App(
        signing_secret=kit.secrets[0],
        authorize=lambda **_: AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_user_id="UBOT", bot_id="B1"),
        process_before_response=True,
    )
    app.event("message")(lambda event: heard.append(event["text"]))
    request = kit.signed(kit.message("价格"))
    headers: dict[str, Any] = {name: [value] for name, value in request.headers.items()}
    assert app.dispatch(BoltRequest(body=request.body.decode(), headers=headers)).status == 200
    flipped = request.body.replace("价格".encode(), "价挼".encode())
    assert app.dispatch(BoltRequest(body=flipped.decode(), headers=headers)).status == 401
    assert heard == ["价格"]


def test_a_stream_grows_and_is_finished_with_buttons(kit: SlackKit, hub: Hub, advisor: FakeAdvisor) -> None:
    hub.intake.request(hub.adapters["slack"], kit.signed(kit.message("价格", group=True, mention=True)))
    drain(hub)
    started, appended, stopped = (kit.platform.to(f"/api/chat.{name}Stream") for name in ("start", "append", "stop"))
    body = started[0].body
    assert (body["channel"], body["recipient_team_id"], body["recipient_user_id"]) == ("C1", "T1", "U1")
    assert body["thread_ts"].startswith(f"{kit.clock():.0f}")
    assert appended and stopped[0].body["blocks"][0]["elements"][0]["type"] == "feedback_buttons"
    assert kit.said()[0].startswith("DeepSeek 的价格是 $3.80 [1]。\n\n第二段")


def test_where_streams_are_refused_a_message_is_edited(kit: SlackKit, hub: Hub) -> None:
    kit.platform.answers["/api/chat.startStream"] = {"ok": False, "error": "method_not_supported_for_channel_type"}
    hub.intake.request(hub.adapters["slack"], kit.signed(kit.message("价格")))
    drain(hub)
    assert len(kit.platform.to("/api/chat.postMessage")) == 1
    updates = kit.platform.to("/api/chat.update")
    assert "$3.80" in updates[-1].body["blocks"][0]["text"]


def test_after_a_restart_the_open_stream_is_finished_not_opened_again(kit: SlackKit, hub: Hub, advisor: FakeAdvisor, tmp_path: Path) -> None:
    hub.intake.request(hub.adapters["slack"], kit.signed(kit.message("价格")))
    claimed = hub.inbox.claim(["slack"])
    assert claimed is not None and isinstance(claimed.item, InboundMessage)
    hub.inbox.save_handle(claimed.id, hub.adapters["slack"].open_reply(claimed.item, claimed.id, "…"))
    kit.clock.now += 60
    other = make_hub({"slack": kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    drain(other)
    assert len(kit.platform.to("/api/chat.startStream")) == 1
    assert len(kit.platform.to("/api/chat.stopStream")) == 1
    assert "第三段" in kit.platform.to("/api/chat.update")[0].body["blocks"][0]["text"]
    other.stop(0.1)


def test_a_stream_that_slack_has_closed_is_edited(kit: SlackKit, hub: Hub) -> None:
    kit.platform.answers["/api/chat.stopStream"] = {"ok": False, "error": "message_not_in_streaming_state"}
    hub.intake.request(hub.adapters["slack"], kit.signed(kit.message("价格")))
    drain(hub)
    assert "$3.80" in kit.platform.to("/api/chat.update")[-1].body["blocks"][0]["text"]


def test_mention_and_message_event_of_one_message_are_one_question(kit: SlackKit, hub: Hub, advisor: FakeAdvisor) -> None:
    first = json.loads(kit.message("价格", group=True, mention=True))
    second = first | {"event_id": "Ev2", "event": first["event"] | {"type": "app_mention"}}
    for body in (first, second):
        hub.intake.request(hub.adapters["slack"], kit.signed(json.dumps(body).encode()))
    drain(hub)
    assert advisor.asked == ["价格"]


def test_a_thread_that_the_bot_answered_in_goes_on_without_mentions(kit: SlackKit, hub: Hub, advisor: FakeAdvisor) -> None:
    first = kit.message("价格", group=True, mention=True)
    root = json.loads(first)["event"]["ts"]
    hub.intake.request(hub.adapters["slack"], kit.signed(first))
    drain(hub)
    hub.intake.request(hub.adapters["slack"], kit.signed(kit.message("那输出呢", id_="2", group=True, thread=root)))
    hub.intake.request(hub.adapters["slack"], kit.signed(kit.message("闲聊", id_="3", group=True, thread="1.1")))
    drain(hub)
    assert advisor.asked == ["价格", "那输出呢"]


def test_a_slash_command_is_answered_to_the_person_alone(kit: SlackKit, hub: Hub) -> None:
    body = f"command=%2Fadvisor&text=help&team_id=T1&channel_id=C1&user_id=U1&trigger_id=9.1&response_url={kit.platform.url}%2Frespond".encode()
    request = kit.signed(body)
    request = WebhookRequest("POST", dict(request.headers) | {"content-type": "application/x-www-form-urlencoded"}, {}, body)
    assert hub.intake.request(hub.adapters["slack"], request).status == 200
    drain(hub)
    (call,) = kit.platform.to("/respond")
    assert call.body["response_type"] == "ephemeral" and "/sources" in call.body["blocks"][0]["text"]


def test_a_response_address_elsewhere_is_not_called(kit: SlackKit, hub: Hub) -> None:
    body = b"command=%2Fadvisor&text=help&channel_id=C1&user_id=U1&trigger_id=9.1&response_url=http%3A%2F%2Flocalhost%3A1%2Frespond"
    headers = dict(kit.signed(body).headers) | {"content-type": "application/x-www-form-urlencoded"}
    hub.intake.request(hub.adapters["slack"], WebhookRequest("POST", headers, {}, body))
    drain(hub)
    assert hub.outbox.counts() == {"dead": 1}


def test_links_and_mentions_are_read_as_a_person_reads_them() -> None:
    text, mentioned = slack.readable("<@UBOT> 问 <@U2|li>：<https://a.b/c|文档> &lt;x&gt; <#C2|dev> <!here>", {"UBOT"})
    assert mentioned
    assert text == "问 @li：文档 <x> #dev"


def test_socket_mode_acknowledges_what_is_in_the_inbox(kit: SlackKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    acknowledged: list[dict[str, Any]] = []
    seen = threading.Event()
    envelope = {"type": "events_api", "envelope_id": "E1", "payload": json.loads(kit.message("价格")), "accepts_response_payload": False}

    def talk(connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "hello"}))
        connection.send(json.dumps(envelope))
        for frame in connection:
            found = json.loads(frame)
            if "envelope_id" in found:
                acknowledged.append(found)
                rows = hub.inbox.find("slack", json_delivery(envelope))
                acknowledged[-1]["kept"] = rows is not None
                seen.set()

    with serve(talk, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        kit.platform.answers["/api/apps.connections.open"] = {"ok": True, "url": f"ws://127.0.0.1:{port}/link"}
        settings = kit.settings(slack_app_token=SecretStr("xapp-secret"), slack_signing_secret=SecretStr(""))
        hub = make_hub({"slack": slack.build(settings)}, tmp_path, advisor, settings, time.time)
        hub.start()
        assert seen.wait(120)
        while not kit.said():
            time.sleep(0.05)
        assert {status.name: status.state for status in hub.status()}["slack"] == "running"
        hub.stop(5)
        server.shutdown()
    assert [(a["envelope_id"], a["kept"]) for a in acknowledged] == [("E1", True)]
    assert advisor.asked == ["价格"]
    close_databases()


def json_delivery(envelope: dict[str, Any]) -> str:
    event = envelope["payload"]["event"]
    return f"{event['channel']}:{event['ts']}"
