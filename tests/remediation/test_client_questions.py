"""The client's questions to a gateway: its health, a lookup, a plan."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.errors import GatewayRejected, GatewayUnavailable
from bot.remediation import contract
from bot.remediation.client import NeverSeen, Running
from tests.helpers.scripted_gateway import (
    CALL,
    SUCCESS,
)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (503, {"status": "unhealthy"}, "is unhealthy (HTTP 503)"),
        (500, {"status": "healthy"}, "is healthy (HTTP 500)"),
        (200, {"status": "success"}, "is success (HTTP 200)"),
        (200, b"OK", "not with its health"),
        (404, {"detail": "Not Found"}, "not with its health"),
        (200, {"status": None}, "not with its health"),
    ],
)  # fmt: skip
async def test_another_status_or_word_than_that_of_a_gateway_that_works_is_unavailable(
    gateway, client, status, body, says
):
    gateway.replies = [(status, body)]
    with pytest.raises(GatewayUnavailable) as caught:
        await client.health()
    assert says in str(caught.value)


async def test_a_gateway_with_one_sick_executor_can_still_run_something(gateway, client):
    checks = {"docker": "cannot be reached", "process": "ok"}
    gateway.replies = [(200, {"status": "degraded", "checks": checks})]
    health = await client.health()
    assert (health.status, health.checks) == ("degraded", checks)


async def test_the_older_gateways_health_is_understood(gateway, client):
    checks = {"configuration": "ok", "container_mappings": 3}
    gateway.replies = [(200, {"status": "healthy", "version": "1.0.0", "checks": checks})]
    health = await client.health()
    assert (health.version, health.checks["container_mappings"]) == ("1.0.0", 3)


@pytest.mark.parametrize("status", [404, 405])
async def test_a_gateway_without_the_newer_endpoints_is_told_from_a_failure(
    gateway, client, status
):
    gateway.replies = [(status, {"detail": "Not Found"})]
    assert await client.offers() is None
    assert await client.plan(CALL) is None
    assert await client.lookup("k") is None


async def test_lookup_tells_running_finished_and_never_seen(gateway, client):
    gateway.replies = [
        (404, {"error": {"code": "unknown_key", "message": "none"}}),
        (200, {"idempotency_key": "k", "state": "running", "received_at": "2026-01-01T00:00:00Z"}),
        (200, {"idempotency_key": "k", "state": "finished", "answer": SUCCESS}),
    ]
    assert await client.lookup("k") == NeverSeen()
    assert await client.lookup("k") == Running(datetime(2026, 1, 1, tzinfo=UTC))
    assert (await client.lookup("k")).state == "succeeded"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((200, {"idempotency_key": "other", "state": "finished", "answer": SUCCESS}),
         GatewayRejected),
        ((200, b"<html>"), GatewayUnavailable),
        ((500, b"oops"), GatewayUnavailable),
        ((401, {"error": {"code": "x", "message": "sign it"}}), GatewayRejected),
        ("break", GatewayUnavailable),
    ],
)  # fmt: skip
async def test_a_lookup_that_fails_says_nothing_about_the_outcome(gateway, client, reply, error):
    gateway.replies = [reply]
    with pytest.raises(error):
        await client.lookup("k")


def plan(**more) -> dict:
    made = contract.Plan(
        action="service.restart", target="checkout-api", executor="process", display="restart"
    ).model_copy(update=more)
    return made.model_copy(update={"digest": made.expected_digest()}).model_dump(mode="json")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (plan() | {"digest": "sha256:0"}, "own digest"),
        (plan() | {"command": ["rm"]}, "own digest"),
        (plan(target="ledger"), "planned service.restart on ledger"),
        (plan(action="service.logs"), "planned service.logs"),
    ],
)
async def test_a_plan_for_something_else_is_refused(gateway, client, body, says):
    gateway.replies = [(200, body)]
    with pytest.raises(GatewayRejected, match=says):
        await client.plan(CALL)
