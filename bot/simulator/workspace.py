"""The workspace: people, channels and messages, and the events that changes cause.

Pure memory, no network. Whoever wants to hear of changes gives `on_event` (an Events API event
that our bot may see) and `on_change` (anything a page or a waiting test might look at).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import people
from .authors import modern_author
from .clock import Clock
from .people import App, Channel, User, UserGroup
from .refusal import Refusal
from .threads import count_replies, forget_reply, parent_of, reacted, tombstone

JSON = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One change in a channel, or for one user only."""

    kind: str
    channel: str = ""
    ts: str = ""
    user: str = ""


class Workspace:
    """Users, channels and messages, with Slack's rules about them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.app = people.OUR_APP
        self.users: dict[str, User] = {u.id: u for u in people.default_users()}
        self.groups: dict[str, UserGroup] = {g.id: g for g in people.default_groups()}
        self.channels: dict[str, Channel] = {c.id: c for c in people.default_channels()}
        self.apps: dict[str, App] = {a.name.lower(): a for a in people.other_apps()}
        self.ephemerals: dict[str, dict[str, tuple[str, JSON]]] = {}
        self.on_event: Callable[[JSON], None] = lambda _event: None
        self.on_change: Callable[[Change], None] = lambda _change: None
        self._last_ts = 0

    # Who and where

    def next_ts(self) -> str:
        """A message time: seconds and microseconds, later than every one before."""
        self._last_ts = max(self._last_ts + 1, int(self.clock.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def user(self, name: str) -> User:
        """A user by id, name or @name; Refusal `user_not_found` otherwise."""
        name = name.removeprefix("@")
        user = self.users.get(name)
        if user is None:
            user = next((u for u in self.users.values() if u.name == name), None)
        if user is None:
            raise Refusal("user_not_found")
        return user

    def channel(self, name: str) -> Channel:
        """A channel by id, name or #name; Refusal `channel_not_found` otherwise."""
        channel = self.channels.get(name)
        if channel is None:
            name = name.removeprefix("#")
            channel = next((c for c in self.channels.values() if c.name == name and name), None)
        if channel is None:
            raise Refusal("channel_not_found")
        return channel

    def direct(self, user_id: str, other: str | None = None) -> Channel:
        """The conversation between a user and our bot (or another user), made when new."""
        pair = {user_id, other or self.app.user_id}
        for channel in self.channels.values():
            if channel.is_im and channel.members == pair:
                return channel
        made = Channel(f"D0{len(self.channels):03d}{user_id[2:7]}", "", pair, is_im=True)
        self.channels[made.id] = made
        return made

    def add_channel(self, channel: Channel) -> Channel:
        """Add one more channel to the workspace."""
        self.channels[channel.id] = channel
        self.on_change(Change("channel", channel.id))
        return channel

    def app_named(self, name: str) -> App:
        """Another app by name; made when nobody has used it yet."""
        key = name.lower()
        if key not in self.apps:
            self.apps[key] = people.foreign_app(name)
        return self.apps[key]

    def touch(self) -> None:
        """Notify watchers of a change that is not in the messages."""
        self.on_change(Change("fault"))

    # What is said

    def post(
        self,
        channel: Channel,
        author: JSON,
        body: JSON,
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
    ) -> JSON:
        """Add a message. `author` and `body` must already be in Slack's shape.

        Raises Refusal `is_archived`, `invalid_thread_ts` or `thread_not_found`.
        """
        if channel.is_archived:
            raise Refusal("is_archived")
        ts = self.next_ts()
        message: JSON = {"type": "message", **author, **body, "ts": ts}
        if thread_ts:
            parent = parent_of(channel, thread_ts)
            thread_ts = parent["ts"]
            message["thread_ts"] = thread_ts
            if "user" in parent:
                message["parent_user_id"] = parent["user"]
            if broadcast:
                message["subtype"] = "thread_broadcast"
        channel.messages[ts] = message
        if not thread_ts or broadcast:
            channel.timeline[ts] = None
        if thread_ts:
            channel.threads.setdefault(thread_ts, []).append(ts)
            count_replies(channel, thread_ts)
        self._say(channel, without_metadata(message), ts)
        self.on_change(Change("message", channel.id, ts))
        return message

    def edit(self, channel: Channel, ts: str, changes: JSON, *, editor: str | None) -> JSON:
        """Replace parts of a message; with no `editor` it is Slack's own change (an unfurl)."""
        before = self.message(channel, ts)
        after = {**before, **changes}
        for name in [n for n, value in changes.items() if value in (None, [])]:
            after.pop(name, None)
        event_ts = self.next_ts()
        if editor is not None:
            after["edited"] = {"user": editor, "ts": event_ts}
        channel.messages[ts] = after
        about = {"message": without_metadata(after)}
        self._say_hidden(channel, event_ts, "message_changed", before, about)
        self.on_change(Change("message", channel.id, ts))
        return after

    def delete(self, channel: Channel, ts: str) -> None:
        """Remove a message.

        A parent with replies stays as a tombstone, which Slack tells as `message_changed`; it goes
        with its last reply. Refusal `message_not_found`.
        """
        before = self.message(channel, ts)
        if channel.threads.get(ts):
            channel.messages[ts] = after = tombstone(before)
            about = {"message": after}
            self._say_hidden(channel, self.next_ts(), "message_changed", before, about)
        else:
            self._remove(channel, ts, before)
            root = before.get("thread_ts", ts)
            parent = channel.messages.get(root, before)
            if parent.get("subtype") == "tombstone" and not channel.threads.get(root):
                self._remove(channel, root, parent)
        self.on_change(Change("message", channel.id, ts))

    def message(self, channel: Channel, ts: str) -> JSON:
        """A message by its ts; Refusal `message_not_found` otherwise."""
        message = channel.messages.get(ts)
        if message is None or message.get("subtype") == "tombstone":
            raise Refusal("message_not_found")
        return message

    def react(self, channel: Channel, ts: str, name: str, user: str, *, add: bool) -> None:
        """Add or remove one user's reaction; Refusal `already_reacted` or `no_reaction`."""
        before = self.message(channel, ts)
        channel.messages[ts] = reacted(before, name, user, add=add)
        event: JSON = {
            "type": "reaction_added" if add else "reaction_removed",
            "user": user,
            "reaction": name,
            "item": {"type": "message", "channel": channel.id, "ts": ts},
            "event_ts": self.next_ts(),
        }
        if "user" in before:
            event["item_user"] = before["user"]
        if self.app.user_id in channel.members:
            self.on_event(event)
        self.on_change(Change("message", channel.id, ts))

    def post_ephemeral(self, channel: Channel, user: str, body: JSON, thread_ts: str | None) -> str:
        """Post an ephemeral message of our bot to one user; returns its ts."""
        ts = self.next_ts()
        message: JSON = {"type": "message", **self.our_author(), **body, "ts": ts}
        if thread_ts:
            message["thread_ts"] = thread_ts
        message["is_ephemeral"] = True
        self.ephemerals.setdefault(user, {})[ts] = (channel.id, message)
        self.on_change(Change("ephemeral", channel.id, ts, user))
        return ts

    def replace_ephemeral(self, channel: Channel, user: str, ts: str, body: JSON) -> None:
        """Change what only one user sees."""
        result = self.ephemerals.get(user, {}).get(ts)
        if result is None:
            raise Refusal("message_not_found")
        kept = {k: v for k, v in result[1].items() if k not in ("blocks", "attachments")}
        self.ephemerals[user][ts] = (channel.id, {**kept, **body})
        self.touched(channel, ts, user)

    def touched(self, channel: Channel, ts: str, user: str) -> None:
        """Notify watchers of a change for this user."""
        self.on_change(Change("ephemeral", channel.id, ts, user))

    def our_author(self) -> JSON:
        """The author fields of a post by the bot under test."""
        return modern_author(self.app)

    # Inside

    def _remove(self, channel: Channel, ts: str, before: JSON) -> None:
        del channel.messages[ts]
        channel.timeline.pop(ts, None)
        forget_reply(channel, ts, before)
        self._say_hidden(channel, self.next_ts(), "message_deleted", before, {"deleted_ts": ts})

    def _say_hidden(
        self, channel: Channel, event_ts: str, subtype: str, before: JSON, about: JSON
    ) -> None:
        event: JSON = {
            "type": "message",
            "subtype": subtype,
            "hidden": True,
            **about,
            "previous_message": without_metadata(before),
            "ts": event_ts,
        }
        self._say(channel, event, event_ts)

    def _say(self, channel: Channel, event: JSON, event_ts: str) -> None:
        if self.app.user_id not in channel.members:
            return
        about = {"channel": channel.id, "event_ts": event_ts, "channel_type": channel.kind}
        self.on_event({**event, **about})
        mention = f"<@{self.app.user_id}>"
        if "subtype" not in event and mention in event.get("text", "") and not channel.is_im:
            kept = {k: v for k, v in event.items() if k != "type"}
            self.on_event(
                {"type": "app_mention", **kept, "channel": channel.id, "event_ts": event_ts}
            )


def without_metadata(message: JSON) -> JSON:
    """A message as it appears where nobody asked for its metadata."""
    if "metadata" not in message:
        return message
    return {k: v for k, v in message.items() if k != "metadata"}
