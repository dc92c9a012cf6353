"""The local Slack in one object: start it, talk to it, look at it."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Self

from . import content
from .actions import Actions
from .authors import classic_author, modern_author
from .chaos import Chaos
from .clock import Clock, SystemClock
from .conversation import Person
from .core import Core, Tokens
from .deliveries import Delivery
from .events import EventWriter, subscription
from .faults import Chain, Faults, Struck
from .interactions import Interactions
from .manifest import Manifest
from .message import Message
from .outages import Outages
from .people import Channel
from .rates import RateLimits
from .script import Script
from .server import Server
from .sockets import Links
from .views import Views
from .waiting import Pulse
from .watching import Watching
from .workspace import Change, Workspace

JSON = dict[str, Any]


class LocalSlack(Outages, Watching):
    """A workspace with one app under test, on a loopback port.

    `clock` drives message times, trigger ids, the three-second deadline and redelivery. With a
    `manifest` only what it declares is sent. `record_calls=False` keeps no list of API calls and
    envelopes. `limits` switches Slack's rate limits on. `seed` decides which link an envelope
    takes; without one it is another each time. Every answer says which `scopes` the app has, as
    Slack's does: those given, else the manifest's; without either nothing is said. While
    `withholds_events`, what happens is told to nobody, now or later, as over 30,000 events an hour.
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
        limits: RateLimits | None = None,
        seed: int | None = None,
        scopes: tuple[str, ...] | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self.seed = secrets.randbelow(2**32) if seed is None else seed
        workspace = Workspace(clock)
        chain = Chain(clock, self._struck)
        links = Links(clock, workspace.app.app_id, chain, self.seed)
        links.deliveries = [] if record_calls else None
        interactions = Interactions(workspace, clock, self._interactive)
        self._core = Core(
            clock=clock,
            tokens=Tokens.random(workspace.app.app_id),
            workspace=workspace,
            links=links,
            interactions=interactions,
            views=Views(workspace, interactions),
            faults=chain,
            script=Script(),
            manifest=manifest or Manifest(),
            limits=limits,
            calls=[] if record_calls else None,
            scopes=(manifest or Manifest()).scopes if scopes is None else scopes,
        )
        chain.add(self._core.script)
        if isinstance(faults, Chaos):
            self._core.unleash(faults)
        elif faults is not None:
            chain.add(faults)
        self._writer = EventWriter(clock, workspace.app)
        self._pulse = Pulse()
        self._actions = Actions(self._core)
        self._server = Server(self._core, self._actions, host=host, port=port)
        self._began = clock.now()
        self._seen = {}
        self._named = None
        self.withholds_events = False
        workspace.on_event = self._event
        workspace.on_change = self._changed
        links.on_change = self._changed

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

    async def go_away(self) -> None:
        """Slack is down: every connection breaks, every new one is refused. Nothing is forgotten.

        Events that happen meanwhile wait for a link as long as Slack would keep them.
        """
        await self._server.go_away()

    async def come_back(self) -> None:
        """Slack is up again, where it was; OSError when the port was taken meanwhile."""
        await self._server.come_back()

    def webhook_url(self, channel: str, app: str = "Alertmanager") -> str:
        """The incoming-webhook address of a channel for one app."""
        workspace = self._core.workspace
        return self._server.webhooks.url(workspace.channel(channel), workspace.app_named(app))

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
        result = content.kept_content({"text": text, **body})
        return self.seen(where.id, workspace.post(where, author, result, thread_ts=thread_ts))

    async def edit_as_app(self, message: Message, text: str | None = None, **body: Any) -> Message:
        """Change another app's message, as `update_message` of Alertmanager does."""
        workspace = self._core.workspace
        where = workspace.channel(message.channel)
        value = {"text": text, **body} if text is not None else body
        changes = content.kept_content(value, required=False)
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

    def change_user(self, name: str, **changes: Any) -> None:
        """Make somebody a guest, delete them, move them away: see `people.User`."""
        users = self._core.workspace.users
        user = replace(self._core.workspace.user(name), **changes)
        users[user.id] = user

    def change_group(self, handle: str, *members: str) -> None:
        """Say who is in a user group from now on, by user id."""
        groups = self._core.workspace.groups
        group = next(item for item in groups.values() if item.handle == handle)
        groups[group.id] = replace(group, members=members)

    def add_channel(self, channel: Channel) -> None:
        """Add a channel to the workspace."""
        self._core.workspace.add_channel(channel)

    # Inside

    def _interactive(self, kind: str, payload: JSON, accepts: bool) -> Delivery:
        return self._core.links.deliver(kind, payload, accepts_response_payload=accepts)

    def _event(self, event: JSON) -> None:
        if self.withholds_events:
            return
        subscriptions = self._core.manifest.events
        if subscriptions is not None and subscription(event) not in subscriptions:
            return
        self._core.links.deliver(
            "events_api", self._writer.callback(event), accepts_response_payload=False
        )

    def _changed(self, _change: Change | None = None) -> None:
        self._pulse.beat()
        self._server.changed()

    def _struck(self, struck: Struck) -> None:
        self._core.struck.append(struck)
        self._changed()
