"""One call does everything that is due by time alone."""

from __future__ import annotations

from bot.approvals.model import Approval
from bot.incidents.news import NewsKind
from bot.incidents.remediation import RemediationStatus
from store.topics import Topic
from tests.helpers.builders import CHANNEL, NOW, later
from tests.helpers.incident_bench import Bench


async def shown(bench: Bench, incident_id: int) -> str:
    return " ".join(entry.text for entry in await bench.store.timeline(incident_id))


async def waiting(bench: Bench) -> Approval:
    approval = await bench.pending()
    for row in await bench.store.outbox_due(CHANNEL, NOW):
        await bench.store.outbox_sent(row, f"{row.id}.0")
    bench.store.signal(Topic.OUTBOX).clear()
    return approval


async def test_settle_expires_approvals_reports_silence_and_wakes_the_outbox(
    bench: Bench,
) -> None:
    approval = await waiting(bench)
    bench.now = later(30 * 24 * 3600)
    await bench.service.settle()
    assert (await bench.store.approval(approval.id)).state is RemediationStatus.EXPIRED
    news = [await bench.store.news(number) for number in range(1, 5)]
    kinds = {NewsKind.EXPIRED, NewsKind.UNANSWERED}
    assert {item.kind for item in news if item} == kinds
    assert bench.store.signal(Topic.OUTBOX).is_set()


async def test_settle_changes_nothing_before_anything_is_due(bench: Bench) -> None:
    approval = await waiting(bench)
    bench.now = NOW
    before = await shown(bench, approval.incident_id)
    await bench.service.settle()
    assert (await bench.store.approval(approval.id)).state is approval.state
    assert await shown(bench, approval.incident_id) == before


async def test_settle_finds_out_what_became_of_a_request_whose_sender_died(bench: Bench) -> None:
    execution = await bench.claimed_by(bench.dead)
    bench.now = later(600)
    await bench.service.settle()
    assert (await bench.store.execution(execution.id)).state is not RemediationStatus.DISPATCHING


async def test_settle_twice_is_the_same_as_once(bench: Bench) -> None:
    approval = await waiting(bench)
    bench.now = later(30 * 24 * 3600)
    await bench.service.settle()
    once = await shown(bench, approval.incident_id)
    await bench.service.settle()
    assert await shown(bench, approval.incident_id) == once
