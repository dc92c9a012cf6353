"""One Slack Web API call, its failure named: refused, not reached, or nobody knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import OutcomeUnknown, SlackRefused
from bot.observability.metrics import Metrics

UNREADABLE_WAIT = 30.0  # seconds to wait when Slack limits us without a number we can read
LONGEST_WAIT = 3600.0

# Slack will never take this message; another try gives the same answer.
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
# Slack failed half-way: the message may be there.
_UNKNOWN = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable"})


class SlackCalls:
    """Calls Slack and counts the calls by their outcome."""

    def __init__(self, client: AsyncWebClient, metrics: Metrics) -> None:
        self._client = client
        self._metrics = metrics

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """What Slack answered. SlackRefused: it was not done. OutcomeUnknown: it may be done."""
        try:
            answer = await getattr(self._client, method)(**arguments)
        except SlackApiError as error:
            failure = failure_of(method, error.response)
            self._metrics.slack_called(method, _outcome(failure))
            raise failure from error
        except aiohttp.ClientConnectorError as error:
            self._metrics.slack_called(method, "refused")
            raise SlackRefused("not_reached", permanent=False) from error
        except Exception as error:  # the SDK falls over bodies it did not expect, after the call
            self._metrics.slack_called(method, "unknown")
            raise OutcomeUnknown(f"Slack did not answer {method}.") from error
        if not isinstance(answer.data, dict):
            self._metrics.slack_called(method, "unknown")
            raise OutcomeUnknown(f"Slack's answer to {method} is not an object.")
        self._metrics.slack_called(method, "ok")
        return answer.data


def failure_of(method: str, response: Any) -> SlackRefused | OutcomeUnknown:
    """What an answer that is not ok means. Its body may be anything, or not be there.

    `response` is the SDK's own, or aiohttp's when the body was not JSON.
    """
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    data = getattr(response, "data", None)
    name = data.get("error") if isinstance(data, dict) else None
    if status == 429 or name == "ratelimited":
        wait = seconds_to_wait(getattr(response, "headers", {}))
        return SlackRefused("ratelimited", permanent=False, retry_after=wait)
    if not isinstance(name, str) or name in _UNKNOWN or not isinstance(status, int):
        said = name if isinstance(name, str) else "without a reason"
        return OutcomeUnknown(f"Slack answered {method} with {status} {said}.")
    if status >= 500:
        return OutcomeUnknown(f"Slack answered {method} with {status} {name}.")
    permanent = name in _PERMANENT or name.startswith("restricted_action")
    return SlackRefused(name, permanent=permanent)


def seconds_to_wait(headers: Mapping[str, str]) -> float:
    """Retry-After in seconds, from 0 to an hour; half a minute when it is not a number."""
    try:
        wait = float(headers.get("Retry-After", ""))
    except ValueError:
        return UNREADABLE_WAIT
    return UNREADABLE_WAIT if math.isnan(wait) else min(max(wait, 0.0), LONGEST_WAIT)


def _outcome(failure: SlackRefused | OutcomeUnknown) -> str:
    if isinstance(failure, OutcomeUnknown):
        return "unknown"
    return "ratelimited" if failure.error == "ratelimited" else "refused"
