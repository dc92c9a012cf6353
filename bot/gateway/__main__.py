"""`python -m bot.gateway --config config/gateway.yaml`: run the reference gateway."""

from __future__ import annotations

from bot.hardening import forget_variables, hide_memory, renounce_privileges

if __name__ == "__main__":
    # Before the imports below: they take long enough for another process to read our memory.
    hide_memory()

import argparse
import asyncio
import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from bot.gateway import audit_check
from bot.gateway.app import RunningGateway, running, utc_now
from bot.gateway.config import GatewayConfig, load_config
from bot.gateway.errors import ConfigError
from bot.gateway.events import Event, emit
from bot.gateway.tracing import HEADERS
from bot.remediation import contract
from bot.serving.dump import NoDumpError, fetch, local_url
from bot.serving.logs import set_up

EX_CONFIG = 78

log = logging.getLogger("bot.gateway")


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns 78 for a config that cannot be used."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["audit"]:
        code, text = audit_check.run(arguments[1:])
        print(text, file=sys.stderr if code else sys.stdout)
        return code
    parser = argparse.ArgumentParser(prog="python -m bot.gateway", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config/gateway.yaml"))
    parser.add_argument("--port", type=int, help="instead of the config's; 0 picks a free one")
    parser.add_argument("--check", action="store_true", help="only check the config")
    parser.add_argument(
        "--dump", action="store_true", help="print the state of the running gateway as JSON"
    )
    options = parser.parse_args(arguments)
    set_up(*_log_style())
    environ = dict(os.environ)

    def read() -> GatewayConfig:
        return _read(options.config, options.port, environ)

    try:
        config = read()
        if options.check:
            targets = len(config.targets)
            print(f"{options.config}: ok, {targets} target" + ("" if targets == 1 else "s"))
            return 0
        if options.dump:
            print(json.dumps(asyncio.run(_fetch_dump(config)), indent=2))
            return 0
        renounce_privileges()
        # This process keeps the secrets for a reload; its children and /proc do not show them.
        forget_variables({*config.secret_variables, HEADERS})
        asyncio.run(_serve(config, read, environ))
    except ConfigError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return EX_CONFIG
    except NoDumpError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The gateway cannot start: {error}", file=sys.stderr)
        return 1
    return 0


def _log_style() -> tuple[str, str]:
    """Return LOG_LEVEL and LOG_FORMAT, as the bot reads them; what is unknown is the default."""
    level, style = os.environ.get("LOG_LEVEL", ""), os.environ.get("LOG_FORMAT", "")
    return (
        level if level in ("DEBUG", "INFO", "WARNING", "ERROR") else "INFO",
        style if style in ("auto", "pretty", "json") else "auto",
    )


def _read(file: Path, port: int | None, environ: Mapping[str, str]) -> GatewayConfig:
    """Return the config. From here on its secrets never reach a log line."""
    config = load_config(file, environ)
    named = config.target_secrets.values()
    passwords = [secret.get_secret_value() for part in named for secret in part.values()]
    model = config.model_token.get_secret_value()
    set_up(*_log_style(), secrets=[*config.callers.values(), *passwords, model])
    if port is None:
        return config
    return config.model_copy(update={"listen": config.listen.model_copy(update={"port": port})})


async def _serve(
    config: GatewayConfig, read: Callable[[], GatewayConfig], environ: Mapping[str, str]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Installed at once: by default both signals end this process and everything it supervises.
    pending: set[asyncio.Task[None]] = set()
    started: list[RunningGateway] = []

    def on(number: signal.Signals, work: Callable[[RunningGateway], Awaitable[None]]) -> None:
        async def run() -> None:
            if started:
                await work(started[0])

        def begin() -> None:
            task = loop.create_task(run())
            pending.add(task)
            task.add_done_callback(pending.discard)

        loop.add_signal_handler(number, begin)

    on(signal.SIGHUP, lambda gateway: _reload(gateway, read))
    on(signal.SIGUSR1, _dump)
    async with running(config, environ=environ) as gateway:
        started.append(gateway)
        emit(Event.READY, url=gateway.url)
        print(json.dumps({"url": gateway.url}), flush=True)
        await stop.wait()


async def _reload(gateway: RunningGateway, read: Callable[[], GatewayConfig]) -> None:
    """Read the config again: use all of it, or keep the old one if it has a problem."""
    try:
        config = read()
        await gateway.reload(config)
    except ConfigError as error:
        log.error("config not reloaded, the old one stays in use: %s", "; ".join(error.problems))
        return
    log.info("config reloaded: %d targets, %d sources", len(config.targets), len(config.sources))


async def _fetch_dump(config: GatewayConfig) -> Any:
    """Fetch the dump of the gateway that runs with this config, signed as its first source."""
    if config.listen.tls:
        raise NoDumpError("The gateway answers by TLS: send SIGUSR1, the dump is in its log.")
    url = local_url(config.listen.host, config.listen.port)
    headers = {}
    if config.callers.signing:
        _, secret = config.callers.signing[0]
        timestamp, nonce = contract.rfc3339(utc_now()), secrets.token_hex(16)
        signature = contract.sign(
            secret.get_secret_value().encode(),
            method="GET",
            path="/dump",
            timestamp=timestamp,
            nonce=nonce,
            body=b"",
        )
        headers = {
            contract.TIMESTAMP: timestamp,
            contract.NONCE: nonce,
            contract.SIGNATURE: signature,
        }
    elif config.callers.tokens:
        _, token = config.callers.tokens[0]
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    return await fetch(f"{url}/dump", headers)


async def _dump(gateway: RunningGateway) -> None:
    log.info("dump: %s", json.dumps(await gateway.dump()))


if __name__ == "__main__":
    sys.exit(main())
