"""Declared requests and feature flags against a real server, and every way to lead them astray."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import uuid
from typing import Any

import pytest
from aiohttp import web

from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from bot.gateway.executors.http_sending import may_be_called
from bot.remediation.client import ActionCall
from bot.remediation.contract import OUTCOME_UNKNOWN

TOKEN = "a-token-of-the-tests"


class Service:
    """Remembers each request; answers what `answers` holds for its path, in turn."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        self.tokens: set[str] = set()
        self.answers: dict[str, list[Any]] = {}
        self.flag = False
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.path_qs, body))
        self.tokens.add(request.headers.get("Authorization", ""))
        queue = self.answers.get(request.path, [])
        answer = queue.pop(0) if queue else 200
        if answer == "cut":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if request.path == "/flag":
            if request.method == "PUT":
                self.flag = body["on"]
            return web.json_response({"data": {"enabled": self.flag}})
        if isinstance(answer, str):
            return web.Response(status=302, headers={"Location": answer})
        sent = request.headers.get("Authorization", "").rpartition(" ")[2]
        return web.Response(status=answer, text=f"you sent {sent}")


@pytest.fixture
async def service():
    made = Service()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", made.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


CALLS = {
    "purge": {"path": "/purge?zone=1", "body": {"all": True}, "inverse": "warm"},
    "warm": {"path": "/warm"},
    "set": {"method": "PUT", "path": "/set"},
    "look": {"method": "GET", "path": "/look"},
}


@pytest.fixture
def desk_of(start, tmp_path):
    async def begin(url: str, **changes):
        (tmp_path / "token").write_text(TOKEN)
        target = {"executor": "http", "url": url, "private": True, "calls": CALLS,
                  "token_file": str(tmp_path / "token"), "timeout_seconds": 2}  # fmt: skip
        state = f"state-{uuid.uuid4().hex}"
        return await start({"it": target | changes}, state=state)

    return begin


def call(name: Any, action: str = "http.call", **more) -> ActionCall:
    return ActionCall(action_id=action, target="it", parameters={"call": name} | more)


def key() -> str:
    return uuid.uuid4().hex


async def test_a_declared_call_is_sent_once_as_planned_and_names_its_inverse(service, desk_of):
    desk = await desk_of(service.url)
    plan = await desk.client.plan(call("purge"))
    assert service.requests == []
    assert plan.display == f"POST {service.url}/purge?zone=1"
    assert plan.steps == ('send {"all":true}',)
    assert (plan.inverse.id, plan.inverse.parameters) == ("http.call", {"call": "warm"})
    outcome = await desk.client.execute(call("purge"), key=key(), digest=plan.digest)
    assert outcome.stdout == f"POST {service.url}/purge?zone=1: 200\nyou sent …"
    assert service.requests == [("POST", "/purge?zone=1", {"all": True})]
    assert service.tokens == {f"Bearer {TOKEN}"}
    read = await desk.client.execute(call("look", "http.read"), key=key())
    assert read.state == "succeeded"
    assert (await desk.client.health()).status == "healthy"


async def test_only_a_call_that_may_be_sent_twice_is_sent_again(service, desk_of):
    desk = await desk_of(service.url)
    service.answers = {"/set": [503, "cut", 200], "/purge": [503], "/warm": ["cut"]}
    outcome = await desk.client.execute(call("set"), key=key())
    assert (outcome.state, len(service.requests)) == ("succeeded", 3)
    outcome = await desk.client.execute(call("purge"), key=key())
    assert (outcome.state, len(service.requests)) == ("failed", 4)
    outcome = await desk.client.execute(call("warm"), key=key())
    assert (outcome.error_code, len(service.requests)) == (OUTCOME_UNKNOWN, 5)


async def test_a_flag_is_switched_read_again_and_switched_back(service, start):
    flag = {
        "executor": "feature-flag", "url": service.url, "private": True,
        "on": {"method": "PUT", "path": "/flag", "body": {"on": True}},
        "off": {"method": "PUT", "path": "/flag", "body": {"on": False}},
        "state": {"path": "/flag", "field": "data.enabled"},
    }  # fmt: skip
    desk = await start({"it": flag})

    def switch(word: str) -> ActionCall:
        return ActionCall(action_id=f"flag.{word}", target="it")

    plan = await desk.client.plan(switch("on"))
    assert (plan.touches, service.flag) == (("flag it: off",), False)
    outcome = await desk.client.execute(switch("on"), key=key(), digest=plan.digest)
    assert (outcome.stdout, service.flag) == ("it is on", True)
    sent = len(service.requests)
    repeat = await desk.client.execute(switch("on"), key=key())
    assert repeat.stdout == "it was on already"
    assert all(method == "GET" for method, _, _ in service.requests[sent:])
    assert plan.inverse.id == "flag.off"
    undone = await desk.client.execute(switch("off"), key=key())
    assert (undone.stdout, service.flag) == ("it is off", False)
    state = await desk.client.execute(switch("state"), key=key())
    assert state.stdout == "it is off"


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    "name",
    ["", "nobody", "purge\r\nX-Evil: 1", "../purge", "http://evil.example/", "look", "PURGE",
     ["purge"], None, {"path": "/admin"}, 7, "x" * 500],
)  # fmt: skip
async def test_a_call_that_is_not_declared_is_never_sent(name, service, desk_of):
    desk = await desk_of(service.url)
    outcome = await desk.client.execute(call(name), key=key())
    assert outcome.nothing_ran
    assert service.requests == []


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize("more", ["url", "path", "body", "headers", "method", "host"])
async def test_no_part_of_a_call_is_a_parameter(more, service, desk_of):
    desk = await desk_of(service.url)
    outcome = await desk.client.execute(call("purge", **{more: "http://evil.example"}), key=key())
    assert (outcome.nothing_ran, service.requests) == (True, [])


@pytest.mark.attack("ASI03")
async def test_a_redirect_is_not_followed_and_takes_no_token_along(service, desk_of):
    other = f"http://localhost:{service.port}/elsewhere"
    service.answers = {"/set": [other], "/look": ["//evil.example/", "/same-host"]}
    desk = await desk_of(service.url)
    outcome = await desk.client.execute(call("set"), key=key())
    assert outcome.state == "failed"
    assert f"302, a redirect to {other}, which is not followed" in outcome.error
    for _ in range(2):
        outcome = await desk.client.execute(call("look", "http.read"), key=key())
        assert outcome.state == "failed"
    assert [path for _, path, _ in service.requests] == ["/set", "/look", "/look"]


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]",
     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "0.0.0.0", "[::]"],
)  # fmt: skip
async def test_an_address_of_this_machine_is_refused_however_it_is_written(host, service, desk_of):
    try:
        desk = await desk_of(
            f"http://{host}:{service.port}", private=False, token_file=None, retries=0
        )
    except ConfigError:
        return
    outcome = await desk.client.execute(call("purge"), key=key())
    assert (outcome.nothing_ran, service.requests) == (True, [])


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1",
     "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
     "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
     "64:ff9b:1::a00:1", "2002:7f00:1::1", "2002:a9fe:a9fe::", "::10.0.0.1",
     "2001:0:4136:e378:8000:63bf:5601:5601"],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_also_inside_an_ipv6_address(address):
    assert not may_be_called(ipaddress.ip_address(address), private=False)


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1",
     "fd00:ec2::254", "0.0.0.0", "::", "224.0.0.1"],
)  # fmt: skip
def test_the_credentials_of_a_cloud_machine_are_out_of_reach_also_of_a_private_target(address):
    assert not may_be_called(ipaddress.ip_address(address), private=True)
    for private in ("127.0.0.1", "10.0.0.1", "::1", "fd12::1", "8.8.8.8"):
        assert may_be_called(ipaddress.ip_address(private), private=True)
    assert may_be_called(ipaddress.ip_address("2606:4700:4700::1111"), private=False)


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize("mixed", [False, True])
async def test_a_name_that_leads_elsewhere_after_the_plan_is_refused(
    mixed, service, desk_of, monkeypatch
):
    """DNS rebinding: the first answer is public, later ones are this machine, or one of two is."""
    desk = await desk_of(
        f"http://rebind.example:{service.port}", private=False, token_file=None, retries=0
    )
    loop = asyncio.get_running_loop()
    real, resolutions = loop.getaddrinfo, []

    async def rebinding(host, port, **options):
        if host != "rebind.example":
            return await real(host, port, **options)
        resolutions.append(host)
        answers = ["8.8.8.8"] if len(resolutions) == 1 else ["127.0.0.1"]
        if mixed and len(resolutions) > 1:
            answers = ["8.8.8.8", "127.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in answers]

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    plan = await desk.client.plan(call("purge"))
    assert plan.current == {"address": "8.8.8.8"}
    outcome = await desk.client.execute(call("purge"), key=key(), digest=plan.digest)
    assert (outcome.error_code, outcome.nothing_ran) == ("TARGET_REFUSED", True)
    assert service.requests == []


async def test_the_connection_goes_to_the_address_that_was_checked(service, desk_of, monkeypatch):
    desk = await desk_of(f"http://pinned.example:{service.port}", retries=0)
    loop = asyncio.get_running_loop()
    real, resolutions = loop.getaddrinfo, []

    async def counting(host, port, **options):
        if host != "pinned.example":
            return await real(host, port, **options)
        resolutions.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(loop, "getaddrinfo", counting)
    outcome = await desk.client.execute(call("purge"), key=key())
    assert outcome.state == "succeeded", outcome
    assert len(resolutions) == 2, (
        "once for the plan, once for the execution: never by the connection"
    )


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://user:password@host"},
        {"url": "http://host/path"},
        {"url": "http://host?x=1"},
        {"url": "file:///etc/passwd"},
        {"url": "gopher://host"},
        {"url": "//host"},
        {"url": "http://sopbot-gateway:8003"},
        {"url": "http://host", "token_env": "T"},
        {"auth_header": "X: evil\r\nY"},
        {"calls": {"a": {"path": "no-slash"}}},
        {"calls": {"a": {"path": "//evil.example/"}}},
        {"calls": {"a": {"path": "/../admin"}}},
        {"calls": {"a": {"path": "/a b"}}},
        {"calls": {"a": {"path": "/a\r\nX: y"}}},
        {"calls": {"a": {"path": "/é"}}},
        {"calls": {"a": {"path": "/a", "method": "CONNECT"}}},
        {"calls": {"a": {"path": "/a", "headers": {"Host": "evil"}}}},
        {"calls": {}},
    ],
)
def test_a_hostile_declaration_is_an_error_of_the_config(change):
    target = {"executor": "http", "url": "https://host.example", "calls": CALLS} | change
    with pytest.raises(ConfigError):
        read_config({"targets": {"it": target}}, environ={"T": TOKEN})
