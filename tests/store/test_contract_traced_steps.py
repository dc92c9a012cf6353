"""Each step of an incident goes into its trace once, also if another replica goes on."""

from __future__ import annotations

import threading

from bot.incidents.traced_step import StepKind, TracedStep
from bot.response.traces import TraceExport, span_of
from bot.serving.traces import Span
from store import Store
from store.statements import Operation, run, to_db_time
from tests.helpers.builders import NOW, later
from tests.helpers.clocks import FixedClock
from tests.helpers.every_state import a_bit_of_everything


class Sink(list[Span]):
    def add(self, spans) -> None:
        self.extend(spans)


async def exported(store: Store, *seconds: float) -> list[Span]:
    """The spans of exports at these times, each by another replica."""
    sink = Sink()
    for second in seconds:
        await TraceExport(store, sink, FixedClock(later(second))).export()
    return sink


async def test_the_spans_of_a_burst_do_not_hold_up_the_event_loop(store: Store) -> None:
    threads: list[int] = []

    class Watched(Sink):
        def add(self, spans) -> None:
            super().add(spans)
            threads.append(threading.get_ident())

    await TraceExport(store, Watched(), FixedClock(later(-30))).export()
    assert threads
    assert threading.get_ident() not in threads


async def test_each_step_is_exported_once_however_the_time_is_divided(store: Store) -> None:
    await TraceExport(store, Sink(), FixedClock(later(-30))).export()
    await a_bit_of_everything(store)

    def show_cards() -> Operation[None]:
        yield run("UPDATE outbox SET posted_at = ? WHERE kind = 'card'", to_db_time(later(7)))

    await store._write(show_cards)
    spans = await exported(store, *range(0, 800, 30))
    names = {span.name for span in spans}
    assert names >= {"alert.accept", "alert.fold", "card.post", "remediation.propose"}
    assert names >= {"approval.decide", "remediation.dispatch", "incident.resolve"}
    ids = [span.span_id for span in spans]
    assert len(ids) == len(set(ids))
    assert any(name == "advice" or name.startswith("chat") for name in names)


async def test_it_begins_now_at_first_and_after_a_long_gap(store: Store) -> None:
    await a_bit_of_everything(store)
    assert await exported(store, 30) == [], "what was before the first export is not told"
    assert await exported(store, 30 + 601) == [], "traces were off for over ten minutes"


def test_a_step_that_failed_is_marked() -> None:
    step = TracedStep(
        kind=StepKind.DISPATCH,
        tracking_id="req-1",
        incident_id=1,
        key="e",
        began=NOW,
        ended=NOW,
        facts={"approval": "a", "state": "outcome unknown"},
    )
    assert span_of(step).failed
