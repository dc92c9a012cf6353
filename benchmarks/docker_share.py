"""The gateway's own share of a container's restart, from the request to the answer.

A proxy before a real Docker Engine records when the gateway's calls are there. The figure is what
is left of the time: without those calls, and without the half second for which the gateway watches
that the container stays up. The floor is the restart itself, as the Engine takes it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import web

from benchmarks.results import Bar, Result
from bot.gateway.app import running
from bot.gateway.config import read_config
from bot.remediation.client import ActionCall, GatewayClient
from tests.helpers.docker_engine import IMAGE, DockerDaemon, docker_engine

ROUNDS = 3
RESTARTS = 10
BAR_MS = 15.0
_NAME = "web"
_RESTART = ActionCall(action_id="service.restart", target=_NAME, parameters={"grace_seconds": 1})
_SCRIPT = "trap 'exit 0' TERM; while :; do /bin/busybox sleep 0.05; done"


@dataclass
class Calls:
    """The calls of one restart at the engine: (is the restart, begin, end)."""

    times: list[tuple[bool, float, float]] = field(default_factory=list)

    def own_seconds(self, sent: float, answered: float) -> tuple[float, float]:
        """Return the seconds of the gateway itself, and those of the restart in the engine.

        All from the restart's answer to the last call's is the watch, not a share.
        """
        (restart,) = [(begin, end) for is_restart, begin, end in self.times if is_restart]
        before = sum(end - begin for _, begin, end in self.times if end <= restart[0])
        last = max(end for _, _, end in self.times)
        return restart[0] - sent - before + answered - last, restart[1] - restart[0]


async def run() -> list[Result]:
    """Restart a container by a gateway in this process; the quietest of the rounds counts."""
    rounds: list[tuple[float, float]] = []
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="sopbot-share-") as name, docker_engine() as docker:
        folder = Path(name)
        docker.run(
            "run", "-d", "--name", _NAME, "--network", "none", IMAGE,
            "/bin/busybox", "sh", "-c", _SCRIPT,
        )  # fmt: skip
        calls = Calls()
        async with proxy(docker, calls, folder / "engine.sock") as url:
            for number in range(ROUNDS):
                own, engine = [], []
                async for sent, answered in restarts(url, folder / str(number), calls):
                    share, restart = calls.own_seconds(sent, answered)
                    own.append(share * 1000)
                    engine.append(restart * 1000)
                rounds.append((statistics.median(own), statistics.median(engine)))
                worst = max(worst, *own)
    value, floor = min(rounds)
    detail = {"p50_of_each_round": [own for own, _ in rounds], "worst_ms": worst}
    return [Result("gateway.docker_share", value, "ms", floor, Bar(BAR_MS, "ms"), detail)]


@asynccontextmanager
async def proxy(docker: DockerDaemon, calls: Calls, socket: Path) -> AsyncIterator[str]:
    """Pass requests on to the engine, and record when each was there."""
    connector = aiohttp.UnixConnector(docker.url.removeprefix("unix://"))
    async with aiohttp.ClientSession(connector=connector) as session:

        async def forward(request: web.Request) -> web.Response:
            url, body = f"http://docker{request.path_qs}", await request.read()
            begin = time.perf_counter()
            async with session.request(request.method, url, data=body) as answer:
                data = await answer.read()
            entry = ("/restart" in request.path, begin, time.perf_counter())
            calls.times.append(entry)
            return web.Response(
                status=answer.status, body=data or None, content_type=answer.content_type
            )

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", forward)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.UnixSite(runner, str(socket)).start()
        try:
            yield f"unix://{socket}"
        finally:
            await runner.cleanup()


async def restarts(url: str, folder: Path, calls: Calls) -> AsyncIterator[tuple[float, float]]:
    """Restart again and again; yields when the request was sent, and when it was answered."""
    config = read_config(
        {
            "listen": {"port": 0},
            "state_dir": str(folder / "state"),
            "docker": {"url": url},
            "targets": {_NAME: {"executor": "docker", "container": _NAME}},
        }
    )
    async with running(config) as gateway, aiohttp.ClientSession() as session:
        client = GatewayClient(
            session, url=gateway.url, timeout=60, source_id="bench", secret="",
            clock=lambda: datetime.now(UTC),
        )  # fmt: skip
        for _ in range(RESTARTS):
            plan = await client.plan(_RESTART)
            assert plan is not None
            calls.times.clear()
            sent = time.perf_counter()
            outcome = await client.execute(_RESTART, key=uuid.uuid4().hex, digest=plan.digest)
            answered = time.perf_counter()
            if outcome.state != "succeeded":
                raise RuntimeError(f"{outcome.error_code}: {outcome.error}")
            yield sent, answered
