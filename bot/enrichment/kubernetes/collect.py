"""Asks a cluster what is unusual around an alert, and orders the answers: the cause first."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from bot.enrichment.kubernetes.about import About
from bot.enrichment.kubernetes.describe import describe_lines, event_key
from bot.enrichment.kubernetes.errors import ErrorForm, error_forms, error_lines, rank_by_names
from bot.enrichment.kubernetes.events import Event, event_lines, read_events
from bot.enrichment.kubernetes.fitting import Line, Part
from bot.enrichment.kubernetes.node_services import node_lines
from bot.enrichment.kubernetes.pods import (
    Pod,
    pod_lines,
    read_pods,
    suspicion,
    usual_restarts,
    young_pods,
)
from bot.enrichment.kubernetes.source import ClusterSource, NoAnswer, Query
from bot.enrichment.kubernetes.text import raw_lines
from bot.incidents.names import workload_of_pod

MOST_DESCRIBED = 6
MOST_NODES = 30
MOST_RAW = 60  # lines of an answer that cannot be read
PODS_SHARE, EVENTS_SHARE = 2_000, 2_600
DESCRIBE_SHARES = (1_500, 900)  # of the first pod, and of each further one
ERRORS_SHARES = (1_000, 500)
NODE_DOWN_SHARE, NODE_FINE_SHARE = 1_500, 200
_ALERTS_OWN = 50
_CAUSE_EVENT, _WARNING = 60, 30
_NAMED_IN_ERRORS = 30
_WORDS = re.compile(r"[A-Za-z0-9-]+")
_ENDINGS = ("-service", "-svc", "service", "svc")


@dataclass(slots=True)
class Findings:
    """The parts of the evidence in order, and why a query has no answer, by its name."""

    parts: list[Part] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


async def collect(source: ClusterSource, about: About) -> Findings:
    """Ask everything that may tell the cause of this alert."""
    return await _Collector(source, about).findings()


class _Collector:
    def __init__(self, source: ClusterSource, about: About) -> None:
        self.source = source
        self.about = about
        self.result = Findings()
        self.pods: list[Pod] = []
        self.events: list[Event] = []
        self.scores: dict[str, int] = {}
        self.forms: dict[str, list[ErrorForm]] = {}
        self.interest: dict[str, int] = {}
        self.own: set[str] = set()
        self.callers: dict[str, int] = {}  # how many services' error lines name a workload

    async def findings(self) -> Findings:
        about = self.about
        pods, events = await asyncio.gather(
            self._ask(Query.PODS, about.namespace), self._ask(Query.EVENTS, about.namespace)
        )
        self.pods, self.events = read_pods(pods or "", about.namespace), read_events(events or "")
        young = young_pods(self.pods)
        usual = usual_restarts(self.pods)
        self.scores = {pod.name: suspicion(pod, young, usual) for pod in self.pods}
        for pod in self.pods:
            self._raise(pod.workload, self.scores[pod.name])
        for event in self.events:
            if event.type == "Warning":
                self._raise(event.workload, _CAUSE_EVENT if event.names_cause else _WARNING)
        logs = await self.source.arguments(Query.ERRORS, about.namespace)
        services = {name.partition(".")[2]: name for name in logs}
        self._mark_own(services)
        nodes, _ = await asyncio.gather(self._nodes(), self._read_errors(services))
        if pods is not None:
            lines = self._pod_lines(young) or _as_they_are(pods, "no pods")
            self._add(f"{Query.PODS}/{about.namespace}", PODS_SHARE, lines)
        if events is not None:
            lines = event_lines(self.events, self._interest_in)
            if not self.events:
                lines = _as_they_are(events, "no events")
            lines = lines or [Line("no warnings")]
            self._add(f"{Query.EVENTS}/{about.namespace}", EVENTS_SHARE, lines)
        described = await self._described()
        errors = self._error_parts(services)
        self.result.parts = [
            *(part for part, is_down in nodes if is_down),
            *self.result.parts,
            *(part for pair in itertools.zip_longest(described, errors) for part in pair if part),
            *(part for part, is_down in nodes if not is_down),
        ]
        return self.result

    def _pod_lines(self, young: frozenset[str]) -> list[Line]:
        present = {pod.workload for pod in self.pods}
        failed = {event.workload for event in self.events if event.reason == "FailedCreate"}
        own = self.own & present
        missing = {self.about.service} if self.about.service and not own else set()
        return pod_lines(self.pods, self.scores, young, own, (failed | missing) - present)

    async def _ask(self, query: Query, argument: str) -> str | None:
        try:
            return await self.source.answer(query, argument)
        except NoAnswer as error:
            self.result.missing[f"{query}/{argument}"] = str(error)
        except (LookupError, TypeError, ValueError, AttributeError):
            self.result.missing[f"{query}/{argument}"] = "failed"  # of another form
        return None

    def _add(self, name: str, share: int, lines: list[Line]) -> None:
        self.result.parts.append(Part(name, share, lines))

    def _raise(self, workload: str, points: int) -> None:
        self.interest[workload] = max(self.interest.get(workload, 0), points)

    def _interest_in(self, workload: str) -> int:
        return self.interest.get(workload, 0)

    # What matters to this alert

    def _mark_own(self, services: Iterable[str]) -> None:
        """Raise the interest in the workloads that the alert names."""
        mentioned = {word.lower() for word in _WORDS.findall(self.about.text[:4_000])}
        mentioned |= {self.about.service.lower()} - {""}
        names = {
            *services,
            *(pod.workload for pod in self.pods),
            *(e.workload for e in self.events),
        }
        prefix = _common_prefix(names)
        for name in names:
            if _is_named(name.lower(), prefix, mentioned) or (
                self.about.pod and self.about.pod.startswith(f"{name}-")
            ):
                self.own.add(name)
                self.interest[name] = self.interest.get(name, 0) + _ALERTS_OWN

    async def _read_errors(self, services: dict[str, str]) -> None:
        """Read logs, then raise the interest in what they name: the callers name who fails them."""
        order = sorted(services, key=lambda name: (-self._interest_in(name), name))[
            : self.source.most_logs
        ]
        answers = await asyncio.gather(*(self._ask(Query.ERRORS, services[name]) for name in order))
        self.forms = {
            name: error_forms(text) for name, text in zip(order, answers, strict=True) if text
        }
        known = {*services, *(pod.workload for pod in self.pods)}
        for name, forms in self.forms.items():
            for other in rank_by_names(forms, known - {name}):
                self.callers[other] = self.callers.get(other, 0) + 1
        for name, callers in self.callers.items():
            self.interest[name] = self._interest_in(name) + _NAMED_IN_ERRORS + min(callers, 10)

    # The parts

    async def _nodes(self) -> list[tuple[Part, bool]]:
        names = list(await self.source.arguments(Query.NODE_SERVICES, ""))[:MOST_NODES]
        answers = await asyncio.gather(*(self._ask(Query.NODE_SERVICES, name) for name in names))
        parts = []
        for name, text in zip(names, answers, strict=True):
            if not text:
                continue
            lines, is_down = node_lines(text)
            share = NODE_DOWN_SHARE if is_down else NODE_FINE_SHARE
            parts.append((Part(f"{Query.NODE_SERVICES}/{name}", share, lines), is_down))
        return parts

    async def _described(self) -> list[Part]:
        """Describe one pod of each workload that matters, the most suspicious one."""
        names = await self.source.arguments(Query.DESCRIBE, self.about.namespace)
        ranked = sorted(names, key=lambda name: (-self._points(name), name))
        chosen: dict[str, str] = {}
        for name in ranked:
            pod = name.partition(".")[2]
            if self._points(name) > 0:
                chosen.setdefault(_workload(pod, self.pods), name)
        blamed = max(self.callers, key=lambda name: (self.callers[name], name), default="")
        arguments = list(chosen.values())[:MOST_DESCRIBED]
        if self.callers.get(blamed, 0) > 1 and chosen.get(blamed, "") not in ("", *arguments):
            arguments[-1] = chosen[blamed]  # all its callers fail: it may be the cause
        answers = await asyncio.gather(*(self._ask(Query.DESCRIBE, name) for name in arguments))
        shown = {event_key(event) for event in self.events}
        return [
            Part(
                f"{Query.DESCRIBE}/{name}",
                DESCRIBE_SHARES[min(number, 1)],
                describe_lines(text, lambda event: event_key(event) in shown),
            )
            for number, (name, text) in enumerate(zip(arguments, answers, strict=True))
            if text
        ]

    def _points(self, argument: str) -> int:
        pod = argument.partition(".")[2]
        own = 100 if pod == self.about.pod else 0
        own += not self.pods  # without the table of pods each may be the one
        return self.scores.get(pod, 0) + self._interest_in(_workload(pod, self.pods)) + own

    def _error_parts(self, services: dict[str, str]) -> list[Part]:
        def order(name: str) -> tuple[float, int, str]:
            forms = self.forms[name]
            return -self._interest_in(name), -sum(form.count for form in forms), name

        ranked = sorted((name for name, forms in self.forms.items() if forms), key=order)
        return [
            Part(
                f"{Query.ERRORS}/{services[name]}",
                ERRORS_SHARES[min(number, 1)],
                error_lines(self.forms[name]),
            )
            for number, name in enumerate(ranked)
        ]


def _as_they_are(text: str, nothing: str) -> list[Line]:
    """Return the first lines of an answer that has another form than the expected one."""
    lines = [Line(line, 1 + index // 20) for index, line in enumerate(raw_lines(text, MOST_RAW))]
    return lines or [Line(nothing)]


def _workload(pod: str, pods: Sequence[Pod]) -> str:
    return next((p.workload for p in pods if p.name == pod), workload_of_pod(pod))


def _common_prefix(names: Collection[str]) -> str:
    """Return the first part of the names, with its dash, if most share it: `ts-` of `ts-order`."""
    first = Counter(name.partition("-")[0] for name in names if "-" in name)
    part, count = first.most_common(1)[0] if first else ("", 0)
    return f"{part}-".lower() if count > 3 and count * 10 > len(names) * 6 else ""


def _is_named(name: str, prefix: str, mentioned: Iterable[str]) -> bool:
    bare = name.removeprefix(prefix)
    short = next((bare.removesuffix(end) for end in _ENDINGS if bare.endswith(end)), bare)
    return any(
        word in (name, bare, short) or short == word.removesuffix("s") for word in mentioned if word
    )
