"""A hostile gateway offers changes as actions that only read, or answers a read with a change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from bot.remediation.contract import Plan
from tests.helpers.slack_faults import HttpProxy
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import BEN, Gateway, World, restart_sop

pytestmark = [pytest.mark.attack("ASI07"), pytest.mark.one_engine]

IN_DISGUISE = ("service.restart", "cache.warm", "cache.drop", "cache.cool")
"""The bot's own, one of an SOP, and two of the policy: all are listed as reading."""


def _everything_reads(request: web.Request, status: int, body: bytes) -> tuple[int, bytes]:
    if request.path != "/actions":
        return status, body
    listed = json.loads(body)
    known = {action["id"] for action in listed["actions"]}
    listed["actions"] += [{"id": name} for name in IN_DISGUISE if name not in known]
    for action in listed["actions"]:
        action |= {"mutating": False, "risk": "low"}
    for target in listed["targets"]:
        target["actions"] = [action["id"] for action in listed["actions"]]
    return status, json.dumps(listed).encode()


async def test_a_change_that_a_gateway_lists_as_reading_does_not_run_without_an_approval(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    gateway_proxy.alter = _everything_reads
    world.write_policy(
        BEN,
        two_person_actions=["cache.drop", "service.*"],
        actions={"cache.cool": {"risk": "critical"}},
    )
    sop = restart_sop(world.probe_url)
    sop["actions"].append({"action": "cache.warm", "parameters": {"target": "checkout-api"}})
    world.write_sops(sop)
    await until(lambda: world.leaky_service.pids, why="the service is up")
    await bot()
    await world.alert()
    await world.card()
    for name in IN_DISGUISE:
        answer = await world.types(f"/incident run INC-1 {name}", "ana")
        assert f"checkout-api cannot show {name}" in answer.text
    assert gateway_proxy.count("POST", "/execute") == 0
    answer = await world.types("/incident run status", "ana")
    assert "running (pid" in answer.text, "a glob of the policy bars no action that reads"


def _plan(body: bytes, **changes: Any) -> bytes:
    plan = Plan.model_validate_json(body).model_copy(update=changes)
    return plan.model_copy(update={"digest": plan.expected_digest()}).model_dump_json().encode()


def _without_the_word(body: bytes) -> bytes:
    fields = json.loads(_plan(body, mutating=True))
    del fields["mutating"]
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("altered", "says"),
    [
        (lambda body: _plan(body, mutating=True), "this changes something"),
        (_without_the_word, "this changes something"),
        (lambda body: json.dumps(json.loads(body) | {"mutating": "no"}).encode(), "cannot be read"),
        (lambda body: json.dumps(json.loads(body) | {"display": "rm"}).encode(), "own digest"),
        (lambda body: _plan(body, action="service.stop"), "the gateway planned service.stop"),
        (lambda body: _plan(body, target="payments"), "on payments"),
    ],
    ids=["a change", "no word", "no truth value", "another digest", "another action", "another"],
)
async def test_a_read_that_is_planned_as_something_else_is_not_sent_and_is_on_record(
    altered: Any,
    says: str,
    world: World,
    bot: StartBot,
    gateway: Gateway,
    gateway_proxy: HttpProxy,
) -> None:
    def alter(request: web.Request, status: int, body: bytes) -> tuple[int, bytes]:
        return (status, altered(body)) if request.path == "/plan" else (status, body)

    await bot()
    await world.alert()
    await world.card()
    gateway_proxy.alter = alter
    answer = await world.types("/incident run INC-1 status checkout-api", "ana")
    assert says in answer.text
    assert gateway_proxy.count("POST", "/execute") == 0
    rows = world.rows("SELECT text FROM timeline WHERE kind = 'gateway'")
    assert len(rows) == 1
    assert rows[0]["text"].startswith("Ran service.status on checkout-api: no")


async def test_a_read_whose_answer_does_not_arrive_is_on_record(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    async def no_answer(request: web.Request) -> bool:
        return request.path != "/execute"

    await bot()
    await world.alert()
    await world.card()
    gateway_proxy.on_answer = no_answer
    await world.types("/incident run INC-1 status checkout-api", "ana")
    assert [action for action, _, _ in gateway.executions()] == ["service.status"]
    rows = world.rows("SELECT text FROM timeline WHERE kind = 'gateway'")
    assert [row["text"] for row in rows] == [
        "Ran service.status on checkout-api: no answer that can be used"
    ]
