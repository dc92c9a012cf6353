"""Carries out people's actions, from the click to the end of its effect, for the page and tests."""

import re
from dataclasses import dataclass, field
from typing import Any

from . import normalise
from .authors import person_author
from .core import Core
from .deliveries import Ack, Delivery
from .endpoints import respond
from .forms import action_of, fill_in, state_of
from .interactions import ResponseUrl
from .people import Channel, User
from .refusal import Refusal

JSON = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """The app's reaction to an action: `acked` within `seconds`, or Slack's `error`."""

    acked: bool
    seconds: float | None = None
    error: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    record: ResponseUrl | None = field(default=None, repr=False)


class Actions:
    """Carries out the actions of the workspace's people."""

    def __init__(self, core: Core) -> None:
        self._core = core

    # Saying things

    def say(self, user: User, channel: Channel, text: str, thread_ts: str | None = None) -> JSON:
        """Post as a person; @names and #names become mentions as in Slack's own clients."""
        if user.id not in channel.members:
            raise Refusal("not_in_channel")
        if not text.strip():
            raise Refusal("no_text")
        result = normalise.text(self.with_mentions(normalise.truncated(text)))
        author = person_author(user, text)
        return self._core.workspace.post(channel, author, {"text": result}, thread_ts=thread_ts)

    def edit(self, user: User, channel: Channel, ts: str, text: str) -> JSON:
        """Change an own message."""
        self._own(user, channel, ts)
        result = normalise.text(self.with_mentions(text))
        blocks = normalise.plain_rich_text(text)
        changes = {"text": result, "blocks": blocks}
        return self._core.workspace.edit(channel, ts, changes, editor=user.id)

    def delete(self, user: User, channel: Channel, ts: str) -> None:
        """Delete an own message."""
        self._own(user, channel, ts)
        self._core.workspace.delete(channel, ts)

    def edit_as_app(self, channel: Channel, ts: str, text: str) -> None:
        """Let another app change its own message: its text, or its first attachment's title."""
        before = self._foreign(channel, ts)
        result = normalise.text(text)
        changes: JSON = {"text": result}
        if attached := before.get("attachments"):
            part = "title" if "title" in attached[0] else "text"
            first = {**attached[0], part: result, "fallback": result}
            changes = {"attachments": [first, *attached[1:]]}
        editor = str(before.get("user") or before["bot_id"])
        self._core.workspace.edit(channel, ts, changes, editor=editor)

    def delete_as_app(self, channel: Channel, ts: str) -> None:
        """Let another app delete its own message."""
        self._foreign(channel, ts)
        self._core.workspace.delete(channel, ts)

    def with_mentions(self, text: str, *, labels: bool = False) -> str:
        """`@ben` as `<@U…>`, `#ops` as `<#C…|ops>`, `@here` as `<!here>`, `@sre` as a group."""
        workspace = self._core.workspace
        users = {u.name: u for u in workspace.users.values()}
        groups = {g.handle: g for g in workspace.groups.values()}
        channels = {c.name: c for c in workspace.channels.values() if c.name}

        def replaced(value: re.Match[str]) -> str:
            sign, name = value[1], value[2]
            if sign == "#" and name in channels:
                return f"<#{channels[name].id}|{name}>"
            if sign == "@" and name in users:
                return f"<@{users[name].id}|{name}>" if labels else f"<@{users[name].id}>"
            if sign == "@" and name in groups:
                return f"<!subteam^{groups[name].id}|@{name}>"
            if sign == "@" and name in ("here", "channel", "everyone"):
                return f"<!{name}>"
            return value[0]

        return re.sub(r"(?<![\w<|@#])([@#])([a-z0-9][a-z0-9._-]*)", replaced, text)

    # Asking the app

    async def command(self, user: User, channel: Channel, line: str) -> Outcome:
        """A slash command such as `/incident list`."""
        command, _, text = line.strip().partition(" ")
        known = self._core.manifest.commands
        if not command.startswith("/") or (known is not None and command not in known):
            self._slackbot(user, channel, f"`{command}` is not a valid command.")
            return Outcome(acked=False, error="invalid_command")
        text = text.strip()
        if self._core.manifest.should_escape(command):
            text = normalise.text(self.with_mentions(text, labels=True))
        delivery, record = self._core.interactions.command(user, channel, command, text)
        delivery.on_ack = lambda ack: self._show_ack(user, channel, record, ack)
        outcome = await self._settled(delivery, record)
        if not outcome.acked:
            self._slackbot(user, channel, f'`{command}` failed with the error "{outcome.error}"')
        return outcome

    async def act_on_message(
        self, user: User, channel: Channel, message: JSON, block: JSON, element: JSON, value: Any
    ) -> Outcome:
        """Press or choose something on a message; `value` is the choice, None for a button."""
        action = action_of(block, element, value)
        state = {block["block_id"]: {action["action_id"]: state_of(element, value)}}
        delivery, record = self._core.interactions.act_on_message(
            user, channel, message, action, {} if element["type"] == "button" else state
        )
        return await self._settled(delivery, record)

    async def act_in_view(
        self, user: User, view: JSON, block: JSON, element: JSON, value: Any
    ) -> Outcome:
        """Press or choose something in a modal or in App Home."""
        action = action_of(block, element, value)
        return await self._settled(self._core.interactions.act_in_view(user, view, action))

    async def submit(self, user: User, view: JSON, values: dict[str, Any]) -> Outcome:
        """Submit a modal; `values` by block_id, action_id or label."""
        state, missing = fill_in(view, values)
        if missing:
            self._core.views.errors[view["id"]] = missing
            return Outcome(acked=False, error="incomplete", errors=missing)
        filled = {**view, "state": {"values": state}}
        delivery = self._core.interactions.view_submission(user, filled)
        outcome = await self._settled(delivery)
        if not outcome.acked or delivery.ack is None:
            return outcome
        errors = self._core.views.answer(user.id, view, delivery.ack.payload)
        return Outcome(acked=True, seconds=outcome.seconds, errors=errors)

    async def close(self, user: User, view: JSON) -> Outcome | None:
        """Close a modal; Slack tells the app only if the modal has `notify_on_close`."""
        self._core.views.close(user.id, view["id"])
        if not view.get("notify_on_close"):
            return None
        return await self._settled(
            self._core.interactions.view_closed(user, view, is_cleared=False)
        )

    async def shortcut(
        self,
        user: User,
        callback_id: str,
        channel: Channel | None = None,
        message: JSON | None = None,
    ) -> Outcome:
        """A global shortcut, or with a message one from that message's menu."""
        if channel is None or message is None:
            return await self._settled(self._core.interactions.shortcut(user, callback_id))
        delivery, record = self._core.interactions.message_shortcut(
            user, channel, message, callback_id
        )
        return await self._settled(delivery, record)

    def open_home(self, user: User) -> None:
        """Open the app's Home tab."""
        workspace = self._core.workspace
        event: JSON = {
            "type": "app_home_opened",
            "user": user.id,
            "channel": workspace.direct(user.id).id,
            "tab": "home",
            "event_ts": workspace.next_ts(),
        }
        if (view := self._core.views.home(user.id)) is not None:
            event["view"] = view
        workspace.on_event(event)

    async def _settled(self, delivery: Delivery, record: ResponseUrl | None = None) -> Outcome:
        ack = await delivery.outcome()
        if ack is None:
            return Outcome(acked=False, error=delivery.failure, record=record)
        return Outcome(acked=True, seconds=ack.seconds, record=record)

    def _show_ack(self, user: User, channel: Channel, record: ResponseUrl, ack: Ack) -> None:
        if not ack.payload:
            return
        try:
            respond(self._core, record, ack.payload)
        except Refusal as refusal:
            self._slackbot(user, channel, f"the app's answer was refused: {refusal.name}")

    def _own(self, user: User, channel: Channel, ts: str) -> None:
        if self._core.workspace.message(channel, ts).get("user") != user.id:
            raise Refusal("cant_update_message")

    def _foreign(self, channel: Channel, ts: str) -> JSON:
        message = self._core.workspace.message(channel, ts)
        if message.get("bot_id") in (None, self._core.workspace.app.bot_id):
            raise Refusal("cant_update_message")
        return message

    def _slackbot(self, user: User, channel: Channel, text: str) -> None:
        author = {"user": "USLACKBOT", "username": "Slackbot", "bot_id": None, "app_id": None}
        self._core.workspace.post_ephemeral(channel, user.id, {**author, "text": text}, None)
