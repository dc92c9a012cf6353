"""Getting in touch with Slack at the start: who we are, and the Socket Mode link."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import OutsideError, SettingsError, SlackRefused, SopbotError

CONNECT_SECONDS = 30.0

# The token is at fault: another start would end the same way.
_BAD_TOKEN = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are in Slack, as auth.test says."""

    team_id: str
    user_id: str
    bot_id: str


async def identify(client: AsyncWebClient) -> Identity:
    """Ask Slack who we are. SettingsError when the token is not taken, else OutsideError."""
    try:
        answer = await client.auth_test()
    except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
        raise _slack_said_no(error, "SLACK_BOT_TOKEN") from error
    return Identity(str(answer["team_id"]), str(answer["user_id"]), str(answer.get("bot_id", "")))


async def connect(client: Any) -> None:
    """Open the link of a Socket Mode client; errors as for `identify`."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            # Asked here: connect() would log a bad token and try it again for ever.
            client.wss_uri = await client.issue_new_wss_url()
            await client.connect()
    except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
        raise _slack_said_no(error, "SLACK_APP_TOKEN") from error


def _slack_said_no(error: Exception, setting: str) -> SopbotError:
    if not isinstance(error, SlackApiError):
        return OutsideError(
            "Slack cannot be reached.", remedy="Check the network and SLACK_API_URL."
        )
    name = str(error.response.get("error", "unknown_error"))
    if name in _BAD_TOKEN:
        return SettingsError([f"{setting}: Slack does not take it ({name})"])
    return SlackRefused(name, permanent=False)
