"""Settings of team chat: one group a channel, read from the environment or `.env` when first asked for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from kb.errors import SettingsError

_NONE = SecretStr("")


class ChannelSettings(BaseSettings):
    """A channel is on once its settings are there. Lists are separated by commas; an empty list allows everyone."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", env_file=".env", extra="ignore")

    channel_workers: int = Field(default=4, ge=1, le=64)
    """Answers that this process makes at the same time."""
    channel_deadline_s: float = Field(default=120.0, gt=0, le=300)
    """After that a question is given up, and the chat is told so."""
    channel_stale_s: float = Field(default=1800.0, gt=0)
    """Older messages, which a platform may bring after an outage, are not answered any more."""
    channel_lease_s: float = Field(default=20.0, gt=0)
    """How long a question waits for the process that took it and died; then another one takes it."""
    channel_edit_interval_s: float = Field(default=0.8, ge=0.7)
    """Between two edits of an answer that is still growing."""
    channel_user_per_minute: float = Field(default=12.0, gt=0)
    channel_chat_per_minute: float = Field(default=30.0, gt=0)
    channel_answer_everyone: bool = False
    """Whether a mention of everybody in a group is a question to the bot."""
    channel_font: Path | None = None
    """A font file for charts, where the system has none with the characters they need."""

    slack_bot_token: SecretStr = _NONE
    slack_signing_secret: SecretStr = _NONE
    """For events over HTTP: POST /channels/slack/events."""
    slack_app_token: SecretStr = _NONE
    """For Socket Mode, which needs no public address (xapp-...)."""
    slack_allow: str = ""
    slack_base_url: str = "https://slack.com/api/"

    feishu_app_id: str = ""
    feishu_app_secret: SecretStr = _NONE
    feishu_encrypt_key: SecretStr = _NONE
    """For events over HTTP: POST /channels/feishu/events. Without it they would not be signed, so they are refused."""
    feishu_verification_token: SecretStr = _NONE
    feishu_long_connection: bool = False
    """Events over a connection that we open; needs no public address."""
    feishu_allow: str = ""
    feishu_base_url: str = "https://open.feishu.cn"
    """https://open.larksuite.com for Lark."""

    wecom_token: SecretStr = _NONE
    wecom_aes_key: SecretStr = _NONE
    """Token and EncodingAESKey of an AI bot's callback: GET and POST /channels/wecom/events."""
    wecom_bot_id: str = ""
    wecom_bot_secret: SecretStr = _NONE
    """For the long connection, which needs no public address."""
    wecom_allow: str = ""
    wecom_ws_url: str = "wss://openws.work.weixin.qq.com"
    wecom_base_url: str = "https://qyapi.weixin.qq.com"

    dingtalk_client_id: str = ""
    dingtalk_client_secret: SecretStr = _NONE
    dingtalk_stream: bool = True
    """Messages over a connection that we open; false: over HTTP at POST /channels/dingtalk/events."""
    dingtalk_robot_code: str = ""
    """Empty: the same as the client id."""
    dingtalk_card_template: str = ""
    """Id of an AI card template whose variable is `content`; without it the answer comes in one piece."""
    dingtalk_allow: str = ""
    dingtalk_base_url: str = "https://api.dingtalk.com"
    dingtalk_old_base_url: str = "https://oapi.dingtalk.com"

    telegram_bot_token: SecretStr = _NONE
    telegram_webhook_secret: SecretStr = _NONE
    """For updates over HTTP: POST /channels/telegram/events; without it they are polled for."""
    telegram_allow: str = ""
    telegram_base_url: str = "https://api.telegram.org"

    discord_bot_token: SecretStr = _NONE
    discord_public_key: str = ""
    """For slash commands over HTTP: POST /channels/discord/events."""
    discord_gateway: bool = True
    """Messages over the gateway, which needs no public address."""
    discord_allow: str = ""
    discord_base_url: str = "https://discord.com/api/v10"

    webhook_secret: SecretStr = _NONE
    """A program of your own: signed JSON to POST /channels/webhook/events."""
    webhook_reply_url: str = ""
    """Where the answers go, signed the same way."""
    webhook_allow: str = ""

    def secrets(self) -> list[str]:
        """Every secret that is set, so that none gets into a log."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr) and value.get_secret_value()]


@lru_cache(maxsize=1)
def get_channel_settings() -> ChannelSettings:
    """The settings of this process. Tests call `get_channel_settings.cache_clear()` after changing the environment."""
    try:
        return ChannelSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "ADVISOR_" + str(first["loc"][0]).upper()
        raise SettingsError(f"{name}: {first['msg']}; set it in the environment or in .env") from None
