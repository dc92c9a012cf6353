"""`python -m bot.gateway --config config/gateway.yaml`: run the reference gateway."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from bot.gateway.app import running
from bot.gateway.config import GatewayConfig, load_config
from bot.gateway.errors import ConfigError
from bot.gateway.events import Event, emit
from bot.serving.logs import set_up

EX_CONFIG = 78


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns 78 for a config that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m bot.gateway", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config/gateway.yaml"))
    parser.add_argument("--port", type=int, help="instead of the config's; 0 picks a free one")
    parser.add_argument("--check", action="store_true", help="only check the config")
    given = parser.parse_args(arguments)
    set_up("INFO", "auto")
    try:
        config = load_config(given.config)
        if given.port is not None:
            listen = config.listen.model_copy(update={"port": given.port})
            config = config.model_copy(update={"listen": listen})
        set_up("INFO", "auto", secrets=[s.get_secret_value() for s in config.secrets.values()])
        if given.check:
            print(f"{given.config}: ok, {len(config.targets)} targets")
            return 0
        asyncio.run(_serve(config))
    except ConfigError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return EX_CONFIG
    except OSError as error:
        print(f"The gateway cannot start: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(config: GatewayConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(config) as gateway:
        emit(Event.READY, url=gateway.url)
        print(json.dumps({"url": gateway.url}), flush=True)
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
