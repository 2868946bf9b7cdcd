"""Slack's Socket Mode: events over a connection that we open. An envelope is acknowledged once its event is in the inbox."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from channels.core.adapter import Connection
from channels.core.settings import ChannelSettings

if TYPE_CHECKING:
    from slack_sdk.socket_mode.client import BaseSocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

log = logging.getLogger("advisor.channels")
MAX_PAUSE_S = 60.0


class SlackSocket(Connection):
    """The SDK's client, which reconnects by itself once it was connected."""

    name = "slack socket"

    def __init__(self, settings: ChannelSettings, receive: Callable[[Mapping[str, Any]], bool]) -> None:
        super().__init__()
        self.settings = settings
        self.receive = receive

    def run(self) -> None:
        """Connect, and watch the connection until told to stop."""
        from slack_sdk import WebClient
        from slack_sdk.socket_mode import SocketModeClient

        token = self.settings.slack_bot_token.get_secret_value()
        web = WebClient(token, base_url=self.settings.slack_base_url, timeout=15)
        client = SocketModeClient(self.settings.slack_app_token.get_secret_value(), web_client=web, concurrency=4)
        client.socket_mode_request_listeners.append(self._request)
        pause_s = 1.0
        try:
            while not self.stopping.is_set():
                if not client.is_connected():
                    try:
                        client.connect_to_new_endpoint()
                        pause_s = 1.0
                    except Exception as error:  # refused tokens, networks and handshakes come in many types
                        self.problem = f"Socket Mode cannot connect ({_reason(error)})"
                        log.warning("slack: %s; again in %.0f s", self.problem, pause_s)
                        self.stopping.wait(pause_s)
                        pause_s = min(MAX_PAUSE_S, pause_s * 2)
                        continue
                self.problem = "" if client.is_connected() else "Socket Mode is not connected"
                self.stopping.wait(0.5)
        finally:
            client.close()

    def _request(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        from slack_sdk.socket_mode.response import SocketModeResponse

        try:
            self.receive(request.payload)
        except Exception:
            # Not acknowledged: Slack brings it again.
            log.exception("slack: an event could not be kept")
            return
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    code = response.get("error") if response is not None and hasattr(response, "get") else None
    return str(code or type(error).__name__)
