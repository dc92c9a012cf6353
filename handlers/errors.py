"""The one place that turns errors into what a person in Slack reads."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from bot.errors import SopbotError, StoreError
from handlers.outbox import Outbox

log = logging.getLogger(__name__)


def words_for(error: Exception) -> str:
    """What to tell the person; the log has the rest."""
    if isinstance(error, StoreError) and not error.permanent:
        # The remedy is the operator's. And a commit whose answer was lost may stand.
        return f"{error.message} Only what the bot shows counts: look, and try again in a minute."
    if isinstance(error, SopbotError):
        return str(error)
    return "Something went wrong inside the bot, and nothing was changed. The log has the details."


def register(app: AsyncApp, outbox: Outbox) -> None:
    """Answer the person who pressed or typed; an event that could not be written stays unacked."""

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
        words = words_for(error)
        # Bolt sends what is returned here, not what ack() was given.
        if "command" in body:
            return await context.ack(words)
        if body.get("type") == "view_submission":
            return await context.ack(response_action="errors", errors={_input_of(body): words})
        await outbox.whisper(body, words)
        # None: it was acknowledged before it failed, and Bolt takes no second answer.
        return None if response is None else BoltResponse(status=200)


def _input_of(body: dict[str, Any]) -> str:
    """The block_id of the modal's first input: Slack shows an error only beside one."""
    blocks = body.get("view", {}).get("blocks", [])
    return next((str(b["block_id"]) for b in blocks if b.get("type") == "input"), "")
