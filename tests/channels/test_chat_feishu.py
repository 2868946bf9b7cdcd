"""Feishu: signature, encryption and frames against the official SDK, the card's life, the long connection."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_kits import FeishuKit
from chat_world import Clock, FakeAdvisor, Platform, done, drain, make_hub
from pydantic import SecretStr
from websockets.sync.server import ServerConnection, serve

from channels.adapters import feishu, feishu_crypto
from channels.adapters.feishu_socket import FeishuSocket, frame_class
from channels.core.adapter import ChannelError
from channels.core.hub import Hub
from channels.core.message import InboundMessage, Reject, Verified, WebhookRequest
from channels.state.database import close_databases

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def kit() -> Iterator[FeishuKit]:
    with Platform() as platform:
        yield FeishuKit(platform, Clock())


@pytest.fixture
def advisor() -> FakeAdvisor:
    return FakeAdvisor(done("| 模型 | 价格 |\n|---|---|\n| DeepSeek | $3.80 [1] |\n\n说明第二段。\n\n第三段。"))


@pytest.fixture
def hub(kit: FeishuKit, advisor: FakeAdvisor, tmp_path: Path) -> Iterator[Hub]:
    made = make_hub({"feishu": kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    yield made
    made.stop(0.1)
    close_databases()


def sdk_status(kit: FeishuKit, request: WebhookRequest, heard: list[str]) -> int:
    """What the official SDK makes of a request."""
    from lark_channel.channel.config import SecurityConfig
    from lark_channel.core.enum import LogLevel
    from lark_channel.core.model import RawRequest
    from lark_channel.event.dispatcher_handler import EventDispatcherHandler

    builder = EventDispatcherHandler.builder(kit.secrets[0], kit.secrets[2], LogLevel.CRITICAL, security=SecurityConfig(mode="strict"))
    handler = builder.register_p2_im_message_receive_v1(lambda event: heard.append(event.event.message.message_id)).build()
    raw = RawRequest()
    raw.uri, raw.body = "/events", request.body
    names = {"x-lark-request-timestamp": "X-Lark-Request-Timestamp", "x-lark-request-nonce": "X-Lark-Request-Nonce", "x-lark-signature": "X-Lark-Signature"}
    raw.headers = {names[name]: value for name, value in request.headers.items()}
    return int(handler.do(raw).status_code)


def test_the_sdk_takes_what_we_sign_and_encrypt(kit: FeishuKit) -> None:
    heard: list[str] = []
    request = kit.signed(kit.message("价格"))
    assert sdk_status(kit, request, heard) == 200
    assert isinstance(kit.adapter().verify(request, kit.clock()), Verified)
    assert heard == ["om_1"]


def test_both_refuse_a_flipped_byte_of_the_body_and_of_the_signature(kit: FeishuKit) -> None:
    request = kit.signed(kit.message("价格"))
    flipped = kit.tampered(request)
    signature = request.headers["x-lark-signature"]
    forged = WebhookRequest("POST", dict(request.headers) | {"x-lark-signature": ("0" if signature[0] != "0" else "1") + signature[1:]}, {}, request.body)
    for bad in (flipped, forged):
        assert sdk_status(kit, bad, []) == 500
        assert isinstance(kit.adapter().verify(bad, kit.clock()), Reject)


def test_the_sdk_and_we_decrypt_each_others_text() -> None:
    from lark_channel.core.utils import AESCipher

    plain = "价格是多少？".encode() * 9
    assert AESCipher("key-1").decrypt_str(feishu_crypto.encrypt("key-1", plain)) == plain.decode()
    assert feishu_crypto.decrypt("key-1", feishu_crypto.encrypt("key-1", plain)) == plain
    assert feishu_crypto.decrypt("key-2", feishu_crypto.encrypt("key-1", plain)) != plain


def test_an_encrypted_event_without_a_signature_is_refused(kit: FeishuKit) -> None:
    request = kit.signed(kit.message("价格"))
    assert isinstance(kit.adapter().verify(WebhookRequest("POST", {}, {}, request.body), kit.clock()), Reject)


def test_a_wrong_verification_token_is_refused_even_in_a_challenge(kit: FeishuKit) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc", "token": "other"}).encode()
    assert isinstance(kit.adapter().verify(kit.signed(body), kit.clock()), Reject)


def test_a_card_is_streamed_closed_and_completed(kit: FeishuKit, hub: Hub) -> None:
    hub.intake.request(hub.adapters["feishu"], kit.signed(kit.message("价格")))
    drain(hub)
    paths = [(call.method, call.path) for call in kit.platform.calls if "/cardkit/" in call.path or call.path.endswith("/reply")]
    assert paths[0] == ("POST", "/open-apis/cardkit/v1/cards")
    assert paths[1] == ("POST", "/open-apis/im/v1/messages/om_1/reply")
    assert paths[-2:] == [("PATCH", "/open-apis/cardkit/v1/cards/73/settings"), ("PUT", "/open-apis/cardkit/v1/cards/73")]
    sequences = [call.body["sequence"] for call in kit.platform.calls if "/cardkit/" in call.path and "sequence" in call.body]
    assert sequences == sorted(set(sequences))
    text = kit.said()[0]
    assert "| DeepSeek | $3.80 [1] |" in text
    assert kit.cards()[-1]["config"]["streaming_mode"] is False


def test_where_cards_are_not_allowed_the_answer_comes_as_one_message(kit: FeishuKit, hub: Hub) -> None:
    kit.platform.answers["/open-apis/cardkit/v1/cards"] = {"code": 99991672, "msg": "no permission"}
    hub.intake.request(hub.adapters["feishu"], kit.signed(kit.message("价格")))
    drain(hub)
    (call,) = kit.platform.to("/open-apis/im/v1/messages/om_1/reply")
    assert "$3.80" in call.body["content"] and call.body["uuid"].startswith("advisor-")


def test_an_expired_token_is_asked_for_again(kit: FeishuKit, hub: Hub) -> None:
    given = iter([{"code": 99991663}, {"code": 0, "data": {"card_id": "73"}}])
    kit.platform.answers["/open-apis/cardkit/v1/cards"] = lambda call: next(given)
    hub.intake.request(hub.adapters["feishu"], kit.signed(kit.message("价格")))
    drain(hub)
    assert len(kit.platform.to("/open-apis/auth/v3/tenant_access_token/internal")) == 2
    assert "$3.80" in kit.said()[-1]


def test_mentions_of_others_become_names_and_rich_text_is_read(kit: FeishuKit, hub: Hub) -> None:
    event = json.loads(kit.message("", group=True, mention=True))["event"]
    event["message"]["mentions"].append({"key": "@_user_2", "id": {"open_id": "ou_2", "user_id": "u2"}, "name": "李雷"})
    line = [{"tag": "at", "user_id": "@_user_1"}, {"tag": "text", "text": " 问 "}, {"tag": "at", "user_id": "@_user_2"}, {"tag": "a", "text": "文档", "href": "https://a.b"}]
    event["message"] |= {"message_type": "post", "content": json.dumps({"title": "标题", "content": [line]})}
    read = hub.adapters["feishu"].parse({"header": {"event_type": "im.message.receive_v1"}, "event": event})
    assert isinstance(read, InboundMessage)
    assert (read.text, read.mentions_bot) == ("标题\n 问 @李雷文档", True)


def test_our_frames_are_the_sdks_frames() -> None:
    from lark_channel.ws.pb.pbbp2_pb2 import Frame

    ours = frame_class()(SeqID=7, LogID=8, service=9, method=1, payload="价格".encode(), LogIDNew="x")
    ours.headers.add(key="type", value="event")
    theirs = Frame()
    theirs.ParseFromString(ours.SerializeToString())
    assert (theirs.SeqID, theirs.headers[0].value, theirs.payload.decode()) == (7, "event", "价格")
    assert frame_class().FromString(theirs.SerializeToString()) == ours


def test_the_long_connection_acknowledges_what_is_in_the_inbox(kit: FeishuKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    from lark_channel.ws.pb.pbbp2_pb2 import Frame

    answered: list[dict[str, Any]] = []
    seen = threading.Event()
    event = kit.message("价格")

    def talk(connection: ServerConnection) -> None:
        connection.send(b"\xff\xff not a frame")
        for number, piece in enumerate((event[:60], event[60:])):
            frame = Frame()
            frame.SeqID, frame.LogID, frame.service, frame.method = 1, 2, 42, 1
            for key, value in {"type": "event", "message_id": "m1", "trace_id": "t", "sum": "2", "seq": str(number)}.items():
                header = frame.headers.add()
                header.key, header.value = key, value
            frame.payload = piece
            connection.send(frame.SerializeToString())
        for raw in connection:
            frame = Frame()
            frame.ParseFromString(raw)
            if frame.method == 1:
                kept = hub.inbox.find("feishu", "om_1") is not None
                answered.append(json.loads(frame.payload) | {"kept": kept})
                seen.set()

    with serve(talk, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        address = f"ws://127.0.0.1:{port}/?device_id=d&service_id=42"
        kit.platform.answers["/callback/ws/endpoint"] = {"code": 0, "data": {"URL": address, "ClientConfig": {"PingInterval": 90}}}
        settings = kit.settings(feishu_long_connection=True, feishu_encrypt_key=SecretStr(""))
        hub = make_hub({"feishu": feishu.build(settings)}, tmp_path, advisor, settings, time.time)
        hub.start()
        assert seen.wait(120)
        while not kit.said():
            time.sleep(0.05)
        hub.stop(5)
        server.shutdown()
    assert answered == [{"code": 200, "kept": True}]
    assert advisor.asked == ["价格"]
    close_databases()


def test_an_unencrypted_connection_elsewhere_is_refused(kit: FeishuKit) -> None:
    kit.platform.answers["/callback/ws/endpoint"] = {"code": 0, "data": {"URL": "ws://msg.example.com/?service_id=1"}}
    connection = FeishuSocket(kit.settings(), lambda event: {})
    with pytest.raises(ChannelError, match="not encrypted"):
        connection.address()
    connection.stop()
