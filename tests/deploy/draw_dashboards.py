"""`python -m tests.deploy.draw_dashboards`: the pictures of the dashboards in docs/images.

It plays the demo with a few dozen more alerts, lets a real Prometheus scrape the bot and its
gateway each second, and asks that Prometheus each expression of the dashboards. No Grafana draws
it: no package index that we reach has one.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import yaml

from bot.demo.printing import Printer
from bot.demo.scenario import Scenario
from bot.demo.world import World, running
from tests.deploy.dashboard_picture import Series, draw, read_series
from tests.helpers.ports import kept_port
from tests.helpers.waiting import until
from tests.scenarios.world import alertmanager

ROOT = Path(__file__).parents[2]
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
IMAGES = ROOT / "docs" / "images"
PROMETHEUS = shutil.which("prometheus") or "prometheus"
ALERTS = 40  # after the demo's own, one a second
WINDOW = "15s"  # in place of $__rate_interval


async def main() -> None:
    """Write the pictures."""
    output = io.StringIO()
    printer = Printer(output)
    async with running(printer) as world:
        gateway = re.findall(r"gateway at (http\S+?),", output.getvalue())[0]
        async with prometheus(world.bot_url, gateway) as url:
            began = time.time()
            await Scenario(world, printer, timeout=60.0).play()
            await post_alerts(world)
            await draw_all(world.session, url, began, time.time())


async def post_alerts(world: World) -> None:
    """Post an alert a second, and resolve each third one five seconds later."""
    for number in range(ALERTS):
        attachments = [alertmanager(f"shop-{number}", "Down", "warning", "FIRING")]
        if number >= 5 and number % 3 == 0:
            attachments = [alertmanager(f"shop-{number - 5}", "Down", "warning", "RESOLVED")]
        await world.slack.post_as_app("Alertmanager", "alerts", attachments=attachments)
        await asyncio.sleep(1)


@asynccontextmanager
async def prometheus(*targets: str) -> AsyncIterator[str]:
    """A Prometheus that scrapes the bot and the gateway each second; its address."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="sopbot-prometheus-"))
        hosts = [target.removeprefix("http://").rstrip("/") for target in targets]
        jobs = zip(("sopbot", "sopbot-gateway"), hosts, strict=True)
        config = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [
                {"job_name": name, "static_configs": [{"targets": [host]}]} for name, host in jobs
            ],
        }
        file = Path(folder) / "prometheus.yml"
        file.write_text(yaml.safe_dump(config))
        address = f"127.0.0.1:{stack.enter_context(kept_port())}"
        process = await asyncio.create_subprocess_exec(
            PROMETHEUS,
            f"--config.file={file}",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={address}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession() as session:

                async def ready() -> bool:
                    try:
                        async with session.get(f"http://{address}/-/ready") as answer:
                            return answer.status == 200
                    except aiohttp.ClientError:
                        return False

                await until(ready, why="Prometheus is ready")
            yield f"http://{address}"
        finally:
            process.terminate()
            await process.wait()


async def draw_all(session: aiohttp.ClientSession, url: str, began: float, ended: float) -> None:
    """Ask Prometheus each expression, and write a picture for each dashboard."""
    for file in sorted(DASHBOARDS.glob("*.json")):
        panels = []
        for panel in json.loads(file.read_text("utf-8"))["panels"]:
            series: list[Series] = []
            for target in panel["targets"]:
                expression = target["expr"].replace("$__rate_interval", WINDOW)
                query = {"query": expression, "start": began, "end": ended, "step": 1}
                async with session.get(f"{url}/api/v1/query_range", params=query) as answer:
                    facts = await answer.json()
                assert facts["status"] == "success", (expression, facts)
                series += read_series(target["legendFormat"], facts["data"]["result"])
            panels.append((panel, series))
        picture = IMAGES / f"dashboard-{file.stem}.svg"
        picture.write_text(draw(panels, began=began, ended=ended), "utf-8")
        empty = [panel["title"] for panel, series in panels if not series]
        sys.stdout.write(f"{picture.relative_to(ROOT)}, without data: {empty}\n")


if __name__ == "__main__":
    asyncio.run(main())
