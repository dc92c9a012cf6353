"""Calls Slack while a person waits for the result: these messages and views skip the outbox.

They are sent once or never, and are not part of an incident's timeline.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from bot.errors import OutcomeUnknown, SlackRefused
from handlers.outbound.metadata import event_type
from handlers.outbound.refused_blocks import RefusedBlocks
from handlers.outbound.slack_client import SlackClient
from handlers.views.newer_blocks import newer_kinds, plain_form
from handlers.views.pages import Page

log = logging.getLogger(__name__)


# Slack refuses a view for its blocks, and has not used up the trigger.
_VIEW_REFUSED = frozenset({"invalid_arguments", "invalid_blocks"})


class DirectCalls:
    """Ephemeral messages, modals, Home tabs and permalinks."""

    def __init__(self, slack: SlackClient, refused_blocks: RefusedBlocks) -> None:
        self._slack = slack
        self._refused_blocks = refused_blocks
        self.sending: set[asyncio.Task[None]] = set()

    async def send_ephemeral(self, body: dict[str, Any], text: str) -> None:
        """Show the text to the person who pressed, where they pressed; log it if Slack refuses."""
        channel = (body.get("channel") or {}).get("id")
        user = (body.get("user") or {}).get("id")
        if not channel or not user:
            return
        container = body.get("container") or {}
        thread = container.get("thread_ts")
        if thread and thread == container.get("message_ts"):
            thread = None  # pressed on the root, in the channel: the thread may be closed
        try:
            await self._slack.call(
                "chat_postEphemeral",
                channel=channel,
                user=user,
                text=text,
                thread_ts=thread,
                blocks=text.simple if isinstance(text, Page) else None,
            )
        except (SlackRefused, OutcomeUnknown) as error:
            log.warning("could not answer a press: %s", error)

    async def post(self, channel: str, text: str) -> None:
        """Post an answer in a direct conversation, once; log it if Slack refuses."""
        try:
            await self._slack.call(
                "chat_postMessage",
                channel=channel,
                text=text,
                unfurl_links=False,
                metadata={"event_type": event_type("answer"), "event_payload": {}},
            )
        except (SlackRefused, OutcomeUnknown) as error:
            log.warning("could not answer a direct message: %s", error)

    def send_ephemeral_soon(self, body: dict[str, Any], text: str) -> None:
        """Start `send_ephemeral` without waiting for it."""
        task = asyncio.create_task(self.send_ephemeral(body, text), name="send ephemeral")
        self.sending.add(task)  # the loop itself keeps no reference to a task
        task.add_done_callback(self.sending.discard)

    async def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Open a modal, in a plain form if Slack refuses its blocks.

        SlackRefused if the trigger has expired.
        """
        shown = await self.accepted_view(view)
        try:
            await self._slack.call("views_open", trigger_id=trigger_id, view=shown)
        except SlackRefused as error:
            newer = newer_kinds(shown["blocks"])
            if not newer or error.error not in _VIEW_REFUSED:
                raise
            plain = {**shown, "blocks": plain_form(shown["blocks"], newer)}
            await self._slack.call("views_open", trigger_id=trigger_id, view=plain)
            await self._refused_blocks.remember(newer)

    async def accepted_view(self, view: dict[str, Any]) -> dict[str, Any]:
        """The view in a form of which Slack has refused nothing within a day."""
        return {**view, "blocks": await self._refused_blocks.accepted_form(view["blocks"])}

    async def push_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Open a modal over the open one; SlackRefused if the trigger has expired."""
        await self._slack.call("views_push", trigger_id=trigger_id, view=view)

    async def direct_channel(self, user: str) -> str:
        """The channel of the bot's direct messages with this person, or '' if Slack opens none."""
        try:
            answer = await self._slack.call("conversations_open", users=user)
        except (SlackRefused, OutcomeUnknown) as error:
            log.warning("no direct message to %s: %s", user, error)
            return ""
        channel = answer.get("channel")
        return str(channel.get("id") or "") if isinstance(channel, dict) else ""

    async def update_view(self, view_id: str, view: dict[str, Any]) -> None:
        """Change an open modal; SlackRefused if it is closed."""
        await self._slack.call("views_update", view_id=view_id, view=view)

    async def publish_home(self, user: str, view: dict[str, Any]) -> None:
        """Show the view on the person's Home tab; SlackRefused or OutcomeUnknown if that fails."""
        await self._slack.call("views_publish", user_id=user, view=view)

    async def permalink(self, channel: str, ts: str) -> str:
        """The message's address, or '' if Slack does not return it."""
        try:
            answer = await self._slack.call("chat_getPermalink", channel=channel, message_ts=ts)
        except (SlackRefused, OutcomeUnknown):
            return ""
        return str(answer.get("permalink", ""))
