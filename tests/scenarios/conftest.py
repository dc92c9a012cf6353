"""The whole bot over real sockets: a local Slack, the real gateway, a leaking service."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from bot.app import Bot
from bot.gateway.app import running
from bot.gateway.config import read_config
from bot.settings import load
from bot.simulator import LocalSlack
from store.engines.clocks import system_clock
from tests.helpers.bot_processes import BotProcess, ForkedBot, child_environment
from tests.helpers.clocks import RunningClock
from tests.helpers.databases import Database, PostgresDatabase, SqliteDatabase
from tests.helpers.nats import NatsServer, nats_server
from tests.helpers.slack_faults import HttpProxy, SlackHooks
from tests.scenarios.http_caller import TOKEN, HttpCaller, StartWithHttp
from tests.scenarios.starting import StartBot, StartProcess, gateway_config
from tests.scenarios.world import (
    BEN,
    CHLOE,
    SECRET,
    Gateway,
    LeakyService,
    World,
    restart_sop,
)


@pytest.fixture
def slack_hooks() -> SlackHooks:
    return SlackHooks()


@pytest.fixture
async def slack(slack_hooks: SlackHooks) -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(faults=slack_hooks) as running_slack:
        yield running_slack


@pytest.fixture
def leaky_service(tmp_path: Path, free_port: Callable[[], int]) -> LeakyService:
    return LeakyService(free_port(), tmp_path / "starts")


@pytest.fixture
async def gateway(leaky_service: LeakyService, tmp_path: Path) -> AsyncIterator[Gateway]:
    """The real gateway, in this process."""
    state = tmp_path / "gateway"
    config = read_config(gateway_config(leaky_service, state), environ={"GATEWAY_SECRET": SECRET})
    async with running(config, environ={"PATH": os.environ["PATH"]}) as started:
        yield Gateway(started.url, state)


@pytest.fixture
async def gateway_process(leaky_service: LeakyService, tmp_path: Path) -> AsyncIterator[Gateway]:
    """The real gateway, as an operator starts it."""
    state = tmp_path / "gateway"
    file = tmp_path / "gateway.yaml"
    file.write_text(json.dumps(gateway_config(leaky_service, state)))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.gateway",
        "--config",
        str(file),
        cwd=tmp_path,
        env=child_environment({"GATEWAY_SECRET": SECRET}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = await process.stdout.readline()
        yield Gateway(json.loads(line)["url"], state)
    finally:
        process.terminate()
        async with asyncio.timeout(60):
            await process.communicate()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every scenario runs on each engine that `--store` names, unless it needs only one."""
    if "database" in metafunc.fixturenames:
        named = metafunc.config.getoption("store")
        both = ["sqlite", "postgresql"]
        if metafunc.definition.get_closest_marker("one_engine"):
            both = ["sqlite"]  # it asks nothing of the store that the contract does not test
        engines = both if named == "both" else [named]
        metafunc.parametrize("database", engines, indirect=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Coverage needs one engine only, and `engines_in_turn` shares the cases out between both."""
    case = getattr(item, "callspec", None)
    if case is None or "database" not in case.params:
        return
    if case.params["database"] != "sqlite":
        item.add_marker(pytest.mark.unmeasured)
    both = item.config.getoption("store") == "both"
    if both and item.get_closest_marker("engines_in_turn") and sum(case.indices.values()) % 2:
        item.add_marker(pytest.mark.chaos)


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Return the database of the bot."""
    if request.param == "postgresql":
        own: PostgresDatabase = request.getfixturevalue("own_database")
        return own
    return SqliteDatabase(tmp_path / "sopbot.db")


def _world(
    slack: LocalSlack,
    slack_hooks: SlackHooks,
    leaky_service: LeakyService,
    store: Database,
    url: str,
    folder: Path,
) -> World:
    world = World(
        slack, slack_hooks, leaky_service, store, folder, url, f"{leaky_service.url}/health"
    )
    world.write_policy(BEN, CHLOE)
    world.write_sops(restart_sop(world.probe_url))
    return world


@pytest.fixture
def world(
    slack: LocalSlack,
    slack_hooks: SlackHooks,
    leaky_service: LeakyService,
    database: Database,
    gateway: Gateway,
    tmp_path: Path,
) -> World:
    """Everything but the bot; ben and chloe may approve, the SOP offers a restart."""
    return _world(slack, slack_hooks, leaky_service, database, gateway.url, tmp_path)


@pytest.fixture
async def gateway_proxy(world: World) -> AsyncIterator[HttpProxy]:
    """A proxy between the bot and the gateway."""
    async with HttpProxy.before(world.gateway_url) as proxy:
        world.gateway_url = proxy.url
        yield proxy


@pytest.fixture
def clock() -> RunningClock:
    """The bot's clock: real time, until a test puts it forward."""
    return RunningClock(system_clock)


@pytest.fixture
async def bot(world: World, clock: RunningClock) -> AsyncIterator[StartBot]:
    """Start a bot in this process; the arguments are settings. Stopped at the end."""
    async with AsyncExitStack() as stack:

        async def start(**settings: str) -> Bot:
            loaded = load(world.settings(**settings), world.folder / "no.env")
            return await stack.enter_async_context(Bot(loaded, clock=clock))

        yield start


@pytest.fixture
async def bot_process(world: World) -> AsyncIterator[StartProcess]:
    """Start `python -m bot` (or, with `fork`, its main() in a forked process)."""
    started: list[BotProcess] = []

    async def start(*, fork: bool = False, ready: bool = True, **settings: str) -> BotProcess:
        kind = ForkedBot if fork else BotProcess
        process = kind(world.settings(**settings), world.folder, len(started))
        started.append(process)
        await process.begin()
        if ready:
            await process.ready()
        return process

    yield start
    for process in started:
        process.kill()
        await process.ended()
        if isinstance(process, ForkedBot):
            process.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def unsigned_gateway(leaky_service: LeakyService, tmp_path: Path) -> AsyncIterator[str]:
    """The real gateway without secrets, on loopback; its address."""
    config = gateway_config(leaky_service, tmp_path / "unsigned") | {"sources": {}}
    async with running(read_config(config), environ={"PATH": os.environ["PATH"]}) as started:
        yield started.url


@pytest.fixture
async def two_open(world: World, bot: StartBot) -> None:
    """INC-1 with an SOP, INC-2 without one, nobody proposing anything."""
    sop = restart_sop(world.probe_url)
    world.write_sops(sop | {"actions": []})
    await bot()
    await world.alert()
    await world.card()
    await world.alert("search-api", name="LatencyHigh", severity="warning")
    await world.card(number=2)
    await world.quiet()


@pytest.fixture
async def one_open(world: World, bot: StartBot) -> None:
    """INC-1 with an SOP, nobody proposing anything."""
    world.write_sops(restart_sop(world.probe_url) | {"actions": []})
    await bot()
    await world.alert()
    await world.card()
    await world.quiet()


@pytest.fixture
async def start_with_http(bot: StartBot, http: aiohttp.ClientSession) -> StartWithHttp:
    """Start a bot with a bearer token; a client that sends the token."""

    async def start(**settings: str) -> HttpCaller:
        return HttpCaller(await bot(**{"HTTP_TOKEN": TOKEN} | settings), http)

    return start


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """A NATS server with JetStream."""
    with nats_server() as running_server:
        yield running_server
