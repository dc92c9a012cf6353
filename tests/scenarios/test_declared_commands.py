"""An operator's declared command: from the SOP to the approval, the run, the check and the undo."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.app import Bot
from bot.gateway.app import running
from bot.gateway.config import read_config
from bot.settings import Settings, load
from tests.helpers.clocks import RunningClock
from tests.scenarios.starting import StartBot
from tests.scenarios.world import BEN, CHLOE, SECRET, SERVICE, Gateway, World, restart_sop

pytestmark = pytest.mark.one_engine

WRITE = "import sys; open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + '\\n')"


@asynccontextmanager
async def commanding_gateway(world: World) -> AsyncIterator[Gateway]:
    """A gateway whose only actions are an operator's own."""
    done = world.folder / "done"
    region = {"region": {"pattern": "[a-z]{2}-[a-z]+"}}

    def command(title: str, word: str, **more: object) -> dict[str, object]:
        return {
            "title": title,
            "argv": [sys.executable, "-c", WRITE, str(done), word, "{target}", "{region}"],
            "parameters": region,
            "targets": ["checkout-*"],
            "risk": "low",
        } | more

    state = world.folder / "commanding"
    config = read_config(
        {
            "listen": {"port": 0},
            "state_dir": str(state),
            "sources": {"sopbot": {"secret_env": "GATEWAY_SECRET"}},
            "targets": {SERVICE: {"executor": "command", "environment": "production"}},
            "commands": {
                "cache.warm": command(
                    "Warm the cache",
                    "warm",
                    plan="Loads the cache of {region} again",
                    inverse="cache.cool",
                    verify={"argv": ["/usr/bin/test", "-e", str(done)]},
                ),
                "cache.cool": command("Empty the cache", "cool"),
            },
        },
        environ={"GATEWAY_SECRET": SECRET},
    )
    async with running(config, environ={"PATH": os.environ["PATH"]}) as started:
        world.gateway_url = started.url
        yield Gateway(started.url, state)


def settings_of(world: World) -> Settings:
    return load(world.settings(), world.folder / "no.env")


def warm_sop(world: World) -> dict[str, object]:
    sop = restart_sop(world.probe_url)
    values = {"target": "{{service_name}}", "region": "eu-west", "probe_url": world.probe_url}
    sop["actions"] = [{"action": "cache.warm", "parameters": values}]
    return sop


async def test_a_declared_command_is_proposed_by_an_sop_approved_run_checked_and_undone(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    world.write_policy(
        BEN, CHLOE, actions={"cache.warm": {"cooldown_seconds": 0}}, verify_deadline_seconds=60
    )
    world.write_sops(warm_sop(world))
    async with commanding_gateway(world) as gateway, Bot(settings_of(world), clock=clock):
        await world.alert()
        card = await world.approval_card("Warm the cache on checkout-api")
        for text in (
            "Loads the cache of eu-west again",
            "must end with 0",
            "checked: the gateway runs the declared check after it",
            "taken back by cache.cool region=eu-west",
            "Risk: high",
        ):
            assert text in card.text
        await world.press(card, "Approve", "ben")
        await world.result("Verified")
        assert (world.folder / "done").read_text() == "warm checkout-api eu-west\n"

        answer = await world.types("/incident fix cache.warm region=EU", "ana")
        assert "region" in answer.text
        await world.types("/incident fix cache.warm region=us-east", "ana")
        second = await world.approval_card("Warm the cache on checkout-api", which=2)
        await world.press(second, "Approve", "ben")
        await world.result("Checking until", which=2)
        clock.forward(100)
        failed = await world.result("Not verified", which=2)
        await world.press(failed, "Undo", "ben")
        undo = await world.approval_card("Undo Warm the cache on checkout-api", which=3)
        assert "gateway: undo" in undo.text
        await world.press(undo, "Approve", "chloe")
        await world.result("Undone.", which=2)
        await world.quiet()
        assert [action for action, _, _ in gateway.executions()] == [
            "cache.warm",
            "cache.warm",
            "cache.cool",
        ]
        assert (world.folder / "done").read_text().splitlines()[-1] == "cool checkout-api us-east"
    second_bot = await bot(AI_COMMAND_GATEWAY_REQUIRED="false")
    assert "cache.warm" in second_bot.service.config.actions, "known without the gateway"
