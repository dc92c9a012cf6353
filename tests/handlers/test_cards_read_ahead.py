"""A card is read and rendered while its commit waits for the disk."""

from tests.handlers.conftest import ALERTS
from tests.helpers.waiting import until


async def test_a_card_needs_no_read_after_its_commit(desk):
    async with desk.running():
        await desk.open("first")
        await until(lambda: desk.posts())
        await until(lambda: desk.outbox._channels[ALERTS].task is None)
        await desk.store._engine._reader.stop()  # from now on every read fails
        await desk.open("second")
        await until(lambda: len(desk.posts()) == 2)
    assert "second is down" in desk.posts()[1]["text"]
