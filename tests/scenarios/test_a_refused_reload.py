"""A reload takes every file or none, and a refused reload is reported."""

from __future__ import annotations

import json
import logging

import pytest

from bot.app import Bot
from bot.simulator import Message
from tests.scenarios.starting import StartBot
from tests.scenarios.world import BEN, World, kind, restart_sop

pytestmark = pytest.mark.one_engine

OPS = "C0OPS00001"
UNKNOWN_KEY = '{"sop_id": "sop_new", "kyes": ["svc:web"]}'


def notices(world: World) -> list[str]:
    messages: list[Message] = [m for m in world.slack.messages(OPS) if kind(m) == "reload"]
    return [json.dumps(message.data["blocks"], ensure_ascii=False) for message in messages]


def gauge(bot: Bot) -> str:
    lines = bot.metrics.text().decode().splitlines()
    name = "sopbot_config_last_reload_successful "
    return next(line.removeprefix(name) for line in lines if line.startswith(name))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("not json", "all.jsonl:2: not JSON"),
        (UNKNOWN_KEY, "all.jsonl:2: kyes: not a known key"),
        ('{"sop_id": "sop_new", "priority": "URGENT"}', "all.jsonl:2: priority: "),
        ('{"sop_id": "sop_checkout_down"}', "all.jsonl:2: sop_checkout_down is there already"),
    ],
)
async def test_a_reload_with_a_bad_sop_line_keeps_policy_and_sops_and_names_the_line(
    world: World, bot: StartBot, caplog: pytest.LogCaptureFixture, line: str, text: str
) -> None:
    running = await bot()
    policy, sops = running.service.policy, running.service.sops
    world.write_policy(BEN, breaker_failures=7)
    world.write_sops(restart_sop(world.probe_url, title="Another title"), line)
    with caplog.at_level(logging.ERROR):
        running.reload()
    assert running.service.policy is policy
    assert running.service.sops is sops
    (event,) = [record for record in caplog.records if record.message == "policy.refused"]
    assert text in str(event.__dict__["fields"])


async def test_services_are_reloaded_with_the_policy_or_not_at_all(
    world: World, bot: StartBot, caplog: pytest.LogCaptureFixture
) -> None:
    file = world.folder / "services.yaml"
    file.write_text("services: {shop: {aliases: [web]}}")
    running = await bot(SERVICES_FILE=str(file))
    config = running.service.config
    assert config.current.services.name_of("web") == "shop"
    world.write_policy(BEN, breaker_failures=7)
    file.write_text("services: {shop: {aliases: [web], depends_on: db}}")
    before = config.current
    running.reload()
    assert config.current is before
    (event,) = [record for record in caplog.records if record.message == "policy.refused"]
    problem = "services.yaml:1: services.shop.depends_on: must be a list"
    assert problem in str(event.__dict__["fields"])
    file.write_text("services: {checkout: {aliases: [web], depends_on: [db]}}")
    running.reload()
    assert config.current.services.name_of("web") == "checkout"
    assert config.current.calls.calls_of("checkout") == {"db"}
    assert running.service.policy.remediate.breaker_failures == 7


async def test_a_reload_without_the_sop_folder_keeps_the_sops(world: World, bot: StartBot) -> None:
    running = await bot()
    sops = running.service.sops
    (world.folder / "sops").rename(world.folder / "elsewhere")
    running.reload()
    assert sops.sops
    assert running.service.sops is sops


async def test_an_sop_line_that_went_bad_revokes_nothing_that_waits(
    world: World, bot: StartBot
) -> None:
    running = await bot()
    await world.alert()
    await world.approval_card("Restart")
    good = json.dumps(restart_sop(world.probe_url))
    world.write_sops(good.replace('"HIGH"', '"URGENT"'))
    running.reload()
    await running.service.decisions.expire_and_revoke()
    await world.quiet()
    assert await running.service.store.approvals_waiting()


async def test_a_start_with_a_bad_sop_line_loses_only_that_line(
    world: World, bot: StartBot
) -> None:
    world.write_sops(restart_sop(world.probe_url), UNKNOWN_KEY)
    running = await bot()
    assert [sop.sop_id for sop in running.service.sops.sops] == ["sop_checkout_down"]


async def test_the_ops_channel_has_one_message_while_a_reload_is_refused(
    world: World, bot: StartBot
) -> None:
    running = await bot(SLACK_OPS_CHANNEL=OPS)
    await world.quiet()
    assert gauge(running) == "1.0"
    assert notices(world) == [], "a start that went well has nothing to say"

    (world.folder / "policy.yaml").write_text("remediate:\n  aprovers: []\n")
    world.write_sops(restart_sop(world.probe_url), UNKNOWN_KEY)
    running.reload()
    assert gauge(running) == "0.0"
    await world.slack.wait_for(lambda: notices(world), why="it is refused", channel=OPS)
    assert "the previous policy, services and SOPs stay in force" in notices(world)[0]
    assert "policy.yaml:2: remediate.aprovers: not a known key" in notices(world)[0]
    assert "all.jsonl:2: kyes: not a known key" in notices(world)[0]

    world.write_policy(BEN)
    running.reload()
    await world.slack.wait_for(
        lambda: "policy.yaml" not in notices(world)[0], why="one mistake is left", channel=OPS
    )
    assert "all.jsonl:2: kyes" in notices(world)[0]

    world.write_sops(restart_sop(world.probe_url))
    running.reload()
    assert gauge(running) == "1.0"
    await world.slack.wait_for(
        lambda: "are in force" in notices(world)[0], why="it is taken", channel=OPS
    )
    assert len(notices(world)) == 1, "one message, changed in place"


async def test_a_restart_ends_the_message_of_the_process_before(
    world: World, bot: StartBot
) -> None:
    running = await bot(SLACK_OPS_CHANNEL=OPS)
    world.write_sops(restart_sop(world.probe_url), UNKNOWN_KEY)
    running.reload()
    await world.slack.wait_for(lambda: notices(world), why="it is refused", channel=OPS)
    await running.__aexit__()
    world.write_sops(restart_sop(world.probe_url))
    await bot(SLACK_OPS_CHANNEL=OPS)
    await world.slack.wait_for(
        lambda: "are in force" in notices(world)[0], why="the start read the files", channel=OPS
    )
    assert len(notices(world)) == 1
