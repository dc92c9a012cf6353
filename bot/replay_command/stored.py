"""Plays the stored alerts through other rules and prints what would be different. Only reads."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

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
from store.operations.history import Attention, StoredAlert
from store.receipts import AlertOutcome

EXIT_FAILED, EXIT_CONFIG = 1, 78
MOST_ALERTS = 200_000  # the oldest of the window are played


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of the incidents, the cards of now, and how often people are called."""

    comparison: Comparison
    posts: int
    stored: Attention
    replayed: Attention


def run(options: argparse.Namespace) -> int:
    """Print the difference. 0 for success; 1 if it failed; 78 for bad settings."""
    hide_memory()  # STORE_URL may hold a password
    try:
        difference = asyncio.run(_compare_stored(options))
    except SettingsError as error:
        for problem in error.problems:
            print(f"✗ {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except (SopbotError, ValueError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return EXIT_FAILED
    print(_json(difference) if options.json else "\n".join(_lines(difference)))
    return 0


async def _compare_stored(options: argparse.Namespace) -> Difference:
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
        return await replay_stored(store, since, policy, services, options.sops)
    finally:
        await store.close()


async def replay_stored(
    store: Store,
    since: datetime,
    policy: Policy,
    services: Catalogue,
    sop_dir: Path | None = None,
) -> Difference:
    """Play what the store received since then; return the difference."""
    stored = await store.attention_since(since)
    pages = _received(store, since)
    first = await anext(pages, None)
    if first is None:
        return Difference(compare(()), 0, stored, Attention(0, 0))
    played: list[tuple[StoredAlert, AlertOutcome]] = []
    async with player(policy, first.received_at, services, sop_dir) as playing:
        item: StoredAlert | None = first
        while item is not None:
            outcomes = await playing.receive(_delivery(item), item.received_at)
            played += [(item, outcome) for outcome in outcomes]
            item = await anext(pages, None)
        incidents = await playing.end()
    root_of = {item.incident.id: item.parent_id or item.incident.id for item in incidents}
    comparison = compare(
        ReplayedAlert(
            item.root_id,
            root_of.get(outcome.incident_id) if outcome.incident_id else None,
            suppressed=outcome.reason == Reason.SUPPRESSED,
        )
        for item, outcome in played
    )
    return Difference(
        comparison,
        sum(item.posts for item in incidents),
        stored,
        Attention(sum(item.pages for item in incidents), sum(item.requests for item in incidents)),
    )


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


def _json(difference: Difference) -> str:
    comparison = difference.comparison

    def groups(of: Groups, root_key: str, many: str) -> list[dict[str, object]]:
        return [{root_key: root, many: list(roots)} for root, roots in of]

    return json.dumps(
        {
            "alerts": comparison.alerts,
            "stored": comparison.stored,
            "replayed": comparison.replayed,
            "posts": difference.posts,
            "pages": {"stored": difference.stored.pages, "replayed": difference.replayed.pages},
            "approvals_asked": {
                "stored": difference.stored.requests,
                "replayed": difference.replayed.requests,
            },
            "merged": groups(comparison.merged, "replayed", "stored"),
            "split": groups(comparison.split, "stored", "replayed"),
            "silenced": list(comparison.silenced),
        }
    )


def _lines(difference: Difference) -> Iterator[str]:
    comparison, stored, replayed = difference.comparison, difference.stored, difference.replayed
    yield f"alerts       {comparison.alerts:,}"
    yield f"incidents    {comparison.stored:,} stored, {comparison.replayed:,} by these rules"
    yield f"cards        {difference.posts:,} by these rules"
    yield f"paged        {stored.pages:,} stored, {replayed.pages:,} by these rules"
    yield f"asked        {stored.requests:,} stored, {replayed.requests:,} by these rules"
    for _, roots in comparison.merged:
        yield f"would merge  {', '.join(f'INC-{number}' for number in roots)}"
    for root, roots in comparison.split:
        yield f"would split  INC-{root} into {len(roots)}"
    for root in comparison.silenced:
        yield f"would be silenced  INC-{root}"
