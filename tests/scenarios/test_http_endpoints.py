"""The bot's HTTP endpoints: who may call them, what they answer, and what lands in Slack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from store.statements import Operation, query
from tests.helpers.slack_faults import HttpProxy
from tests.helpers.waiting import until
from tests.scenarios.http_caller import StartWithHttp, firing, webhook
from tests.scenarios.world import ALERTS, World

pytestmark = pytest.mark.one_engine
PAYLOADS = Path(__file__).parents[1] / "payloads"


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
async def test_without_a_token_only_this_machines_own_names_are_answered(
    start_with_http: StartWithHttp, host: str
) -> None:
    at = await start_with_http(HTTP_TOKEN="")
    for path in ("/health", "/metrics", "/healthz"):
        assert (await at.get(path, Host=host))[0] == 421
        assert (await at.get(path, Host="localhost"))[0] == 200


@pytest.mark.attack("ASI03")
async def test_healthz_and_readyz_need_no_token_and_the_rest_does(
    start_with_http: StartWithHttp,
) -> None:
    at = await start_with_http()
    nobody = {"Authorization": ""}
    assert (await at.get("/healthz", **nobody)) == (200, {"status": "ok"})
    status, ready = await at.get("/readyz", **nobody)
    assert (status, ready["status"]) == (200, "ready")
    parts = {"store", "slack", "gateway", "outbox", "work", "audit trail"}
    assert set(ready["checks"]) == parts
    assert not [check for check in ready["checks"].values() if "reason" in check]
    for path in ("/health", "/health/detailed", "/metrics", "/api/v3/trace/x", "/api/v3/unmatched"):
        status, body = await at.get(path, **nobody)
        assert status == 401, path
        assert body["error"]["message"] == "Send `Authorization: Bearer <HTTP_TOKEN>`."
    for path in ("/incident", "/alerts/alertmanager", "/webhook/alerts"):
        assert (await at.post(path, webhook(firing()), Authorization="Bearer wrong"))[0] == 401
    status, _, headers = await at.ask("POST", "/incident", {}, Authorization="Basic x")
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_health_says_who_it_is_and_detailed_says_more(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http()
    status, body = await at.get("/health")
    assert status == 200
    assert (body["status"], body["adapter"], body["service"]) == ("healthy", "qchat", "sopbot")
    await world.alert()
    await world.card()

    async def details_once_all_is_sent() -> dict[str, Any] | None:
        _, detailed = await at.get("/health/detailed")
        return detailed if detailed["outbox"] == {"waiting": 0, "failed": 0} else None

    # The approval card is enqueued beside the card, so the outbox may be empty before it too.
    detailed = await until(details_once_all_is_sent, why="the outbox is empty")
    assert detailed["incidents"] == {"open": 1}
    assert detailed["checks"]["slack"]["state"] == "ok"
    assert detailed["checks"]["store"]["checked_at"].endswith("Z")


async def test_not_ready_while_the_gateway_is_down_and_ready_when_it_is_back(
    start_with_http: StartWithHttp, world: World
) -> None:
    async with HttpProxy.before(world.gateway_url) as gateway:
        at = await start_with_http(AI_COMMAND_GATEWAY_URL=gateway.url)

        async def down(_request: object) -> bool:
            return False

        gateway.on_request = down
        await at.bot.health.check()
        status, body = await at.get("/readyz")
        assert (status, body["status"]) == (503, "not ready")
        assert body["checks"]["gateway"]["state"] == "failing"
        assert "gateway" in body["checks"]["gateway"]["reason"]
        assert body["checks"]["store"]["state"] == "ok"
        assert (await at.get("/health"))[0] == 503
        assert (await at.get("/healthz"))[0] == 200, "live, though not ready"

        gateway.on_request = None
        await at.bot.health.check()
        assert (await at.get("/readyz"))[0] == 200


async def test_not_ready_while_the_socket_to_slack_is_gone(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http()

    async def refuse() -> int:
        return 503

    world.slack_hooks.before_socket = refuse  # type: ignore[method-assign]
    world.slack.drop_connections()
    await world.slack.wait_for(lambda: not world.slack.connections, why="the link is cut")
    await until(lambda: not at.bot._connections.live, why="noticed")
    await at.bot.health.check()
    status, body = await at.get("/readyz")
    assert status == 503
    assert body["checks"]["slack"]["state"] == "failing"


async def test_metrics_count_what_happened(start_with_http: StartWithHttp, world: World) -> None:
    at = await start_with_http()
    await at.post("/webhook/alerts", webhook(firing()))
    await world.card()
    await world.quiet()
    status, text = await at.get("/metrics")
    assert status == 200
    for name in ("qchat_", "gateway_", "sopbot_"):
        assert f"\n{name}" in text
    assert 'source="alertmanager"' in text


@pytest.mark.parametrize("path", ["/alerts/alertmanager", "/webhook/alerts"])
async def test_a_webhook_opens_a_thread_and_the_answer_has_its_tracking_id(
    start_with_http: StartWithHttp, world: World, path: str
) -> None:
    at = await start_with_http()
    status, body, headers = await at.ask("POST", path, webhook(firing(), firing("search-api")))
    assert status == 202
    assert headers["X-Tracking-Id"] == ", ".join(body["tracking_ids"])
    assert (body["accepted"], body["duplicates"]) == (2, 0)
    first, second = body["tracking_ids"]
    assert first != second
    assert first in (await world.card("checkout-api is down")).text
    await world.card("search-api is down", number=2)

    status, repeated = await at.post(path, webhook(firing(), firing("search-api")))
    assert (status, repeated["accepted"], repeated["duplicates"]) == (202, 0, 2)

    status, trace = await at.get(f"/api/v3/trace/{first}")
    assert status == 200
    assert trace["incident"]["number"] == "INC-1"
    assert trace["alerts"][0]["reason"] == "no open incident matches"
    assert trace["alerts"][0]["read_from"]["service"] == "label service"
    assert [stage["stage"] for stage in trace["stages"]][:2] == ["received", "decided"]
    assert trace["stages"][0]["at"].endswith("Z")
    await world.quiet()
    assert len(world.cards()) == 2


async def test_a_rule_evaluator_posts_to_the_path_of_alertmanagers_api(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http()
    alert = firing("berth-api") | {"endsAt": "2099-01-01T00:00:00Z"}
    del alert["status"]
    status, body = await at.post("/alerts/vmalert/api/v2/alerts", [alert])
    assert (status, body["accepted"], body["understood"]) == (202, 1, True)
    await world.card("berth-api")
    ended = alert | {"endsAt": alert["startsAt"]}
    assert (await at.post("/alerts/vmalert/api/v2/alerts", [ended]))[1]["accepted"] == 1
    await world.card("resolved")


async def test_the_same_idempotency_key_is_one_alert(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http()
    body = {"service": "search-api", "title": "slow", "severity": "high"}
    answers = [
        await at.post("/alerts/generic", body, **{"Idempotency-Key": "from-the-sender"})
        for _ in range(2)
    ]
    assert [answer["accepted"] for _, answer in answers] == [1, 0]
    await world.quiet()
    assert "folded" not in (await world.card()).text


async def test_deliveries_without_a_key_are_numbered_in_their_order(
    start_with_http: StartWithHttp,
) -> None:
    """Each random name would change another page of the store's index."""
    at = await start_with_http()
    for number in range(8):
        status, _ = await at.post("/alerts/alertmanager", webhook(firing(f"shop-{number}")))
        assert status == 202

    def names() -> Operation[list[str]]:
        rows = yield query("SELECT dedup_key FROM alerts ORDER BY id")
        return [row["dedup_key"].rpartition("/")[2] for row in rows]

    message = await at.bot.service.store._engine.read(names)
    assert len(set(message)) == 8
    assert message == sorted(message)


async def test_an_unknown_tracking_id_is_not_found(start_with_http: StartWithHttp) -> None:
    at = await start_with_http()
    status, body = await at.get("/api/v3/trace/req-20261121-030405-00000000")
    assert (status, body["error"]["code"]) == (404, "not_found")
    assert body["error"]["message"] == "No alert and no question has this tracking id."


async def test_a_body_that_nobody_understands_is_accepted_and_the_answer_says_why(
    start_with_http: StartWithHttp,
) -> None:
    at = await start_with_http()
    status, body = await at.post("/alerts/harbour-lights", {"lamp": {"colour": "red"}})
    assert status == 202
    assert body["accepted"] == 1
    assert body["understood"] is False
    assert body["reason"] == "name: must be given, or title, text or service"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/incident", "POST"),
        ("DELETE", "/alerts/generic", "POST"),
        ("POST", "/metrics", "GET"),
    ],
)
async def test_a_wrong_method_is_told_the_right_one(
    start_with_http: StartWithHttp, method: str, path: str, allow: str
) -> None:
    at = await start_with_http()
    status, body, headers = await at.ask(method, path)
    assert (status, body["error"]["code"]) == (405, "method_not_allowed")
    assert allow in headers["Allow"]


async def test_an_unknown_path_is_json_too(start_with_http: StartWithHttp) -> None:
    at = await start_with_http()
    status, body = await at.get("/admin")
    assert (status, body["error"]["code"]) == (404, "not_found")


async def test_a_page_in_a_browser_is_turned_away(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http()
    for path in ("/incident", "/alerts/generic"):
        status, body = await at.post(path, {"title": "x"}, Origin="https://evil.example")
        assert status == 403
        assert body["error"]["message"] == "This endpoint is for programs, not for web pages."
    assert (await at.get("/healthz", Origin="null"))[0] == 403
    await world.quiet()
    assert world.rows("SELECT * FROM alerts") == []


async def test_an_endpoint_that_listens_on_the_network_needs_a_token(world: World) -> None:
    from bot.errors import SettingsError
    from bot.settings import load

    with pytest.raises(SettingsError, match="HTTP_TOKEN: required"):
        load(world.settings(HTTP_ADDR="0.0.0.0:8080"), world.folder / "no.env")


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("grafana", "grafana/http_webhook.json"),
        ("cloudwatch", "cloudwatch/http_sns.json"),
        ("sentry", "sentry/http_event_alert.json"),
        ("uptime-kuma", "uptime-kuma/http_down.json"),
        ("airflow", "airflow/http_task_failed.json"),
        ("anomaly", "anomaly/http_detected.json"),
        ("generic", "generic/http_proxy_form.json"),
    ],
)
async def test_every_source_gets_from_http_to_a_card(
    start_with_http: StartWithHttp, world: World, source: str, file: str
) -> None:
    at = await start_with_http()
    status, body = await at.post(f"/alerts/{source}", json.loads((PAYLOADS / file).read_text()))
    assert (status, body["accepted"]) == (202, len(body["tracking_ids"]))
    card = await world.card()
    assert card.channel == ALERTS


async def test_the_process_itself_is_measured(start_with_http: StartWithHttp) -> None:
    at = await start_with_http()
    _, text = await at.get("/metrics")
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"):
        assert f"\n{name} " in text
