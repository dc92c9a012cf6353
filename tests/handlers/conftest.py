"""A store in memory, the local Slack, and an outbox between them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.configuration import Configuration, LiveConfiguration
from bot.incidents.model import Alert, AlertStatus, Severity
from bot.incidents.sops import SopLibrary
from bot.observability.metrics import Metrics
from bot.policy import Notify, Policy
from bot.remediation.suggestions import Suggestion
from bot.simulator import Faults, LocalSlack
from handlers.outbound.metadata import Sender
from handlers.outbound.outbox import Outbox
from handlers.outbound.rendering import Renderer
from handlers.outbound.slack_client import SlackClient
from store import Store, open_store
from store.rows import AdviceRecord
from store.topics import Topic
from tests.helpers.builders import identify
from tests.helpers.clocks import FixedClock
from tests.helpers.trail import AUDIT_KEY

ALERTS = "C0ALERTS01"
OPS = "C0OPS00001"


class Scripted(Faults):
    """Answers each call of a method with the next item of its script, then lets calls through."""

    def __init__(self) -> None:
        self.script: dict[str, list] = {}
        self.drop_after: dict[str, int] = {}
        self.refused = asyncio.Event()
        self.always = lambda method, args: None
        self.answered: list[str] = []  # what `always` had an answer to

    async def before(self, method, args):
        if (answer := self.always(method, args)) is not None:
            self.answered.append(method)
            self.refused.set()
            return answer
        waiting = self.script.get(method)
        if not waiting:
            return None
        self.refused.set()
        return waiting.pop(0)

    async def after(self, method, args, answer):
        if self.drop_after.get(method, 0) > 0:
            self.drop_after[method] -= 1
            return False
        return True


class NoSuggestions:
    """No step of an answer names an action."""

    async def shown(self, _record: AdviceRecord) -> Mapping[int, Suggestion]:
        return {}


@dataclass
class Known:
    """The parts of the incident service that the renderer uses: the store and the SOPs."""

    store: Store
    sops: SopLibrary = field(default_factory=SopLibrary)
    suggestions: NoSuggestions = field(default_factory=NoSuggestions)


@dataclass
class Desk:
    """The store, the local Slack and the outbox of one test."""

    slack: LocalSlack
    faults: Scripted
    store: Store
    clock: FixedClock
    metrics: Metrics
    client: AsyncWebClient
    sender: Sender
    outbox: Outbox = field(init=False)

    def posts(self) -> list[dict]:
        return [args for method, args, *_ in self.calls() if method == "chat.postMessage"]

    def calls(self):
        return [(call.method, call.args) for call in self.slack.calls]

    def wake(self, seconds: float = 0) -> None:
        """Put the clock forward, and wake the outbox."""
        self.clock.forward(seconds)
        self.store.signal(Topic.OUTBOX).set()

    def ours(self, channel=ALERTS):
        return [m for m in self.slack.messages(channel) if m.data.get("metadata")]

    async def open(self, service="web", severity=Severity.HIGH, channel=ALERTS, key=None):
        alert = Alert(
            source="test",
            status=AlertStatus.FIRING,
            name="Down",
            title=f"{service} is down",
            env="prod",
            service=service,
            category="availability",
            severity=severity,
            fingerprint=f"f-{service}",
        )
        key = key or f"{service}-{self.clock.now.timestamp()}"
        identified = identify(alert, tracking_id=f"req-{service}", dedup_key=key)
        receipt = await self.store.accept(key, [identified], channel=channel, now=self.clock.now)
        return receipt.incident_ids[0]

    def outbox_of(self, store: Store) -> Outbox:
        return Outbox(
            SlackClient(self.client, self.metrics, self.clock),
            store,
            Renderer(Known(store)),
            self.clock,
            config=LiveConfiguration(Configuration(Policy(notify=Notify(post_interval_seconds=0)))),
            ops_channel=OPS,
            sender=self.sender,
        )

    @asynccontextmanager
    async def running(self, outbox: Outbox | None = None):
        task = asyncio.create_task((outbox or self.outbox).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await (outbox or self.outbox).drain(2)


@pytest.fixture
async def desk(tmp_path):
    faults, clock, metrics = Scripted(), FixedClock(datetime.now(UTC)), Metrics()
    store = await open_store(
        f"sqlite:///{tmp_path}/desk.db",
        owner="first",
        exclusive=True,
        audit_key=AUDIT_KEY,
    )
    await store.replica.renew(clock())
    async with LocalSlack.start(faults=faults) as slack, aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[]
        )
        app = slack.core.workspace.app
        sender = Sender(app.bot_id, await store.identity(), app.user_id)
        desk = Desk(slack, faults, store, clock, metrics, client, sender)
        desk.outbox = desk.outbox_of(store)
        yield desk
    await store.close()
