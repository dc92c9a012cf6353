"""The one place that turns errors into what a person in Slack reads."""

from __future__ import annotations

import logging
from typing import Any, TypeGuard

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from bot.errors import NotFound, Refused, SopbotError, StoreError
from bot.response import Response
from handlers.context import team_of
from handlers.outbox import Outbox
from store.operations.audit import LONGEST_ID

log = logging.getLogger(__name__)


def words_for(error: Exception) -> str:
    """What to tell the person; the log has the rest."""
    if isinstance(error, StoreError) and not error.permanent:
        # The remedy is the operator's. And a commit whose answer was lost may stand.
        return f"{error.message} Only what the bot shows counts: look, and try again in a minute."
    if isinstance(error, SopbotError):
        return str(error)
    return "Something went wrong inside the bot, and nothing was changed. The log has the details."


def register(app: AsyncApp, story: Response, outbox: Outbox) -> None:
    """Answer the person who pressed or typed; an event that could not be written stays unacked.

    Here, and nowhere else, a refusal goes on record.
    """

    @app.error
    async def failed(
        error: Exception,
        body: dict[str, Any],
        context: AsyncBoltContext,
        response: BoltResponse | None,
    ) -> BoltResponse | None:
        if isinstance(error, SopbotError):
            log.warning("refused or failed: %s", error)
        else:
            log.error("a listener failed", exc_info=error)
        if "event" in body:
            # Not acknowledged: Slack delivers it again, as it does no press and no command.
            return None if response is None else BoltResponse(status=500)
        if is_refusal(error, body):
            await story.decisions.refuse(error, *tried(body))
        words = words_for(error)
        # Bolt sends what is returned here, not what ack() was given.
        if "command" in body:
            return await context.ack(words)
        if body.get("type") == "view_submission":
            return await context.ack(response_action="errors", errors={_input_of(body): words})
        if response is None:
            # It was acknowledged before it failed, and Bolt takes no second answer: it even forgets
            # the first one when a listener ends within 10 ms of it. The whisper takes longer.
            await outbox.whisper(body, words)
            return None
        # Not awaited: what a middleware raised is answered only when this returns, and Slack, that
        # waits three seconds for it, may take longer than that to show a whisper.
        outbox.whisper_soon(body, words)
        return BoltResponse(status=200)


def is_refusal(error: Exception, body: dict[str, Any]) -> TypeGuard[SopbotError]:
    """Whether somebody tried what they may not. A button of what never was is forged."""
    return isinstance(error, Refused) or (isinstance(error, NotFound) and "command" not in body)


def tried(body: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    """(the value of the button or box, who, what and where as Slack calls it)."""
    actions, user = body.get("actions"), body.get("user")
    action = actions[0] if isinstance(actions, list) and actions else {}
    action = action if isinstance(action, dict) else {}
    view = _part(body, "view")
    actor = user.get("id") if isinstance(user, dict) else body.get("user_id")
    command = f"{body.get('command') or ''} {body.get('text') or ''}".strip()
    facts = {
        "team": team_of(body),
        "tried": action.get("action_id") or view.get("callback_id") or command or body.get("type"),
        "action_ts": action.get("action_ts"),
        "trigger_id": body.get("trigger_id"),
        "channel": _part(body, "container").get("channel_id"),
        "message_ts": _part(body, "container").get("message_ts"),
    }
    return (
        str(action.get("value") or view.get("private_metadata") or ""),
        str(actor or "")[:LONGEST_ID],
        {name: str(value)[:200] for name, value in facts.items() if value},
    )


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    part = body.get(name)
    return part if isinstance(part, dict) else {}


def _input_of(body: dict[str, Any]) -> str:
    """The block_id of the modal's first input: Slack shows an error only beside one."""
    blocks = body.get("view", {}).get("blocks", [])
    return next((str(b["block_id"]) for b in blocks if b.get("type") == "input"), "")
