from __future__ import annotations

import asyncio

import pytest

from bot.gateway.probes import AT_ONCE


@pytest.mark.attack("ASI08")
async def test_each_target_is_probed_a_few_at_once_and_seldom_whoever_asks(start):
    """Of twelve targets that do not answer at once, only so many are asked together."""
    open_now, peak, total = 0, 0, 0
    full = asyncio.Event()

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, peak, total
        open_now, total = open_now + 1, total + 1
        peak = max(peak, open_now)
        if peak >= AT_ONCE:
            full.set()
        await full.wait()
        open_now -= 1
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = {"executor": "memcached", "host": "127.0.0.1", "port": port, "prefixes": ["page:"]}
    targets = {f"cache-{number}": target for number in range(12)}
    async with server:
        desk = await start(targets | {"web": {"executor": "command"}}, state="probes")
        _, report = await desk.get("/health")
        assert (peak, total) == (AT_ONCE, 12)
        assert report["status"] == "degraded", "declared commands can still run"
        assert set(report["targets"]) == {*targets, "web"}
        assert report["targets"]["web"] | {"age_seconds": 0} == {
            "ok": True,
            "text": "web: declared commands",
            "age_seconds": 0,
        }
        broken = report["targets"]["cache-7"]
        assert not broken["ok"]
        assert broken["text"].startswith("cache-7")
        assert 0 <= broken["age_seconds"] < 60

        for _ in range(5):
            await desk.get("/health")
        assert total == 12, "a stranger cannot make the gateway call its targets again and again"


@pytest.mark.attack("ASI08")
async def test_strangers_cannot_keep_the_journal_busy_by_asking_for_health(start, tmp_path):
    desk = await start({"web": {"executor": "command"}})
    log = tmp_path / "state" / "journal.db-wal"
    before, page = log.stat().st_size, 4_096
    for _ in range(5):
        await asyncio.gather(*(desk.get("/health") for _ in range(20)))
    assert log.stat().st_size - before < 30 * page, "each of 100 requests wrote to the disk"
