"""Any sequence of alerts, repeats and resolves, against a model of what must come of it.

The model is a few dictionaries; the store under test is the real one, in memory.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import Refused
from bot.incidents import correlation
from bot.incidents.correlation import Scope
from bot.incidents.model import Alert, AlertStatus, IncidentStatus, Severity
from store import open_store
from store.contract import Store

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Tell:
    """A sender tells of an alert. `again` hands over the last delivery a second time."""

    fingerprint: str
    service: str
    category: str
    name: str
    severity: Severity
    sop_id: str | None
    firing: bool
    again: bool


@dataclass(frozen=True)
class Close:
    """A person resolves the n-th incident."""

    index: int


@dataclass
class Known:
    """An incident as the model sees it."""

    scope: Scope
    service: str
    sop_id: str
    severity: Severity
    firing: dict[str, str]
    alerts: int = 1
    open: bool = True


@dataclass
class Model:
    """What must be true after each step."""

    incidents: list[Known] = field(default_factory=list)

    def tell(self, one: Tell, scope: Scope, sop_id: str) -> None:
        found = self._find(one, scope, sop_id)
        if found is None:
            if one.firing:
                firing = {one.fingerprint: one.name}
                self.incidents.append(Known(scope, one.service, sop_id, one.severity, firing))
        elif one.firing:
            alone = list(found.firing) == [one.fingerprint]
            if alone or one.severity.rank < found.severity.rank:
                found.severity = one.severity
            found.firing.setdefault(one.fingerprint, one.name)
            found.alerts += 1
        else:
            if not found.firing.pop(one.fingerprint, None):
                of_name = [f for f, name in found.firing.items() if name == one.name]
                if len(of_name) == 1:
                    del found.firing[of_name[0]]
            found.open = bool(found.firing)

    def _find(self, one: Tell, scope: Scope, sop_id: str) -> Known | None:
        candidates = [known for known in self.incidents if known.open]
        rules = (
            lambda known: (
                one.fingerprint in known.firing
                and ("" in (one.service, known.service) or one.service == known.service)
            ),
            lambda known: known.scope == scope,
            lambda known: (
                (known.sop_id, known.scope.env, known.scope.service)
                == (sop_id, scope.env, scope.service)
            ),
        )
        for rule in rules:
            for known in candidates:
                if rule(known):
                    return known
        return None

    def close(self, index: int) -> bool:
        known = self.incidents[index]
        was_open, known.open = known.open, False
        known.firing = {}
        return was_open


TELLS = st.builds(
    Tell,
    fingerprint=st.sampled_from(["f1", "f2", "f3", "f4"]),
    service=st.sampled_from(["web", "api", ""]),
    category=st.sampled_from(["cpu", "disk"]),
    name=st.sampled_from(["A", "B"]),
    severity=st.sampled_from(Severity),
    sop_id=st.sampled_from([None, "procedure"]),
    firing=st.booleans(),
    again=st.integers(0, 4).map(lambda n: n == 0),
)
STEPS = st.lists(
    TELLS | TELLS | TELLS | st.builds(Close, index=st.integers(0, 3)), min_size=1, max_size=25
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_any_sequence_leaves_the_incidents_that_the_model_says(steps: list[Tell | Close]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[Tell | Close]) -> None:
    store = await open_store("sqlite://", owner="bot-a")
    model = Model()
    told: list[str] = []
    try:
        for number, step in enumerate(steps):
            now = NOW + timedelta(seconds=number)
            if isinstance(step, Close):
                await _close(store, model, step.index, now)
            else:
                await _tell(store, model, step, told, now)
            await _compare(store, model)
        for tracking_id in told:
            assert len(await store.trace(tracking_id)) == 1, "stored exactly once"
    finally:
        await store.close()


async def _tell(store: Store, model: Model, step: Tell, told: list[str], now: datetime) -> None:
    alert = Alert(
        source="test",
        status=AlertStatus.FIRING if step.firing else AlertStatus.RESOLVED,
        name=step.name,
        title=step.name,
        env="prod",
        service=step.service,
        category=step.category,
        severity=step.severity,
        fingerprint=step.fingerprint,
    )
    scope = correlation.scope_of(alert)
    key = f"delivery-{len(told)}"
    named = correlation.name(
        alert,
        matched_sop=step.sop_id,
        incident_key=correlation.key_of(alert, scope),
        tracking_id=f"req-{key}",
        dedup_key=key,
    )
    receipt = await store.accept(key, [named], channel="C1", now=now)
    assert (receipt.accepted, receipt.duplicates) == (1, 0)
    told.append(named.tracking_id)
    model.tell(step, scope, named.sop_id)
    if step.again:
        for repeated in (key, f"{key}-other"):  # the same delivery, and the same alert in another
            receipt = await store.accept(repeated, [named], channel="C1", now=now)
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


async def _compare(store: Store, model: Model) -> None:
    found = {one.id: one for one in await store.open_incidents(limit=100)}
    expected = {number for number, known in enumerate(model.incidents, 1) if known.open}
    assert set(found) == expected
    scopes = [known.scope for known in model.incidents if known.open]
    assert len(scopes) == len(set(scopes)), "one open incident of each scope"
    for number, known in enumerate(model.incidents, 1):
        one = found.get(number) or await store.incident(number)
        assert (one.status is IncidentStatus.RESOLVED) == (not known.open)
        assert one.firing == len(known.firing)
        assert one.alert_count == known.alerts
        assert one.severity is known.severity
        assert one.sop_id == known.sop_id
    open_sops = [
        (one.sop_id, scope.env, scope.service)
        for one, scope in ((one, model.incidents[one.id - 1].scope) for one in found.values())
    ]
    assert len(open_sops) == len(set(open_sops)), "one open incident of each SOP ID and service"
