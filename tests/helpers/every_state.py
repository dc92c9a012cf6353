"""A store with a bit of everything in it, made by the store's own operations alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.approvals.model import Choice
from bot.incidents.model import Severity
from bot.incidents.remediation import RemediationStatus
from store import Store, open_store
from store.operations.audit_kinds import Kind
from store.operations.publications import SUBJECTS
from tests.helpers.builders import (
    ANA,
    AUDIT_KEY,
    BEN,
    CAT,
    CHANNEL,
    NOW,
    TEAM,
    alert,
    claim_execution,
    deliver,
    identify,
    later,
    open_incident,
    pending_approval,
    resolved,
    revoke,
    voter,
)
from tests.helpers.silences import silence

HOSTILE = (
    "\\u0000 as JSON writes it, \\x00 as Python does, \\N for PostgreSQL's COPY, \\. too",
    '\'; DROP TABLE alerts; -- "double" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline',
    "lone surrogates, as the store keeps them: \\ud800 \\udfff",
    "🔥🧑‍🚒👩🏽‍💻 שלום \u202eright to left\u202c e\u0301 é \ufeff \U0010ffff",
    "long: " + "äöü🔥" * 25_000,
    "",
    " ",
    "NULL",
)
"""Texts that strangers send; the fifth has over 100 kB."""

KEEPS_BUSY = 40  # alerts in a delivery


def fill(url: str, more: int = 0) -> None:
    """Make that store, and fill it. `more` alerts come on top. Outside of an event loop."""
    asyncio.run(_fill(url, more))


async def _fill(url: str, more: int) -> None:
    store = await open_store(url, owner="filler", audit_key=AUDIT_KEY)
    try:
        await a_bit_of_everything(store)
        for first in range(0, more, KEEPS_BUSY):
            await _storm(store, first, min(KEEPS_BUSY, more - first))
    finally:
        await store.close()


async def a_bit_of_everything(store: Store) -> None:
    """Every table, every state that a remediation or a message can be in."""
    await store.start_publishing()
    await _strange_words(store)
    await _every_end_of_a_remediation(store)
    await _every_end_of_a_question(store)
    await _messages(store)
    await _published(store)
    await _silenced(store)
    await deliver(store, resolved(service="never-opened", fingerprint="fp-unknown"))
    assert await store.close_audit_day(CHANNEL, later(86_400))
    await store.accept("message:seen", [], channel=CHANNEL, now=NOW)
    await store.ping(NOW)
    await store.identity()


async def _strange_words(store: Store) -> None:
    for number, text in enumerate(HOSTILE):
        incident = await open_incident(
            store,
            service=f"hostile-{number}",
            fingerprint=f"fp-hostile-{number}",
            title=text[:200],
            text=text,
            labels={"words": text, "nul": "\0"},
        )
        await store.note(incident.id, text, ANA, NOW)
        await store.remember(incident.sop_id, incident.id, "person", text, NOW)
        await store.give_advice(number + 1, {"source": text[:50], "text": text}, text, NOW)


async def _every_end_of_a_remediation(store: Store) -> None:
    ends = RemediationStatus
    for number, end in enumerate(ends):
        name = f"ends-{number}"
        incident = await open_incident(store, service=name, fingerprint=f"fp-{name}")
        await store.acknowledge(incident.id, ANA, later(1))
        approval = await pending_approval(
            store, incident.id, needed=2, expires_at=later(5 + number)
        )
        if end is ends.REJECTED:
            await store.vote(approval.id, voter(ANA), Choice.REJECT, TEAM, later(1))
            continue
        await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
        if end in (ends.AWAITING_APPROVAL, ends.EXPIRED):
            continue
        await store.vote(approval.id, voter(BEN), Choice.APPROVE, TEAM, later(2))
        if end is ends.REVOKED:
            await revoke(store, approval.id, "not any more", later(3))
        if end in (ends.REVOKED, ends.APPROVED):
            await store.resolve(incident.id, CAT, later(9))
            continue
        sent = await claim_execution(store, later(3))
        assert sent is not None
        if end is ends.DISPATCHING:
            continue
        await store.record(
            Kind.REQUEST, now=later(3), incident_id=incident.id, subject=sent.approval_id
        )
        ran = end if end in (ends.FAILED, ends.OUTCOME_UNKNOWN) else ends.SUCCEEDED
        await store.finish_execution(
            sent, ran, answer={"stdout": HOSTILE[1]}, error="", now=later(4)
        )
        if ran is ends.SUCCEEDED:
            await store.count_probe(sent.id, good=True, note="200")
        if end in (ends.VERIFIED, ends.NOT_VERIFIED):
            await store.conclude(sent.id, end, "looked", later(6))
            await deliver(store, resolved(service=name, fingerprint=f"fp-{name}"), at=later(7))
        if end is ends.UNDONE:
            await store.conclude(sent.id, ends.NOT_VERIFIED, "looked", later(6))
            undo = await pending_approval(store, incident.id, undoes=sent.id, expires_at=later(60))
            await store.vote(undo.id, voter(ANA), Choice.APPROVE, TEAM, later(6))
            undoing = await claim_execution(store, later(6))
            assert undoing is not None
            await store.record(Kind.REQUEST, now=later(6), incident_id=incident.id, subject=undo.id)
            await store.finish_execution(
                undoing, ends.SUCCEEDED, answer={"stdout": "undone"}, error="", now=later(6)
            )
    await store.expire_approvals(later(6))


async def _every_end_of_a_question(store: Store) -> None:
    incident = await open_incident(store, service="asked", fingerprint="fp-asked")
    await deliver(
        store,
        alert(service="asked", fingerprint="fp-second", severity=Severity.CRITICAL),
        alert(service="asked", fingerprint="fp-third"),
        at=later(1),
    )
    await deliver(store, resolved(service="asked", fingerprint="fp-third"), at=later(2))
    for question in HOSTILE[:3]:
        await store.enqueue_advice(incident, question, BEN, later(3), once=f"asked:{question[:9]}")
    taken = await store.claim_advice(later(4))
    assert taken is not None
    await store.give_advice(taken.id, {"source": "test"}, "said", later(5))
    await store.advice_done(taken.id)
    assert await store.claim_advice(later(6)), "one is left running"


async def _messages(store: Store) -> None:
    """Some shown, one shown again, one changed since, one in doubt, one lost, one given up."""
    shown, second, doubtful, missing, undeliverable = (await store.outbox_due(CHANNEL, later(60)))[
        :5
    ]
    for number, message in enumerate((shown, second, missing)):
        assert await store.outbox_sent(message, f"17000000{number}.000100")
    await store.outbox_requeue(second)
    await store.outbox_retry(doubtful, later(90), "timeout", maybe_posted=True)
    known = await store.outbox_message(missing.key)
    assert known is not None
    await store.outbox_mark_deleted(known)
    await store.outbox_give_up(undeliverable, "not_in_channel", "C0OPS", later(60))


async def _published(store: Store) -> None:
    """Of each subject one message is acknowledged, and the others are due."""
    for subject in SUBJECTS:
        first = (await store.unpublished(subject, NOW, 1))[0]
        await store.record_published(subject, [first.source_id], NOW)


async def _silenced(store: Store) -> None:
    """A silence that has ended, and one in force with an alert that fires and one that does not."""
    over = await store.silence(silence("over", service="hushed-before"))
    await store.end_silence(over.id, BEN, later(1))
    await store.close_silences(later(2))
    await store.silence(replace(silence("hostile", service="hushed*"), reason=HOSTILE[1]))
    hushed = {"service": "hushed", "text": HOSTILE[3]}
    await deliver(
        store,
        alert(**hushed, fingerprint="fp-h1"),
        alert(**hushed, fingerprint="fp-h2"),
        at=later(3),
    )
    await deliver(store, resolved(**hushed, fingerprint="fp-h2"), at=later(4))
    muted = await open_incident(store, service="muted", fingerprint="fp-muted")
    await store.mute(muted.id, ANA, later(3600), later(5))


async def _storm(store: Store, first: int, count: int) -> None:
    """One delivery of alerts about a hundred services."""
    await store.accept(
        f"storm-{first}",
        [
            identify(
                alert(service=f"s{number % 100}", fingerprint=f"fp-{number}", text="storm " * 50),
                dedup_key=f"storm-{number}",
            )
            for number in range(first, first + count)
        ],
        channel=CHANNEL,
        now=NOW + timedelta(seconds=first),
    )
