"""DingTalk: frames against the official SDK, AI cards, the ways an answer takes when the session's webhook has run out."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_kits import DingtalkKit
from chat_world import CHART, Clock, FakeAdvisor, Platform, done, drain, make_hub
from websockets.sync.server import ServerConnection, serve

from channels.adapters import dingtalk
from channels.adapters.dingtalk_stream import MESSAGES, DingtalkStream
from channels.core.hub import Hub
from channels.core.message import InboundMessage, Thumb
from channels.state.database import close_databases

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def kit() -> Iterator[DingtalkKit]:
    with Platform() as platform:
        yield DingtalkKit(platform, Clock())


@pytest.fixture
def advisor() -> FakeAdvisor:
    return FakeAdvisor()


def hub_of(kit: DingtalkKit, advisor: FakeAdvisor, home: Path, **settings: Any) -> Hub:
    chosen = kit.settings(**settings)
    return make_hub({"dingtalk": dingtalk.build(chosen)}, home, advisor, chosen, kit.clock)


def ask(hub: Hub, kit: DingtalkKit, **changes: Any) -> None:
    body = json.loads(kit.message("价格")) | changes
    assert hub.intake.request(hub.adapters["dingtalk"], kit.signed(json.dumps(body).encode())).status == 200
    drain(hub)
    hub.stop(0.1)
    close_databases()


def frame(data: bytes, topic: str = MESSAGES, kind: str = "CALLBACK") -> dict[str, Any]:
    headers = {"topic": topic, "messageId": "f1", "contentType": "application/json", "time": "1"}
    return {"specVersion": "1.0", "type": kind, "headers": headers, "data": data.decode()}


def sdk_acknowledgement(received: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What the official client answers to a frame, and the texts that it reads."""
    import dingtalk_stream

    heard: list[str] = []

    class Handler(dingtalk_stream.ChatbotHandler):  # type: ignore[misc]
        async def process(self, callback: Any) -> tuple[int, str]:
            heard.append(dingtalk_stream.ChatbotMessage.from_dict(callback.data).text.content)
            return dingtalk_stream.AckMessage.STATUS_OK, "OK"

    class FakeSocket:
        sent: list[str] = []

        async def send(self, text: str) -> None:
            self.sent.append(text)

    quiet = logging.getLogger("quiet")
    client = dingtalk_stream.DingTalkStreamClient(dingtalk_stream.Credential("id", "secret"), quiet)
    client.register_callback_handler(dingtalk_stream.ChatbotMessage.TOPIC, Handler())
    client.websocket = FakeSocket()
    FakeSocket.sent = []
    asyncio.run(client.route_message(received))
    answer: dict[str, Any] = json.loads(FakeSocket.sent[0])
    return answer, heard


@pytest.mark.parametrize("kind", ["CALLBACK", "SYSTEM"])
def test_our_acknowledgement_is_the_sdks(kit: DingtalkKit, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    received = frame(kit.message("价格"), MESSAGES if kind == "CALLBACK" else "ping", kind)
    theirs, heard = sdk_acknowledgement(received)
    sent: list[str] = []
    read: list[Any] = []
    adapter = kit.adapter()
    stream = DingtalkStream(kit.settings(), lambda payload: bool(read.append(adapter.parse(payload))) or True)
    monkeypatch.setattr(stream, "send", sent.append)
    stream.received(json.dumps(received))
    ours = json.loads(sent[0])
    assert (ours["code"], ours["headers"]) == (theirs["code"], theirs["headers"])
    assert json.loads(ours["data"]) == json.loads(theirs["data"])
    if kind == "CALLBACK":
        assert [message.text for message in read] == [text.strip() for text in heard] == ["价格"]


def test_the_signature_is_the_documented_one(kit: DingtalkKit) -> None:
    digest = hmac.new(b"secret", b"1700000000000\nsecret", hashlib.sha256).digest()
    assert dingtalk.sign("secret", "1700000000000") == b64encode(digest).decode()


def test_a_card_grows_and_is_finished(kit: DingtalkKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    advisor.reply = done("第一段在这里。\n\n第二段在这里 [1]。")
    ask(hub_of(kit, advisor, tmp_path, dingtalk_card_template="T.schema"), kit, conversationType="2", isInAtList=True)
    created = kit.platform.to("/v1.0/card/instances/createAndDeliver")[0].body
    assert created["openSpaceId"] == "dtv1.card//IM_GROUP.cid1"
    streamed = [call.body for call in kit.platform.to("/v1.0/card/streaming")]
    assert {body["outTrackId"] for body in streamed} == {created["outTrackId"]}
    assert [body["isFinalize"] for body in streamed][-1] is True and "第二段" in streamed[-1]["content"]
    assert set(streamed[0]) == {"outTrackId", "guid", "key", "content", "isFull", "isFinalize", "isError"}
    token = kit.platform.to("/v1.0/card/streaming")[0].headers["x-acs-dingtalk-access-token"]
    assert token == kit.secrets[1]


def test_a_webhook_that_has_run_out_is_replaced_by_the_robots_api(kit: DingtalkKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    ask(hub_of(kit, advisor, tmp_path), kit, sessionWebhookExpiredTime=int(kit.clock() * 1000))
    (call,) = kit.platform.to("/v1.0/robot/oToMessages/batchSend")
    assert call.body["userIds"] == ["U1"] and "$3.80" in json.loads(call.body["msgParam"])["text"]


def test_a_webhook_elsewhere_is_not_called_although_the_signature_is_right(kit: DingtalkKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    hub = hub_of(kit, advisor, tmp_path)
    body = json.loads(kit.message("价格")) | {"sessionWebhook": "https://dingtalk.com.evil.example/x"}
    hub.intake.request(hub.adapters["dingtalk"], kit.signed(json.dumps(body).encode()))
    drain(hub)
    assert hub.outbox.counts() == {"dead": 1}
    hub.stop(0.1)
    close_databases()


def test_a_chart_is_uploaded_and_sent_as_a_picture(kit: DingtalkKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    advisor.reply = done("费用 [1]", charts=(CHART,))
    ask(hub_of(kit, advisor, tmp_path), kit)
    (call,) = kit.platform.to("/v1.0/robot/oToMessages/batchSend")
    assert (call.body["msgKey"], json.loads(call.body["msgParam"])) == ("sampleImageMsg", {"photoURL": "@media1"})


def test_tables_become_lists(kit: DingtalkKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    advisor.reply = done("| 模型 | 输入价 |\n|---|---|\n| DeepSeek | $3.80 [1] |")
    ask(hub_of(kit, advisor, tmp_path), kit)
    assert "- **DeepSeek**  输入价: $3.80 [1]; " in kit.said()[0]


def test_rich_text_and_speech_are_read_and_a_picture_is_named(kit: DingtalkKit) -> None:
    base = {key: value for key, value in json.loads(kit.message("x")).items() if key != "text"}
    rich = base | {"msgtype": "richText", "content": {"richText": [{"text": "看"}, {"pictureDownloadCode": "p"}, {"text": "价格"}]}}
    spoken, picture = base | {"msgtype": "audio", "content": {"recognition": "多少钱"}}, base | {"msgtype": "picture", "content": {"downloadCode": "d"}}
    read = [kit.adapter().parse(payload) for payload in (rich, spoken, picture)]
    assert all(isinstance(message, InboundMessage) for message in read)
    assert [(m.text, m.attachments) for m in read if isinstance(m, InboundMessage)] == [("看价格", ()), ("多少钱", ()), ("", ("picture",))]


def test_a_cards_buttons_are_thumbs(kit: DingtalkKit) -> None:
    content = json.dumps({"cardPrivateData": {"actionIds": ["down"], "params": {}}})
    read = kit.adapter().parse({"outTrackId": "advisor-abc", "userId": "U1", "corpId": "corp1", "content": content})
    assert isinstance(read, Thumb) and (read.turn_id, read.rating, read.sender_id) == ("abc", "down", "U1")


def test_stream_mode_answers_over_a_real_socket_and_keeps_the_ticket_out_of_logs(
    kit: DingtalkKit, advisor: FakeAdvisor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    acknowledged: list[dict[str, Any]] = []
    seen = threading.Event()
    paths: list[str] = []

    def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        paths.append(connection.request.path)
        connection.send("{malformed")
        for _ in range(3):
            connection.send(json.dumps(frame(kit.message("价格"))))
        for raw in connection:
            acknowledged.append(json.loads(raw))
            if len(acknowledged) == 3:
                seen.set()

    with serve(talk, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/connect"
        kit.platform.answers["/v1.0/gateway/connections/open"] = {"endpoint": endpoint, "ticket": "ticket-that-is-secret"}
        settings = kit.settings(dingtalk_stream=True)
        hub = make_hub({"dingtalk": dingtalk.build(settings)}, tmp_path, advisor, settings, time.time)
        hub.start()
        assert seen.wait(120)
        while not kit.said():
            time.sleep(0.05)
        hub.stop(5)
        server.shutdown()
    assert paths == ["/connect?ticket=ticket-that-is-secret"]
    assert [a["code"] for a in acknowledged] == [200, 200, 200]
    assert advisor.asked == ["价格"]
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "websockets.server")
    assert "GET /connect" in logged
    assert "ticket-that-is-secret" not in logged and kit.secrets[0] not in logged
    close_databases()
