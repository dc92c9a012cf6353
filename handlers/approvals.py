"""Presses on approval cards. The button's value is an id; what it stands for is in the store."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.approvals.model import Choice
from bot.approvals.policy import Voter
from bot.errors import NotFound
from bot.incidents.remediation import RemediationStatus
from bot.response import Response
from handlers.context import team_of
from handlers.outbox import Outbox


def register(app: AsyncApp) -> None:
    """Approve, Reject, Check again."""
    app.action("sopbot.approve")(approve)
    app.action("sopbot.reject")(reject)
    app.action("sopbot.check_again")(check_again)


async def approve(
    ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], story: Response
) -> None:
    """A yes. A refusal goes to the presser alone."""
    await story.vote(
        str(action.get("value", "")), voter_of(body), Choice.APPROVE, press_of(body, action)
    )
    await ack()


async def reject(
    ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], story: Response
) -> None:
    """A no ends it."""
    await story.vote(
        str(action.get("value", "")), voter_of(body), Choice.REJECT, press_of(body, action)
    )
    await ack()


async def check_again(
    ack: AsyncAck,
    body: dict[str, Any],
    action: dict[str, Any],
    story: Response,
    outbox: Outbox,
) -> None:
    """Ask the gateway what became of an unknown outcome."""
    execution = await story.store.execution_of(str(action.get("value", "")))
    if execution is None:
        raise NotFound("This approval is not known here, or nothing was sent for it.")
    await ack()  # the gateway may take longer than Slack waits
    found = await story.look_again(execution)
    if found.state is RemediationStatus.OUTCOME_UNKNOWN:
        await outbox.whisper(body, "Still unknown: the gateway has no answer yet.")


def voter_of(body: dict[str, Any]) -> Voter:
    """Who pressed: their id and the workspace they are of."""
    user = body.get("user", {})
    return Voter(str(user.get("id", "")), team_of(body))


def press_of(body: dict[str, Any], action: dict[str, Any]) -> dict[str, str]:
    """What Slack calls this press, so that it can be found in Slack's own logs."""
    container = body.get("container") or {}
    named = {
        "action_ts": action.get("action_ts"),
        "trigger_id": body.get("trigger_id"),
        "channel": container.get("channel_id"),
        "message_ts": container.get("message_ts"),
    }
    return {name: str(value)[:100] for name, value in named.items() if value}
