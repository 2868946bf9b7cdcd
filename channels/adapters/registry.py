"""Which channels there are, which settings turn them on, and which package each needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from channels.core.adapter import Adapter
from channels.core.hub import ChannelStatus
from channels.core.settings import ChannelSettings
from kb.errors import SettingsError

Build = Callable[[ChannelSettings], Adapter]


@dataclass(frozen=True, slots=True)
class Entry:
    """`wanted_by` are settings any of which asks for the channel; `packages` are what its extra brings."""

    name: str
    module: str
    wanted_by: tuple[str, ...]
    packages: tuple[str, ...] = ()


ENTRIES = (
    Entry("slack", "channels.adapters.slack", ("slack_bot_token", "slack_signing_secret", "slack_app_token"), ("slack_sdk",)),
    Entry("feishu", "channels.adapters.feishu", ("feishu_app_id", "feishu_app_secret"), ("websockets", "google.protobuf")),
    Entry("wecom", "channels.adapters.wecom", ("wecom_token", "wecom_aes_key", "wecom_bot_id"), ("websockets", "cryptography")),
    Entry("dingtalk", "channels.adapters.dingtalk", ("dingtalk_client_id", "dingtalk_client_secret"), ("websockets",)),
    Entry("telegram", "channels.adapters.telegram", ("telegram_bot_token",)),
    Entry("discord", "channels.adapters.discord", ("discord_bot_token", "discord_public_key"), ("discord", "cryptography")),
    Entry("webhook", "channels.adapters.webhook", ("webhook_secret", "webhook_reply_url")),
)
NAMES = tuple(entry.name for entry in ENTRIES)


def build_adapters(settings: ChannelSettings) -> tuple[dict[str, Adapter], dict[str, ChannelStatus]]:
    """(adapters that can run, why the others do not)."""
    adapters: dict[str, Adapter] = {}
    others: dict[str, ChannelStatus] = {}
    for entry in ENTRIES:
        if not any(_is_set(settings, name) for name in entry.wanted_by):
            others[entry.name] = ChannelStatus(entry.name, "off")
            continue
        missing = [package for package in entry.packages if not _installed(package)]
        if missing:
            how = f"{missing[0]} is missing: pip install 'llm-advisor[{entry.name}]'"
            others[entry.name] = ChannelStatus(entry.name, "not installed", how)
            continue
        try:
            build: Build = import_module(entry.module).build
            adapters[entry.name] = build(settings)
        except SettingsError as error:
            others[entry.name] = ChannelStatus(entry.name, "failing", str(error))
    return adapters, others


def need(settings: ChannelSettings, *names: str) -> None:
    """Raises `SettingsError` that names the first of these settings that is empty."""
    for name in names:
        if not _is_set(settings, name):
            raise SettingsError(f"ADVISOR_{name.upper()} is not set")


def allow_list(text: str) -> frozenset[str]:
    """The chats and people of a setting, separated by commas."""
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _is_set(settings: ChannelSettings, name: str) -> bool:
    value = getattr(settings, name)
    return bool(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # the parent of a dotted name
        return False
