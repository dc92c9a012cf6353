"""Time that jumps when nobody works, and stands still while anybody does."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from store.engines.clocks import system_clock
from tests.helpers.virtual_time import (
    StandstillError,
    VirtualTime,
    VirtualTimeLoop,
    scheduler_goes_by,
)
from tests.helpers.waiting import until

T = TypeVar("T")


def virtually(scenario: Callable[[], Awaitable[T]]) -> T:
    """Run it on a virtual loop."""

    async def run() -> T:
        return await scenario()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(run())


def elapsed() -> float:
    return asyncio.get_running_loop().time()


def test_an_hour_passes_in_one_jump() -> None:
    async def scenario() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        await asyncio.sleep(3_600)
        return loop.time(), loop.jumps

    assert virtually(scenario) == (3_600, 1)


def test_timers_fire_in_order_and_at_their_time() -> None:
    async def scenario() -> list[tuple[str, float]]:
        items: list[tuple[str, float]] = []

        async def wait_and_record(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            items.append((name, elapsed()))

        await asyncio.gather(
            wait_and_record("c", 30), wait_and_record("a", 1e-3), wait_and_record("b", 29.999)
        )
        return items

    assert virtually(scenario) == [("a", 1e-3), ("b", 29.999), ("c", 30)]


def test_a_deadline_in_virtual_time_ends_a_wait_for_ever() -> None:
    async def scenario() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(600):
                await asyncio.Event().wait()
        return elapsed()

    assert virtually(scenario) == 600


def test_no_time_passes_while_a_socket_is_being_written_and_read() -> None:
    """A hundred round trips beside a timer that is due."""

    async def scenario() -> tuple[float, int]:
        async def answer(request: web.Request) -> web.Response:
            return web.Response(text="x" * int(await request.text()))

        app = web.Application()
        app.router.add_post("/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        alarm = asyncio.create_task(asyncio.sleep(0.01))
        received = 0
        async with aiohttp.ClientSession() as session:
            for _ in range(100):
                async with session.post(
                    f"http://127.0.0.1:{runner.addresses[0][1]}/", data=b"100000"
                ) as response:
                    received += len(await response.text())
        at = elapsed()
        await alarm
        await runner.cleanup()
        return at, received

    assert virtually(scenario) == (0, 10_000_000)


def test_no_time_passes_while_a_thread_works() -> None:
    async def scenario() -> float:
        alarm = asyncio.create_task(asyncio.sleep(1))
        gate = threading.Event()
        threading.Timer(0.2, gate.set).start()  # slower than any grace that sockets get
        await asyncio.to_thread(gate.wait)
        at = elapsed()
        await alarm
        return at

    assert virtually(scenario) == 0


def test_no_time_passes_while_the_store_writes(tmp_path: Path) -> None:
    from store import open_store

    async def scenario() -> tuple[float, float]:
        store = await open_store(f"sqlite:///{tmp_path / 'a.db'}", owner="a test")
        alarm = asyncio.create_task(asyncio.sleep(1e-6))
        for _ in range(50):
            await store.ping(system_clock())
        at = elapsed()
        await alarm
        await store.close()
        return at, elapsed()

    at, after = virtually(scenario)
    assert at == 0
    assert after == 1e-6


def test_no_time_passes_while_a_probe_says_that_something_is_under_way() -> None:
    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        looks = iter([True, True, False])
        loop.busy.append(lambda: next(looks, False))
        await asyncio.sleep(5)
        return next(looks, "all were asked") == "all were asked"

    assert virtually(scenario)


def test_a_half_read_socket_that_nobody_writes_to_does_not_stop_the_time() -> None:
    async def scenario() -> float:
        left, right = socket.socketpair()
        with left, right:
            left.setblocking(False)
            reading = asyncio.create_task(asyncio.get_running_loop().sock_recv(left, 1))
            await asyncio.sleep(90)
            reading.cancel()
            return elapsed()

    assert virtually(scenario) == 90


def test_the_time_of_day_goes_with_the_loop() -> None:
    async def scenario() -> tuple[float, float, list[str]]:
        clock = VirtualTime.of_this_loop()
        began, epoch = clock.wall(), clock.now()
        texts: list[str] = []
        clock.call_later(60, lambda: texts.append("a minute"))
        clock.call_later(61, lambda: texts.append("called off")).cancel()
        await asyncio.sleep(1_800)
        return (clock.wall() - began).total_seconds(), clock.now() - epoch, texts

    wall, epoch, texts = virtually(scenario)
    assert wall == 1_800
    assert epoch == pytest.approx(1_800)
    assert texts == ["a minute"]


def test_the_scheduler_follows_virtual_time() -> None:
    async def scenario() -> list[float]:
        clock = VirtualTime.of_this_loop()
        ran: list[float] = []

        async def job() -> None:
            ran.append(round(elapsed(), 3))

        with scheduler_goes_by(clock.wall):
            scheduler = AsyncIOScheduler(timezone="UTC")
            options: Mapping[str, Any] = {"next_run_time": clock.wall(), "coalesce": True}
            scheduler.add_job(job, "interval", seconds=600, misfire_grace_time=None, **options)
            scheduler.start()
            await asyncio.sleep(1_801)
            scheduler.shutdown(wait=False)
            await asyncio.sleep(0)
        return ran

    assert virtually(scenario) == [0, 600, 1_200, 1_800]


def test_outside_its_block_the_scheduler_has_the_machines_time() -> None:
    import apscheduler.schedulers.base as base

    with scheduler_goes_by(lambda: datetime(2001, 1, 1, tzinfo=UTC)):
        assert base.datetime.now(UTC).year == 2001
    assert base.datetime is datetime


def test_waiting_in_vain_says_for_what_and_how_long() -> None:
    async def scenario() -> float:
        with pytest.raises(AssertionError, match="300 s in vain for: godot"):
            await until(lambda: False, 300, "godot")
        assert await until(lambda: elapsed() > 310 and "he", 60, "godot") == "he"
        return elapsed()

    assert 310 < virtually(scenario) < 311


def test_a_retry_loop_without_a_pause_is_stopped() -> None:
    async def scenario() -> None:
        async with asyncio.timeout(1):
            while True:  # noqa: ASYNC110 - that is the fault
                await asyncio.sleep(0)

    with pytest.raises(StandstillError):
        virtually(scenario)
