"""A real bot serves each endpoint, status code and command of the docs."""

from __future__ import annotations

import asyncio
import io
import json
import re
import shlex
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from bot.app import Bot
from tests.scenarios.starting import StartBot
from tests.scenarios.world import World

pytestmark = pytest.mark.one_engine

DOCS = Path(__file__).parents[2] / "docs"
HTTP = (DOCS / "http.md").read_text(encoding="utf-8")
COMMANDS = (DOCS / "commands.md").read_text(encoding="utf-8")
TOKEN = "a token of the tests"

ENDPOINTS = re.findall(r"`(GET|POST) (/[^`]*)`", HTTP)
CODES = {
    (int(status), code)
    for status, code in re.findall(r"^\| (\d+) \| `(\w+)` \|", HTTP, re.MULTILINE)
}
EXAMPLES = re.findall(r"^\| `(/(?:incident|sop)[^`]*)` \|", COMMANDS, re.MULTILINE)

Answer = tuple[int, str]


@dataclass
class Caller:
    """Calls one bot by HTTP, with the token unless another header is given."""

    bot: Bot
    http: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, body: bytes | io.BytesIO | None = None, **headers: str
    ) -> Answer:
        """(status, the code of an error or '')."""
        sent_headers = {"Authorization": f"Bearer {TOKEN}"} | headers
        async with self.http.request(
            method, self.bot.http_url + path, data=body, headers=sent_headers
        ) as answer:
            text = await answer.text()
            if answer.status < 400 or answer.content_type != "application/json":
                return answer.status, ""
            return answer.status, json.loads(text).get("error", {}).get("code", "")

    async def ask(self, prompt: str = "?") -> Answer:
        question = {"incident_key": "a|b|c|high", "prompt": prompt}
        return await self.call("POST", "/incident", json.dumps(question).encode())


Start = Callable[..., Awaitable[Caller]]


@pytest.fixture
def caller(bot: StartBot, http: aiohttp.ClientSession) -> Start:
    async def start(**settings: str) -> Caller:
        return Caller(await bot(**{"HTTP_TOKEN": TOKEN} | settings), http)

    return start


def test_the_docs_have_endpoints_codes_and_commands_to_ask_for() -> None:
    assert len(ENDPOINTS) >= 9
    assert len(CODES) >= 11
    assert len(EXAMPLES) >= 10


async def test_the_bot_serves_exactly_the_documented_endpoints(caller: Start) -> None:
    at = await caller()
    served = {
        (route.method, route.resource.canonical)
        for route in at.bot.web.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert served == set(ENDPOINTS)
    for method, path in ENDPOINTS:
        filled = path.replace("{source}", "generic").replace("{tracking_id}", "req-unknown")
        status, code = await at.call(method, filled, b"{}" if method == "POST" else None)
        assert status != 405, f"{method} {path}"
        assert status < 500, f"{method} {path}: {status} {code}"


async def no_answer(world: World, start: Start) -> Caller:
    """A bot whose advisor reads the question and says nothing."""
    return await start(**command("import time; time.sleep(600)"), QCHAT_TIMEOUT="1")


def command(code: str) -> dict[str, str]:
    argv = [sys.executable, "-c", f"import sys; sys.stdin.read(); {code}"]
    return {"ADVISOR_COMMAND": shlex.join(argv), "ADVISOR_ALLOW_UNKNOWN_FLAGS": "true"}


async def invalid(world: World, start: Start) -> Answer:
    return await (await start()).call("POST", "/incident", b"{}")


async def unauthorized(world: World, start: Start) -> Answer:
    return await (await start()).call("GET", "/metrics", Authorization="Bearer another")


async def origin(world: World, start: Start) -> Answer:
    return await (await start()).call("GET", "/health", Origin="http://example.com")


async def not_found(world: World, start: Start) -> Answer:
    return await (await start()).call("GET", "/api/v3/trace/req-unknown")


async def method_not_allowed(world: World, start: Start) -> Answer:
    return await (await start()).call("DELETE", "/incident")


async def too_large(world: World, start: Start) -> Answer:
    return await (await start()).call(
        "POST", "/alerts/generic", io.BytesIO(b" " * (1024 * 1024 + 1))
    )


async def encoded(world: World, start: Start) -> Answer:
    headers = {"Content-Encoding": "gzip"}
    return await (await start()).call("POST", "/alerts/generic", b"{}", **headers)


async def misdirected(world: World, start: Start) -> Answer:
    return await (await start(HTTP_TOKEN="")).call("GET", "/health", Host="example.com")


async def advisor_failed(world: World, start: Start) -> Answer:
    at = await start(**command("sys.exit(3)"), QCHAT_MAX_RETRIES="0")
    return await at.ask()


async def timeout(world: World, start: Start) -> Answer:
    return await (await no_answer(world, start)).ask()


async def saturated(world: World, start: Start) -> Answer:
    world.write_policy(segments={"llm": {"limits": {"waiting": 8}}})
    at = await start(**command("import time; time.sleep(600)"), QCHAT_TIMEOUT="5")
    answers = await asyncio.gather(*(at.ask(f"{number}?") for number in range(12)))
    return next((answer for answer in answers if answer[0] == 503), answers[0])


async def store_unavailable(world: World, start: Start) -> Answer:
    at = await start()
    await at.bot.service.store.close()
    return await at.call("POST", "/alerts/generic", b'{"title": "the disk is full"}')


CAUSES = {
    (400, "invalid"): invalid,
    (401, "unauthorized"): unauthorized,
    (403, "origin"): origin,
    (404, "not_found"): not_found,
    (405, "method_not_allowed"): method_not_allowed,
    (413, "too_large"): too_large,
    (415, "encoded"): encoded,
    (421, "misdirected"): misdirected,
    (502, "advisor_failed"): advisor_failed,
    (503, "saturated"): saturated,
    (503, "store_unavailable"): store_unavailable,
    (504, "timeout"): timeout,
}


def test_every_documented_code_has_a_cause_and_every_cause_is_documented() -> None:
    assert set(CAUSES) == CODES


@pytest.mark.parametrize("code", CAUSES, ids=lambda code: f"{code[0]}-{code[1]}")
async def test_a_real_bot_answers_with_the_documented_code(
    world: World, caller: Start, code: Answer
) -> None:
    assert await CAUSES[code](world, caller) == code


async def test_a_real_bot_knows_every_command_of_the_docs(world: World, bot: StartBot) -> None:
    await bot()
    await world.alert()
    await world.card()
    await world.quiet()
    unknown = (await (await world.types("/incident nonsense")).response()).text
    for example in EXAMPLES:
        line = re.sub(r" \[.*?\]", "", example).replace("sop_…", "sop_checkout_down")
        answer = await world.types(line)
        assert answer.acked, f"{line} was not acknowledged"
        text = (await answer.response()).text
        verb = line.split()[1]
        assert text != unknown.replace("nonsense", verb), f"{line}: {text}"
