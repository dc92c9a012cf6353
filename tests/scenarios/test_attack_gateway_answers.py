"""Answers of the gateway that say nothing, or speak of something else."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from aiohttp import web

from tests.helpers.slack_faults import HttpProxy
from tests.scenarios.attacks import nothing_ran, proposed, ran
from tests.scenarios.gateway_answers import is_look_up
from tests.scenarios.starting import StartBot
from tests.scenarios.world import Gateway, World

pytestmark = pytest.mark.attack("ASI07")


def _500(_status: int, _body: bytes) -> tuple[int, bytes]:
    return 500, b'{"error": {"code": "internal", "message": "The gateway failed; see its log."}}'


def _null(_status: int, body: bytes) -> tuple[int, bytes]:
    return 200, json.dumps(dict.fromkeys(json.loads(body))).encode()


def _html(_status: int, _body: bytes) -> tuple[int, bytes]:
    return 200, b"<html>a proxy's own page</html>"


@pytest.mark.parametrize("worst", [_500, _null, _html], ids=["500", "null fields", "html"])
async def test_an_unusable_answer_is_an_unknown_outcome_and_is_not_retried(
    worst: Callable[[int, bytes], tuple[int, bytes]],
    world: World,
    bot: StartBot,
    gateway: Gateway,
    gateway_proxy: HttpProxy,
) -> None:
    def alter(request: web.Request, status: int, body: bytes) -> tuple[int, bytes]:
        bad = request.path == "/execute" or is_look_up(request.path)
        return worst(status, body) if bad else (status, body)

    gateway_proxy.alter = alter
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    shown = await world.approval_card("outcome unknown")
    await world.press(shown, "Check again", "ben")
    await world.ephemeral("ben", "Still unknown")
    assert gateway_proxy.count("POST", "/execute") == 1
    await ran(world, gateway, 1)
    gateway_proxy.alter = None
    await world.press(shown, "Check again", "ben")
    await world.result("Verified")
    await ran(world, gateway, 1)


async def test_null_fields_beside_a_success_are_no_error(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    def alter(request: web.Request, status: int, body: bytes) -> tuple[int, bytes]:
        if request.path != "/execute":
            return status, body
        bare = dict.fromkeys(json.loads(body)) | {"overall_status": "COMPLETED_SUCCESS"}
        return status, json.dumps(bare).encode()

    gateway_proxy.alter = alter
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    await ran(world, gateway, 1)


async def test_an_answer_about_another_execution_is_not_taken_for_ours(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    async def drop_answer(request: web.Request) -> bool:
        return request.path != "/execute"

    def alter(request: web.Request, status: int, body: bytes) -> tuple[int, bytes]:
        if not is_look_up(request.path):
            return status, body
        return status, json.dumps(json.loads(body) | {"idempotency_key": "exec-other"}).encode()

    gateway_proxy.on_answer, gateway_proxy.alter = drop_answer, alter
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    shown = await world.approval_card("outcome unknown")
    await world.press(shown, "Check again", "ben")
    await world.ephemeral("ben", "Still unknown")
    await ran(world, gateway, 1)


async def test_a_plan_for_another_target_is_not_shown(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    def alter(request: web.Request, status: int, body: bytes) -> tuple[int, bytes]:
        if request.path != "/plan":
            return status, body
        return status, json.dumps(json.loads(body) | {"target": "payments"}).encode()

    gateway_proxy.alter = alter
    await bot()
    await world.alert()
    note = await world.reply("note", "Not proposed: service.restart.")
    assert "plan" in note.text
    await nothing_ran(world, gateway)
