"""The local Slack in one object: start it, talk to it, look at it."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

from bot.simulator import content
from bot.simulator.actions import Actions
from bot.simulator.addresses import Addresses
from bot.simulator.authors import classic_author, modern_author
from bot.simulator.clock import Clock, SystemClock
from bot.simulator.conversation import Message, Person
from bot.simulator.core import Core, Tokens
from bot.simulator.deliveries import Delivery
from bot.simulator.events import EventWriter, subscription
from bot.simulator.faults import Faults
from bot.simulator.interactions import Interactions
from bot.simulator.manifest import Manifest
from bot.simulator.people import Channel
from bot.simulator.server import Server
from bot.simulator.sockets import Links
from bot.simulator.transcript import names_of, transcript
from bot.simulator.views import Views
from bot.simulator.waiting import Pulse
from bot.simulator.workspace import Change, Workspace

JSON = dict[str, Any]
T = TypeVar("T")


class LocalSlack(Addresses):
    """A workspace with one app under test, on a loopback port.

    `clock` drives message times, trigger ids, the three-second deadline and redelivery. With a
    `manifest` only what it declares is sent. `record_calls=False` keeps no list of API calls.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        manifest: Manifest | None = None,
        record_calls: bool = True,
    ) -> None:
        clock = clock or SystemClock()
        faults = faults or Faults()
        workspace = Workspace(clock)
        links = Links(clock, workspace.app.app_id, faults)
        interactions = Interactions(workspace, clock, self._interactive)
        self._core = Core(
            clock=clock,
            tokens=Tokens(
                app=f"xapp-1-{workspace.app.app_id}-{secrets.token_hex(16)}",
                bot=f"xoxb-{secrets.token_hex(6)}-{secrets.token_hex(12)}",
            ),
            workspace=workspace,
            links=links,
            interactions=interactions,
            views=Views(workspace, interactions),
            faults=faults,
            manifest=manifest or Manifest(),
            calls=[] if record_calls else None,
        )
        self._writer = EventWriter(clock, workspace.app)
        self._pulse = Pulse()
        self._actions = Actions(self._core)
        self._server = Server(self._core, self._actions, host=host, port=port)
        self._began = clock.now()
        workspace.on_event = self._event
        workspace.on_change = self._changed
        links.on_change = self._pulse.beat

    # Life

    @classmethod
    @asynccontextmanager
    async def start(cls, **options: Any) -> AsyncIterator[Self]:
        """Run one for the length of an `async with`."""
        slack = cls(**options)
        await slack.open()
        try:
            yield slack
        finally:
            await slack.close()

    async def open(self) -> None:
        """Listen; OSError when the port is taken, ValueError when the host is not loopback."""
        await self._server.open()

    async def close(self) -> None:
        """Close all links and stop listening."""
        await self._server.close()

    def webhook_url(self, channel: str, app: str = "Alertmanager") -> str:
        """The incoming-webhook address of a channel for one app."""
        workspace = self._core.workspace
        return self._server.webhooks.url(workspace.channel(channel), workspace.app_named(app))

    # Reading

    def seen(self, channel_id: str, data: JSON) -> Message:
        """A message dict as a Message."""
        return Message(channel_id, data, names_of(self._core.workspace))

    def messages(self, channel: str) -> list[Message]:
        """What shows in a channel, oldest first, without the threads."""
        where = self._core.workspace.channel(channel)
        names = names_of(self._core.workspace)
        return [Message(where.id, where.messages[ts], names) for ts in where.timeline]

    def thread(self, channel: str, ts: str) -> list[Message]:
        """A thread's replies, oldest first, without its root."""
        where = self._core.workspace.channel(channel)
        names = names_of(self._core.workspace)
        found = where.threads.get(ts, ())
        return [Message(where.id, where.messages[reply], names) for reply in found]

    def message(self, channel: str, ts: str) -> Message:
        """One message as it stands now."""
        where = self._core.workspace.channel(channel)
        return self.seen(where.id, self._core.workspace.message(where, ts))

    def ephemerals(self, user: str) -> list[Message]:
        """What only this user sees, oldest first."""
        found = self._core.workspace.ephemerals.get(self._core.workspace.user(user).id, {})
        return [self.seen(channel, data) for channel, data in found.values()]

    def modal(self, user: str) -> JSON | None:
        """The modal a user has open."""
        return self._core.views.modal(self._core.workspace.user(user).id)

    def home(self, user: str) -> JSON | None:
        """A user's Home tab as published."""
        return self._core.views.home(self._core.workspace.user(user).id)

    def transcript(self, channel: str, *, since: float | None = None) -> str:
        """A channel and its threads as text; times count from `since`, or from the start."""
        where = self._core.workspace.channel(channel)
        start = self._began if since is None else since
        return transcript(self._core.workspace, where, since=start)

    async def wait_for(
        self,
        predicate: Callable[[], T],
        *,
        timeout: float = 10.0,
        why: str = "something",
        channel: str = "alerts",
    ) -> T:
        """The first true answer of `predicate`, asked again after each change.

        Raises NeverHappenedError with the channel's transcript after `timeout` real seconds.
        """
        return await self._pulse.wait_for(
            predicate,
            timeout=timeout,
            on_timeout=lambda: (
                f"waited {timeout:g} s in vain for: {why}\n{self.transcript(channel)}"
            ),
        )

    # Doing

    def as_user(self, name: str) -> Person:
        """A person who types and clicks."""
        return Person(self, self._core, self._actions, self._core.workspace.user(name))

    async def post_as_app(
        self,
        app: str,
        channel: str,
        text: str = "",
        *,
        shape: str = "classic",
        thread_ts: str | None = None,
        username: str | None = None,
        **body: Any,
    ) -> Message:
        """Post as another app, in its `classic` (webhook) or `modern` shape.

        `body` takes blocks and attachments as the sender would write them.
        """
        workspace = self._core.workspace
        who = workspace.app_named(app)
        author = classic_author(who, username or who.name)
        if shape == "modern":
            author = modern_author(who)
        where = workspace.channel(channel)
        said = content.content({"text": text, **body})
        return self.seen(where.id, workspace.post(where, author, said, thread_ts=thread_ts))

    async def edit_as_app(self, message: Message, text: str | None = None, **body: Any) -> Message:
        """Change another app's message, as `update_message` of Alertmanager does."""
        workspace = self._core.workspace
        where = workspace.channel(message.channel)
        given = {"text": text, **body} if text is not None else body
        changes = content.content(given, required=False)
        editor = str(message.data.get("user") or message.data.get("bot_id"))
        return self.seen(where.id, workspace.edit(where, message.ts, changes, editor=editor))

    async def delete_as_app(self, message: Message) -> None:
        """Delete another app's message."""
        where = self._core.workspace.channel(message.channel)
        self._core.workspace.delete(where, message.ts)

    def unfurl(self, message: Message) -> None:
        """Send `message_changed` without an edit, as Slack does when it unfurls a link."""
        where = self._core.workspace.channel(message.channel)
        self._core.workspace.edit(where, message.ts, {}, editor=None)

    def deliver(
        self, kind: str, payload: JSON, *, accepts_response_payload: bool = False
    ) -> Delivery:
        """Send any raw payload as an envelope of type `kind`."""
        return self._core.links.deliver(
            kind, payload, accepts_response_payload=accepts_response_payload
        )

    def send_event(self, event: JSON) -> Delivery:
        """Send an inner event of any shape, wrapped as the Events API does."""
        return self.deliver("events_api", self._writer.callback(event))

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every link to reconnect."""
        await self._core.links.disconnect(reason)

    def drop_connections(self) -> None:
        """Cut every link without a goodbye."""
        self._core.links.drop()

    def add_channel(self, channel: Channel) -> None:
        """Add a channel to the workspace."""
        self._core.workspace.add_channel(channel)

    # Inside

    def _interactive(self, kind: str, payload: JSON, accepts: bool) -> Delivery:
        return self._core.links.deliver(kind, payload, accepts_response_payload=accepts)

    def _event(self, event: JSON) -> None:
        wanted = self._core.manifest.events
        if wanted is not None and subscription(event) not in wanted:
            return
        self._core.links.deliver(
            "events_api", self._writer.callback(event), accepts_response_payload=False
        )

    def _changed(self, change: Change) -> None:
        self._pulse.beat()
        self._server.changed(change)
