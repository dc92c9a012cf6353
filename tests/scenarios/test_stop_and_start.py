"""The bot stops in good order, and refuses with a reason to start on bad settings."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.helpers.bot_processes import run_bot
from tests.helpers.databases import SqliteDatabase
from tests.helpers.slack_faults import HttpProxy, kind_of
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import AUDIT_KEY, SECRET, World, environ

UNTIDY = (
    "will be ignored",  # Bolt, of a token that it does not need
    "Task was destroyed",
    "Unclosed",
    "ResourceWarning",
    "never retrieved",
    "never awaited",
    "Traceback",
    "ERROR",
)


def environ_of(pid: int) -> bytes:
    """Return what /proc shows of the variables it was started with; nobody but root may look."""
    if os.geteuid() != 0 or not Path("/proc/self/environ").exists():
        return b""
    return Path(f"/proc/{pid}/environ").read_bytes()


def tidy(log: str) -> None:
    for sign in UNTIDY:
        assert sign not in log, log


@pytest.mark.engines_in_turn
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_bot_cleanly_and_leaves_nothing_behind(
    world: World, bot_process: StartProcess, number: signal.Signals
) -> None:
    bot = await bot_process()
    await world.alert()
    await world.approval_card()
    os.kill(bot.pid, number)
    assert await bot.ended() == 0
    await world.slack.wait_for(lambda: not world.slack.connections, why="the link is closed")
    assert '"bot.stopping"' in bot.log
    tidy(bot.log)
    leftovers = [p.name for p in world.folder.glob("sopbot.db*")]
    assert set(leftovers) <= {"sopbot.db", "sopbot.db.lock"}, "the write-ahead log is folded in"


@pytest.mark.engines_in_turn
@pytest.mark.attack("ASI03")
async def test_a_dump_and_proc_show_no_secret_and_end_nothing(
    world: World, bot_process: StartProcess
) -> None:
    running = await bot_process()
    os.kill(running.pid, signal.SIGUSR1)
    await until(lambda: "dump: " in running.log, why="the dump is in the log")
    assert '"incidents"' in running.log.replace("\\", "")
    assert running.alive
    seen = environ_of(running.pid)
    for secret in (SECRET, AUDIT_KEY, world.slack.bot_token, world.slack.app_token):
        assert secret.encode() not in seen
        assert secret not in running.log
    if seen:
        assert b"SLACK_BOT_TOKEN=\0" in seen, "only the values are blanked"
    running.terminate()
    assert await running.ended() == 0


async def test_work_in_progress_is_finished_before_the_bot_stops(
    world: World, bot_process: StartProcess
) -> None:
    """A restart is in progress when SIGTERM comes: its answer is still stored and shown."""
    going, may_go_on = asyncio.Event(), asyncio.Event()
    async with HttpProxy.before(world.gateway_url) as gateway:

        async def hold(request: web.Request) -> bool:
            if request.path == "/execute":
                going.set()
                await may_go_on.wait()
            return True

        gateway.on_answer = hold
        bot = await bot_process(fork=True, AI_COMMAND_GATEWAY_URL=gateway.url)
        await world.alert()
        await world.press(await world.approval_card(), "Approve")
        await going.wait()
        bot.terminate()
        await until(lambda: '"bot.stopping"' in bot.log, why="it heard the signal")
        may_go_on.set()
        assert await bot.ended() == 0
    tidy(bot.log)
    state = world.rows("SELECT state FROM executions")[0]["state"]
    assert state == "succeeded"
    assert world.leaky_service.restarts == 1


async def test_a_post_in_progress_is_finished_and_not_repeated_by_the_next_process(
    world: World, bot_process: StartProcess
) -> None:
    posting, may_go_on = asyncio.Event(), asyncio.Event()

    async def hold(method: str, args: dict[str, Any]) -> bool:
        if method == "chat.postMessage" and kind_of(args) == "card":
            posting.set()
            await may_go_on.wait()
        return True

    world.slack_hooks.on_answer = hold
    bot = await bot_process(fork=True)
    await world.alert()
    await posting.wait()
    bot.terminate()
    await until(lambda: '"bot.stopping"' in bot.log, why="it heard the signal")
    may_go_on.set()
    assert await bot.ended() == 0
    tidy(bot.log)
    await bot_process(fork=True)
    await world.approval_card()
    await world.quiet()
    assert len(world.cards()) == 1


async def test_alerts_that_came_while_the_bot_was_down_are_picked_up(
    world: World, bot_process: StartProcess
) -> None:
    first = await bot_process(fork=True)
    first.terminate()
    assert await first.ended() == 0
    await world.alert()
    assert world.cards() == []
    await bot_process(fork=True)
    await world.approval_card()


async def refuses(
    world: World, code: int, *text: str, **changes: str | None
) -> tuple[str, list[str]]:
    """Assert that `python -m bot` ends with this code and text on stderr, without a secret."""
    settings = environ(world.settings(), **changes)
    ended, out, err = await run_bot(settings=settings, folder=world.folder)
    assert ended == code, err
    for word in text:
        assert word in err
    for secret in (world.slack.bot_token, world.slack.app_token, SECRET, "a-wrong-token"):
        assert secret not in out + err
    assert "Traceback" not in err
    return err, [line for line in err.splitlines() if line.startswith("  ✗ ")]


@pytest.mark.one_engine
async def test_without_a_gateway_the_bot_does_not_start(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        await refuses(
            world,
            1,
            f"sopbot does not start: The gateway at {url} cannot be reached",
            AI_COMMAND_GATEWAY_URL=url,
        )
    assert world.slack.calls_of("apps.connections.open") == [], "nothing is taken on before"


@pytest.mark.one_engine
async def test_a_server_that_is_no_gateway_is_recognised(world: World) -> None:
    await until(lambda: world.leaky_service.pids, why="the service is up")
    url = world.leaky_service.url
    await refuses(world, 1, "answered 200, but not with its health", AI_COMMAND_GATEWAY_URL=url)


@pytest.mark.one_engine
async def test_missing_and_misspelt_settings_are_one_line_each(world: World) -> None:
    err, problems = await refuses(
        world,
        78,
        SLACK_BOT_TOKEN=None,
        SLACK_BOT_TOKN="a-wrong-token",
        SLACK_ALERT_CHANNELS="",
        AI_COMMAND_GATEWAY_TIMEOUT="soon",
        AI_COMMAND_GATEWAY_SOURCE_ID=None,
        HTTP_ADDR="nowhere",
    )
    assert err.startswith("sopbot does not start:")
    assert "`python -m bot check` says more" in err
    settings = {line.removeprefix("  ✗ ").partition(":")[0] for line in problems}
    assert settings == {
        "SLACK_BOT_TOKEN",
        "SLACK_BOT_TOKN",
        "SLACK_ALERT_CHANNELS",
        "AI_COMMAND_GATEWAY_TIMEOUT",
        "AI_COMMAND_GATEWAY_SOURCE_ID",
        "HTTP_ADDR",
    }
    assert len(problems) == len(settings)
    assert "did you mean SLACK_BOT_TOKEN?" in err


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        (
            {"SLACK_BOT_TOKEN": "xoxb-a-wrong-token"},
            78,
            "SLACK_BOT_TOKEN: Slack does not accept it (invalid_auth)",
        ),
        (
            {"SLACK_APP_TOKEN": "xapp-a-wrong-token"},
            78,
            "SLACK_APP_TOKEN: Slack does not accept it (invalid_auth)",
        ),
        ({"SLACK_API_URL": "http://127.0.0.1:1/api/"}, 1, "Slack cannot be reached."),
        ({"STORE_URL": "sqlite:////dev/null/x.db"}, 1, "The store /dev/null/x.db"),
        ({"POLICY_FILE": "/nowhere/policy.yaml"}, 78, "POLICY_FILE: /nowhere/policy.yaml cannot"),
    ],
    ids=["bot token", "app token", "slack", "store", "policy"],
)
@pytest.mark.one_engine
async def test_settings_that_cannot_work_are_refused_at_the_start(
    world: World, changes: dict[str, str], code: int, text: str
) -> None:
    await refuses(world, code, text, **changes)


@pytest.mark.one_engine
async def test_an_unknown_key_in_the_policy_is_named_with_its_file(world: World) -> None:
    (world.folder / "policy.yaml").write_text("remediate:\n  aprovers: [U0BEN00001]\n")
    await refuses(world, 78, "policy.yaml:2: remediate.aprovers:")


@pytest.mark.one_engine
async def test_an_address_in_use_is_named(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        await refuses(world, 78, f"HTTP_ADDR: cannot listen on {address}", HTTP_ADDR=address)


async def test_a_store_of_a_newer_version_is_not_touched(world: World, bot: StartBot) -> None:
    running = await bot()
    await running.__aexit__(None, None, None)
    world.store.from_the_future()
    before = _schema(world)
    await refuses(world, 1, "was written by a newer sopbot")
    assert _schema(world) == before


def _schema(world: World) -> object:
    """The part of the store that a start would change first."""
    if isinstance(world.store, SqliteDatabase):
        return world.store.file.read_bytes()
    return [tuple(row) for row in world.rows("SELECT name, applied_at FROM sopbot_migrations")]
