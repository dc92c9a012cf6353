"""One bot with two real gateways: each acts on its own targets, with its own secret."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.check import check
from bot.errors import GatewayUnavailable
from bot.gateway.app import running
from bot.gateway.config import read_config
from tests.scenarios.starting import StartBot, gateway_config
from tests.scenarios.world import Gateway, LeakyService, World, environ, restart_sop

pytestmark = pytest.mark.one_engine

PAYMENTS = "payments-api"
OTHER_SECRET = "another gateway's own secret"


class Payments:
    """A second gateway with a service of its own; it can end and begin again at its address."""

    def __init__(self, service: LeakyService, folder: Path, port: int) -> None:
        self.service = service
        self.targets: dict[str, Any] = {PAYMENTS: service.target()}
        self._folder, self._port = folder, port
        self._running = AsyncExitStack()
        self.gateway = Gateway(f"http://127.0.0.1:{port}", folder / "payments")
        (folder / "payments.secret").write_text(OTHER_SECRET)

    async def begin(self) -> None:
        config = gateway_config(self.service, self.gateway.state_dir) | {
            "listen": {"port": self._port},
            "targets": self.targets,
        }
        read = read_config(config, environ={"GATEWAY_SECRET": OTHER_SECRET})
        self._running = AsyncExitStack()
        await self._running.enter_async_context(running(read, environ={"PATH": os.environ["PATH"]}))

    async def end(self) -> None:
        await self._running.aclose()

    def declared(self, **more: Any) -> dict[str, str]:
        """Write gateways.yaml, and return the setting that names it."""
        entry = {
            "url": self.gateway.url,
            "secret_file": str(self._folder / "payments.secret"),
        } | more
        file = self._folder / "gateways.yaml"
        file.write_text(json.dumps({"gateways": {"payments": entry}}))
        return {"GATEWAYS_FILE": str(file)}


@pytest.fixture
async def payments(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Payments]:
    own = Payments(LeakyService(free_port(), tmp_path / "starts2"), tmp_path, free_port())
    await own.begin()
    yield own
    await own.end()


def sops(world: World, payments: Payments) -> None:
    probe = f"{payments.service.url}/health"
    second = restart_sop(probe, sop_id="sop_payments_down", keys=[f"svc:{PAYMENTS}"])
    world.write_sops(restart_sop(world.probe_url), second)


async def test_each_gateway_restarts_its_own_service_and_nothing_of_the_other(
    world: World, bot: StartBot, payments: Payments
) -> None:
    sops(world, payments)
    started = await bot(**payments.declared())
    await world.leaky_service.make_unhealthy()
    await payments.service.make_unhealthy()
    for number, (service, own) in enumerate(
        ((PAYMENTS, payments.service), ("checkout-api", world.leaky_service)), 1
    ):
        await world.alert(service)
        card = await world.approval_card(number=number)
        assert ("by the gateway payments" in card.text) is (service == PAYMENTS)
        await world.press(card, "Approve")
        await world.result("Verified", number=number)
        assert own.restarts == 1
    assert payments.gateway.executions() == [("service.restart", PAYMENTS, "finished")]
    metrics = started.metrics.registry.get_sample_value
    for name in ("payments", "default"):
        assert metrics("gateway_operation_duration_seconds_count", {"gateway": name}) == 1


async def test_a_gateway_that_is_away_is_named_and_the_other_one_still_acts(
    world: World, bot: StartBot, payments: Payments, http: aiohttp.ClientSession
) -> None:
    sops(world, payments)
    started = await bot(**payments.declared(required=False), SLACK_OPS_CHANNEL="C0OPS00001")
    await payments.end()
    await started.health.check()
    async with http.get(f"{started.http_url}/readyz") as answer:
        ready = await answer.json()
    assert (answer.status, ready["checks"]["gateway"]["state"]) == (200, "ok")
    assert ready["checks"]["gateway payments"]["state"] == "failing"
    notice = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages("C0OPS00001") if "payments" in m.text), None),
        why="the ops channel hears which one is away",
    )
    assert "Nothing can run at payments" in notice.text
    await world.leaky_service.make_unhealthy()
    await world.alert(PAYMENTS)
    await world.alert("checkout-api")
    assert "has not answered" in (await world.card(number=1)).text
    assert "has not answered" not in (await world.card(number=2)).text
    await world.press(await world.approval_card(number=2), "Approve")
    await world.result("Verified", number=2)
    await payments.begin()
    await started.health.check()
    await world.approval_card("by the gateway payments", number=1)
    assert payments.gateway.executions() == []


async def test_a_bot_does_not_start_without_a_gateway_that_is_required(
    bot: StartBot, payments: Payments
) -> None:
    await payments.end()
    with pytest.raises(GatewayUnavailable, match=str(payments.gateway.url)):
        await bot(**payments.declared())


async def test_a_target_of_two_gateways_is_acted_on_by_neither_and_check_names_both(
    world: World, bot: StartBot, payments: Payments, capsys: pytest.CaptureFixture[str]
) -> None:
    payments.targets["checkout-api"] = payments.service.target()
    await payments.end()
    await payments.begin()
    settings = payments.declared()
    assert await check(environ(world.settings(**settings)), world.folder / "no.env") == 1
    printed = capsys.readouterr().out
    assert "checkout-api: several gateways have a target of this name: default, payments" in printed
    await bot(**settings)
    await world.alert("checkout-api")
    await world.card()
    answer = await world.types("/incident fix 1 restart checkout-api", "ben")
    assert "Two gateways have a target checkout-api: default, payments" in answer.text
    await world.quiet()
    assert world.replies("approval") == []


async def test_a_gateway_offers_only_what_the_operator_gives_it(
    world: World, bot: StartBot, payments: Payments, capsys: pytest.CaptureFixture[str]
) -> None:
    payments.targets["checkout-api"] = payments.service.target()
    await payments.end()
    await payments.begin()
    sops(world, payments)
    settings = payments.declared(targets=["payments-*"])
    assert await check(environ(world.settings(**settings)), world.folder / "no.env") == 0
    assert "payments: healthy" in capsys.readouterr().out
    await bot(**settings)
    await world.leaky_service.make_unhealthy()
    await world.alert("checkout-api")
    await world.press(await world.approval_card(), "Approve")
    await world.result("Verified")
    assert world.leaky_service.restarts == 1
    assert payments.gateway.executions() == []
