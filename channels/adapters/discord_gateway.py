"""Discord's gateway through discord.py, on a thread and event loop of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from channels.core.adapter import Connection
from channels.core.words import say

if TYPE_CHECKING:
    import discord

log = logging.getLogger("advisor.channels")


class DiscordGateway(Connection):
    """The library reconnects by itself; a refused token ends it until the next attempt, minutes later."""

    name = "discord"

    def __init__(self, token: str, receive: Callable[[Mapping[str, Any]], bool]) -> None:
        super().__init__()
        self.token = token
        self.receive = receive

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                asyncio.run(self._session())
            except Exception as error:  # refused tokens and intents, networks
                self.problem = f"the gateway cannot be joined ({type(error).__name__})"
                log.warning("discord: %s", self.problem)
            self.stopping.wait(60.0)

    async def _session(self) -> None:
        client = make_client(self.receive, self)
        async with client:
            session = asyncio.create_task(client.start(self.token))
            while not self.stopping.is_set() and not session.done():
                await asyncio.sleep(0.2)
            await client.close()
            await session


def make_client(receive: Callable[[Mapping[str, Any]], bool], connection: Connection) -> discord.Client:
    """A client that hands on messages and buttons. Message Content is a privileged intent: switch it on in the portal."""
    import discord

    class Client(discord.Client):
        async def on_ready(self) -> None:
            connection.problem = ""

        async def on_disconnect(self) -> None:
            connection.problem = "the gateway is not connected"

        async def on_resumed(self) -> None:
            connection.problem = ""

        async def on_message(self, message: discord.Message) -> None:
            me = str(self.user.id) if self.user is not None else ""
            await asyncio.to_thread(receive, {"message": as_json(message), "me": me})

        async def on_interaction(self, interaction: discord.Interaction) -> None:
            data = dict(interaction.data or {})
            if "custom_id" not in data:
                return
            user = {"id": str(interaction.user.id)}
            guild = str(interaction.guild_id) if interaction.guild_id else None
            payload = {"type": 3, "id": str(interaction.id), "data": data, "user": user, "guild_id": guild}
            await asyncio.to_thread(receive, payload)
            text = f"{say('feedback_stored', 'zh')} / {say('feedback_stored', 'en')}"
            await interaction.response.send_message(text, ephemeral=True)

    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = intents.message_content = True
    return Client(intents=intents, allowed_mentions=discord.AllowedMentions.none())


def as_json(message: discord.Message) -> dict[str, Any]:
    """A message in the shape of Discord's API."""
    import discord

    return {
        "id": str(message.id),
        "type": message.type.value,
        "channel_id": str(message.channel.id),
        "guild_id": str(message.guild.id) if message.guild is not None else None,
        "in_thread": isinstance(message.channel, discord.Thread),
        "author": {"id": str(message.author.id), "bot": message.author.bot},
        "content": message.content,
        "timestamp": message.created_at.isoformat(),
        "edited_timestamp": message.edited_at.isoformat() if message.edited_at else None,
        "mentions": [{"id": str(user.id), "username": user.display_name} for user in message.mentions],
        "mention_everyone": message.mention_everyone,
        "webhook_id": str(message.webhook_id) if message.webhook_id else None,
        "attachments": [{"filename": attachment.filename} for attachment in message.attachments],
    }
