"""Tells an OpenTelemetry collector the steps of each incident, as one trace.

The trace begins with the alert that opened the incident; its id follows from the incident's
tracking id (`bot.serving.traces`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.advice.model import FROM_NOTHING, FROM_SOP
from bot.incidents.remediation import RemediationStatus
from bot.incidents.traced_step import StepKind, TracedStep
from bot.serving.span_export import SpanSink
from bot.serving.traces import Span, Value, span_id_of, trace_id_of
from store import Store

_FAILED = frozenset(
    {
        RemediationStatus.FAILED,
        RemediationStatus.OUTCOME_UNKNOWN,
        RemediationStatus.NOT_VERIFIED,
    }
)


class TraceExport:
    """Hands over what ended since the last call: one replica leads this step.

    A replica that dies between the two writes makes the next one tell the same spans again, by
    the same ids.
    """

    def __init__(self, store: Store, spans: SpanSink, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._spans = spans
        self._clock = clock

    async def export(self) -> None:
        """Queue the spans of the steps that ended, except those of the last five seconds.

        In a thread: after a burst of alerts they are many thousands.
        """
        steps, mark = await self._store.steps_to_trace(self._clock())
        await asyncio.to_thread(self._spans.add, map(span_of, steps))
        await self._store.traced(mark)


def span_of(step: TracedStep) -> Span:
    """Return the span of a step, with its place in the trace."""
    kind, tracking_id = step.kind, step.tracking_id
    parent = _parent(step)
    attributes: dict[str, Value] = {
        "sopbot.incident": f"INC-{step.incident_id}",
        "sopbot.tracking_id": tracking_id,
        **{_ATTRIBUTES.get(name, f"sopbot.{name}"): value for name, value in step.facts.items()},
    }
    name = str(kind)
    by_model = kind is StepKind.ADVICE and step.facts.get("source") not in (FROM_SOP, FROM_NOTHING)
    if by_model and not step.facts["reused"]:
        attributes |= _of_model(step.facts)
        name = f"chat {step.facts.get('model', '')}".strip()
    return Span(
        name=name,
        trace_id=trace_id_of(tracking_id),
        span_id=span_id_of(tracking_id, *_names(step)),
        parent_id=span_id_of(tracking_id, *parent) if parent else "",
        began=step.began,
        ended=step.ended,
        attributes=attributes,
        calls=by_model or kind in (StepKind.CARD, StepKind.DISPATCH),
        failed=step.facts.get("state") in _FAILED,
    )


_ATTRIBUTES = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "model": "gen_ai.request.model",
    "tracking_id": "sopbot.alert.tracking_id",
}


def _of_model(facts: Mapping[str, Value]) -> dict[str, Value]:
    """Return the attributes of the semantic conventions; `system` is the name before `provider`."""
    provider = facts.get("provider") or facts.get("source", "")
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.system": provider,
    }


def _names(step: TracedStep) -> tuple[str, ...]:
    if step.kind is StepKind.DISPATCH:
        return (step.kind, step.key)  # the gateway's client knows no more than this
    return (step.kind, str(step.incident_id), step.key)


def _parent(step: TracedStep) -> tuple[str, ...]:
    incident = str(step.incident_id)
    approval = str(step.facts.get("approval", ""))
    match step.kind:
        case StepKind.ACCEPT if not step.key:
            return ()
        case StepKind.FOLD:
            return (StepKind.ACCEPT, incident, step.key)
        case StepKind.DECIDE:
            return (StepKind.PROPOSE, incident, approval)
        case StepKind.DISPATCH:
            return (StepKind.DECIDE, incident, approval)
        case StepKind.VERIFY | StepKind.LOOK_UP:
            return (StepKind.DISPATCH, step.key)
        case _:
            return (StepKind.ACCEPT, incident, "")
