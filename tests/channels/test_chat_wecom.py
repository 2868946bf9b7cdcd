"""WeCom: signature and encryption against wechatpy, the stream that WeCom comes back for, the long connection."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_kits import WecomKit
from chat_world import Clock, FakeAdvisor, Platform, done, drain, make_hub
from pydantic import SecretStr
from websockets.sync.server import ServerConnection, serve

from channels.adapters import wecom, wecom_crypto
from channels.core.hub import Hub
from channels.core.message import InboundMessage, Reject, Verified
from channels.state.database import close_databases
from kb.errors import SettingsError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")


@pytest.fixture
def kit() -> Iterator[WecomKit]:
    with Platform() as platform:
        yield WecomKit(platform, Clock())


@pytest.fixture
def advisor() -> FakeAdvisor:
    return FakeAdvisor()


@pytest.fixture
def hub(kit: WecomKit, advisor: FakeAdvisor, tmp_path: Path) -> Iterator[Hub]:
    made = make_hub({"wecom": kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    kit.hub = made
    yield made
    made.stop(0.1)
    close_databases()


def oracle(kit: WecomKit) -> tuple[Any, Any]:
    from wechatpy.crypto import BaseWeChatCrypto, PrpCrypto

    return BaseWeChatCrypto(kit.secrets[0], kit.aes_key, ""), PrpCrypto


def test_the_library_takes_what_we_sign_and_we_take_what_it_does(kit: WecomKit) -> None:
    from wechatpy.crypto import _get_signature

    crypto, cipher = oracle(kit)
    request = kit.signed(kit.message("价格"))
    encrypted = json.loads(request.body)["encrypt"]
    query = request.query
    assert json.loads(crypto._check_signature(query["msg_signature"], query["timestamp"], query["nonce"], encrypted, cipher))["msgtype"] == "text"

    theirs = cipher(crypto.key).encrypt(kit.message("价格").decode(), "").decode()
    assert wecom_crypto.sign(kit.secrets[0], "1", "n", theirs) == _get_signature(kit.secrets[0], "1", "n", theirs)
    assert wecom_crypto.decrypt(crypto.key, theirs) == kit.message("价格")


def test_both_refuse_a_flipped_byte(kit: WecomKit) -> None:
    from wechatpy.exceptions import InvalidSignatureException

    crypto, cipher = oracle(kit)
    request = kit.signed(kit.message("价格"))
    encrypted = json.loads(request.body)["encrypt"]
    flipped = ("A" if encrypted[5] != "A" else "B").join((encrypted[:5], encrypted[6:]))
    with pytest.raises(InvalidSignatureException):
        crypto._check_signature(request.query["msg_signature"], request.query["timestamp"], request.query["nonce"], flipped, cipher)
    assert isinstance(kit.adapter().verify(kit.tampered(request), kit.clock()), Reject)
    assert isinstance(kit.adapter().verify(request, kit.clock()), Verified)


def test_a_message_for_another_receiver_is_not_ours() -> None:
    key = wecom_crypto.key_of(WecomKit.aes_key)
    assert key is not None
    assert wecom_crypto.decrypt(key, wecom_crypto.encrypt(key, b"{}", "corp-1")) is None
    assert wecom_crypto.decrypt(key, wecom_crypto.encrypt(key, b"{}", "corp-1"), "corp-1") == b"{}"


def test_the_answer_grows_each_time_wecom_comes_back(kit: WecomKit, hub: Hub, advisor: FakeAdvisor) -> None:
    body = kit.message("价格")
    first = kit.opened(hub.intake.request(hub.adapters["wecom"], kit.signed(body)).body)["stream"]
    assert (first["finish"], first["content"]) == (False, "正在查资料…")
    row = hub.inbox.claim(["wecom"])
    assert row is not None
    hub.adapters["wecom"].update_reply(row.item, {"row": row.id}, "DeepSeek")  # type: ignore[arg-type]
    assert kit.poll(first["id"]) == {"id": first["id"], "finish": False, "content": "DeepSeek"}
    hub.inbox.release(row.id)
    drain(hub)
    last = kit.poll(first["id"])
    assert last["finish"] and "$3.80 [1]" in last["content"]
    repeated = kit.opened(hub.intake.request(hub.adapters["wecom"], kit.signed(body)).body)["stream"]
    assert repeated["finish"] and repeated["content"] == last["content"]


def test_any_process_answers_when_wecom_comes_back(kit: WecomKit, hub: Hub, advisor: FakeAdvisor, tmp_path: Path) -> None:
    hub.intake.request(hub.adapters["wecom"], kit.signed(kit.message("价格")))
    drain(hub)
    kit.hub = make_hub({"wecom": kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    assert "$3.80" in kit.said()[0]
    kit.hub.stop(0.1)


def test_a_stream_that_nobody_knows_is_finished(kit: WecomKit, hub: Hub) -> None:
    assert kit.poll("unknown")["finish"]


def test_what_does_not_fit_the_stream_goes_to_the_response_address_when_it_takes_it(kit: WecomKit, hub: Hub, advisor: FakeAdvisor) -> None:
    advisor.reply = done("".join(f"第 {i} 条价格[1]。" for i in range(1300)))
    kit.platform.answers["/respond"] = {"errcode": 45009}
    hub.intake.request(hub.adapters["wecom"], kit.signed(kit.message("价格")))
    drain(hub)
    del kit.platform.answers["/respond"]
    kit.clock.now += 11
    drain(hub)
    (stream, *_refused, pushed) = kit.said()
    assert stream.startswith("(1/2)") and pushed.startswith("(2/2)")
    assert "第 1299 条" in pushed


def test_a_response_address_elsewhere_is_not_called(kit: WecomKit, hub: Hub, advisor: FakeAdvisor) -> None:
    advisor.reply = done("".join(f"第 {i} 条价格[1]。" for i in range(1300)))
    body = json.loads(kit.message("价格")) | {"response_url": "http://169.254.169.254/latest"}
    hub.intake.request(hub.adapters["wecom"], kit.signed(json.dumps(body).encode()))
    drain(hub)
    assert hub.outbox.counts() == {"sent": 1, "dead": 1}


def test_mixed_and_spoken_messages_are_read(kit: WecomKit) -> None:
    base = json.loads(kit.message("x", group=True))
    mixed = {"msg_item": [{"msgtype": "text", "text": {"content": "@Advisor 这张表"}}, {"msgtype": "image", "image": {"url": "u"}}]}
    for payload, text in ((base | {"msgtype": "mixed", "mixed": mixed}, "这张表"), (base | {"msgtype": "voice", "voice": {"content": "多少钱"}}, "多少钱")):
        read = kit.adapter().parse(payload)
        assert isinstance(read, InboundMessage) and read.text == text


def test_a_key_of_the_wrong_length_is_named() -> None:
    settings = WecomKit(Platform(), Clock())
    settings.platform.url = "http://127.0.0.1:9"
    with pytest.raises(SettingsError, match="ADVISOR_WECOM_AES_KEY"):
        wecom.build(settings.settings(wecom_aes_key=SecretStr("short")))


def test_the_long_connection_signs_in_streams_and_finishes(kit: WecomKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    frames: list[dict[str, Any]] = []
    finished = threading.Event()
    message = json.loads(kit.message("价格"))

    def talk(connection: ServerConnection) -> None:
        for raw in connection:
            frame = json.loads(raw)
            frames.append(frame)
            connection.send(json.dumps({"headers": frame["headers"], "errcode": 0, "errmsg": "ok"}))
            if frame["cmd"] == "aibot_subscribe":
                connection.send("not json")
                for _ in range(2):
                    connection.send(json.dumps({"cmd": "aibot_msg_callback", "headers": {"req_id": "R1"}, "body": message}))
            if frame["cmd"] == "aibot_respond_msg" and frame["body"]["stream"]["finish"]:
                finished.set()

    with serve(talk, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"
        settings = kit.settings(wecom_bot_id="BOT", wecom_bot_secret=SecretStr("wecom-bot-secret"), wecom_ws_url=address)
        hub = make_hub({"wecom": wecom.build(settings)}, tmp_path, advisor, settings, time.time)
        hub.start()
        assert finished.wait(120)
        assert {s.name: s.state for s in hub.status()}["wecom"] == "running"
        hub.stop(5)
        server.shutdown()
    assert frames[0]["body"] == {"bot_id": "BOT", "secret": "wecom-bot-secret"}
    replies = [frame for frame in frames if frame["cmd"] == "aibot_respond_msg"]
    assert {frame["headers"]["req_id"] for frame in replies} == {"R1"}
    assert [frame["body"]["stream"]["finish"] for frame in replies].count(True) == 1
    assert "$3.80" in replies[-1]["body"]["stream"]["content"]
    assert replies[0]["body"]["stream"]["feedback"]["id"]
    assert advisor.asked == ["价格"]
    close_databases()


def test_a_refused_sign_in_is_shown_in_the_status(kit: WecomKit, advisor: FakeAdvisor, tmp_path: Path) -> None:
    def talk(connection: ServerConnection) -> None:
        for raw in connection:
            connection.send(json.dumps({"headers": json.loads(raw)["headers"], "errcode": 40013}))

    with serve(talk, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"
        settings = kit.settings(wecom_bot_id="BOT", wecom_bot_secret=SecretStr("wecom-bot-secret"), wecom_ws_url=address)
        hub = make_hub({"wecom": wecom.build(settings)}, tmp_path, advisor, settings, time.time)
        hub.start()
        while "40013" not in {s.name: s.detail for s in hub.status()}["wecom"]:
            time.sleep(0.05)
        hub.stop(2)
        server.shutdown()
    close_databases()
