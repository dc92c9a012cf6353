"""Cases of alerts that were read wrongly: one for each message, and the newest are kept."""

from __future__ import annotations

from store import Store
from store.operations.reading_cases import MOST_CASES
from tests.helpers.builders import ANA, BEN, later


async def test_a_message_is_one_case_however_often_it_is_reported(store: Store) -> None:
    first = await store.keep_case("C1/1.1", ANA, "slack", "generic", "{}", later(0))
    second = await store.keep_case("C1/1.1", BEN, "http", "grafana", '{"a": 1}', later(5))
    [case] = await store.reading_cases()
    assert first == second == case.id
    assert (case.user, case.at, case.source) == (BEN, later(5), "grafana")
    assert case.payload == '{"a": 1}'


async def test_only_the_newest_cases_are_kept(store: Store) -> None:
    for number in range(MOST_CASES + 3):
        await store.keep_case(f"C1/{number}", ANA, "slack", "generic", "{}", later(number))
    cases = await store.reading_cases()
    assert len(cases) == MOST_CASES
    assert cases[0].place == f"C1/{MOST_CASES + 2}"
    assert cases[-1].place == "C1/3"
