"""`python -m bot check` names cause and remedy of every mistake, once, and changes nothing."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.app import Bot
from bot.check import check
from bot.gateway.app import running
from bot.gateway.config import read_config
from bot.settings import load
from bot.simulator import LocalSlack
from tests.helpers.databases import SqliteDatabase
from tests.helpers.postgres import PostgresServer
from tests.helpers.slack_faults import SlackHooks
from tests.scenarios.mistake import Mistake
from tests.scenarios.mistakes import MISTAKES
from tests.scenarios.slack_mistakes import OPS, SCOPES
from tests.scenarios.starting import gateway_config
from tests.scenarios.world import (
    BEN,
    CHLOE,
    SECRET,
    Gateway,
    LeakyService,
    World,
    environ,
    restart_sop,
)

WRITES = ("chat.", "views.", "reactions.", "files.", "conversations.join", "conversations.open")


@pytest.fixture
async def slack(slack_hooks: SlackHooks) -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(faults=slack_hooks, scopes=SCOPES) as running_slack:
        yield running_slack


@pytest.fixture
def world(
    slack: LocalSlack,
    slack_hooks: SlackHooks,
    leaky_service: LeakyService,
    gateway: Gateway,
    tmp_path: Path,
) -> World:
    """A world that works, on a store that is not there yet."""
    folder = tmp_path / "operator"
    folder.mkdir()
    store = SqliteDatabase(tmp_path / "store" / "sopbot.db")
    store.file.parent.mkdir()
    world = World(
        slack, slack_hooks, leaky_service, store, folder, gateway.url, f"{leaky_service.url}/health"
    )
    world.write_policy(BEN, CHLOE)
    world.write_sops(restart_sop(world.probe_url))
    return world


async def checked(
    world: World, capsys: pytest.CaptureFixture[str], **changes: str | None
) -> tuple[int, str]:
    """(exit code, what it printed), with no secret in it."""
    settings = environ(world.settings(SLACK_OPS_CHANNEL=OPS), **changes)
    code = await check(settings, world.folder / ".env")
    out, err = capsys.readouterr()
    assert err == "", "a problem is told once, on standard output"
    for secret in (world.slack.bot_token, world.slack.app_token, SECRET, "hunter2"):
        assert secret not in out
    return code, out


def line_of(out: str) -> str:
    """The one line of a problem."""
    problems = [line for line in out.splitlines() if line.startswith("✗ ")]
    assert len(problems) == 2, out
    assert problems[-1] == "✗ 1 problem"
    return problems[0]


@contextmanager
def nothing_changes(world: World, tmp_path: Path) -> Iterator[None]:
    """No file of the operator's or of the store, and no writing call to Slack."""

    def digests() -> dict[str, str]:
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            for folder in (world.folder, tmp_path / "store")
            for path in sorted(folder.rglob("*"))
        }

    before, calls = digests(), len(world.slack.calls)
    yield
    assert digests() == before
    after = [call.method for call in world.slack.calls[calls:]]
    assert [method for method in after if method.startswith(WRITES)] == []


async def test_a_world_that_works_is_all_green_and_no_store_is_made(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with nothing_changes(world, tmp_path):
        code, out = await checked(world, capsys)
    assert code == 0, out
    assert out.endswith("✓ Ready to run.\n")
    assert {line[0] for line in out.splitlines() if line} == {"✓"}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.cause[:60])
async def test_a_mistake_is_named_once_with_its_remedy_and_nothing_is_changed(
    world: World, mistake: Mistake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = mistake.make(world)
    with nothing_changes(world, tmp_path):
        code, out = await checked(world, capsys, **changes)
    line = line_of(out)
    assert code == 1
    assert line.startswith(f"✗ {mistake.about} "), out
    assert mistake.cause in line
    assert mistake.remedy in line


# What needs more than a setting


async def test_a_port_that_is_taken_is_named(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        _, out = await checked(world, capsys, HTTP_ADDR=address)
    assert f"HTTP_ADDR: cannot listen on {address}" in line_of(out)
    assert "stop what listens there" in line_of(out)


async def test_another_server_that_says_ok_is_no_bot(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    async def healthy(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.router.add_get("/{any:.*}", healthy)
    async with TestServer(app) as other:
        _, out = await checked(world, capsys, HTTP_ADDR=f"127.0.0.1:{other.port}")
    assert "HTTP_ADDR: cannot listen on" in line_of(out)


async def test_a_check_beside_the_running_bot_finds_no_problem(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Bot(load(world.settings(), world.folder / ".env")) as bot:
        address = bot.http_url.removeprefix("http://")
        code, out = await checked(world, capsys, HTTP_ADDR=address)
    assert code == 0, out
    assert f"! http       a bot is running at {address}" in out


@pytest.fixture
async def store_of_another_day(world: World) -> None:
    """A store that a bot has used."""
    async with Bot(load(world.settings(), world.folder / ".env")):
        pass


@pytest.mark.usefixtures("store_of_another_day")
async def test_an_audit_key_that_is_not_the_store_s_is_named(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with nothing_changes(world, tmp_path):
        _, out = await checked(world, capsys, AUDIT_KEY="another key of sixteen bytes")
    assert "AUDIT_KEY is not the key of this store's trail" in line_of(out)
    assert "restore the key" in line_of(out)


@pytest.mark.usefixtures("store_of_another_day")
async def test_the_store_of_a_bot_that_ran_is_good_and_stays_as_it_is(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with nothing_changes(world, tmp_path):
        code, out = await checked(world, capsys)
    assert code == 0, out
    assert "each proved" in out


async def test_two_clocks_that_differ_are_named(
    world: World, leaky_service: LeakyService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = gateway_config(leaky_service, tmp_path / "late") | {"targets": {}}
    config = read_config(settings, environ={"GATEWAY_SECRET": SECRET})
    async with running(config, clock=lambda: datetime.now(UTC) - timedelta(hours=1)) as late:
        world.write_sops()
        _, out = await checked(world, capsys, AI_COMMAND_GATEWAY_URL=late.url)
    assert "away from this gateway's clock" in line_of(out)
    assert "set the clock" in line_of(out)


async def test_a_gateway_that_checks_no_signature_is_named(
    world: World, leaky_service: LeakyService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = gateway_config(leaky_service, tmp_path / "open") | {
        "targets": {},
        "sources": {"sopbot": {}},
    }
    async with running(read_config(settings, environ={})) as gateway:
        world.write_sops()
        _, out = await checked(world, capsys, AI_COMMAND_GATEWAY_URL=gateway.url)
    assert "the gateway takes unsigned ones too" in line_of(out)
    assert "sources.<name>.secret_env" in line_of(out)


async def test_a_missing_optional_gateway_is_named_and_is_no_problem(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    away = {"AI_COMMAND_GATEWAY_URL": "http://127.0.0.1:1", "AI_COMMAND_GATEWAY_REQUIRED": "false"}
    code, out = await checked(world, capsys, **away)
    assert code == 0, out
    assert "! gateway    nothing can run: The gateway at http://127.0.0.1:1 cannot be" in out


async def test_a_degraded_gateway_is_named_and_is_no_problem(
    world: World, leaky_service: LeakyService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = gateway_config(leaky_service, tmp_path / "sick")
    result["docker"] = {"url": f"unix://{tmp_path}/nobody.sock"}
    result["targets"]["box"] = {"executor": "docker", "container": "box", "environment": "prod"}
    config = read_config(result, environ={"GATEWAY_SECRET": SECRET})
    async with running(config) as gateway:
        code, out = await checked(world, capsys, AI_COMMAND_GATEWAY_URL=gateway.url)
    assert code == 0, out
    assert "! gateway    degraded, offers " in out
    assert "docker: " in out


async def test_a_wrong_user_of_postgresql_is_named(
    world: World, postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    scheme, _, rest = postgres.database().partition("://")
    nobody = f"{scheme}://nobody:hunter2@{rest.rpartition('@')[2]}"
    _, out = await checked(world, capsys, STORE_URL=nobody)
    assert line_of(out).startswith("✗ store ")
    assert "STORE_URL" in line_of(out)


async def test_a_database_that_is_empty_is_good_and_stays_empty(
    world: World, postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgres.database(migrated=False)
    for _ in range(2):
        code, out = await checked(world, capsys, STORE_URL=url)
        assert code == 0, out
        assert "is empty: the first start makes its tables" in out


async def test_two_sops_that_match_equally_well_are_named_and_are_no_problem(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    result = restart_sop(world.probe_url, sop_id="sop_one", keys=["svc:check*", "sev:critical"])
    world.write_sops(result, result | {"sop_id": "sop_two", "keys": ["svc:*-api", "sev:critical"]})
    code, out = await checked(world, capsys)
    assert code == 0, out
    assert "! sops       sop_one and sop_two fit the same alerts equally well" in out


async def test_several_mistakes_are_counted_and_their_consequences_are_not(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = await checked(
        world, capsys, SLACK_BOT_TOKEN="xoxb-1-2", SOP_DIR="/nowhere", ADVISOR_COMMAND="nowhere"
    )
    assert code == 1
    assert out.endswith("✗ 3 problems\n")
    assert "· channels   not checked: Slack does not answer to SLACK_BOT_TOKEN" in out


def test_there_are_enough_mistakes_and_each_check_is_in_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(" `") for line in text.splitlines() if line.startswith("| `")}
    assert {mistake.about for mistake in MISTAKES} | {"audit", "http"} <= rows
    assert len(MISTAKES) >= 27
