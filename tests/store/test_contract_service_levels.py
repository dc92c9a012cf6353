"""The spans of the service levels come from the times that the store has, each counted once."""

from __future__ import annotations

import pytest

from bot.observability.metrics import Metrics
from bot.response.service_levels import ServiceLevelWatch
from store import Store
from store.statements import Operation, run, to_db_time
from tests.helpers.builders import NOW, later
from tests.helpers.clocks import FixedClock
from tests.helpers.every_state import a_bit_of_everything


async def test_each_span_ends_in_one_window_alone(store: Store) -> None:
    await a_bit_of_everything(store)

    def show_cards() -> Operation[None]:
        shown = to_db_time(later(7))
        yield run("UPDATE outbox SET posted_at = ? WHERE kind = 'card'", shown)

    await store._write(show_cards)
    whole = await store.durations(NOW, later(10 * 86_400))
    assert {name for name, seconds in whole.items() if seconds} >= {
        "alert_to_card",
        "incident_to_advice",
        "press_to_dispatch",
    }
    for middle in (later(0), later(3), later(50)):
        first, second = (
            await store.durations(NOW, middle),
            await store.durations(middle, later(10 * 86_400)),
        )
        assert {name: sorted(first[name] + second[name]) for name in whole} == {
            name: sorted(seconds) for name, seconds in whole.items()
        }


async def test_the_leader_counts_what_ended_and_leaves_out_the_last_seconds(store: Store) -> None:
    clock, metrics = FixedClock(NOW), Metrics()
    watch = ServiceLevelWatch(store, metrics, clock)
    await a_bit_of_everything(store)
    counted = "sopbot_press_to_dispatch_seconds_count"
    clock.now = later(4)
    await watch.observe()
    assert metrics.registry.get_sample_value(counted) == 0
    stranger = ServiceLevelWatch(store, Metrics(), clock)
    for second in range(30, 401, 30):
        clock.now = later(second)
        await watch.observe()
    await watch.observe()
    seconds = await store.durations(NOW, later(385))
    assert metrics.registry.get_sample_value(counted) == len(seconds["press_to_dispatch"]) > 0

    await stranger.observe()
    counts = stranger._metrics.registry.get_sample_value(counted)
    assert counts == 0, "a replica that begins to lead does not count what the former leader did"


@pytest.mark.parametrize("seconds", [9, 11])
async def test_a_replica_counts_while_its_lease_lasts(store: Store, seconds: int) -> None:
    await store.replica.renew(NOW)
    assert await store.live_replicas(later(seconds)) == (seconds < 10)
