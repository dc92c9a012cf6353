"""Socket Mode: tickets, acknowledgements, and the schedule of redelivery."""

import asyncio

import aiohttp
import pytest

from ..clock import ManualClock
from ..local import LocalSlack
from .client import ack, link, read, ticket


async def test_a_ticket_opens_one_link_only(slack: LocalSlack, http: aiohttp.ClientSession) -> None:
    url = await ticket(slack, http)
    socket = await http.ws_connect(url)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(url)
    assert refused.value.status == 408
    await socket.close()


async def test_an_old_ticket_is_refused(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    url = await ticket(timed, http)
    clock.advance(31)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(url)
    assert refused.value.status == 408


async def test_an_event_has_the_envelope_of_the_events_api(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    socket = await link(slack, http)
    message = await slack.as_user("ana").say("alerts", "hello")
    envelope = await read(socket)
    assert envelope["type"] == "events_api"
    assert envelope["accepts_response_payload"] is False
    assert (envelope["retry_attempt"], envelope["retry_reason"]) == (0, "")
    payload = envelope["payload"]
    assert payload["type"] == "event_callback"
    assert payload["event_id"].startswith("Ev")
    assert payload["authorizations"][0]["user_id"] == slack.bot_user_id
    assert payload["event"]["ts"] == message.ts
    assert payload["event"]["channel_type"] == "channel"
    await socket.close()


async def test_an_unacknowledged_event_is_redelivered_at_once_after_1_and_after_5_minutes(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    socket = await link(timed, http)
    await timed.post_as_app("Grafana", "alerts", "down")
    first = await read(socket)
    seen = []
    for wait in (3, 3 + 60, 3 + 300):
        clock.advance(wait)
        seen.append(await read(socket))
    assert [e["retry_attempt"] for e in seen] == [1, 2, 3]
    assert {e["retry_reason"] for e in seen} == {"timeout"}
    assert {e["envelope_id"] for e in seen} == {first["envelope_id"]}
    assert {e["payload"]["event_id"] for e in seen} == {first["payload"]["event_id"]}
    clock.advance(3)
    assert len(timed.core.links.undelivered) == 1
    assert timed.core.links.unacknowledged() == 0
    await socket.close()


async def test_an_acknowledged_event_is_not_redelivered(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    socket = await link(timed, http)
    await timed.post_as_app("Grafana", "alerts", "one")
    await ack(timed, socket, await read(socket))
    clock.advance(400)
    await timed.post_as_app("Grafana", "alerts", "two")
    assert (await read(socket))["payload"]["event"]["text"] == "two"
    await socket.close()


async def test_events_without_a_link_are_kept_and_come_as_retries_until_given_up(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    await timed.post_as_app("Grafana", "alerts", "too old")
    clock.advance(300)
    await timed.post_as_app("Grafana", "alerts", "kept")
    clock.advance(70)
    socket = await link(timed, http)
    envelope = await read(socket)
    assert envelope["payload"]["event"]["text"] == "kept"
    assert envelope["retry_attempt"] == 2
    assert [d.payload["event"]["text"] for d in timed.core.links.undelivered] == ["too old"]
    await socket.close()


async def test_each_envelope_goes_to_one_of_the_links_and_an_eleventh_is_turned_away(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    sockets = [await link(slack, http) for _ in range(10)]
    extra = await http.ws_connect(await ticket(slack, http))
    assert (await read(extra))["reason"] == "too_many_websockets"
    assert [item.number for item in slack.links] == list(range(1, 11))
    for n in range(50):
        await slack.post_as_app("Grafana", "alerts", f"{n}")
    got = []
    for socket, item in zip(sockets, slack.links, strict=True):
        due = sum(delivery.sent_on == [item.number] for delivery in slack.deliveries)
        got += [(await read(socket))["payload"]["event"]["text"] for _ in range(due)]
    assert sorted(got, key=int) == [f"{n}" for n in range(50)]
    await asyncio.gather(extra.close(), *(s.close() for s in sockets))


async def test_a_command_is_not_repeated_and_its_asker_is_told(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    ben = timed.as_user("ben")
    assert (await ben.command("/incident list")).outcome.error == "dispatch_failed"
    socket = await link(timed, http)
    asking = asyncio.create_task(ben.command("/incident list"))
    envelope = await read(socket)
    assert envelope["type"] == "slash_commands"
    assert envelope["accepts_response_payload"] is True
    clock.advance(3.1)
    answer = await asking
    assert answer.outcome.error == "operation_timeout"
    assert "operation_timeout" in answer.text
    assert timed.core.links.unacknowledged() == 0
    await socket.close()


async def test_a_payload_is_taken_only_where_the_envelope_accepts_one(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    socket = await link(slack, http)
    plain = slack.deliver("interactive", {"type": "block_actions"})
    result = slack.deliver("slash_commands", {}, accepts_response_payload=True)
    for _ in range(2):
        await ack(slack, socket, await read(socket), payload={"text": "hi"})
    assert (await plain.outcome()).payload is None
    assert (await result.outcome()).payload == {"text": "hi"}
    await socket.close()


async def test_nonsense_from_the_client_is_ignored(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    socket = await link(slack, http)
    for junk in ("{", "[]", '{"envelope_id": 1}', '{"envelope_id": "unknown"}', "null"):
        await socket.send_str(junk)
    await slack.post_as_app("Grafana", "alerts", "still here")
    await ack(slack, socket, await read(socket))
    await socket.close()


async def test_a_dropped_and_a_refreshed_link_are_seen_by_the_client(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    socket = await link(slack, http)
    await slack.disconnect("warning")
    assert (await read(socket))["reason"] == "warning"
    slack.drop_connections()
    gone = await socket.receive(timeout=30)
    assert gone.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    await slack.wait_for(lambda: slack.connections == 0, why="the link is gone")


async def test_edits_and_deletes_arrive_as_slack_sends_them(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    socket = await link(slack, http)
    ben = slack.as_user("ben")
    message = await ben.say("alerts", "befor")
    await ben.edit(message, "before")
    slack.unfurl(message)
    await ben.delete(message)
    events = [(await read(socket))["payload"]["event"] for _ in range(4)]
    changed, unfurled, deleted = events[1:]
    assert changed["subtype"] == "message_changed"
    assert changed["hidden"] is True
    assert changed["message"]["text"] == "before"
    assert changed["message"]["edited"]["user"] == slack.users["ben"]
    assert changed["previous_message"]["text"] == "befor"
    assert unfurled["message"] == unfurled["previous_message"]
    assert deleted["subtype"] == "message_deleted"
    assert deleted["deleted_ts"] == message.ts
    await socket.close()


async def test_the_bot_gets_no_events_of_channels_it_is_not_in(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    socket = await link(slack, http)
    await slack.as_user("ana").say("random", "secret")
    await slack.as_user("ana").say("war-room", "private")
    event = (await read(socket))["payload"]["event"]
    assert (event["text"], event["channel_type"]) == ("private", "group")
    await socket.close()
