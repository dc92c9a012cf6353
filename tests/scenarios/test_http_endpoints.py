"""The bot's own HTTP door: who may use it, what it answers, and what lands in Slack."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import Bot
from store.statements import Operation, query
from tests.helpers.slack_faults import HttpProxy
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, SERVICE, World

pytestmark = pytest.mark.one_engine

TOKEN = "a token of the tests"
PAYLOADS = Path(__file__).parents[1] / "payloads"

# Plays an advisor: as its first argument says, it answers, fails, or waits for a file to appear.
ADVISOR = """
import os, sys, time
asked = sys.stdin.read()
mode, gate = sys.argv[1], sys.argv[2]
if "--version" in sys.argv:
    print("advisor 1.0")
elif mode == "fails":
    print("no luck today", file=sys.stderr)
    sys.exit(3)
elif mode == "waits":
    open(gate + ".asked", "a").write("x")
    while not os.path.exists(gate):
        time.sleep(0.01)
    print("it was the disk, and that took a while")
else:
    print("it was the disk: " + ("checkout-api" if "checkout-api" in asked else "unknown"))
"""


class Door:
    """A client with the bearer token."""

    def __init__(self, bot: Bot, http: aiohttp.ClientSession) -> None:
        self.bot = bot
        self._http = http

    async def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """(status, JSON or text, headers)."""
        sent_headers = {"Authorization": f"Bearer {TOKEN}"} | headers
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        async with self._http.request(
            method, self.bot.http_url + path, data=data, headers=sent_headers
        ) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return answer.status, json.loads(text) if is_json else text, dict(answer.headers)

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        status, body, _ = await self.ask("GET", path, **headers)
        return status, body

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        status, answer, _ = await self.ask("POST", path, body, **headers)
        return status, answer


OpenDoor = Callable[..., Awaitable[Door]]


@pytest.fixture
async def http_door(bot: StartBot, http: aiohttp.ClientSession) -> OpenDoor:
    async def open_door(**settings: str) -> Door:
        return Door(await bot(**{"HTTP_TOKEN": TOKEN} | settings), http)

    return open_door


def advisor(world: World, mode: str) -> dict[str, str]:
    """Settings with an advisor command that does this."""
    script = world.folder / "advisor.py"
    script.write_text(ADVISOR)
    command = [sys.executable, str(script), mode, str(world.folder / "gate")]
    return {"ADVISOR_COMMAND": shlex.join(command), "QCHAT_MAX_RETRIES": "0"}


def firing(service: str = SERVICE, **labels: str) -> dict[str, Any]:
    """An entry of Alertmanager's webhook."""
    named = {"alertname": "HealthCheckFailing", "env": "prod", "severity": "critical"}
    return {
        "status": "firing",
        "labels": named | {"service": service} | labels,
        "annotations": {"summary": f"{service} is down"},
        "startsAt": "2026-11-21T03:04:05Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "".join(f"{ord(c):02x}" for c in service)[:16],
    }


def webhook(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {"version": "4", "status": "firing", "alerts": list(alerts)}


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
async def test_without_a_token_only_this_machines_own_names_are_answered(
    http_door: OpenDoor, host: str
) -> None:
    at = await http_door(HTTP_TOKEN="")
    for path in ("/health", "/metrics", "/healthz"):
        assert (await at.get(path, Host=host))[0] == 421
        assert (await at.get(path, Host="localhost"))[0] == 200


@pytest.mark.attack("ASI03")
async def test_healthz_and_readyz_need_no_token_and_the_rest_does(http_door: OpenDoor) -> None:
    at = await http_door()
    nobody = {"Authorization": ""}
    assert (await at.get("/healthz", **nobody)) == (200, {"status": "ok"})
    status, ready = await at.get("/readyz", **nobody)
    assert (status, ready["status"]) == (200, "ready")
    parts = {"store", "slack", "gateway", "outbox", "work", "audit trail"}
    assert set(ready["checks"]) == parts
    assert not [check for check in ready["checks"].values() if "reason" in check]
    for path in ("/health", "/health/detailed", "/metrics", "/api/v3/trace/x"):
        status, body = await at.get(path, **nobody)
        assert status == 401, path
        assert body["error"]["message"] == "Send `Authorization: Bearer <HTTP_TOKEN>`."
    for path in ("/incident", "/alerts/alertmanager", "/webhook/alerts"):
        assert (await at.post(path, webhook(firing()), Authorization="Bearer wrong"))[0] == 401
    status, _, headers = await at.ask("POST", "/incident", {}, Authorization="Basic x")
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_health_says_who_it_is_and_detailed_says_more(
    http_door: OpenDoor, world: World
) -> None:
    at = await http_door()
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
    http_door: OpenDoor, world: World
) -> None:
    async with HttpProxy.before(world.gateway_url) as gateway:
        at = await http_door(AI_COMMAND_GATEWAY_URL=gateway.url)

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
    http_door: OpenDoor, world: World
) -> None:
    at = await http_door()

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


async def test_metrics_count_what_happened(http_door: OpenDoor, world: World) -> None:
    at = await http_door()
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
    http_door: OpenDoor, world: World, path: str
) -> None:
    at = await http_door()
    status, body = await at.post(path, webhook(firing(), firing("search-api")))
    assert status == 202
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
    assert trace["stages"][0]["stage"] == "opened"
    assert trace["stages"][0]["at"].endswith("Z")
    await world.quiet()
    assert len(world.cards()) == 2


async def test_the_same_idempotency_key_is_one_alert(http_door: OpenDoor, world: World) -> None:
    at = await http_door()
    body = {"service": "search-api", "title": "slow", "severity": "high"}
    answers = [
        await at.post("/alerts/generic", body, **{"Idempotency-Key": "from-the-sender"})
        for _ in range(2)
    ]
    assert [answer["accepted"] for _, answer in answers] == [1, 0]
    await world.quiet()
    assert "folded" not in (await world.card()).text


async def test_deliveries_without_a_key_of_their_own_are_named_in_the_order_they_came(
    http_door: OpenDoor,
) -> None:
    """Each random name would change another page of the store's index."""
    at = await http_door()
    for number in range(8):
        status, _ = await at.post("/alerts/alertmanager", webhook(firing(f"shop-{number}")))
        assert status == 202

    def names() -> Operation[list[str]]:
        rows = yield query("SELECT dedup_key FROM alerts ORDER BY id")
        return [row["dedup_key"].rpartition("/")[2] for row in rows]

    message = await at.bot.service.store._engine.read(names)
    assert len(set(message)) == 8
    assert message == sorted(message)


async def test_an_unknown_tracking_id_is_not_found(http_door: OpenDoor) -> None:
    at = await http_door()
    status, body = await at.get("/api/v3/trace/req-20261121-030405-00000000")
    assert (status, body["error"]["code"]) == (404, "not_found")
    assert body["error"]["message"] == "No alert and no question has this tracking id."


async def test_an_unknown_source_is_told_which_there_are(http_door: OpenDoor) -> None:
    at = await http_door()
    status, body = await at.post("/alerts/nagios", {})
    assert status == 404
    assert "There is no such alert source. Known sources: alertmanager" in body["error"]["message"]


async def test_a_prompt_is_answered_with_its_sop_id(http_door: OpenDoor, world: World) -> None:
    at = await http_door(**advisor(world, "answers"))
    fields = {"incident_key": "sdn5_cpu_high", "prompt": "why is checkout-api down?"}
    status, body = await at.post("/incident", fields)
    assert status == 200
    assert body["answer"] == "it was the disk: checkout-api"
    assert body["sop_id"] == "sop_e0397b31b8d1"
    assert body["incident_key"] == "sdn5_cpu_high"
    assert body["tracking_id"].startswith("req-")
    assert body["source"]
    await world.quiet()
    assert world.cards() == [], "a question opens no incident"


async def test_an_alert_is_answered_with_the_advice_of_its_thread(
    http_door: OpenDoor, world: World
) -> None:
    at = await http_door(**advisor(world, "answers"))
    alert = {"service": SERVICE, "env": "prod", "severity": "critical", "title": "it is down"}
    status, body = await at.post("/incident", alert)
    assert status == 200
    assert body["answer"] == "it was the disk: checkout-api"
    assert body["sop_id"] == "sop_checkout_down"
    advice = await world.advice("it was the disk: checkout-api")
    assert "not verified" in advice.text
    assert body["tracking_id"] in (await world.card()).text


async def test_what_is_missing_in_a_request_is_named(http_door: OpenDoor) -> None:
    at = await http_door()
    status, body = await at.post("/incident", {"incident_key": "a"})
    assert (status, body["error"]["code"]) == (400, "invalid")
    assert "prompt: required" in body["error"]["message"]
    status, body = await at.post("/incident", {"prompt": "why?"})
    assert (status, "incident_key: required" in body["error"]["message"]) == (400, True)


async def test_an_advisor_that_fails_is_a_502_and_the_thread_gets_the_sop(
    http_door: OpenDoor, world: World
) -> None:
    at = await http_door(**advisor(world, "fails"))
    status, body = await at.post("/incident", {"incident_key": "k", "prompt": "why?"})
    assert (status, body["error"]["code"]) == (502, "advisor_failed")
    assert "ended with an error" in body["error"]["message"]
    await world.alert()
    advice = await world.advice("No model answer")
    assert "Restart checkout-api" in advice.text


async def test_an_advisor_that_takes_too_long_is_a_504(http_door: OpenDoor, world: World) -> None:
    at = await http_door(**advisor(world, "waits") | {"QCHAT_TIMEOUT": "0.5"})
    status, body = await at.post("/incident", {"incident_key": "k", "prompt": "why?"})
    assert (status, body["error"]["code"]) == (504, "timeout")


async def test_a_saturated_advisor_is_a_503_that_says_when_to_come_back(
    http_door: OpenDoor, world: World
) -> None:
    at = await http_door(**advisor(world, "waits") | {"QCHAT_MAX_CONCURRENT": "1"})
    fields = {"incident_key": "k", "prompt": "why?"}
    asking = [asyncio.create_task(at.ask("POST", "/incident", fields)) for _ in range(30)]
    done, _ = await asyncio.wait(asking, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    refused = [task.result() for task in done]
    assert refused
    for status, body, headers in refused:
        assert (status, body["error"]["code"]) == (503, "saturated")
        assert int(headers["Retry-After"]) >= 1
    # While it is saturated, alerts still get their cards.
    await world.alert()
    await world.card()
    (world.folder / "gate").touch()
    answers = [await task for task in asking]
    assert {status for status, _, _ in answers} == {200, 503}
    assert (world.folder / "gate.asked").exists()


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/incident", "POST"),
        ("DELETE", "/alerts/generic", "POST"),
        ("POST", "/metrics", "GET"),
    ],
)
async def test_a_wrong_method_is_told_the_right_one(
    http_door: OpenDoor, method: str, path: str, allow: str
) -> None:
    at = await http_door()
    status, body, headers = await at.ask(method, path)
    assert (status, body["error"]["code"]) == (405, "method_not_allowed")
    assert allow in headers["Allow"]


async def test_an_unknown_path_is_json_too(http_door: OpenDoor) -> None:
    at = await http_door()
    status, body = await at.get("/admin")
    assert (status, body["error"]["code"]) == (404, "not_found")


async def test_a_page_in_a_browser_is_turned_away(http_door: OpenDoor, world: World) -> None:
    at = await http_door()
    for path in ("/incident", "/alerts/generic"):
        status, body = await at.post(path, {"title": "x"}, Origin="https://evil.example")
        assert status == 403
        assert body["error"]["message"] == "This door is for programs, not for pages."
    assert (await at.get("/healthz", Origin="null"))[0] == 403
    await world.quiet()
    assert world.rows("SELECT * FROM alerts") == []


async def test_a_door_that_is_open_to_the_network_needs_a_token(world: World) -> None:
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
    http_door: OpenDoor, world: World, source: str, file: str
) -> None:
    at = await http_door()
    status, body = await at.post(f"/alerts/{source}", json.loads((PAYLOADS / file).read_text()))
    assert (status, body["accepted"]) == (202, len(body["tracking_ids"]))
    card = await world.card()
    assert card.channel == ALERTS


async def test_the_tracking_id_of_a_question_is_known_to_trace(http_door: OpenDoor) -> None:
    at = await http_door()
    status, answer = await at.post("/incident", {"incident_key": "k1", "prompt": "why"})
    assert status == 200
    status, trace = await at.get(f"/api/v3/trace/{answer['tracking_id']}")
    assert (status, trace["tracking_id"]) == (200, answer["tracking_id"])
    assert [stage["stage"] for stage in trace["stages"]] == ["asked", "answered"]
    assert answer["sop_id"] in trace["stages"][0]["text"]


async def test_a_key_keeps_the_sop_id_that_its_caller_named(http_door: OpenDoor) -> None:
    at = await http_door()
    fields = {"incident_key": "k2", "prompt": "why", "sop_id": "sop_mine"}
    assert (await at.post("/incident", fields))[1]["sop_id"] == "sop_mine"
    del fields["sop_id"]
    assert (await at.post("/incident", fields))[1]["sop_id"] == "sop_mine"
    other = fields | {"sop_id": "sop_other"}
    await at.post("/incident", other)
    assert (await at.post("/incident", fields))[1]["sop_id"] == "sop_mine", "nobody takes it over"


async def test_an_advisor_that_fails_is_in_the_health_answer(
    http_door: OpenDoor, world: World
) -> None:
    at = await http_door(**advisor(world, "fails"))
    assert (await at.get("/readyz"))[1]["checks"]["advisor"]["state"] == "ok"
    await at.post("/incident", {"incident_key": "k3", "prompt": "why"})
    await at.bot.health.check("advisor")
    status, ready = await at.get("/readyz")
    assert (status, ready["checks"]["advisor"]["state"]) == (200, "failing")


async def test_the_process_itself_is_measured(http_door: OpenDoor) -> None:
    at = await http_door()
    _, text = await at.get("/metrics")
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"):
        assert f"\n{name} " in text
