"""The model of `test_sequences`: what must come of any sequence of alerts and resolves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bot.incidents.model import Severity
from bot.incidents.subject import Scope


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
