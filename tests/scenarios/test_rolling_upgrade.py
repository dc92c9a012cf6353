"""A rolling upgrade from an earlier version loses nothing, doubles nothing and refuses nobody."""

from __future__ import annotations

import pytest

from benchmarks import operate_upgrade

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.one_engine,  # it plays both by itself
    pytest.mark.services("postgres"),
    pytest.mark.timeout(600),
]


async def test_bots_are_replaced_one_after_the_other_under_traffic_and_approvals() -> None:
    total, *engines = await operate_upgrade.run()
    assert len(engines) == 2
    for line in engines:
        detail = dict(line.detail)
        assert detail["schema_before"] < detail["schema_after"], "the earlier code ran before"
        assert {name: detail[name] for name in ("lost", "twice", "refused")} == {
            "lost": 0,
            "twice": 0,
            "refused": 0,
        }
        assert detail["presses"] == operate_upgrade.APPROVALS
    assert total.value == 0
