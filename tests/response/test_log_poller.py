"""The log poller: each line of a file becomes an alert once, through rotation and kill -9."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.configuration import Configuration
from bot.policy import parse_policy
from bot.response.log_poller import CHUNK, LogPoller
from store.operations.log_positions import LogPosition
from store.statements import Operation, query, run
from tests.helpers.builders import CHANNEL
from tests.helpers.incident_bench import Bench

PATTERN = "ERROR {service}: {title*}"


class Reader:
    """A log file and the bot that polls it. `restart` is what a kill -9 and a start leave."""

    def __init__(self, bench: Bench, path: Path) -> None:
        self.bench, self.path = bench, path
        text = (
            f"detect:\n  pollers: [{{name: shop, file: {path}, pattern: '{PATTERN}',"
            " every_seconds: 1}]"
        )
        policy = parse_policy(text, file="policy.yaml")
        bench.service.config.current = Configuration(policy)
        (self.settings,) = policy.detect.pollers
        self.restart()

    def restart(self) -> None:
        self.poller = LogPoller(
            self.bench.service, self.bench.service.config, self.bench.clock, CHANNEL, host="h1"
        )

    def write(self, text: str | bytes) -> None:
        with self.path.open("ab") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    async def poll(self) -> list[str]:
        """Poll when it is due; the titles of all alerts in the store, oldest first."""
        self.bench.now += timedelta(seconds=2)
        await self.poller.poll()
        return await self.titles()

    async def titles(self) -> list[str]:
        rows = await self.rows("SELECT body FROM alerts ORDER BY id")
        return [row["body"].split('"title":"')[1].split('"')[0] for row in rows]

    async def rows(self, sql: str) -> list[Any]:
        def read() -> Operation[list[Any]]:
            return (yield query(sql))

        return list(await self.bench.store._engine.read(read))

    async def write_store(self, sql: str) -> None:
        def write() -> Operation[None]:
            yield run(sql)

        await self.bench.store._engine.write(write)

    async def position(self) -> LogPosition:
        at = await self.bench.store.log_position(self.settings.key, "h1")
        assert at is not None
        return at


@pytest.fixture
def reader(bench: Bench, tmp_path: Path) -> Reader:
    return Reader(bench, tmp_path / "shop.log")


async def test_lines_after_the_first_poll_become_alerts_once(reader: Reader) -> None:
    reader.write("ERROR old: no news\n")
    assert await reader.poll() == []
    reader.write("ERROR cart: no stock\nINFO cart: fine\nERROR pay: refused\n")
    assert await reader.poll() == ["no stock", "refused"]
    assert await reader.poll() == ["no stock", "refused"]
    (row,) = await reader.rows("SELECT DISTINCT sender, source FROM alerts")
    assert (row["sender"], row["source"]) == ("log:shop", "log")
    assert len(await reader.rows("SELECT 1 FROM incidents")) == 2


async def test_a_file_that_appears_later_is_read_from_its_beginning(reader: Reader) -> None:
    assert await reader.poll() == []
    reader.write("ERROR cart: first\n")
    assert await reader.poll() == ["first"]


async def test_half_a_line_waits_for_its_end(reader: Reader) -> None:
    reader.write("")
    await reader.poll()
    reader.write("ERROR cart: no st")
    assert await reader.poll() == []
    reader.write("ock\nERROR c")
    assert await reader.poll() == ["no stock"]


async def test_a_rotated_file_is_read_to_its_end_and_then_the_new_one(reader: Reader) -> None:
    reader.write("")
    await reader.poll()
    reader.write("ERROR cart: one\n")
    await reader.poll()
    reader.write("ERROR cart: two\n")
    rotated = reader.path.with_suffix(".log.1")
    reader.path.rename(rotated)
    with rotated.open("a") as file:  # the writer still has it open
        file.write("ERROR cart: three\nERROR cart: fo")
    assert await reader.poll() == ["one", "two", "three"], "no new file yet"
    reader.restart()
    reader.write("")
    with rotated.open("a") as file:
        file.write("ur")
    assert await reader.poll() == ["one", "two", "three"], "the new file is still empty"
    reader.write("ERROR cart: five\n")
    assert await reader.poll() == ["one", "two", "three", "four", "five"]


async def test_a_truncated_file_is_read_from_its_beginning_again(reader: Reader) -> None:
    reader.write("")
    await reader.poll()
    reader.write("ERROR cart: one and more\n")
    await reader.poll()
    os.truncate(reader.path, 0)
    reader.write("ERROR cart: two\n")
    assert await reader.poll() == ["one and more", "two"]


async def test_a_truncated_file_that_has_grown_past_the_old_end_is_noticed(reader: Reader) -> None:
    reader.write("")
    await reader.poll()
    reader.write("ERROR cart: one\n")
    await reader.poll()
    os.truncate(reader.path, 0)
    reader.write("ERROR cart: two\nERROR cart: three\n")
    assert await reader.poll() == ["one", "two", "three"]


async def test_a_kill_before_the_alerts_are_written_loses_no_line(reader: Reader) -> None:
    reader.write("")
    await reader.poll()
    reader.write("ERROR cart: one\n")
    await reader.poll()
    reader.write("ERROR cart: two\n")
    at = await reader.position()
    end = reader.path.stat().st_size
    assert await reader.bench.store.plan_log_read(reader.settings.key, "h1", at, end, at.head)
    reader.restart()
    reader.write("ERROR cart: three\n")
    assert await reader.poll() == ["one", "two", "three"]


async def test_a_kill_after_the_alerts_are_written_doubles_no_line(reader: Reader) -> None:
    reader.write("")
    await reader.poll()
    reader.write("ERROR cart: one\n")
    assert await reader.poll() == ["one"]
    await reader.write_store("UPDATE log_positions SET position = 0")
    reader.restart()
    reader.write("ERROR cart: two\n")
    assert await reader.poll() == ["one", "two"]
    assert (await reader.position()).position == reader.path.stat().st_size


async def test_a_planned_reading_survives_a_rotation(reader: Reader) -> None:
    reader.write("")
    await reader.poll()
    reader.write("ERROR cart: one\n")
    at = await reader.position()
    end = reader.path.stat().st_size
    await reader.bench.store.plan_log_read(reader.settings.key, "h1", at, end, "")
    reader.path.rename(reader.path.with_suffix(".log.1"))
    reader.restart()
    assert await reader.poll() == ["one"]


async def test_two_bots_of_one_host_read_each_line_once(reader: Reader) -> None:
    reader.write("")
    await reader.poll()
    other = LogPoller(
        reader.bench.service, reader.bench.service.config, reader.bench.clock, CHANNEL, host="h1"
    )
    for number in range(5):
        reader.write(f"ERROR cart: {'abcde'[number]}\n")
        await other.poll()
        await reader.poll()
        await other.poll()
    assert await reader.titles() == list("abcde")


@pytest.mark.attack("ASI08")
async def test_a_burst_of_lines_is_read_with_a_bounded_number_of_alerts(reader: Reader) -> None:
    reader.write("")
    await reader.poll()
    reader.write("".join(f"ERROR cart: order {n} lost\n" for n in range(100_000)))
    size = reader.path.stat().st_size
    titles = await reader.poll()
    assert len(titles) <= size // CHUNK + 1
    texts = [row["body"] for row in await reader.rows("SELECT body FROM alerts")]
    lines = [int(text.split("(")[1].split(" such")[0].replace(",", "")) for text in texts]
    assert sum(lines) == 100_000
    assert (await reader.position()).position == size


@pytest.mark.attack("ASI08")
async def test_a_line_without_an_end_does_not_stop_the_reading(reader: Reader) -> None:
    reader.write("")
    await reader.poll()
    reader.write(b"x" * (2 * CHUNK + 10) + b"\nERROR cart: one\n")
    assert await reader.poll() == ["one"]


async def test_what_is_no_file_is_reported_once_and_the_others_are_read(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    reader.path.mkdir()
    await reader.poll()
    await reader.poll()
    assert len([r for r in caplog.records if "it is not a regular file" in r.getMessage()]) == 1
    reader.path.rmdir()
    await reader.poll()
    reader.write("ERROR cart: one\n")
    assert await reader.poll() == ["one"]
