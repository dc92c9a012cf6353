from __future__ import annotations

import asyncio
import sqlite3

import pytest

from bot.errors import GatewayRejected, GatewayUnavailable
from bot.remediation import contract
from bot.remediation.client import ActionCall, NeverSeen, Outcome, Running
from tests.helpers.waiting import until

from .conftest import RESTART, SLOW, legacy, pid_of


async def test_health_asks_the_executors_and_the_journal(start, service):
    desk = await start({"checkout-api": service()})
    health = await desk.client.health()
    assert health.status == "healthy"
    assert health.checks["journal"] == "ok"
    assert health.checks["process"] == "ok: 1 declared, 1 running"


async def test_a_docker_socket_that_is_not_there_makes_the_gateway_unhealthy(start, tmp_path):
    docker = {"url": f"unix://{tmp_path}/none.sock"}
    desk = await start({"web": {"executor": "docker", "container": "web-1"}}, docker=docker)
    status, report = await desk.get("/health")
    assert (status, report["status"]) == (503, "unhealthy")
    assert "cannot be reached" in report["checks"]["docker"]


async def test_one_executor_of_two_that_cannot_work_is_degraded(start, service, tmp_path):
    targets = {"web": {"executor": "docker", "container": "web-1"}, "checkout-api": service()}
    desk = await start(targets, docker={"url": f"unix://{tmp_path}/none.sock"})
    status, report = await desk.get("/health")
    assert (status, report["status"]) == (200, "degraded")


async def test_actions_are_listed_with_their_parameters_and_targets(start, service):
    desk = await start({"checkout-api": service(autostart=False)})
    actions = {action.id: action for action in (await desk.client.offers()).actions}
    changes = {"service.restart", "service.stop", "service.start"}
    assert set(actions) == changes | {"service.status", "service.logs", "service.stats"}
    assert {name for name in changes if actions[name].reversible} == changes - {"service.restart"}
    grace = actions["service.restart"].parameters["properties"]["grace_seconds"]
    assert (grace["minimum"], grace["maximum"], grace["default"]) == (1, 120, 10)
    assert actions["service.restart"].targets == ("checkout-api",)
    assert actions["service.logs"].mutating is False


async def test_a_plan_shows_the_exact_argv_and_changes_nothing(start, service):
    target = service()
    desk = await start({"checkout-api": target})
    before = await desk.status("checkout-api")

    plan = await desk.client.plan(RESTART)

    assert list(plan.command) == target["argv"]
    assert plan.parameters == {"grace_seconds": 10}
    assert plan.touches[0].startswith("process checkout-api: running (pid ")
    assert plan.steps[0] == "SIGTERM to the process group of checkout-api"
    assert pid_of(before) == pid_of(await desk.status("checkout-api"))
    assert (await desk.client.plan(RESTART)).digest == plan.digest


@pytest.mark.attack("ASI03")
async def test_a_targets_environment_is_in_the_list_the_plan_and_the_plans_digest(start, service):
    web = service(autostart=False)
    digests = set()
    for state, word in (("a", "production"), ("b", "development"), ("c", "")):
        desk = await start({"web": web | {"environment": word}}, state=state)
        plan = await desk.client.plan(ActionCall(action_id="service.restart", target="web"))
        assert plan.environment == word
        digests.add(plan.digest)
        _, listed = await desk.get("/actions")
        assert listed["environments"] == ({"web": word} if word else {})
    assert len(digests) == 3, "a target in another environment has another plan"


async def test_an_approved_plan_runs(start, service):
    desk = await start({"checkout-api": service()})
    plan = await desk.client.plan(RESTART)
    outcome = await desk.client.execute(RESTART, key="k1", digest=plan.digest)
    assert outcome.state == "succeeded"
    assert outcome.command == plan.display


async def test_another_parameter_than_the_approved_one_is_plan_drift(start, service):
    desk = await start({"checkout-api": service()})
    before = pid_of(await desk.status("checkout-api"))
    plan = await desk.client.plan(RESTART)
    with pytest.raises(GatewayRejected, match="Plan it again") as caught:
        await desk.client.execute(SLOW, key="k1", digest=plan.digest)
    assert caught.value.status == 409
    assert pid_of(await desk.status("checkout-api")) == before
    assert await desk.client.lookup("k1") == NeverSeen()


async def test_an_edited_config_is_plan_drift(start, service):
    target = service()
    first = await start({"checkout-api": target}, state="one")
    plan = await first.client.plan(RESTART)
    edited = target | {"argv": [*target["argv"], "--verbose"]}
    second = await start({"checkout-api": edited | {"autostart": False}}, state="two")
    status, body = await second.post(
        "/execute",
        legacy("checkout-api", "", action={"id": "service.restart"}) | {"plan_digest": plan.digest},
        **{contract.IDEMPOTENCY_KEY: "k1"},
    )
    assert (status, body["error"]["code"]) == (409, "plan_drift")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"plan_digest": None}, "digest_missing"),
        ({"idempotency_key": None}, "key_missing"),
        ({"idempotency_key": "two\nlines"}, "key_invalid"),
        ({"action_request": {"intent": "restart the service"}}, "action_missing"),
    ],
)
async def test_execute_says_which_part_is_missing(start, service, change, code):
    desk = await start({"checkout-api": service(autostart=False)})
    body = legacy("checkout-api", "", action={"id": "service.restart"})
    body |= {"plan_digest": "sha256:0", "idempotency_key": "k1"} | change
    status, answer = await desk.post("/execute", body)
    assert (status, answer["error"]["code"]) == (422, code)


async def test_a_caller_who_leaves_does_not_stop_the_execution(start, service):
    desk = await start({"checkout-api": service("deaf")})
    await until(lambda: _healthy(desk))
    waiting = asyncio.create_task(desk.client.execute(SLOW, key="k1"))
    await until(lambda: _is(desk, "k1", Running))
    waiting.cancel()
    outcome = await until(lambda: _is(desk, "k1", Outcome))
    assert outcome.state == "succeeded"


async def test_a_second_restart_of_a_busy_target_is_refused_after_a_short_wait(start, service):
    limits = {"queue_seconds": 0.05, "stop_seconds": 0.3}
    desk = await start({"checkout-api": service("deaf")}, limits=limits)
    await until(lambda: _healthy(desk))
    first = asyncio.create_task(desk.client.execute(SLOW, key="k1"))
    await until(lambda: _is(desk, "k1", Running))

    second = await desk.client.execute(RESTART, key="k2")

    assert (second.state, second.error_code) == ("failed", "TARGET_BUSY")
    assert await desk.client.lookup("k2") == NeverSeen()
    assert (await first).state == "succeeded"


async def test_a_stopping_gateway_finishes_running_executions(service, start, tmp_path, clock):
    desk = await start({"checkout-api": service("deaf")})
    await until(lambda: _healthy(desk))
    running = asyncio.create_task(desk.client.execute(SLOW, key="k1"))
    await until(lambda: _is(desk, "k1", Running))
    await desk.gateway.dispatcher.drain(20)
    assert (await running).state == "succeeded"
    with pytest.raises(GatewayUnavailable, match="503: The gateway is stopping"):
        await desk.client.execute(SLOW, key="k2")
    assert await desk.client.lookup("k2") == NeverSeen()
    repeated = await desk.client.execute(SLOW, key="k1")
    assert repeated.state == "succeeded", "of what did run a stopping gateway gives the answer"


@pytest.mark.parametrize(
    ("target", "action", "code", "says"),
    [
        ("Checkout-API", {"id": "service.restart"}, "UNKNOWN_SERVICE", "Checkout-API"),
        ("checkout-api", {"id": "service.delete"}, "UNKNOWN_ACTION", "service.restart"),
        (
            "checkout-api",
            {"id": "service.restart", "parameters": {"grace_seconds": 0}},
            "INVALID_PARAMETERS",
            "grace_seconds",
        ),
        (
            "checkout-api",
            {"id": "service.restart", "parameters": {"grace_seconds": True}},
            "INVALID_PARAMETERS",
            "grace_seconds",
        ),
        (
            "checkout-api",
            {"id": "service.restart", "parameters": {"signal": "KILL"}},
            "INVALID_PARAMETERS",
            "signal",
        ),
        (
            "checkout-api",
            {"id": "service.logs", "parameters": {"lines": 501}},
            "INVALID_PARAMETERS",
            "lines",
        ),
    ],
)
async def test_an_action_outside_of_the_catalogue_is_a_validation_error(
    start, service, target, action, code, says
):
    desk = await start({"checkout-api": service(autostart=False)})
    body = legacy(target, "", action=action)
    status, answer = await desk.post("/execute-docker-command", body)
    assert status == 200
    assert answer["overall_status"] == "VALIDATION_ERROR"
    assert answer["execution_details"] is None
    assert answer["error_details"]["error_code"] == code
    assert says in answer["error_details"]["error_message"]
    status, answer = await desk.post("/plan", body)
    assert (status, answer["error"]["code"]) == (422, code)


async def test_an_answer_has_exactly_the_five_keys_of_the_older_shape(start, service):
    desk = await start({"checkout-api": service()})
    _, answer = await desk.post(
        "/execute-docker-command", legacy("checkout-api", "check container status")
    )
    assert set(answer) == {
        "request_id",
        "timestamp_processed_utc",
        "overall_status",
        "execution_details",
        "error_details",
    }
    assert answer["timestamp_processed_utc"].endswith("Z")
    assert answer["error_details"] is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{not json", 400, "malformed_json"),
        (b"", 400, "malformed_json"),
        (b'{"source_id": "\\ud800"}', 400, "malformed_json"),
        (b"[" * 50_000, 400, "malformed_json"),
        (b"[]", 422, "invalid_request"),
        (b'{"source_id": "s"}', 422, "invalid_request"),
        (b"x" * contract.BODY_LIMIT_BYTES, 400, "malformed_json"),
        (b"x" * (contract.BODY_LIMIT_BYTES + 1), 413, "request_entity_too_large"),
    ],
)
async def test_bodies_that_cannot_be_read_get_a_clear_answer(start, body, status, code):
    desk = await start()
    got, answer = await desk.post("/execute-docker-command", body)
    assert (got, answer["error"]["code"]) == (status, code)


async def test_a_missing_field_is_named_and_the_input_is_not_echoed(start):
    desk = await start()
    status, answer = await desk.post(
        "/execute-docker-command", {"source_id": "s", "target_resource": {"name": 7}}
    )
    assert status == 422
    assert {tuple(item["loc"]) for item in answer["detail"]} == {
        ("target_resource", "name"),
        ("action_request",),
    }
    assert all("input" not in item for item in answer["detail"])


async def test_an_unknown_priority_is_refused_and_null_means_normal(start, service):
    desk = await start({"checkout-api": service(autostart=False)})
    body = legacy("checkout-api", "check container status", priority="BANANA")
    assert (await desk.post("/execute-docker-command", body))[0] == 422
    body = legacy("checkout-api", "check container status", priority=None, context=None)
    assert (await desk.post("/execute-docker-command", body))[0] == 200


async def test_wrong_methods_paths_and_types_get_json(start):
    desk = await start()
    assert (await desk.get("/plan"))[1]["error"]["code"] == "method_not_allowed"
    assert (await desk.get("/nothing"))[1]["error"]["code"] == "not_found"
    status, answer = await desk.post("/plan", b"{}", **{"Content-Type": "text/plain"})
    assert (status, answer["error"]["code"]) == (415, "not_json")


async def test_a_web_page_cannot_use_an_unsigned_gateway(start, service):
    desk = await start({"checkout-api": service(autostart=False)})
    status, answer = await desk.post(
        "/execute-docker-command",
        legacy("checkout-api", "restart the service"),
        Origin="https://evil.example",
    )
    assert (status, answer["error"]["code"]) == (403, "browser")


async def test_metrics_keep_the_known_names_and_bound_the_callers(start, service):
    desk = await start({"checkout-api": service()})
    for source in ("sopbot", "someone", "another"):
        body = legacy("checkout-api", "check container status") | {"source_id": source}
        await desk.post("/execute-docker-command", body)
    await desk.post("/execute-docker-command", legacy("checkout-api", "dance"))
    async with desk.session.get(desk.url + "/metrics") as response:
        text = await response.text()
    for line in (
        'gateway_requests_total{source_id="sopbot",status="COMPLETED_SUCCESS"} 1.0',
        'gateway_requests_total{source_id="other",status="COMPLETED_SUCCESS"} 2.0',
        'gateway_request_duration_seconds_count{source_id="other"} 2.0',
        'gateway_command_generation_total{status="failed"} 1.0',
        'gateway_command_execution_total{command_type="status",status="SUCCESS"} 3.0',
        "gateway_active_requests 0.0",
    ):
        assert line in text.splitlines()


async def test_a_journal_that_cannot_be_written_runs_nothing(start, service, tmp_path):
    desk = await start({"checkout-api": service()})
    before = pid_of(await desk.status("checkout-api"))
    with sqlite3.connect(tmp_path / "state" / "journal.db") as other:
        other.execute("DROP TABLE executions")
    other.close()
    outcome = await desk.client.execute(RESTART, key="k1")
    assert outcome.state == "escalate"
    with sqlite3.connect(tmp_path / "state" / "journal.db") as other:
        assert other.execute("SELECT pid FROM children").fetchone() == (before,)
    other.close()


async def _healthy(desk) -> bool:
    return "health: ok" in await desk.status("checkout-api")


async def _is(desk, key, kind):
    execution = await desk.client.lookup(key)
    return execution if isinstance(execution, kind) else None
