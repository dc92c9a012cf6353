"""Declared requests that lead back to the gateway, and answers that repeat its token."""

from __future__ import annotations

import asyncio
import ipaddress
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.gateway.executors.http import HttpTarget
from bot.gateway.executors.http_sending import may_be_called, send
from bot.remediation.client import ActionCall

TOKEN = "a-token-of-the-tests"
ODD = "an/odd+token"


@pytest.mark.attack("ASI02")
async def test_a_gateway_answers_no_request_that_a_gateway_sends(start):
    victim = await start({"checkout": {"executor": "command"}}, state="victim")
    calls = {
        "look": {"method": "GET", "path": "/actions"},
        "run": {"path": "/execute-docker-command", "body": {}},
        "stop": {"path": "/executions/k/cancel"},
    }
    url = victim.url.replace("127.0.0.1", "localhost")
    target = {"executor": "http", "url": url, "private": True, "calls": calls}
    desk = await start({"it": target}, state="attacker")
    for name, action in (("look", "http.read"), ("run", "http.call"), ("stop", "http.call")):
        requested = ActionCall(action_id=action, target="it", parameters={"call": name})
        outcome = await desk.client.execute(requested, key=f"k-{name}")
        assert outcome.state == "failed"
        assert outcome.error.endswith(": 403"), outcome


@pytest.mark.attack("ASI03")
async def test_an_answer_in_pieces_is_read_to_its_end_and_shows_no_part_of_the_token():
    async def pieces(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begin ")
        await asyncio.sleep(0)
        for part in (TOKEN[:9], TOKEN[9:], " ", quote(ODD, safe=""), " end ", "x" * 65_000):
            await response.write(part.encode())
        await response.write(f"{'x' * (65_536 - 65_000 - 100)}{TOKEN}".encode())
        return response

    async def cut(request: web.Request) -> web.StreamResponse:
        text = "x" * (65_536 - 12) + TOKEN
        return web.Response(text=text)

    app = web.Application()
    app.router.add_get("/look", pieces)
    app.router.add_get("/cut", cut)
    async with TestServer(app) as server:
        calls = {name: {"method": "GET", "path": f"/{name}"} for name in ("look", "cut")}
        url = f"http://127.0.0.1:{server.port}"
        target = HttpTarget(executor="http", url=url, private=True, calls=calls)
        reply = await send(target, target.calls["look"], TOKEN)
        assert reply.text.startswith("begin … ")
        assert " end xxx" in reply.text
        reply = await send(target, target.calls["cut"], TOKEN)
        assert reply.text.strip("x") == ""
        reply = await send(target, target.calls["look"], ODD)
        assert "odd" not in reply.text


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize("address", ["168.63.129.16", "192.0.0.192", "::ffff:168.63.129.16"])
def test_what_a_cloud_tells_a_machine_about_itself_is_never_called(address):
    for private in (True, False):
        assert not may_be_called(ipaddress.ip_address(address), private=private)
