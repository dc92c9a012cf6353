"""Calls Slack's Web API and names the failure: refused, not reached, or outcome unknown.

After Slack limited a method, the client makes no such call until Retry-After is over: the limit
holds for that method alone, and for posts in that channel alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import OutcomeUnknown, SlackRefused
from bot.observability.metrics import Metrics

SHORTEST_WAIT = 0.5  # seconds to wait if Retry-After is 0
UNREADABLE_WAIT = 30.0  # seconds to wait if Retry-After is not a number
LONGEST_WAIT = 3600.0

# Slack refuses the bot's token: the bot can send nothing until somebody sets another.
BAD_TOKEN = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)
POST = "chat_postMessage"  # limited for each channel, the other methods for the workspace
UPLOAD = "files_upload_v2"  # the SDK's three calls that share a file

# Slack will never take this message: another try gets the same answer.
_PERMANENT = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "no_permission",
        "cant_update_message",
        "edit_window_closed",
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "metadata_too_large",
        "missing_scope",
        "msg_blocks_too_long",
        "msg_too_long",
    }
)
_TOO_EARLY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
# Slack failed half-way: it may have posted the message.
_UNKNOWN = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable"})


class SlackClient:
    """Calls Slack, counts the calls by their outcome, and keeps to its limits."""

    def __init__(
        self, client: AsyncWebClient, metrics: Metrics, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._metrics = metrics
        self._clock = clock
        self._limits: dict[tuple[str, str], tuple[datetime, datetime]] = {}
        self.refusal = ""
        """Slack's error about our token, with which it refuses every call; '' while it does not."""

    def wait(self, method: str, channel: str = "") -> float:
        """Seconds until Slack allows the next call of this method; 0 for now."""
        key = _limit_of(method, channel)
        since, until = self._limits.get(key, _NEVER)
        now = self._clock()
        if since <= now < until:  # before `since`, the clock was set back
            return (until - now).total_seconds()
        self._limits.pop(key, None)
        return 0.0

    def _limited(self, method: str, channel: str, seconds: float) -> None:
        now = self._clock()
        self._limits[_limit_of(method, channel)] = (now, now + timedelta(seconds=seconds))

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Slack's answer. SlackRefused: it was not done. OutcomeUnknown: it may have been done."""
        channel = str(arguments.get("channel", ""))
        if wait := self.wait(method, channel):
            raise SlackRefused("ratelimited", permanent=False, retry_after=wait)
        try:
            answer = await getattr(self._client, method)(**arguments)
        except SlackApiError as error:
            failure = failure_of(method, error.response)
            self._metrics.slack_called(method, _outcome(failure))
            if isinstance(failure, SlackRefused) and failure.error == "ratelimited":
                self._limited(method, channel, failure.retry_after or SHORTEST_WAIT)
            if isinstance(failure, SlackRefused):
                self.refusal = failure.error if failure.error in BAD_TOKEN else ""
            raise failure from error
        except aiohttp.ClientConnectorError as error:
            self._metrics.slack_called(method, "refused")
            raise SlackRefused("not_reached", permanent=False) from error
        except (
            Exception
        ) as error:  # the SDK fails on bodies that it does not expect, after the call
            self._metrics.slack_called(method, "unknown")
            raise OutcomeUnknown(f"Slack did not answer {method}.") from error
        if not isinstance(answer.data, dict):
            self._metrics.slack_called(method, "unknown")
            raise OutcomeUnknown(f"Slack's answer to {method} is not an object.")
        self._metrics.slack_called(method, "ok")
        self.refusal = ""
        return answer.data


_NEVER = (datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


def _limit_of(method: str, channel: str) -> tuple[str, str]:
    return method, channel if method == POST else ""


def failure_of(method: str, response: Any) -> SlackRefused | OutcomeUnknown:
    """Turn an answer that is not ok into an error. Its body may be anything, or missing.

    `response` is the SDK's own, or aiohttp's when the body was not JSON.
    """
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    data = getattr(response, "data", None)
    name = data.get("error") if isinstance(data, dict) else None
    if status == 429 or (isinstance(name, str) and name in _TOO_EARLY):
        wait = seconds_to_wait(getattr(response, "headers", {}))
        return SlackRefused("ratelimited", permanent=False, retry_after=wait)
    if not isinstance(name, str) or name in _UNKNOWN or not isinstance(status, int):
        reason = name if isinstance(name, str) else "without a reason"
        return OutcomeUnknown(f"Slack answered {method} with {status} {reason}.")
    if status >= 500:
        return OutcomeUnknown(f"Slack answered {method} with {status} {name}.")
    permanent = name in _PERMANENT or name.startswith("restricted_action")
    return SlackRefused(name, permanent=permanent)


def seconds_to_wait(headers: Mapping[str, str]) -> float:
    """Retry-After in seconds, from 0 to an hour; half a minute if it is not a number."""
    try:
        wait = float(headers.get("Retry-After", ""))
    except ValueError:
        return UNREADABLE_WAIT
    return UNREADABLE_WAIT if math.isnan(wait) else min(max(wait, 0.0), LONGEST_WAIT)


def _outcome(failure: SlackRefused | OutcomeUnknown) -> str:
    if isinstance(failure, OutcomeUnknown):
        return "unknown"
    return "ratelimited" if failure.error == "ratelimited" else "refused"
