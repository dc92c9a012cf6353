"""Reading and waiting stay cheap in a burst, and clocks advance as they should."""

from __future__ import annotations

import asyncio
import time

import pytest

from ..clock import ForwardClock, ManualClock, pause
from ..local import LocalSlack
from ..waiting import NeverHappenedError, Pulse


async def test_a_message_that_did_not_change_is_the_same_object_and_read_once(
    slack: LocalSlack,
) -> None:
    first = await slack.post_as_app("Grafana", "alerts", "one")
    other = await slack.post_as_app("Grafana", "alerts", "two")
    assert slack.messages("alerts")[0] is first
    changed = await slack.edit_as_app(first, "eins")
    assert [m.text for m in slack.messages("alerts")] == ["eins", "two"]
    assert first.text == "one", "what was handed out stays what it was"
    assert slack.messages("alerts")[0] is changed is not first
    assert slack.messages("alerts")[1] is other


async def test_a_name_that_comes_later_is_shown_in_earlier_messages(slack: LocalSlack) -> None:
    from ..people import Channel

    await slack.post_as_app("Grafana", "alerts", "see <#C0LATER001>")
    assert "later" not in slack.messages("alerts")[0].text
    slack.add_channel(Channel("C0LATER001", "later"))
    assert slack.messages("alerts")[0].text == "see #later"


async def test_a_costly_condition_is_not_checked_after_each_change() -> None:
    pulse, looks, over = Pulse(), 0, False

    def check() -> bool:
        nonlocal looks
        looks += 1
        until = time.perf_counter() + 0.01
        while time.perf_counter() < until:
            pass
        return over

    async def storm() -> int:
        nonlocal over
        beats = 0
        while looks < 5:
            pulse.beat()
            beats += 1
            await asyncio.sleep(0)
        over = True
        pulse.beat()
        return beats

    beating = asyncio.create_task(storm())
    assert await pulse.wait_for(check, timeout=10, on_timeout=lambda: "never")
    assert await beating > 10 * looks


async def test_a_wait_under_chaos_ends_in_time() -> None:
    pulse = Pulse()

    async def storm() -> None:
        while True:
            pulse.beat()
            await asyncio.sleep(0)

    beating = asyncio.create_task(storm())
    with pytest.raises(NeverHappenedError, match="in vain"):
        await pulse.wait_for(lambda: False, timeout=0.05, on_timeout=lambda: "in vain")
    beating.cancel()


async def test_a_forward_clock_goes_on_by_itself_and_can_be_put_forward() -> None:
    clock, done = ForwardClock(), []
    clock.call_later(0, lambda: done.append("now"))
    clock.call_later(300, lambda: done.append("in five minutes"))
    clock.call_later(60, lambda: done.append("in a minute"))
    called_off = clock.call_later(30, lambda: done.append("never"))
    called_off.cancel()
    await pause(clock, 0.01)
    assert done == ["now"]
    before = clock.now()
    clock.advance(300)
    assert done == ["now", "in a minute", "in five minutes"]
    assert clock.now() >= before + 300


async def test_a_pause_follows_the_clock_of_the_test() -> None:
    clock = ManualClock()
    waiting = asyncio.create_task(pause(clock, 5))
    await asyncio.sleep(0)
    clock.advance(4.9)
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(0.1)
    await waiting
