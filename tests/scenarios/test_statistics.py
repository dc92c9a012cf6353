"""Statistics by HTTP and by `/incident stats`: what was sent is what is counted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.waiting import until
from tests.scenarios.commands import answer_to
from tests.scenarios.http_caller import HttpCaller, StartWithHttp, firing, webhook
from tests.scenarios.world import World

pytestmark = pytest.mark.one_engine


def entry(service: str, severity: str) -> dict[str, Any]:
    return firing(service, severity=severity, category="cpu") | {"fingerprint": f"fp-{service}"}


async def send_three(at: HttpCaller) -> None:
    """Two incidents; the sender reports one of them three times."""
    web, shop = entry("web", "critical"), entry("shop", "warning")
    for alerts in ((web, shop), (web,), (web,)):
        status, _ = await at.post("/alerts/alertmanager", webhook(*alerts))
        assert status == 202


async def test_the_numbers_are_those_of_the_alerts_that_were_sent(
    start_with_http: StartWithHttp,
) -> None:
    at = await start_with_http()
    await send_three(at)
    status, stats = await at.get("/api/v3/stats?window=1h")
    assert status == 200
    assert (stats["window"], stats["total"], stats["open"], stats["open_now"]) == ("1h", 2, 2, 2)
    assert stats["by_severity"] == {"critical": 1, "high": 0, "medium": 1, "low": 0}
    assert stats["alerts"]["received"] == 4
    assert stats["alerts"]["by_reason"] == {"no open incident matches": 2}
    assert (stats["duplicates"], stats["suppressions"]) == (2, 0)
    assert stats["mtta_seconds"]["count"] == 0
    assert stats["slo"]["fast_path"]["p95_target_ms"] == 1500
    _, severity = await at.get("/api/v3/stats/severity")
    assert severity["severities"][0] == {
        "severity": "critical",
        "total": 1,
        "open": 1,
        "acknowledged": 0,
        "resolved": 0,
    }
    _, types = await at.get("/api/v3/stats/type?time_range=2d")
    assert [(item["type"], item["count"]) for item in types["by_type"]] == [("cpu", 2)]
    _, duplicates = await at.get("/api/v3/stats/duplicates")
    assert (duplicates["repeats"], duplicates["joined"]) == (2, 0)
    assert [(item["incident"], item["count"]) for item in duplicates["most_repeated"]] == [
        ("INC-1", 2)
    ]
    assert (await at.get("/api/v3/stats/suppressions"))[1]["newest"] == []


async def test_the_posted_card_is_timed(start_with_http: StartWithHttp) -> None:
    at = await start_with_http()
    await send_three(at)

    async def both_are_posted() -> bool:
        _, stats = await at.get("/api/v3/stats")
        return bool(stats["slo"]["fast_path"]["count"] == 2)

    await until(both_are_posted, why="both cards are posted")
    _, stats = await at.get("/api/v3/stats")
    assert stats["slo"]["fast_path"]["p50_ms"] >= 0


@pytest.mark.parametrize(
    "query",
    ["window=0h", "window=24", "window=9000h", "window=1y", "window=-1h", "time_range=1000w"],
)
async def test_an_impossible_window_is_refused(start_with_http: StartWithHttp, query: str) -> None:
    at = await start_with_http()
    status, body = await at.get(f"/api/v3/stats?{query}")
    assert (status, body["error"]["code"]) == (400, "invalid")


async def test_incidents_are_listed_a_page_at_a_time_and_shown_one_by_one(
    start_with_http: StartWithHttp,
) -> None:
    at = await start_with_http()
    await send_three(at)
    _, first = await at.get("/api/v3/incidents?limit=1&status=open")
    assert [item["number"] for item in first["incidents"]] == ["INC-2"]
    _, second = await at.get(f"/api/v3/incidents?limit=1&before={first['next_before']}")
    assert ([item["number"] for item in second["incidents"]], second["next_before"]) == (
        ["INC-1"],
        None,
    )
    for name in ("INC-1", "inc1", "1"):
        status, incident = await at.get(f"/api/v3/incidents/{name}")
        assert (status, incident["number"]) == (200, "INC-1")
    assert incident["alerts"][0]["reason"] == "no open incident matches"
    assert incident["timeline"][0]["kind"] == "opened"
    for path in ("incidents/INC-99", "incidents/x", "incidents/99999999999999999999"):
        assert (await at.get(f"/api/v3/{path}"))[0] == 404
    for query in ("limit=0", "limit=101", "limit=x", "status=closed", "before=x"):
        assert (await at.get(f"/api/v3/incidents?{query}"))[0] == 400


async def test_the_command_says_the_same_on_one_phone_screen(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http()
    await send_three(at)
    await world.quiet()
    answer = await answer_to(world, "/incident stats 7d")
    assert "Last 7d: 2 incidents: 2 open, 0 acknowledged, 0 resolved" in answer
    assert "2 repeats of a known alert" in answer
    assert len(answer.splitlines()) <= 12
    assert "from 1h to 8760h" in await answer_to(world, "/incident stats often")


async def test_a_trace_is_the_same_by_the_incident_and_by_the_tracking_id(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http()
    await send_three(at)
    await world.quiet()
    _, incident = await at.get("/api/v3/incidents/INC-1")
    tracking_id = incident["tracking_id"]
    _, trace = await at.get(f"/api/v3/trace/{tracking_id}")
    names = [stage["stage"] for stage in trace["stages"]]
    assert names[:2] == ["received", "decided"]
    assert {"written", "card posted", "advice asked", "advice answered"} <= set(names)
    assert trace["stages"] == sorted(trace["stages"], key=lambda stage: str(stage["at"]))
    assert trace["repeats"] == 2
    by_number = await answer_to(world, "/incident trace INC-1")
    assert by_number == await answer_to(world, f"/incident trace {tracking_id}")
    assert "card posted" in by_number
    assert "Repeated by its sender 2 times" in by_number
    assert "No alert has the tracking id" in await answer_to(world, "/incident trace req-nothing")
