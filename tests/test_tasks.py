"""A task is ended for sure, and its error stops nobody."""

from __future__ import annotations

import asyncio

from bot.tasks import cancel, cancel_all


async def test_a_task_that_loses_a_cancellation_is_cancelled_again() -> None:
    cancellations = 0

    async def work() -> None:
        nonlocal cancellations
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancellations += 1
                if cancellations == 2:
                    raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancel_all([task], again_after=0)
    assert (task.cancelled(), cancellations) == (True, 2)


async def test_the_error_of_a_cancelled_task_does_not_stop_the_end() -> None:
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("while it ended")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancel(task)
    assert isinstance(task.exception(), OSError)
