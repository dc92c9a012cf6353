"""A floor: the minimum that Bolt does for a message. Its own process, like the bot.

`post` answers each message with one post; `button` with a button whose press goes to the gateway;
`write` writes each message, fsynced, commits grouped. Settings arrive like the bot's.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.bare_writer import GroupedWriter


async def main(mode: str) -> None:
    """Listen until SIGTERM."""
    async with aiohttp.ClientSession() as session:
        # A bare AsyncApp opens a connection for each call; a kept one is the harder floor.
        client = AsyncWebClient(
            token=os.environ["SLACK_BOT_TOKEN"],
            base_url=os.environ["SLACK_API_URL"],
            session=session,
        )
        app = AsyncApp(client=client, request_verification_enabled=False)
        await _LISTENERS[mode](app, client, session)
        socket = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
        await socket.connect_async()  # type: ignore[no-untyped-call] # the SDK has no types here
        print("ready", file=sys.stderr, flush=True)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await stop.wait()
        await socket.close_async()  # type: ignore[no-untyped-call]


async def _post(app: AsyncApp, client: AsyncWebClient, _session: aiohttp.ClientSession) -> None:
    @app.event("message")
    async def answer(event: dict[str, Any]) -> None:
        title = event["attachments"][0]["title"]
        await client.chat_postMessage(channel=event["channel"], text=title)


async def _button(app: AsyncApp, client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
    gateway = os.environ["AI_COMMAND_GATEWAY_URL"]
    writer = GroupedWriter(os.environ["BENCH_DB"])
    button = {
        "type": "button",
        "action_id": "bare.approve",
        "value": "1",
        "text": {"type": "plain_text", "text": "Approve"},
    }

    @app.event("message")
    async def answer(event: dict[str, Any]) -> None:
        title = event["attachments"][0]["title"]
        text = {"type": "mrkdwn", "text": title}
        blocks: list[dict[str, Any]] = [
            {"type": "section", "text": text},
            {"type": "actions", "elements": [button]},
        ]
        await client.chat_postMessage(channel=event["channel"], text=title, blocks=blocks)

    @app.action("bare.approve")
    async def pressed(ack: AsyncAck, body: dict[str, Any]) -> None:
        await writer.write(json.dumps(body))
        await ack()
        async with session.post(f"{gateway}/execute-docker-command", json={"bare": 1}) as answer:
            await answer.read()


async def _write(app: AsyncApp, _client: AsyncWebClient, _session: aiohttp.ClientSession) -> None:
    writer = GroupedWriter(os.environ["BENCH_DB"])

    @app.event("message")
    async def keep(event: dict[str, Any]) -> None:
        await writer.write(json.dumps(event))


_LISTENERS = {"post": _post, "button": _button, "write": _write}

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
