"""A process that writes until it is killed: `python -m tests.helpers.store_writer STORE_URL`.

Each line it prints is the tracking id of an alert whose `accept` has returned.
"""

from __future__ import annotations

import asyncio
import sys

from store import Store, open_store
from tests.helpers.builders import CHANNEL, NOW, alert, identify


async def write_on(store: Store, writer: int) -> None:
    number = 0
    while True:
        number += 1
        name = f"req-{writer}-{number}"
        item = alert(service=f"s{number % 7}", fingerprint=f"fp-{writer}-{number}")
        receipt = await store.accept(
            name, [identify(item, dedup_key=name, tracking_id=name)], channel=CHANNEL, now=NOW
        )
        print(receipt.tracking_ids[0], flush=True)


async def main(url: str) -> None:
    store = await open_store(url, owner="doomed")
    await asyncio.gather(*(write_on(store, number) for number in range(8)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
