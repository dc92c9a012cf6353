"""Every event of docs/logs.md appears in a recorded run: the demo, or the bad day below."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.app import Bot
from bot.incidents.model import Alert, AlertStatus, Severity
from bot.response.receive import Delivery
from bot.serving.logs import set_up
from bot.settings import load
from bot.simulator import LocalSlack
from store import open_store
from store.audit.sealing import AuditKey
from tests.helpers.clocks import RunningClock
from tests.helpers.databases import SqliteDatabase
from tests.helpers.locked_files import held
from tests.helpers.slack_faults import HttpProxy, SlackHooks
from tests.helpers.waiting import until
from tests.scenarios.world import (
    ALERTS,
    AUDIT_KEY,
    BEN,
    CHLOE,
    Gateway,
    LeakyService,
    World,
    restart_sop,
    stop_sop,
)

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).parents[2]
OPS = "C0OPS00001"
ACTIONS = ("service.restart", "service.stop", "service.start")
RULES = {
    "verify_deadline_seconds": 5,
    "actions": {name: {"cooldown_seconds": 0} for name in ACTIONS},
}


# The next alert about a service opens an incident of its own, with a proposal. Two changes flap.
# The budget of the advisors is spent after the first advice.
NO_REOPENING = {
    "correlate": {"reopen_within_seconds": 0, "flapping_changes": 2},
    "llm": {"limits": {"runs_per_day": 1}},
}


def documented() -> dict[str, str]:
    """Each event of the docs, with the run that is to show it."""
    text = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z._]+)` \|.*\| (demo|bad day) \|$", text, re.MULTILINE)
    return dict(rows)


def events_of(text: str) -> list[dict[str, Any]]:
    lines = [line for line in text.splitlines() if line.startswith('{"ts"')]
    return [json.loads(line) for line in lines]


async def test_the_demo_shows_the_events_that_the_docs_say_it_shows(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot.demo", "--logs", str(tmp_path / "logs")]
    demo = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=dict(os.environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(200):
        output, _ = await demo.communicate()
    assert demo.returncode == 0, output.decode()
    logs = {name: (tmp_path / "logs" / f"{name}.log").read_text() for name in ("bot", "gateway")}
    lines = events_of(logs["bot"]) + events_of(logs["gateway"])
    shown = {line["event"] for line in lines}
    missing = {event for event, run in documented().items() if run == "demo"} - shown
    assert not missing, f"in docs/logs.md these are recorded in the demo, and are not: {missing}"

    # A whole incident can be followed by its number, and each line says whose it is.
    events = [line["event"] for line in lines if line.get("incident") == "INC-1"]
    order = ["incident.opened", "remediation.proposed", "vote.counted", "approval.decided"]
    order += ["dispatch.sent", "dispatch.finished", "remediation.verified"]
    places = [events.index(event) for event in order]
    assert places == sorted(places), events
    about = [line for line in lines if line.get("incident") == "INC-1"]
    assert all(line["sop_id"] and line["tracking_id"] and line["replica"] for line in about)
    for text in logs.values():
        assert "xoxb-" not in text
        assert "xapp-" not in text


# The bad day

SILENT = (
    "{maintenance: [{name: all, match: {service: '*'}, windows: [{start: '00:00', end: '00:00'}]}]}"
)


@pytest.fixture
def recording() -> io.StringIO:
    """The log of this process."""
    stream = io.StringIO()
    set_up("DEBUG", "json", stream, secrets=[AUDIT_KEY])
    return stream


@pytest.fixture
async def line(gateway: Gateway) -> AsyncIterator[HttpProxy]:
    """A proxy before the gateway, which can be cut off."""
    async with HttpProxy.before(gateway.url) as proxy:
        yield proxy


@pytest.fixture
def world(
    slack: LocalSlack,
    slack_hooks: SlackHooks,
    leaky_service: LeakyService,
    line: HttpProxy,
    tmp_path: Path,
) -> World:
    store = SqliteDatabase(tmp_path / "sopbot.db")
    world = World(
        slack, slack_hooks, leaky_service, store, tmp_path, line.url, f"{leaky_service.url}/health"
    )
    world.write_policy(BEN, CHLOE, segments=NO_REOPENING, **RULES)
    (tmp_path / "shadow.yaml").write_text("ingest: {routes: []}\nnotify: " + SILENT)
    world.write_sops(stop_sop())
    return world


@asynccontextmanager
async def a_bot(world: World, clock: RunningClock) -> AsyncIterator[Bot]:
    fails = {"ADVISOR_COMMAND": "false", "QCHAT_MAX_RETRIES": "0", "SLACK_OPS_CHANNEL": OPS}
    fails["POLICY_SHADOW_FILE"] = str(world.folder / "shadow.yaml")
    async with Bot(load(world.settings(**fails), world.folder / "no.env"), clock=clock) as bot:
        yield bot


async def test_a_bad_day_shows_the_events_that_the_docs_say_it_shows(
    world: World, clock: RunningClock, line: HttpProxy, recording: io.StringIO
) -> None:
    async with a_bot(world, clock) as bot:
        await alerts_repeat_and_grow_worse(world, bot)
        await it_is_silenced(world)
        await it_is_frozen_edited_and_does_not_help(world, bot)
        await slack_goes_away(world)
        await the_policy_is_reloaded(world, bot)
        await the_gateway_and_the_store_go_away(world, bot, line)
    await abandon_claim(world)
    async with a_bot(world, clock) as bot:
        await leave_outcome_unknown(world, bot, line)
        await slack_refuses(world, bot, clock)

    shown = {entry["event"] for entry in events_of(recording.getvalue())}
    missing = {event for event, run in documented().items() if run == "bad day"} - shown
    assert not missing, f"in docs/logs.md these are recorded in the bad day, and are not: {missing}"
    assert AUDIT_KEY not in recording.getvalue()
    assert world.slack.bot_token not in recording.getvalue()


async def alerts_repeat_and_grow_worse(world: World, bot: Bot) -> None:
    await world.alert("web", severity="medium")
    await world.card("MEDIUM")
    await world.alert("web", severity="critical")
    await world.card("CRITICAL")
    await world.advice()
    twice = Delivery(
        "the same",
        ALERTS,
        [
            Alert(
                source="test",
                status=AlertStatus.FIRING,
                name="Queue",
                title="Queue",
                severity=Severity.LOW,
                service="queue",
                fingerprint="q",
            )
        ],
    )
    await bot.service.receive(twice)
    receipt = await bot.service.receive(twice)
    assert receipt.duplicates
    (queue,) = await bot.service.store.trace(receipt.tracking_ids[0])
    assert queue.incident_id is not None
    ended = replace(twice.alerts[0], status=AlertStatus.RESOLVED)
    await bot.service.receive(replace(twice, key="it flaps", alerts=[ended]))
    await bot.service.resolve(queue.incident_id, BEN)
    await bot.service.reopen(queue.incident_id, BEN)


async def it_is_silenced(world: World) -> None:
    await world.types("/incident silence service=wiki severity=* 2h a move", "ben")
    await world.alert("wiki")
    await until(lambda: world.rows("SELECT 1 FROM suppressed"), why="the alert is suppressed")
    await world.resolves("wiki")
    await until(lambda: not world.rows("SELECT 1 FROM suppressed"), why="it does not fire any more")
    await world.types("/incident unsilence 1", "ben")


async def it_is_frozen_edited_and_does_not_help(world: World, bot: Bot) -> None:
    await world.types("/incident freeze on the night of the move", "ben")
    await world.types("/incident freeze off", "ben")
    await world.types("/incident dance", "ben")
    await world.alert()
    card = await world.approval_card("Stop checkout-api", number=3)
    (approval,) = await bot.service.store.approvals_of(3)
    await bot.service.proposals.edit(approval.id, {"grace_seconds": "2"}, CHLOE)
    card = await world.approval_card("edited by", number=3, which=2)
    await world.press(card, "Approve", "ben")
    result = await world.result("Not verified", number=3)
    await world.press(result, "Undo", "ben")
    card = await world.approval_card("Undo Stop checkout-api", number=3, which=3)
    await world.press(card, "Approve", "chloe")
    await world.result("Undone.", number=3)


async def slack_goes_away(world: World) -> None:
    world.slack.withholds_events = True
    await world.alert("while-away")
    world.slack.withholds_events = False
    world.slack.drop_connections()
    await world.slack.wait_for(
        lambda: any("while-away" in card.text for card in world.cards()), why="it is read back"
    )


async def slack_refuses(world: World, bot: Bot, clock: RunningClock) -> None:
    plan = world.slack.script.fail("chat.postMessage", "a_new_error", times=None, channel=ALERTS)
    await world.alert("no-card")
    await world.slack.wait_for(lambda: world.slack.struck, why="the card is refused")
    clock.forward(301)
    await bot._watchdog.run()
    world.slack.script.cancel(plan)
    plan = world.slack.script.fail("chat.*", "is_archived", times=None, channel=ALERTS)
    await world.alert("given-up")
    await until(
        lambda: world.rows("SELECT 1 FROM outbox WHERE given_up_at IS NOT NULL"),
        why="a message is given up",
    )
    world.slack.script.cancel(plan)


async def the_policy_is_reloaded(world: World, bot: Bot) -> None:
    bot.reload()
    (world.folder / "policy.yaml").write_text("remediate:\n  aprovers: []\n")
    bot.reload()
    world.write_policy(BEN, CHLOE, segments=NO_REOPENING, **RULES)


async def the_gateway_and_the_store_go_away(world: World, bot: Bot, line: HttpProxy) -> None:
    async def refuse(_: web.Request) -> bool:
        return False

    line.on_request = refuse
    await bot.health.check("gateway")
    line.on_request = None
    await bot.health.check("gateway")
    with held(Path(world.store.url.removeprefix("sqlite:///"))):
        await bot.health.check("store")
    await bot.health.check("store")


async def abandon_claim(world: World) -> None:
    """A replica claims the channel and ends without releasing it."""
    store = await open_store(world.store.url, owner="gone", audit_key=AuditKey(AUDIT_KEY))
    now = store.clock()
    await store.replica.renew(now)
    assert await store.replica.claim_channel(ALERTS, now)
    await store.close()


async def leave_outcome_unknown(world: World, bot: Bot, line: HttpProxy) -> None:
    async def refuse_lookups(request: web.Request) -> bool:
        return not request.path.startswith("/executions/")

    async def drop_answers(request: web.Request) -> bool:
        return request.path != "/execute"

    await bot.service.resolve(3, BEN)
    line.on_request, line.on_answer = refuse_lookups, drop_answers
    world.write_sops(restart_sop(world.probe_url))
    bot.reload()
    await world.alert()
    number = await world.slack.wait_for(lambda: newest(world), why="the proposal")
    await world.press(await world.approval_card("Restart", number=number), "Approve", "ben")
    card = await world.approval_card("outcome unknown", number=number)
    await world.press(card, "Mark done by hand", "ben")
    await until(lambda: world.rows("SELECT 1 FROM executions WHERE by_hand != ''"), why="marked")


def newest(world: World) -> int:
    """The newest card, once a restart is proposed below it; else 0."""
    number = len(world.cards())
    result = world.replies("approval", number=number)
    return number if result and "Restart" in result[0].text else 0
