from __future__ import annotations

import asyncio
import io
import json
import logging
import sys

import pytest

from bot.errors import GatewayRejected
from bot.remediation.client import ActionCall, Outcome
from bot.serving.logs import set_up
from tests.helpers.waiting import until

from .conftest import RESTART, legacy, pid_of

STATUS = ActionCall(
    action_id="service.status", target="checkout-api", tracking_id="req-20261127-010203-01234567"
)


async def test_a_read_only_gateway_shows_and_changes_nothing(start, service):
    desk = await start({"checkout-api": service()}, read_only=True)
    before = pid_of(await desk.status("checkout-api"))
    assert (await desk.client.offers()).read_only
    assert (await desk.client.health()).checks["mode"] == "ok: read-only"
    with pytest.raises(
        GatewayRejected, match=r"read-only, and service\.restart changes"
    ) as refused:
        await desk.client.plan(RESTART)
    assert (refused.value.status, refused.value.code) == (422, "READ_ONLY")
    typed = await desk.client.execute(RESTART, key="k1")
    _, answer = await desk.post(
        "/execute-docker-command", legacy("checkout-api", "restart the service")
    )
    assert (typed.state, typed.error_code) == ("failed", "READ_ONLY")
    assert answer["error_details"]["error_code"] == "READ_ONLY"
    assert pid_of(await desk.status("checkout-api")) == before
    await desk.gateway.reload(desk.config.model_copy(update={"read_only": False}))
    assert (await desk.client.execute(RESTART, key="k2")).state == "succeeded"


@pytest.mark.attack("ASI03")
async def test_what_waits_for_its_target_during_a_reload_runs_only_if_it_still_may(start, tmp_path):
    done, go_on = tmp_path / "done", tmp_path / "go-on"
    script = (
        f"import os, time\nopen({str(done)!r}, 'a').write('x')\n"
        f"while not os.path.exists({str(go_on)!r}): time.sleep(0.01)"
    )
    work = {"title": "Work", "argv": [sys.executable, "-S", "-c", script], "targets": ["web"]}
    desk = await start(
        {"web": {"executor": "command"}},
        commands={"do.work": work, "do.other": work},
        limits={"queue_seconds": 30},
    )

    def begin(action: str, key: str) -> asyncio.Task[Outcome]:
        call = ActionCall(action_id=action, target="web")
        return asyncio.create_task(desk.client.execute(call, key=key))

    first = begin("do.work", "first")
    await until(done.exists)
    waiting = begin("do.work", "read-only")
    await until(lambda: desk.gateway.dispatcher.record_of("read-only", None))
    await desk.gateway.reload(desk.config.model_copy(update={"read_only": True}))
    go_on.touch()
    assert (await first).state == "succeeded", "it had begun before"
    refused = await waiting
    assert (refused.error_code, refused.nothing_ran) == ("READ_ONLY", True), refused

    await desk.gateway.reload(desk.config)
    done.unlink()
    go_on.unlink()
    first = begin("do.work", "second")
    await until(done.exists)
    waiting = begin("do.other", "taken-away")
    await until(lambda: desk.gateway.dispatcher.record_of("taken-away", None))
    left = {name: command for name, command in desk.config.commands.items() if name == "do.work"}
    await desk.gateway.reload(desk.config.model_copy(update={"commands": left}))
    go_on.touch()
    await first
    assert (await waiting).error_code == "UNKNOWN_ACTION"
    assert done.read_text() == "x"


async def test_a_caller_has_only_so_many_plans_a_minute(start, service):
    desk = await start({"checkout-api": service(autostart=False)}, limits={"plans_per_minute": 2})
    body = legacy("checkout-api", "", action={"id": "service.status"})
    statuses = [(await desk.post("/plan", body))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]
    desk.clock.forward(40)
    async with desk.session.post(desk.url + "/plan", json=body) as refused:
        assert (refused.status, refused.headers["Retry-After"]) == (429, "20")
    status, _ = await desk.post("/plan", body | {"source_id": "other"})
    assert status == 200, "another caller has its own share"
    desk.clock.forward(20)
    assert (await desk.post("/plan", body))[0] == 200


async def test_metrics_tell_nothing_of_the_last_execution_before_there_is_one(start, service):
    desk = await start({"checkout-api": service("crash", autostart=False)})

    async def shown() -> dict[str, float]:
        async with desk.session.get(desk.url + "/metrics") as response:
            lines = (await response.text()).splitlines()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines)
            if not name.startswith("#")
        }

    assert not {"gateway_success_rate", "gateway_command_execution_time_ms"} & set(await shown())
    for action, rate in ((STATUS, 1), (RESTART, 0)):
        await desk.client.execute(action, key=action.action_id)
        metrics = await shown()
        assert metrics["gateway_success_rate"] == rate
        assert metrics["gateway_command_execution_time_ms"] > 0
    assert metrics['gateway_operation_duration_seconds_count{command_type="status"}'] == 1


async def test_every_log_line_of_a_request_names_the_incident(start, service):
    desk = await start({"checkout-api": service(autostart=False)})
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    set_up("INFO", "json", stream)
    try:
        await desk.client.execute(STATUS, key="k1")
        for handler in logging.getLogger().handlers:
            handler.flush()
    finally:
        logging.getLogger().handlers[:] = before
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    events = {line["event"]: line for line in lines}
    for name in ("execution.started", "execution.finished"):
        assert events[name]["tracking_id"] == STATUS.tracking_id
