"""Takes in webhook bodies of 100 alerts of one service: bytes to durable rows, on a SQLite file.

A body goes the way that it goes behind the HTTP endpoint: read, parsed, identified, written and
folded in one transaction. The first value is of bodies whose alerts are all new, the second of
bodies that repeat alerts that fire. The floor writes the same JSON with `sqlite3`, a transaction a
body.
"""

from __future__ import annotations

import gc
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.results import Bar, Result
from benchmarks.senders import webhook_body, word
from bot.__main__ import COLLECT_EVERY
from bot.incidents.sops import SopLibrary
from bot.intake import parse_body
from bot.response.receive import Delivery, name_all, named_in_steps
from bot.web.body import json_of
from store import Store, open_store
from tests.helpers.builders import NOW

BAR = Bar(10_000, "alerts/s", at_least=True)
ALERTS = 100  # in a body
BODIES = 40
SOPS = SopLibrary()


def body(number: int, first: int) -> bytes:
    """Return a body of 100 alerts of one service, which begin with that number."""
    alerts: list[dict[str, Any]] = []
    for place in range(ALERTS):
        whole = json.loads(webhook_body(first + place, 1))
        [alert] = whole["alerts"]
        labels = alert["labels"] | {"service": f"shop-{word(number)}"}
        alerts.append(alert | {"labels": labels})
    return json.dumps(whole | {"alerts": alerts, "commonLabels": {"env": "prod"}}).encode()


async def run() -> list[Result]:
    """Measure alerts a second: new ones, and reminders."""
    bodies = [body(number, number * ALERTS) for number in range(BODIES)]
    with collected_as_in_the_bot(), tempfile.TemporaryDirectory() as folder:
        floor = bare(Path(folder) / "bare.db", bodies)
        store = await open_store(f"sqlite:///{folder}/bench.db", owner="bench")
        try:
            new = await rate(store, bodies, 0)
            repeated = await rate(store, bodies, 1)
        finally:
            await store.close()
    reminders = Result("senders.batch.reminders", repeated, "alerts/s", floor, BAR)
    whole = Result("senders.batch", new, "alerts/s", floor, BAR, covers=(reminders,))
    return [whole, reminders]


@contextmanager
def collected_as_in_the_bot() -> Iterator[None]:
    """Collect garbage as rarely as `python -m bot` does."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


async def rate(store: Store, bodies: Sequence[bytes], turn: int) -> float:
    """Return the alerts a second of processor time."""
    began = time.process_time()
    for number, data in enumerate(bodies):
        reading = parse_body("alertmanager", json_of(data))
        now = NOW + timedelta(minutes=turn)
        delivery = Delivery(
            f"{turn}/{number}", "C0BENCH", reading.alerts, repeats=True, sender="http:alertmanager"
        )
        named = await named_in_steps(name_all(delivery, SOPS, now))
        await store.accept(delivery.key, named, channel="C0BENCH", now=now, posted=False)
    return len(bodies) * ALERTS / (time.process_time() - began)


def bare(file: Path, bodies: Sequence[bytes]) -> float:
    """Return the alerts a second that a bare writer stores as JSON."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE alerts (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
        began = time.process_time()
        for data in bodies:
            with database:
                for alert in json.loads(data)["alerts"]:
                    database.execute("INSERT INTO alerts (body) VALUES (?)", (json.dumps(alert),))
        return len(bodies) * ALERTS / (time.process_time() - began)
