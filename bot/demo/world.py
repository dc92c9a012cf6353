"""Starts everything for the demo: the local Slack, the gateway with the service, the bot, the
monitor.
"""

import asyncio
import json
import secrets
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bot.demo.children import Child
from bot.demo.errors import DemoFailedError
from bot.demo.files import SECRET_NAME, SERVICE, advisor_argv, write_files
from bot.demo.load import Load
from bot.demo.monitor import Monitor
from bot.demo.printing import Printer
from bot.example_files import MANIFEST
from bot.simulator import LocalSlack, Manifest, read_manifest

APPROVERS = ("ana", "ben")


@dataclass(frozen=True)
class World:
    """The running parts, for the scenario."""

    slack: LocalSlack
    session: aiohttp.ClientSession
    monitor: Monitor
    bot_url: str
    service_log: Path
    children: tuple[Child, ...]
    tasks: tuple["asyncio.Task[None]", ...]

    def check(self) -> None:
        """Raise DemoFailedError if a part has ended by itself."""
        for child in self.children:
            child.check()
        for task in self.tasks:
            if task.done():
                raise DemoFailedError(f"the {task.get_name()} ended by itself: {task.exception()}")


@asynccontextmanager
async def running(
    printer: Printer, *, advisor: str = "", logs: Path | None = None
) -> AsyncIterator[World]:
    """Start everything in a temporary folder; end and remove it when the block ends.

    `advisor` replaces the demo's own advisor command. With `logs`, that folder keeps all log events
    of bot and gateway, as JSON. If the start or the block fails, the messages of the channel and
    the ends of the children's logs are printed.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="sopbot-demo-")))
        slack = await stack.enter_async_context(LocalSlack.start(manifest=_manifest()))
        printer.done(f"local Slack at {slack.page_url}")
        children: list[Child] = []
        if logs is not None:
            stack.callback(_keep_logs, children, logs)  # after they have ended
        try:
            yield await _start(stack, printer, slack, folder, children, advisor, logs is not None)
        except Exception:  # whatever it was, the logs help to find it
            printer.plain(slack.transcript("alerts"))
            for child in children:
                printer.plain(f"\nThe end of the {child.name}'s log:\n{child.tail()}")
            raise


async def _start(
    stack: AsyncExitStack,
    printer: Printer,
    slack: LocalSlack,
    folder: Path,
    children: list[Child],
    advisor: str,
    recorded: bool,
) -> World:
    service_url = f"http://127.0.0.1:{_free_port()}"
    write_files(
        folder, service_url=service_url, approvers=[slack.users[name] for name in APPROVERS]
    )
    secret = secrets.token_hex(16)

    gateway = _gateway(folder, secret)
    children.append(gateway)
    stack.push_async_callback(gateway.end)
    gateway_url = await gateway.wait_for_output(r'(?m)^\{"url": "(http[^"]+)"\}')
    printer.done(f"gateway at {gateway_url}, and checkout-api at {service_url}")

    settings = _settings(slack, folder, gateway_url, secret, advisor)
    if recorded:
        settings |= {"LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG"}
    bot = Child("bot", [sys.executable, "-m", "bot"], settings=settings, folder=folder)
    children.append(bot)
    stack.push_async_callback(bot.end)
    bot_url = await bot.wait_for_output(r"bot\.ready\b.*?\burl\W+(http[^\s\"]+)")
    printer.done(f"bot at {bot_url}, by `python -m bot` as in production")

    log = folder / "gateway-state" / "logs" / f"{SERVICE}.log"
    return await _watched(stack, slack, service_url, bot_url, log, tuple(children))


async def _watched(
    stack: AsyncExitStack,
    slack: LocalSlack,
    service_url: str,
    bot_url: str,
    service_log: Path,
    children: tuple[Child, ...],
) -> World:
    """The world with its load on the service, and a monitor that reports its health."""
    # No connection is kept: a probe must reach the current process, not the previous one.
    session = await stack.enter_async_context(
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=2),
        )
    )
    load = Load(session, f"{service_url}/checkout")
    monitor = Monitor(
        session,
        service_url=service_url,
        webhook_url=slack.webhook_url("alerts"),
        on_ill=load.calm_down,
    )
    tasks = (
        asyncio.create_task(load.run(), name="load"),
        asyncio.create_task(monitor.run(), name="monitor"),
    )
    for task in tasks:
        stack.push_async_callback(_cancel, task)
    return World(
        slack=slack,
        session=session,
        monitor=monitor,
        bot_url=bot_url,
        service_log=service_log,
        children=children,
        tasks=tasks,
    )


def _gateway(folder: Path, secret: str) -> Child:
    config = str(folder / "gateway.yaml")
    argv = [sys.executable, "-m", "bot.gateway", "--config", config]
    return Child("gateway", argv, settings={SECRET_NAME: secret}, folder=folder)


def _settings(
    slack: LocalSlack, folder: Path, gateway_url: str, secret: str, advisor: str
) -> dict[str, str]:
    """Return the settings of a person's .env; only the addresses and tokens are the demo's."""
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "SLACK_ALERT_CHANNELS": slack.channels["alerts"],
        "SLACK_OPS_CHANNEL": slack.channels["ops"],
        "AI_COMMAND_GATEWAY_URL": gateway_url,
        "AI_COMMAND_GATEWAY_TIMEOUT": "75",
        "AI_COMMAND_GATEWAY_SOURCE_ID": "sopbot-demo",
        "AI_COMMAND_GATEWAY_SECRET": secret,
        "AUDIT_KEY": secrets.token_hex(32),
        "ADVISOR_COMMAND": advisor or json.dumps(advisor_argv(folder)),
        "STORE_URL": f"sqlite:///{folder / 'sopbot.db'}",
        "HTTP_ADDR": "127.0.0.1:0",
        "POLICY_FILE": str(folder / "policy.yaml"),
        "SOP_DIR": str(folder / "sops"),
        "LOG_FORMAT": "pretty",
    }


def _manifest() -> Manifest:
    """Return the app's real manifest, so that the bot receives the events that Slack would send."""
    return read_manifest(MANIFEST)


def _keep_logs(children: list[Child], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for child in children:
        shutil.copy(child.log, folder / f"{child.name}.log")


def _free_port() -> int:
    """Return a port for the service, the same before and after its restart."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
