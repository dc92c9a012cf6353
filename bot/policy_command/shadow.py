"""Lists the alerts about which the shadow policy would decide otherwise. Only reads the store."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bot.errors import SettingsError
from bot.incidents.windows import parse_window
from bot.settings import load_store
from store import open_store
from store.admin import condition
from store.operations.shadow import MOST_LISTED, PolicyDifference


def lines_of(since: str, *, as_json: bool) -> list[str]:
    """Return the lines to print. SettingsError or StoreError for a store that cannot be read."""
    url = load_store().store_url.get_secret_value()
    state = condition.read_condition(url)  # raises if the store is unusable, and never creates one
    if state.behind:  # opening it would migrate it
        raise SettingsError([f"STORE_URL: older than this sopbot: {', '.join(state.behind)}"])
    start = parse_window(since).since(datetime.now(UTC))
    differences = asyncio.run(_read(url, start))
    return [json.dumps(_as_json(differences))] if as_json else list(_table(differences))


async def _read(url: str, since: datetime) -> list[PolicyDifference]:
    store = await open_store(url, owner="policy-shadow")
    try:
        return await store.policy_differences(since)
    finally:
        await store.close()


def _counts(differences: list[PolicyDifference]) -> Counter[tuple[str, str]]:
    return Counter((str(item.facts["live"]), str(item.facts["would_be"])) for item in differences)


def _as_json(differences: list[PolicyDifference]) -> dict[str, Any]:
    return {
        "counts": [
            {"live": live, "would_be": would_be, "alerts": count}
            for (live, would_be), count in _counts(differences).most_common()
        ],
        "alerts": [
            {
                "at": item.at.isoformat(),
                "tracking_id": item.tracking_id,
                "incident": item.incident_id,
                **{f"shadow_{name}": value for name, value in item.facts.items()},
            }
            for item in differences
        ],
    }


def _table(differences: list[PolicyDifference]) -> Iterator[str]:
    if not differences:
        yield "the shadow policy would decide the same about every alert"
        return
    for (live, would_be), count in _counts(differences).most_common():
        yield f"{count:>6,}  {live} now, {would_be} by the shadow policy"
    if len(differences) == MOST_LISTED:
        yield f"only the newest {MOST_LISTED:,} are counted"
    yield ""
    for item in differences:
        number = f"INC-{item.incident_id}" if item.incident_id else "-"
        into = f" INC-{item.facts['incident']}" if "incident" in item.facts else ""
        channel = f" {item.facts['channel']}" if "channel" in item.facts else ""
        yield (
            f"{item.at:%Y-%m-%d %H:%M:%S}  {number:<9}  {item.facts['live']} →"
            f" {item.facts['would_be']}{into}{channel}  {item.tracking_id}"
        )
