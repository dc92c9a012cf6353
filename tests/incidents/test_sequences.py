"""Any sequence of alerts, repeats and resolves, against a model of what must come of it.

The model is a few dictionaries; the store under test is the real one, in memory.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import Refused
from bot.incidents.model import Alert, AlertStatus, Hyperlink, Incident, IncidentStatus, Severity
from store import Store, open_store
from tests.helpers.builders import identify
from tests.incidents.sequence_model import Close, Message, Model

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


MESSAGES = st.builds(
    Message,
    fingerprint=st.sampled_from(["f1", "f2", "f3", "f4"]),
    service=st.sampled_from(["web", "api", ""]),
    region=st.sampled_from(["eu-west-1", "us-east-1", ""]),
    category=st.sampled_from(["cpu", "disk"]),
    name=st.sampled_from(["A", "B"]),
    severity=st.sampled_from(Severity),
    sop_id=st.sampled_from([None, "procedure"]),
    firing=st.booleans(),
    is_repeated=st.integers(0, 4).map(lambda n: n == 0),
)
STEPS = st.lists(
    MESSAGES | MESSAGES | MESSAGES | st.builds(Close, index=st.integers(0, 3)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_any_sequence_leaves_the_incidents_that_the_model_says(
    steps: list[Message | Close],
) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[Message | Close]) -> None:
    store = await open_store("sqlite://", owner="bot-a")
    policy = store.config.current.policy
    correlate = policy.correlate.model_copy(update={"flapping_changes": 0})
    never_held = policy.model_copy(update={"correlate": correlate})
    store.config.current = replace(store.config.current, policy=never_held)
    model = Model()
    texts: list[str] = []
    alerts: dict[int, Alert] = {}
    try:
        for number, step in enumerate(steps):
            now = NOW + timedelta(seconds=number)
            if isinstance(step, Close):
                await _close(store, model, step.index, now)
            else:
                await _deliver(store, model, replace(step, number=number), texts, alerts, now)
            await _compare(store, model, alerts)
        for tracking_id in texts:
            assert len(await store.trace(tracking_id)) == 1, "stored exactly once"
    finally:
        await store.close()


async def _deliver(
    store: Store,
    model: Model,
    step: Message,
    texts: list[str],
    known: dict[int, Alert],
    now: datetime,
) -> None:
    alert = Alert(
        source="test",
        status=AlertStatus.FIRING if step.firing else AlertStatus.RESOLVED,
        name=step.name,
        title=f"title {step.number}",
        text=f"text {step.number}",
        value=step.value,
        threshold=f"threshold {step.number}" if step.number % 2 else "",
        labels={"number": str(step.number)},
        links=(Hyperlink("Graph", f"https://g.example/{step.number}"),),
        # A resolve of an earlier start would be of an earlier firing.
        starts_at=NOW - timedelta(seconds=step.number) if step.number % 5 and step.firing else None,
        region=step.region,
        env="prod",
        service=step.service,
        category=step.category,
        severity=step.severity,
        fingerprint=step.fingerprint,
    )
    key = f"delivery-{len(texts)}"
    identified = identify(alert, sop_id=step.sop_id, tracking_id=f"req-{key}", dedup_key=key)
    receipt = await store.accept(key, [identified], channel="C1", now=now)
    assert (receipt.accepted, receipt.duplicates) == (1, 0)
    texts.append(identified.tracking_id)
    known[step.number] = alert
    model.receive(step, identified.scope, identified.sop_id)
    if step.is_repeated:
        for repeated in (key, f"{key}-other"):  # the same delivery, and the same alert in another
            receipt = await store.accept(repeated, [identified], channel="C1", now=now)
            assert (receipt.accepted, receipt.duplicates) == (0, 1)


async def _close(store: Store, model: Model, index: int, now: datetime) -> None:
    if index >= len(model.incidents):
        return
    if model.close(index):
        await store.resolve(index + 1, "U1", now)
        return
    try:
        await store.resolve(index + 1, "U1", now)
    except Refused:
        return
    raise AssertionError("resolved twice")


async def _compare(store: Store, model: Model, alerts: dict[int, Alert]) -> None:
    fields = {incident.id: incident for incident in await store.open_incidents(limit=100)}
    expected = {number for number, known in enumerate(model.incidents, 1) if known.open}
    assert set(fields) == expected
    scopes = [known.scope for known in model.incidents if known.open]
    assert len(scopes) == len(set(scopes)), "one open incident of each scope"
    for number, known in enumerate(model.incidents, 1):
        incident = fields.get(number) or await store.incident(number)
        assert (incident.status is IncidentStatus.RESOLVED) == (not known.open)
        assert incident.firing == len(known.firing)
        assert incident.alert_count == known.alerts
        assert incident.severity is known.severity
        _assert_shows(incident, alerts[known.shown.number])
        assert incident.value == known.value
        assert incident.sop_id == known.sop_id
        page = await store.grouped_alerts(number, limit=100)
        assert page.firing == sum(alert.is_firing for alert in page.alerts) == len(known.firing)
        assert page.total == len(page.alerts)
        assert sum(alert.count for alert in page.alerts) == known.alerts
        if known.firing:
            assert page.alerts[0].severity is known.severity
    open_sops = [
        (incident.sop_id, scope.region, scope.service)
        for incident, scope in (
            (incident, model.incidents[incident.id - 1].scope) for incident in fields.values()
        )
    ]
    assert len(open_sops) == len(set(open_sops)), (
        "one open incident of each SOP ID, region and service"
    )


def _assert_shows(incident: Incident, alert: Alert) -> None:
    """Every field that a person sees is of that one stored alert.

    But for a value that is left out when the same alert is sent again.
    """
    for name in ("title", "text", "threshold", "links", "source", "severity"):
        assert getattr(incident, name) == getattr(alert, name), name
    assert incident.labels == alert.labels
    shown = (incident.display.env, incident.display.region, incident.display.service)
    assert shown == (alert.env, alert.region, alert.service)
    if alert.starts_at:
        assert incident.display.since == alert.starts_at
