"""Faults: one can be put before and after each step."""

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from ..chaos import ROUGH, Chaos
from ..clock import ManualClock
from ..faults import Faults, rate_limited
from ..local import LocalSlack
from ..script import ERRORS, KINDS, Plan
from .client import connect, link, read, ticket

JSON = dict[str, Any]


class Storm(Faults):
    """The first post is limited, the second carried out but not answered."""

    def __init__(self) -> None:
        self.posts = 0
        self.refuse_sockets = False

    async def before(self, method: str, args: JSON) -> web.StreamResponse | None:
        if method != "chat.postMessage":
            return None
        self.posts += 1
        return rate_limited(7) if self.posts == 1 else None

    async def after(self, method: str, args: JSON, answer: JSON) -> bool:
        return not (method == "chat.postMessage" and self.posts == 2)

    async def before_socket(self) -> int | None:
        return 503 if self.refuse_sockets else None


async def test_a_429_and_a_dropped_answer_reach_the_sdk_as_from_slack() -> None:
    storm = Storm()
    async with LocalSlack.start(faults=storm) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(SlackApiError) as limited:
            await client.chat_postMessage(channel="C0ALERTS01", text="one")
        assert limited.value.response.status_code == 429
        assert limited.value.response.headers["Retry-After"] == "7"
        assert slack.messages("alerts") == []
        await client.chat_postMessage(channel="C0ALERTS01", text="two")
        # slack_sdk sends a second time when the connection drops after the post was accepted.
        assert [m.text for m in slack.messages("alerts")] == ["two", "two"]


async def test_a_socket_can_be_refused(http: aiohttp.ClientSession) -> None:
    storm = Storm()
    storm.refuse_sockets = True
    async with LocalSlack.start(faults=storm) as slack:
        url = slack.core.ws_url(slack.core.links.ticket())
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(url)
        assert refused.value.status == 503


ALERTS, OPS = "C0ALERTS01", "C0OPS00001"


@pytest.mark.parametrize("error", ERRORS)
async def test_a_call_is_refused_with_the_error_of_the_script_and_then_works(
    slack: LocalSlack, client: AsyncWebClient, error: str
) -> None:
    slack.script.fail("chat.postMessage", error, times=2)
    for _ in range(2):
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel=ALERTS, text="x")
        assert refused.value.response["error"] == error
    await client.chat_postMessage(channel=ALERTS, text="x")
    assert len(slack.messages("alerts")) == 1
    assert [(s.what, s.about) for s in slack.struck] == [
        (f"error {error}", f"chat.postMessage {ALERTS}")
    ] * 2


async def test_a_plan_may_be_for_one_channel_for_a_family_of_methods_and_until_it_is_cancelled(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    plan = slack.script.fail("chat.*", "is_archived", times=None, channel=ALERTS)
    posted = await client.chat_postMessage(channel=OPS, text="x")
    for _ in range(3):
        with pytest.raises(SlackApiError, match="is_archived"):
            await client.chat_postMessage(channel=ALERTS, text="x")
    await client.chat_update(channel=OPS, ts=posted["ts"], text="y")
    slack.script.cancel(plan)
    await client.chat_postMessage(channel=ALERTS, text="x")
    assert slack.script.plans == []


async def test_a_scripted_429_and_a_status_of_a_load_balancer_reach_the_client(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.script.limit("chat.update", 7)
    slack.script.http("auth.test", 503)
    with pytest.raises(SlackApiError) as limited:
        await client.chat_update(channel=ALERTS, ts="1.1", text="x")
    assert limited.value.response.headers["Retry-After"] == "7"
    assert [(r.method, r.channel, r.retry_after) for r in slack.limited] == [
        ("chat.update", ALERTS, 7)
    ]
    with pytest.raises(SlackApiError) as broken:
        await client.auth_test()
    assert broken.value.response.status_code == 503


async def test_a_connection_may_drop_before_and_after_a_post_is_carried_out(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    url, body = slack.api_url + "chat.postMessage", {"channel": ALERTS, "text": "x"}
    slack.script.lose_request("chat.postMessage")
    with pytest.raises(aiohttp.ClientConnectionError):
        await http.post(url, json=body, headers=headers)
    assert slack.messages("alerts") == []
    slack.script.lose_answer("chat.postMessage")
    with pytest.raises(aiohttp.ClientConnectionError):
        await http.post(url, json=body, headers=headers)
    assert len(slack.messages("alerts")) == 1
    assert [c.error for c in slack.calls] == ["dropped", ""]


async def test_opening_a_connection_may_be_slow_and_fail(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    timed.script.slow("apps.connections.open", 20)
    asking = asyncio.create_task(ticket(timed, http))
    await timed.wait_for(lambda: timed.struck, why="the call is held")
    assert not timed.calls
    clock.advance(20)
    assert (await asking).startswith("ws://")
    timed.script.fail("apps.connections.open", "internal_error")
    with pytest.raises(KeyError, match="url"):
        await ticket(timed, http)


async def test_a_ticket_may_be_refused_and_a_socket_half_open_from_the_start(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    slack.script.refuse_sockets()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await connect(slack, http)
    assert refused.value.status == 408
    slack.script.half_open_sockets()
    dead = await connect(slack, http)
    with pytest.raises(asyncio.TimeoutError):
        await dead.receive(timeout=0.05)
    assert slack.connections == 1, "Slack believes that it is alive"
    slack.script.clear()
    await link(slack, http)


async def test_an_envelope_may_be_lost_or_its_link_cut_right_behind_it(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    first = await link(timed, http)
    timed.script.lose_envelopes("events_api")
    await timed.post_as_app("Grafana", "alerts", "lost")
    clock.advance(3)
    assert (await read(first))["retry_attempt"] == 1
    clock.advance(360 + 6)
    timed.script.cut_links()
    await timed.post_as_app("Grafana", "alerts", "cut")
    await timed.wait_for(lambda: not timed.connections, why="the link is cut")
    second = await link(timed, http)
    envelope = await read(second)
    assert (envelope["payload"]["event"]["text"], envelope["retry_attempt"]) == ("cut", 1)


async def test_a_rate_limited_event_has_no_inner_event(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    socket = await link(slack, http)
    slack.send_app_rate_limited()
    payload = (await read(socket))["payload"]
    assert payload["type"] == "app_rate_limited"
    assert payload["minute_rate_limited"] % 60 == 0
    assert "event" not in payload


@pytest.mark.parametrize(
    "plan",
    [Plan("earthquake"), Plan("error", "chat.*"), Plan("http", value="x"), Plan("slow", left=0)],
    ids=str,
)
async def test_a_plan_that_makes_no_sense_is_refused(slack: LocalSlack, plan: Plan) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are int()'s and float()'s too
        slack.script.plan(plan)
    assert slack.script.plans == []


async def fates(seed: int, **chances: Any) -> list[str]:
    """The fates of forty posts."""
    async with (
        LocalSlack.start(faults=Chaos(seed, **chances)) as slack,
        aiohttp.ClientSession() as http,
    ):
        headers = {"Authorization": f"Bearer {slack.bot_token}"}
        outcomes = []
        for n in range(40):
            body = {"channel": ALERTS, "text": f"{n}"}
            url = slack.api_url + "chat.postMessage"
            try:
                async with http.post(url, json=body, headers=headers) as answer:
                    outcomes.append((await answer.json()).get("error", "ok"))
            except aiohttp.ClientConnectionError:
                outcomes.append("dropped")
        carried_out = outcomes.count("ok") + sum(s.what == "lose_answer" for s in slack.struck)
        assert len(slack.messages("alerts")) == len(slack.posts) == carried_out
        assert len(slack.struck) == 40 - outcomes.count("ok")
        assert len(slack.limited) == outcomes.count("ratelimited")
        return outcomes


async def test_the_seed_decides_which_faults_happen() -> None:
    chances: dict[str, Any] = {
        "drop_before_accept": 0.1,
        "drop_after_accept": 0.1,
        "ratelimited": 0.2,
        "error": {"internal_error": 0.2},
    }
    first = await fates(7, **chances)
    assert set(first) == {"ok", "dropped", "ratelimited", "internal_error"}
    assert await fates(7, **chances) == first
    assert await fates(8, **chances) != first


async def test_a_storm_can_be_calmed_and_one_begun_while_slack_runs(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.chaos = Chaos(1, ratelimited=1.0, refuse_socket=1.0)
    with pytest.raises(SlackApiError, match="ratelimited"):
        await client.chat_postMessage(channel=ALERTS, text="x")
    assert (await client.auth_test())["ok"], "only the methods that are meant"
    slack.chaos.calm = True
    await client.chat_postMessage(channel=ALERTS, text="x")
    slack.chaos = Chaos(1, **ROUGH | {"ratelimited": 1.0})
    with pytest.raises(SlackApiError, match="ratelimited"):
        await client.chat_postMessage(channel=ALERTS, text="x")
    slack.chaos = None
    await client.chat_postMessage(channel=ALERTS, text="x")


async def test_under_chaos_every_envelope_is_delivered_in_the_end(
    clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    storm = Chaos(5, lose_envelope=0.3, cut_link=0.1, refuse_socket=0.3)
    async with LocalSlack.start(clock=clock, faults=storm, seed=5) as slack:
        got: set[str] = set()

        async def bot() -> None:
            while True:
                try:
                    async with http.ws_connect(await ticket(slack, http)) as socket:
                        async for message in socket:
                            body = message.json()
                            if "payload" in body:
                                got.add(body["payload"]["event"]["text"])
                                await socket.send_json({"envelope_id": body["envelope_id"]})
                except (aiohttp.WSServerHandshakeError, aiohttp.ClientConnectionError):
                    continue

        bots = [asyncio.create_task(bot()) for _ in range(3)]
        for n in range(40):
            await slack.post_as_app("Grafana", "alerts", f"{n}")
        while slack.core.links.unacknowledged():
            await ticket(slack, http)  # there and back: the bots have their turn
            storm.calm = len(slack.struck) >= 20
            clock.advance(10)
        for task in bots:
            task.cancel()
        await asyncio.gather(*bots, return_exceptions=True)
        whats = {struck.what for struck in slack.struck}
        assert whats == {"lose_envelope", "cut_link", "refuse_socket"}
        undelivered = {d.payload["event"]["text"] for d in slack.core.links.undelivered}
        assert got | undelivered == {f"{n}" for n in range(40)}


def test_every_kind_of_planned_fault_has_a_description() -> None:
    assert all(text for text in KINDS.values())
