"""A long body is parsed in a thread, one at a time, while the event loop does other work."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.configuration import LiveConfiguration
from bot.errors import InputError
from bot.intake import parse_body
from bot.web.alert_bodies import LONG, AlertBodies
from bot.web.sns import SnsVerifier

pytestmark = pytest.mark.attack("ASI08")

BODY = [{"title": f"disk {number} is full", "service": "web"} for number in range(200)]


class Mappings:
    """The operator's mappings: none fits; they note how many bodies are read at once."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0

    def find(self, name: str, body: object) -> None:
        """Take as long as the reading of a body."""
        self.now += 1
        self.most = max(self.most, self.now)
        parse_body(name, body)
        self.now -= 1


async def _no_certificate(url: str) -> bytes:
    raise AssertionError(url)


def _clock() -> datetime:
    return datetime(2026, 11, 28, tzinfo=UTC)


def bodies(mappings: Mappings) -> AlertBodies:
    config = cast("LiveConfiguration", SimpleNamespace(current=SimpleNamespace(mappings=mappings)))
    return AlertBodies("C1", SnsVerifier(_no_certificate, _clock), config)


def read(reader: AlertBodies, length: int) -> Any:
    """Read the body, filled with spaces to that length at least."""
    data = json.dumps(BODY).encode().ljust(length)
    return reader.read_bytes("sentry", data, "application/json", "k")


async def turns_during(work: Any) -> int:
    """Return how many turns another task of the event loop gets until the work has ended."""
    turns, task = 0, asyncio.ensure_future(work)
    await asyncio.sleep(0)  # the work begins
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    _, delivery = await task
    assert len(delivery.alerts) == len(BODY)
    return turns


async def test_the_event_loop_does_other_work_while_a_long_body_is_parsed():
    reader = bodies(Mappings())
    assert await turns_during(read(reader, LONG + 1)) > 1
    assert await turns_during(read(reader, LONG)) == 0, "a thread costs more"


async def test_bodies_are_parsed_one_after_the_other_in_their_order():
    mappings = Mappings()
    reader = bodies(mappings)
    ended: list[str] = []

    async def read_as(name: str, length: int) -> None:
        await read(reader, length)
        ended.append(name)

    await asyncio.gather(
        read_as("long firing", LONG + 1), read_as("short end", 0), read_as("long", LONG + 1)
    )
    assert mappings.most == 1
    assert ended == ["long firing", "short end", "long"]


async def test_what_waits_behind_a_long_body_is_not_decoded_yet():
    """Decoded, a body takes many times its length, and a thousand may wait."""
    reader = bodies(Mappings())
    first = asyncio.create_task(read(reader, LONG + 1))
    await asyncio.sleep(0)  # it is parsed now
    waits = asyncio.create_task(reader.read_bytes("sentry", b"no JSON", "application/json", "k"))
    await asyncio.sleep(0)
    assert not waits.done()
    await first
    with pytest.raises(InputError):
        await waits
