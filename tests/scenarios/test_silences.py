"""A person silences alerts on a phone; what still fires at the end opens, with one digest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.simulator import Message
from tests.helpers.clocks import RunningClock
from tests.helpers.waiting import until
from tests.scenarios.audit_trails import on_record
from tests.scenarios.commands import answer_to
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, ANA, BEN, CHLOE, World, kind

pytestmark = pytest.mark.one_engine

HOUR = 3600


def messages(world: World, kind_name: str) -> list[Message]:
    return [message for message in world.slack.messages(ALERTS) if kind(message) == kind_name]


async def message(world: World, kind_name: str, says: str = "") -> Message:
    return await world.slack.wait_for(
        lambda: next((m for m in messages(world, kind_name) if says in m.text), None),
        why=f"a message of the kind {kind_name} that says {says!r}",
    )


async def silenced(world: World, line: str, who: str = "ana") -> str:
    return (await (await world.types(f"/incident silence {line}", who)).response()).text


async def suppressed(world: World, count: int) -> list[Any]:
    """The alerts that are suppressed, once there are so many."""
    query = "SELECT * FROM alerts WHERE reason = 'suppressed by a silence'"
    await until(lambda: len(world.rows(query)) == count, why=f"{count} alerts are suppressed")
    return world.rows(query)


async def test_what_a_silence_suppresses_is_listed_and_opens_when_it_is_over_with_one_digest(
    world: World, bot: StartBot, clock: RunningClock, http: aiohttp.ClientSession
) -> None:
    running = await bot()
    answer = await silenced(world, "service=wiki,shop severity=* 2h moving <!channel> house")
    assert "Silence 1 until" in answer
    shown = await message(world, "silence", "service=wiki,shop")
    assert "moving" in shown.text
    assert "<!channel>" not in str(shown.data)
    assert "Critical alerts are suppressed too" in shown.text
    assert [row["actor"] for row in on_record(world, "silenced")] == [ANA]

    await world.alert("wiki")
    await world.alert("shop")
    await world.alert("search")
    await world.card("search")
    rows = await suppressed(world, 2)
    listed = await answer_to(world, "/incident list suppressed")
    assert "wiki" in listed
    assert rows[0]["tracking_id"] in listed
    assert "2 alerts suppressed" in await answer_to(world, "/incident list silences")
    async with http.get(f"{running.http_url}/api/v3/trace/{rows[0]['tracking_id']}") as reply:
        assert "suppressed by a silence" in await reply.text()

    await world.resolves("shop")
    await until(lambda: len(world.rows("SELECT 1 FROM suppressed")) == 1, why="shop is over")
    clock.forward(2 * HOUR)
    await running.service.settle()
    await world.card("wiki", number=2)
    digest = await message(world, "silence_digest", "Silence 1 is over")
    assert "2 alerts kept back, 1 incident opened" in digest.text
    assert "INC-2" in digest.text
    await message(world, "silence", "Silence 1 by @ana ended")
    await running.service.settle()
    await world.quiet()
    assert len(messages(world, "silence_digest")) == 1
    assert len(world.cards()) == 2
    assert "Nothing is silenced" in await answer_to(world, "/incident list silences")


async def test_the_button_of_its_message_ends_a_silence_early(world: World, bot: StartBot) -> None:
    await bot()
    await world.alert("search")
    await world.card("search")
    answer = await silenced(world, "wiki 2h a move")
    assert "Critical alerts still open incidents" in answer
    await world.alert("wiki", severity="warning")
    await suppressed(world, 1)
    shown = await message(world, "silence")
    await world.quiet()
    await world.press(shown, "End now", "ben")
    await world.card("wiki", number=2)
    ended = await message(world, "silence", "ended by @ben")
    assert "1 alert" in ended.text
    await world.press(shown, "End now", "chloe", stale=True)
    await world.ephemeral(CHLOE, "Nothing changed: silence 1 is over")
    assert [row["actor"] for row in on_record(world, "silence ended")] == [BEN]


async def test_an_incident_names_what_to_silence(world: World, bot: StartBot) -> None:
    await bot()
    await world.alert("wiki", severity="warning")
    await world.card("wiki")
    assert "service=wiki env=production" in await silenced(world, "INC-1 30m known")
    await world.resolves("wiki", severity="warning")
    await world.resolved()
    await world.alert("wiki", severity="warning", name="Another")
    await suppressed(world, 1)
    assert "There is no INC-9" in await silenced(world, "INC-9 30m known")
    for line, why in (("wiki 9d x", "lasts from 1 min to 168 h"), ("wiki 0m x", "lasts from")):
        assert why in await silenced(world, line)


@pytest.mark.attack("ASI03")
async def test_a_guest_a_bot_and_a_stranger_silence_nothing_and_end_no_silence(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    await bot()
    await silenced(world, "wiki 2h a move", "ben")
    await message(world, "silence")
    for change, why in (
        ({"is_guest": True}, "guests may not silence here"),
        ({"is_guest": False, "is_bot": True}, "a bot never counts"),
        ({"is_bot": False, "team_id": "T0OTHER"}, "Not done"),
    ):
        world.slack.change_user("ana", **change)
        clock.forward(60)  # as long as the bot caches a person's status
        assert why in await silenced(world, "shop 2h x")
        answer = await (await world.types("/incident unsilence 1", "ana")).response()
        assert why in answer.text
    (row,) = world.rows("SELECT matcher, ended_at FROM silences")
    assert "wiki" in row["matcher"]
    assert row["ended_at"] is None


@pytest.mark.attack("ASI03")
async def test_a_guest_silences_only_where_the_policy_lets_guests(
    world: World, bot: StartBot
) -> None:
    world.write_policy(BEN, guests_may=["silence"])
    await bot()
    world.slack.change_user("ana", is_guest=True)
    assert "Silence 1 until" in await silenced(world, "wiki 2h a move")


@pytest.mark.attack("ASI02")
async def test_nobody_silences_everything_or_for_ever(world: World, bot: StartBot) -> None:
    await bot()
    for line, why in (
        ("* 2h x", "almost everything"),
        ("severity=* 2h x", "almost everything"),
        ("service=* env=* 2h x", "almost everything"),
        ("wiki 9999d x", "lasts from 1 min to 168 h"),
        ("wiki 2h", "Why?"),
        ("2h x", "Silence what?"),
    ):
        assert why in await silenced(world, line), line
    assert world.rows("SELECT 1 FROM silences") == []


@pytest.mark.attack("ASI09")
async def test_a_hostile_reason_mentions_nobody_and_passes_for_nothing_of_ours(
    world: World, bot: StartBot
) -> None:
    await bot()
    evil = "<!here> ✅ RESOLVED by <@U0BEN00001> *bold* `code` " + "x" * 900
    await silenced(world, f"wiki 2h {evil}")
    shown = await message(world, "silence")
    listed = await answer_to(world, "/incident list silences")
    assert "<!here>" not in str(shown.data)
    for text in (str(shown.data), listed):
        assert "✅" not in text
        assert "x" * 300 not in text


async def test_a_person_mutes_an_incident_by_its_card_and_by_command(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    running = await bot()
    await world.alert("wiki", severity="warning")
    await world.press(await world.card("MEDIUM"), "Mute", "ben")
    card = await world.card("muted by @ben until it clears")
    assert "Mute" not in card.buttons
    await world.alert("wiki", severity="warning")
    await world.card("2 alerts grouped")
    await world.press(await world.card("muted by @ben"), "Unmute", "ana")
    await world.slack.wait_for(
        lambda: "muted by" not in world.cards()[0].text, why="the card is not muted any more"
    )
    assert "is muted until" in await answer_to(world, "/incident mute INC-1 1h")
    await world.card("muted by @ana until")
    assert "lasts from 1 min to 168 h" in await answer_to(world, "/incident mute INC-1 30d")
    assert "Mute for how long?" in await answer_to(world, "/incident mute INC-1 a while")
    clock.forward(HOUR)
    await running.service.settle()
    await world.slack.wait_for(
        lambda: "muted by" not in world.cards()[0].text, why="the time of the mute is over"
    )
    await answer_to(world, "/incident mute INC-1")
    await world.alert("wiki", severity="critical")
    await world.reply("news", "got worse")
    assert "INC-1 is not muted." in await answer_to(world, "/incident unmute INC-1")


@pytest.mark.attack("ASI03")
async def test_a_guest_mutes_nothing(world: World, bot: StartBot) -> None:
    await bot()
    await world.alert("wiki")
    card = await world.card("CRITICAL")
    world.slack.change_user("ana", is_guest=True)
    answer = await (await world.types("/incident mute INC-1", "ana")).response()
    assert "guests may not mute here" in answer.text
    await world.press(card, "Mute", "ana")
    await world.ephemeral("ana", "guests may not mute here")
    assert [row["muted_by"] for row in world.rows("SELECT muted_by FROM incidents")] == [""]


async def test_quiet_hours_keep_minor_alerts_back_for_one_digest(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    ends_at = clock() + timedelta(hours=8)
    window = {"starts_at": "2020-01-01T00:00Z", "ends_at": ends_at.isoformat()}
    notify = {"post_interval_seconds": 0, "quiet_hours": {"windows": [window]}}
    world.write_policy(BEN, segments={"notify": notify})
    running = await bot()
    await world.alert("wiki", severity="info")
    await world.alert("shop", severity="info")
    await world.alert("search")
    await world.card("search")
    await suppressed(world, 2)
    await world.resolves("shop", severity="info")
    await until(lambda: len(world.rows("SELECT 1 FROM suppressed")) == 1, why="shop is over")
    assert "quiet hours" in await answer_to(world, "/incident list suppressed")
    clock.forward(8 * HOUR)
    await running.service.settle()
    digest = await message(world, "silence_digest", "Quiet hours are over")
    assert "2 alerts kept back, 1 incident opened" in digest.text
    assert "shop" in digest.text
    await world.card("wiki", number=2)
    await running.service.settle()
    await world.quiet()
    assert len(messages(world, "silence_digest")) == 1
    assert messages(world, "silence") == []
