"""Connects to Slack at the start: the bot's identity, and the first Socket Mode connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import OutsideError, SettingsError, SlackRefused, SopbotError
from handlers.inbound.connection_pool import ConnectionPool
from handlers.outbound.slack_client import BAD_TOKEN

CONNECT_SECONDS = 30.0

# With these errors another start would end in the same way.
_BAD_SETTING = BAD_TOKEN | {"missing_scope", "not_allowed_token_type"}


@dataclass(frozen=True, slots=True)
class Identity:
    """The bot's own ids in Slack, as auth.test returns them."""

    team_id: str
    user_id: str
    bot_id: str


async def identify(client: AsyncWebClient) -> Identity:
    """Ask Slack for the bot's ids. SettingsError if it refuses the token, else OutsideError."""
    try:
        answer = await client.auth_test()
    except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
        raise _refusal(error, "SLACK_BOT_TOKEN") from error
    return Identity(str(answer["team_id"]), str(answer["user_id"]), str(answer.get("bot_id", "")))


async def connect(connections: ConnectionPool) -> None:
    """Open the first connection; errors as for `identify`."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await connections.start()
    except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
        raise _refusal(error, "SLACK_APP_TOKEN") from error


def _refusal(error: Exception, setting: str) -> SopbotError:
    if not isinstance(error, SlackApiError):
        return OutsideError(
            "Slack cannot be reached.", remedy="Check the network and SLACK_API_URL."
        )
    name = str(error.response.get("error", "unknown_error"))
    if name in _BAD_SETTING:
        return SettingsError([f"{setting}: Slack does not accept it ({name})"])
    return SlackRefused(name, permanent=False)
