"""Plays the stored alerts through other rules and prints what would be different. Only reads."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

from bot.errors import SettingsError, SopbotError
from bot.from_settings import read_catalogue, read_services
from bot.hardening import hide_memory
from bot.incidents.correlation import Reason
from bot.incidents.services import Catalogue
from bot.incidents.windows import parse_window
from bot.policy import Policy, read_policy
from bot.replay.comparison import Comparison, Groups, ReplayedAlert, compare
from bot.replay.player import CHANNEL, player
from bot.response import Delivery
from bot.settings import load_store
from store import Store, open_store
from store.admin import condition
from store.operations.history import StoredAlert
from store.receipts import AlertOutcome

EXIT_FAILED, EXIT_CONFIG = 1, 78
MOST_ALERTS = 200_000  # the oldest of the window are played


def run(options: argparse.Namespace) -> int:
    """Print the difference. 0 for success; 1 if it failed; 78 for bad settings."""
    hide_memory()  # STORE_URL may hold a password
    try:
        comparison, posts = asyncio.run(_compare_stored(options))
    except SettingsError as error:
        for problem in error.problems:
            print(f"✗ {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except (SopbotError, ValueError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return EXIT_FAILED
    print(_json(comparison, posts) if options.json else "\n".join(_lines(comparison, posts)))
    return 0


async def _compare_stored(options: argparse.Namespace) -> tuple[Comparison, int]:
    settings = load_store()
    policy = read_policy(options.policy or settings.policy_file)
    services = read_services(options.services) if options.services else read_catalogue(settings)
    since = parse_window(options.since).since(datetime.now(UTC))
    url = settings.store_url.get_secret_value()
    state = condition.read_condition(url)  # raises if the store is unusable, and never creates one
    if state.behind:  # opening it would migrate it
        raise SettingsError([f"STORE_URL: older than this sopbot: {', '.join(state.behind)}"])
    store = await open_store(url, owner="replay-since")
    try:
        return await replay_stored(store, since, policy, services)
    finally:
        await store.close()


async def replay_stored(
    store: Store, since: datetime, policy: Policy, services: Catalogue
) -> tuple[Comparison, int]:
    """Play what the store received since then; return the difference, and the posts of now."""
    pages = _received(store, since)
    first = await anext(pages, None)
    if first is None:
        return compare(()), 0
    played: list[tuple[StoredAlert, AlertOutcome]] = []
    async with player(policy, first.received_at, services) as playing:
        item: StoredAlert | None = first
        while item is not None:
            outcomes = await playing.receive(_delivery(item), item.received_at)
            played += [(item, outcome) for outcome in outcomes]
            item = await anext(pages, None)
        incidents = await playing.end()
    root_of = {item.incident.id: item.parent_id or item.incident.id for item in incidents}
    comparison = compare(
        ReplayedAlert(
            stored.root_id,
            root_of.get(outcome.incident_id) if outcome.incident_id else None,
            suppressed=outcome.reason == Reason.SUPPRESSED,
        )
        for stored, outcome in played
    )
    return comparison, sum(item.posts for item in incidents)


async def _received(store: Store, since: datetime) -> AsyncIterator[StoredAlert]:
    after = count = 0
    while count < MOST_ALERTS and (page := await store.received_since(since, after)):
        for item in page:
            yield item
        after, count = page[-1].id, count + len(page)


def _delivery(item: StoredAlert) -> Delivery:
    return Delivery(
        key=f"stored/{item.id}/",
        channel=CHANNEL,
        alerts=[item.alert],
        repeats=item.sender.startswith("http:"),
        sent_at=item.sent_at,
        sender=item.sender,
    )


def _json(comparison: Comparison, posts: int) -> str:
    def groups(of: Groups, root_key: str, many: str) -> list[dict[str, object]]:
        return [{root_key: root, many: list(roots)} for root, roots in of]

    return json.dumps(
        {
            "alerts": comparison.alerts,
            "stored": comparison.stored,
            "replayed": comparison.replayed,
            "posts": posts,
            "merged": groups(comparison.merged, "replayed", "stored"),
            "split": groups(comparison.split, "stored", "replayed"),
            "silenced": list(comparison.silenced),
        }
    )


def _lines(comparison: Comparison, posts: int) -> Iterator[str]:
    yield f"alerts       {comparison.alerts:,}"
    yield f"incidents    {comparison.stored:,} stored, {comparison.replayed:,} by these rules"
    yield f"cards        {posts:,} by these rules"
    for _, stored in comparison.merged:
        yield f"would merge  {', '.join(f'INC-{number}' for number in stored)}"
    for root, replayed in comparison.split:
        yield f"would split  INC-{root} into {len(replayed)}"
    for root in comparison.silenced:
        yield f"would be silenced  INC-{root}"
