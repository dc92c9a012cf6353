"""An alert about the bot opens an incident, and what the bot does about it raises no other one."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import yaml

from tests.scenarios.starting import StartBot
from tests.scenarios.world import World

RULES = Path(__file__).parents[2] / "deploy" / "alerts" / "sopbot.yml"


def webhook(rule: dict[str, object], status: str, started: str) -> dict[str, object]:
    """Return Alertmanager's notification about one of our own rules."""
    alert = {
        "status": status,
        "labels": {"alertname": rule["alert"], **rule["labels"]},  # type: ignore[dict-item]
        "annotations": rule["annotations"],
        "startsAt": started,
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2026-11-21T03:59:00Z",
    }
    return {"version": "4", "groupKey": str(rule["alert"]), "status": status, "alerts": [alert]}


async def test_the_bot_s_own_alerts_open_one_incident_each_and_ask_nobody(
    world: World, bot: StartBot
) -> None:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    running = await bot(HTTP_REQUESTS_PER_MINUTE="5")
    async with aiohttp.ClientSession() as session:
        for minute in range(6):
            for rule in rules:
                body = webhook(rule, "firing", f"2026-11-21T03:0{minute}:00Z")
                async with session.post(f"{running.http_url}/webhook/alerts", json=body) as answer:
                    assert answer.status == 202, "a storm of alerts is never refused"
        await world.quiet()
        async with session.get(f"{running.http_url}/health/detailed") as answer:
            system = (await answer.json())["system"]
    assert 0 < system["memory_percent"] < 100
    assert system["process_memory_bytes"] > 10_000_000
    assert system["disk_free_bytes"] > 0
    assert 0 < system["disk_usage"] <= 100
    incidents = world.rows("SELECT service FROM incidents")
    assert {row["service"] for row in incidents} == {"sopbot"}
    assert len(incidents) <= len(rules), "an alert that fires again joins its incident"
    assert world.rows("SELECT id FROM advice") == [], "slow advice must not ask for more of it"
    (messages,) = world.rows("SELECT COUNT(*) AS n FROM outbox")
    assert messages["n"] <= 3 * len(rules), "sixty alerts are few messages"
    await world.alert()
    await world.quiet()
    assert len(world.rows("SELECT id FROM advice")) == 1, "another service still gets its advice"
    assert re.search(r'sopbot_health\{part="store"\} 1', running.metrics.text().decode())
