"""The app's end of Socket Mode, as bare as it can be; run as a program it is a bot of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp

from ..local import LocalSlack

JSON = dict[str, Any]


async def open_link(http: aiohttp.ClientSession, api_url: str, token: str) -> str:
    """A fresh ticket's address."""
    headers = {"Authorization": f"Bearer {token}"}
    async with http.post(api_url + "apps.connections.open", headers=headers) as answer:
        return str((await answer.json())["url"])


async def ticket(slack: LocalSlack, http: aiohttp.ClientSession) -> str:
    return await open_link(http, slack.api_url, slack.app_token)


# A socket that a test no longer names must not be collected while it is open.
_open: WeakKeyDictionary[aiohttp.ClientSession, list[aiohttp.ClientWebSocketResponse]] = (
    WeakKeyDictionary()
)


async def connect(
    slack: LocalSlack, http: aiohttp.ClientSession, **options: Any
) -> aiohttp.ClientWebSocketResponse:
    """A socket on a fresh ticket; it ends with its session."""
    socket = await http.ws_connect(await ticket(slack, http), **options)
    _open.setdefault(http, []).append(socket)
    return socket


async def link(slack: LocalSlack, http: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    socket = await connect(slack, http)
    hello = await read(socket)
    assert hello["type"] == "hello"
    assert hello["connection_info"] == {"app_id": "A0SOPBOT01"}
    assert hello["num_connections"] == slack.connections
    return socket


async def read(socket: aiohttp.ClientWebSocketResponse) -> JSON:
    return dict(json.loads((await socket.receive(timeout=30)).data))


async def next_of(
    sockets: list[aiohttp.ClientWebSocketResponse],
) -> tuple[aiohttp.ClientWebSocketResponse, JSON]:
    """The first thing that comes on any of them."""
    reading = {asyncio.ensure_future(read(socket)): socket for socket in sockets}
    done, others = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    first = done.pop()
    return reading[first], first.result()


async def ack(
    slack: LocalSlack, socket: aiohttp.ClientWebSocketResponse, envelope: JSON, **more: Any
) -> None:
    left = slack.core.links.unacknowledged()
    await socket.send_json({"envelope_id": envelope["envelope_id"], **more})
    await slack.wait_for(lambda: slack.core.links.unacknowledged() < left, why="the ack arrives")


async def _main(api_url: str, app_token: str, bot_token: str, number: str) -> None:
    """Acknowledge what comes and answer each message of another app in its thread."""
    headers = {"Authorization": f"Bearer {bot_token}"}
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(await open_link(http, api_url, app_token)) as socket,
    ):
        async for message in socket:
            envelope = json.loads(message.data)
            if "envelope_id" not in envelope:
                continue
            await socket.send_json({"envelope_id": envelope["envelope_id"]})
            event = envelope["payload"]["event"]
            if event.get("subtype") != "bot_message":
                continue
            post = {"channel": event["channel"], "thread_ts": event["ts"], "text": f"bot {number}"}
            async with http.post(
                api_url + "chat.postMessage", json=post, headers=headers
            ) as answer:
                await answer.read()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
