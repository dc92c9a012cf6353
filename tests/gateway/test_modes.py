from __future__ import annotations

import pytest

from bot.errors import GatewayRejected

from .conftest import RESTART, legacy, pid_of


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
    _, words = await desk.post(
        "/execute-docker-command", legacy("checkout-api", "restart the service")
    )
    assert (typed.state, typed.error_code) == ("failed", "READ_ONLY")
    assert words["error_details"]["error_code"] == "READ_ONLY"
    assert pid_of(await desk.status("checkout-api")) == before
    await desk.gateway.reload(desk.config.model_copy(update={"read_only": False}))
    assert (await desk.client.execute(RESTART, key="k2")).state == "succeeded"


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
