"""Similar anomalies in the store raise the severity of the next one."""

from __future__ import annotations

from bot.incidents.model import Severity
from bot.intake import parse_body
from bot.response import Delivery
from tests.helpers.builders import later
from tests.helpers.incident_bench import Bench


async def arrives(bench: Bench, number: int, service: str) -> None:
    body = {
        "anomaly_type": "latency",
        "service": service,
        "detector": "zscore",
        "score": 0.8,
        "ts": later(number).isoformat(),
    }
    alerts = parse_body("anomaly", body).alerts
    key = f"http/anomaly/{service}/{number}"
    delivery = Delivery(key, "C0ALERTS", alerts, repeats=True, sender="http:anomaly")
    await bench.service.receive(delivery)


async def test_the_sixth_within_an_hour_is_critical_and_a_redelivery_counts_once(
    bench: Bench,
) -> None:
    for number in (0, 1, 2, 3, 3, 3, 4):
        await arrives(bench, number, "web")
        await arrives(bench, number, f"other-{number}")
    alerts, _ = await bench.store.firing_alerts()
    assert {alert.severity for alert in alerts} == {Severity.HIGH}
    for _ in range(2):
        await arrives(bench, 5, "web")
    alerts, _ = await bench.store.firing_alerts()
    assert [alert.severity for alert in alerts].count(Severity.CRITICAL) == 1
    assert alerts[0].read_from["severity"] == "field score, raised: 5 similar in 1 h"
    bench.now = later(2 * 3600)
    await arrives(bench, 2 * 3600, "web")
    alerts, _ = await bench.store.firing_alerts()
    assert alerts[0].severity is Severity.HIGH, "six in the day are too few"
