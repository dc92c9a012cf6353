"""A floor: the minimum that aiohttp does for a posted alert. Its own process, like the bot."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

from aiohttp import web

from benchmarks.bare_writer import GroupedWriter


async def main() -> None:
    """Listen until SIGTERM."""
    writer = GroupedWriter(os.environ["BENCH_DB"])

    async def alerts(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        await writer.write(json.dumps(body))
        return web.json_response({"accepted": 1}, status=202)

    app = web.Application()
    app.router.add_post("/alerts/{source}", alerts)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"ready: http://127.0.0.1:{runner.addresses[0][1]}", file=sys.stderr, flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
