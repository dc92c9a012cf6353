"""Any sequence of alerts, repeats and resolves, against a model of what must come of it.

The model is a few dictionaries; the store under test is the real one, in memory.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import Refused
from bot.incidents.model import Alert, AlertStatus, Hyperlink, Incident, IncidentStatus, Severity
from bot.incidents.subject import Scope
from store import Store, open_store
from tests.helpers.builders import identify

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Message:
    """A sender's message about an alert. `is_repeated`: the same delivery arrives twice."""

    fingerprint: str
    service: str
    region: str
    category: str
    name: str
    severity: Severity
    sop_id: str | None
    firing: bool
    is_repeated: bool
    number: int = 0

    @property
    def value(self) -> str:
        return f"value {self.number}" if self.number % 3 else ""


@dataclass(frozen=True)
class Firing:
    """An alert that fires: what was sent of it last, and the step at which it began here."""

    message: Message
    first: int

    @property
    def since(self) -> int:
        """Seconds from NOW: its sender's start, else when it first came."""
        return -self.message.number if self.message.number % 5 else self.first


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
    firing: dict[str, Firing]
    shown: Message
    value: str
    alerts: int = 1
    open: bool = True
    ended: int = 0  # which of all resolves ended it last


@dataclass
class Model:
    """Check the invariants that hold after each step."""

    incidents: list[Known] = field(default_factory=list)
    last_in: dict[str, Known] = field(default_factory=dict)
    ends: int = 0

    def receive(self, item: Message, scope: Scope, sop_id: str) -> None:
        result = self._find(item, scope, sop_id)
        if result is None and item.firing:
            result = self._reopen(item, scope)
        if result is None:
            if item.firing:
                firing = {item.fingerprint: Firing(item, item.number)}
                known = Known(scope, item.service, sop_id, item.severity, firing, item, item.value)
                self.incidents.append(known)
                self.last_in[item.fingerprint] = known
        elif item.firing:
            before = result.firing.get(item.fingerprint)
            first = before.first if before else item.number
            result.firing[item.fingerprint] = Firing(item, first)
            result.alerts += 1
            self._narrow(result, scope)
            self.last_in[item.fingerprint] = result
            self._show(result)
        else:
            if not result.firing.pop(item.fingerprint, None):
                of_name = [
                    f for f, known in result.firing.items() if known.message.name == item.name
                ]
                if len(of_name) == 1:
                    del result.firing[of_name[0]]
            self._show(result)
            if not result.firing:
                self._end(result)

    def _end(self, known: Known) -> None:
        self.ends += 1
        known.open, known.firing, known.ended = False, {}, self.ends

    def _reopen(self, item: Message, scope: Scope) -> Known | None:
        """The incident of the alert, else of its scope: no sequence is longer than the time to
        reopen.
        """
        opened = [k for k in self.incidents if k.open]
        taken = {(k.sop_id, replace(k.scope, category="")) for k in opened}
        ended = [
            k
            for k in sorted(self.incidents, key=lambda known: -known.ended)
            if not k.open
            and (k.sop_id, replace(k.scope, category="")) not in taken
            and ("" in (item.service, k.service) or item.service == k.service)
            and _are_compatible(k.scope.region, scope.region)
        ]
        of_kind = [k for k in ended if _kind(k.scope) == _kind(scope)]
        fitting = [k for k in opened if _are_compatible(k.scope.region, scope.region)]
        scopes = {k.scope for k in (*of_kind, *fitting) if _kind(k.scope) == _kind(scope)}
        chosen = [k for k in ended if k is self.last_in.get(item.fingerprint)]
        chosen += [k for k in of_kind if k.scope == scope]
        chosen += of_kind if len(scopes) == 1 else []
        for known in chosen[:1]:
            known.open = True
        return chosen[0] if chosen else None

    def _show(self, known: Known) -> None:
        """The most severe one that fires, of equal ones the longest; when none does, the last."""
        if known.firing:
            best = min(
                known.firing.values(), key=lambda f: (f.message.severity.rank, f.since, f.first)
            ).message
            same = best.fingerprint == known.shown.fingerprint
            if best is not known.shown:
                known.value = best.value or (known.value if same else "")
            known.severity, known.shown = best.severity, best

    def _narrow(self, known: Known, scope: Scope) -> None:
        """An incident of an unknown region learns it, unless another one of its SOP has it."""
        region = scope.region if known.scope.region == "-" else known.scope.region
        taken = any(
            (other.sop_id, other.scope.region, other.scope.service)
            == (known.sop_id, region, known.scope.service)
            for other in self.incidents
            if other.open
        )
        if known.scope.service == scope.service and not taken:
            known.scope = replace(known.scope, region=region)

    def _find(self, item: Message, scope: Scope, sop_id: str) -> Known | None:
        candidates = [known for known in self.incidents if known.open]
        rules = (
            lambda known: (
                item.fingerprint in known.firing
                and ("" in (item.service, known.service) or item.service == known.service)
                and _are_compatible(known.scope.region, scope.region)
            ),
            lambda known: known.scope == scope,
            lambda known: (
                (known.sop_id, known.scope.region, known.scope.service)
                == (sop_id, scope.region, scope.service)
            ),
        )
        for rule in rules:
            for known in candidates:
                if rule(known):
                    return known
        return self._only_compatible(scope, sop_id, candidates)

    def _only_compatible(self, scope: Scope, sop_id: str, candidates: list[Known]) -> Known | None:
        """An alert without a region joins only if exactly one incident fits."""
        of_service = [
            known
            for known in candidates
            if known.scope.service == scope.service
            and _are_compatible(known.scope.region, scope.region)
        ]
        for fitting in (
            [known for known in of_service if known.scope.category == scope.category],
            [known for known in of_service if known.sop_id == sop_id],
        ):
            if len(fitting) == 1:
                return fitting[0]
        return None

    def close(self, index: int) -> bool:
        known = self.incidents[index]
        was_open = known.open
        if was_open:
            self._end(known)
        return was_open


def _kind(scope: Scope) -> tuple[str, str]:
    return scope.service, scope.category


def _are_compatible(first: str, second: str) -> bool:
    return "-" in (first, second) or first == second


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
