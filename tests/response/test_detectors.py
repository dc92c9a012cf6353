"""Detectors over a Prometheus: an anomaly is an alert as any other, and resolves when it is"
" over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.configuration import Configuration
from bot.errors import NotFound
from bot.incidents.model import Incident, IncidentStatus
from bot.policy import parse_policy
from bot.response.detectors import Detectors
from tests.helpers.builders import CHANNEL
from tests.helpers.http_servers import served
from tests.helpers.incident_bench import Bench
from tests.helpers.ports import kept_port
from tests.helpers.waiting import until

BEGINS, ENDS = 60, 300  # seconds after the bench's first moment


class Watch:
    """A detector over a Prometheus, and the bot that runs it."""

    def __init__(self, bench: Bench, session: aiohttp.ClientSession, url: str, query: str) -> None:
        self.bench, self.session, self.began = bench, session, bench.now
        text = (
            "detect:\n  detectors: [{name: latency, url: '" + url + "', query: '" + query + "',"
            " method: mad, service: shop, env: prod, severity: high}]"
        )
        bench.service.config.current = Configuration(parse_policy(text, file="policy.yaml"))
        self.restart()

    def restart(self) -> None:
        config = self.bench.service.config
        self.detectors = Detectors(
            self.session, self.bench.service, config, self.bench.clock, CHANNEL
        )

    async def at(self, seconds: float) -> list[Incident]:
        """Run it at that time. Returns every incident."""
        self.bench.now = self.began + timedelta(seconds=seconds)
        await self.detectors.run()
        incidents: list[Incident] = []
        with suppress(NotFound):  # the ids have no gaps here
            while True:
                incidents.append(await self.bench.store.incident(len(incidents) + 1))
        return incidents


Values = Callable[[float], float]


@asynccontextmanager
async def prometheus(values: dict[str, Values]) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that answers query_range by functions of the time, with the status in the list."""
    status = [200]

    async def answer(request: web.Request) -> web.Response:
        start, end = float(request.query["start"]), float(request.query["end"])
        step = float(request.query["step"])
        times = [start + step * at for at in range(int((end - start) / step) + 1)]
        result = [
            {"metric": {"pod": pod}, "values": [[at, str(value(at))] for at in times]}
            for pod, value in values.items()
        ]
        data = {"resultType": "matrix", "result": result}
        return web.json_response({"status": "success", "data": data}, status=status[0])

    async with served(answer) as url:
        yield url, status


def spike(bench: Bench, begins: float = BEGINS, ends: float = ENDS) -> Values:
    first, last = (bench.now.timestamp() + seconds for seconds in (begins, ends))
    return lambda at: 500.0 if first <= at < last else 100.0 + at % 7


async def test_an_anomaly_opens_one_incident_which_resolves_when_it_is_over(bench: Bench) -> None:
    values = {"a": spike(bench), "b": lambda at: 100 + at % 5}
    async with aiohttp.ClientSession() as session, prometheus(values) as (url, _):
        watch = Watch(bench, session, url, "m")
        assert await watch.at(0) == []
        [opened] = await watch.at(100)
        assert (opened.title, opened.service, opened.source) == (
            "latency is unusual",
            "shop",
            "anomaly",
        )
        assert opened.labels["pod"] == "a"
        watch.restart()  # a kill -9: the store knows what fires
        for seconds in (130, 160, 250):
            [same] = await watch.at(seconds)
            assert (same.status, same.firing) == (IncidentStatus.OPEN, 1)
        [over] = await watch.at(340)
        assert over.status is IncidentStatus.RESOLVED
        assert len(await watch.at(400)) == 1


async def test_an_anomaly_that_a_silence_suppresses_resolves_too(bench: Bench) -> None:
    async with aiohttp.ClientSession() as session, prometheus({"a": spike(bench)}) as (url, _):
        watch = Watch(bench, session, url, "m")
        text = (
            "notify: {maintenance: [{name: move, match: {source: anomaly},"
            " windows: [{start: '00:00', end: '00:00'}]}]}"
        )
        policy = parse_policy(text, file="policy.yaml")
        detect = bench.service.policy.detect
        current = Configuration(policy.model_copy(update={"detect": detect}))
        bench.service.config.current = bench.store.config.current = current
        for seconds, suppressed in ((100, 1), (160, 1), (340, 0)):
            assert await watch.at(seconds) == []
            assert len(await bench.store.firing_from("detector:latency")) == suppressed


async def test_a_prometheus_that_fails_changes_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async with aiohttp.ClientSession() as session, prometheus({"a": spike(bench)}) as (url, status):
        watch = Watch(bench, session, url, "m")
        [opened] = await watch.at(100)
        status[0] = 503
        for seconds in (340, 400):
            [still] = await watch.at(seconds)
            assert still.status is opened.status
        status[0] = 200
        [over] = await watch.at(460)
        assert over.status is IncidentStatus.RESOLVED
    problems = [record.message for record in caplog.records if "detector latency" in record.message]
    assert len(problems) == 2
    assert "HTTP 503" in problems[0]
    assert problems[1] == "detector latency: works again"


async def test_a_detector_runs_only_when_it_is_due_and_none_by_default(bench: Bench) -> None:
    calls: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.json_response(
            {"status": "success", "data": {"resultType": "matrix", "result": []}}
        )

    async with aiohttp.ClientSession() as session, served(answer) as url:
        watch = Watch(bench, session, url, "m")
        for seconds in (0, 10, 29, 30, 40):
            await watch.at(seconds)
        assert calls == ["/api/v1/query_range"] * 2
        bench.service.config.current = Configuration()
        await watch.at(500)
        assert len(calls) == 2


@pytest.mark.services("prometheus")
async def test_a_real_prometheus_is_asked(bench: Bench, tmp_path: Path) -> None:
    first = int(bench.now.timestamp())
    query = (
        f"100 + (time() % 7) + 400 * ((time() >= bool {first + BEGINS})"
        f" * (time() < bool {first + ENDS}))"
    )
    with kept_port() as port:
        (tmp_path / "prometheus.yml").write_text("scrape_configs: []")
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        )
        url = f"http://127.0.0.1:{port}"
        try:
            async with aiohttp.ClientSession() as session:
                await until(lambda: _is_ready(session, url), why="Prometheus is ready", every=0.2)
                watch = Watch(bench, session, url, query)
                assert await watch.at(0) == []
                [opened] = await watch.at(100)
                assert opened.value.startswith("50")
                assert (await watch.at(200))[0].status is IncidentStatus.OPEN
                [over] = await watch.at(340)
        finally:
            process.terminate()
            await process.wait()
    assert over.status is IncidentStatus.RESOLVED


async def _is_ready(session: aiohttp.ClientSession, url: str) -> Any:
    try:
        async with session.get(f"{url}/-/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_a_detector_sends_the_token_of_its_access(bench: Bench, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t0ken")
    sent: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        sent.append(request.headers["Authorization"])
        data = {"resultType": "matrix", "result": []}
        return web.json_response({"status": "success", "data": data})

    async with aiohttp.ClientSession() as session, served(answer) as url:
        watch = Watch(bench, session, url, f"m', access: {{token_file: '{token}'}}, region: 'eu")
        await watch.at(0)
    assert sent == ["Bearer t0ken"]
