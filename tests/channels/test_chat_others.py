"""Telegram and Discord beyond the contract: polling, drafts, mentions, gateway messages as discord.py gives them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chat_kits import DiscordKit, TelegramKit
from chat_world import Call, Clock, FakeAdvisor, Platform, done, drain, make_hub
from pydantic import SecretStr

from channels.adapters import discord, telegram
from channels.adapters.discord_gateway import as_json, make_client
from channels.adapters.slack_socket import SlackSocket
from channels.core.message import Dropped, InboundMessage
from channels.state.database import close_databases
from kb.errors import SettingsError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform() as found:
        yield found


def test_telegram_is_polled_and_told_what_is_kept(platform: Platform, tmp_path: Path) -> None:
    kit, advisor = TelegramKit(platform, Clock()), FakeAdvisor()
    update = json.loads(kit.message("价格", id_="41"))
    offsets: list[int] = []
    confirmed = threading.Event()

    def updates(call: Call) -> Any:
        offsets.append(call.body["offset"])
        if offsets[-1] == 42:
            confirmed.set()
        return {"ok": True, "result": [update] if offsets[-1] < 42 else []}

    platform.answers[f"/bot{kit.secrets[1]}/getUpdates"] = updates
    settings = kit.settings(telegram_webhook_secret=SecretStr(""))
    hub = make_hub({"telegram": telegram.build(settings)}, tmp_path, advisor, settings, time.time)
    hub.start()
    assert confirmed.wait(120)
    assert hub.inbox.find("telegram", "41") is not None
    while not kit.said():
        time.sleep(0.05)
    hub.stop(5)
    assert (offsets[0], advisor.asked) == (0, ["价格"])
    close_databases()


def test_telegram_shows_drafts_in_a_direct_chat_and_edits_in_a_group(platform: Platform, tmp_path: Path) -> None:
    kit, advisor = TelegramKit(platform, Clock()), FakeAdvisor(done("第一段在这里。\n\n第二段在这里 [1]。"))
    hub = make_hub({"telegram": kit.adapter()}, tmp_path, advisor, kit.settings(), kit.clock)
    for id_, how in (("1", {}), ("2", {"group": True, "mention": True})):
        hub.intake.request(hub.adapters["telegram"], kit.signed(kit.message("价格", id_=id_, **how)))
        drain(hub)
    methods = [path.rpartition("/")[2] for path in platform.paths()]
    assert methods.count("sendMessageDraft") == 1 and methods.count("editMessageText") == 2
    assert "第二段" in kit.said()[1]
    hub.stop(0.1)
    close_databases()


def test_a_text_that_telegram_has_already_counts_as_sent(platform: Platform, tmp_path: Path) -> None:
    kit = TelegramKit(platform, Clock())
    path = f"/bot{kit.secrets[1]}/editMessageText"
    platform.answers[path] = (400, {"ok": False, "error_code": 400, "description": "Bad Request: message is not modified"}, {})
    hub = make_hub({"telegram": kit.adapter()}, tmp_path, FakeAdvisor(), kit.settings(), kit.clock)
    hub.intake.request(hub.adapters["telegram"], kit.signed(kit.message("价格", group=True, mention=True)))
    drain(hub)
    assert hub.outbox.counts() == {"sent": 1}
    hub.stop(0.1)
    close_databases()


def test_a_token_that_is_none_is_named(platform: Platform) -> None:
    kit = TelegramKit(platform, Clock())
    with pytest.raises(SettingsError, match="ADVISOR_TELEGRAM_BOT_TOKEN"):
        telegram.build(kit.settings(telegram_bot_token=SecretStr("nonsense")))


def gateway_message(**changes: Any) -> SimpleNamespace:
    """What discord.py hands to `on_message`, as far as it is read."""
    import discord as library

    values: dict[str, Any] = {
        "id": 31,
        "type": library.MessageType.default,
        "channel": SimpleNamespace(id=5),
        "guild": SimpleNamespace(id=66),
        "author": SimpleNamespace(id=8, bot=False),
        "content": "<@99> <@!12> 多少钱？",
        "created_at": datetime.now(UTC),
        "edited_at": None,
        "mentions": [SimpleNamespace(id=99, display_name="advisor"), SimpleNamespace(id=12, display_name="李雷")],
        "mention_everyone": False,
        "webhook_id": None,
        "attachments": [],
    }
    return SimpleNamespace(**(values | changes))


def test_a_gateway_message_is_read_and_answered_in_its_channel(platform: Platform, tmp_path: Path) -> None:
    kit, advisor = DiscordKit(platform, Clock()), FakeAdvisor()
    adapter = discord.build(kit.settings(discord_public_key=""))
    hub = make_hub({"discord": adapter}, tmp_path, advisor, kit.settings(), time.time)
    read = adapter.parse({"message": as_json(gateway_message()), "me": "99"})  # type: ignore[arg-type]
    assert isinstance(read, InboundMessage)
    assert (read.text, read.mentions_bot, read.chat_kind) == ("@李雷 多少钱？", True, "group")
    assert hub.intake.keep(adapter, read)
    drain(hub)
    posted, *edits = platform.to("/channels/5/messages*")
    assert posted.body["nonce"] and posted.body["enforce_nonce"] and posted.body["allowed_mentions"] == {"parse": []}
    assert "$3.80" in edits[-1].body["content"] and edits[-1].headers["authorization"] == f"Bot {kit.secrets[0]}"
    hub.stop(0.1)
    close_databases()


@pytest.mark.parametrize("changes", [{"edited_at": datetime.now(UTC)}, {"webhook_id": 3}, {"author": SimpleNamespace(id=8, bot=True)}])
def test_gateway_messages_that_are_edited_or_automatic_are_not_questions(platform: Platform, changes: dict[str, Any]) -> None:
    kit = DiscordKit(platform, Clock())
    read = kit.adapter().parse({"message": as_json(gateway_message(**changes)), "me": "99"})  # type: ignore[arg-type]
    assert isinstance(read, Dropped) or read.sender_is_bot  # type: ignore[union-attr]


def test_discords_client_asks_for_the_content_of_messages_and_mentions_nobody() -> None:
    client = make_client(lambda payload: True, SlackSocket(None, lambda payload: True))  # type: ignore[arg-type]
    assert client.intents.message_content and not client.intents.members
    assert client.allowed_mentions is not None and client.allowed_mentions.to_dict() == {"parse": []}
