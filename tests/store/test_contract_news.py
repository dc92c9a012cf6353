"""Bad news: said once, in the transaction of the change itself, to whom it concerns."""

from __future__ import annotations

from bot.approvals.model import Execution
from bot.approvals.reasons import from_text
from bot.incidents.model import Incident, Severity
from bot.incidents.news import NewsKind
from bot.incidents.remediation import RemediationStatus
from store import Store
from store.operations.cutoffs import Cutoff
from store.operations.news import MOST_WAITING
from tests.helpers.builders import (
    ANA,
    BEN,
    CAT,
    CHANNEL,
    NOW,
    alert,
    claim_execution,
    deliver,
    frozen_because,
    later,
    open_incident,
    pending_approval,
    resolved,
    revoke,
)
from tests.helpers.executions import approved
from tests.helpers.news import news_of, shown


async def claimed(store: Store, incident: Incident) -> Execution:
    """A remediation that Cat asked for and Ana approved, on its way."""
    await approved(store, incident, approvers=(ANA, BEN))
    execution = await claim_execution(store, later(2))
    assert execution is not None
    return execution


async def test_a_rise_of_severity_is_said_once_for_each_severity(store: Store) -> None:
    incident_id = await deliver(store, alert(severity=Severity.MEDIUM))
    assert await news_of(store) == []
    await store.acknowledge(incident_id, ANA, later(1))
    for second, severity in enumerate(
        (Severity.HIGH, Severity.LOW, Severity.HIGH, Severity.CRITICAL), start=2
    ):
        await deliver(store, alert(severity=severity), at=later(second))
    news = await news_of(store)
    assert [(n.kind, n.facts["before"], n.facts["after"]) for n in news] == [
        (NewsKind.WORSE, "medium", "high"),
        (NewsKind.WORSE, "high", "critical"),
    ]
    assert {n.mentions for n in news} == {(ANA,)}
    incident = await store.incident(incident_id)
    assert [n.facts["after"] for n in (await store.card_content(incident.id)).bad_news] == [
        "critical"
    ]


async def test_nothing_is_said_of_a_severity_that_falls(store: Store) -> None:
    await deliver(store, alert(severity=Severity.HIGH))
    await deliver(store, alert(severity=Severity.LOW), at=later(1))
    assert await news_of(store) == []


async def test_an_approval_that_expires_is_said_to_who_asked_and_who_could_approve(
    store: Store,
) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id, approvers=(ANA, BEN))
    assert await store.expire_approvals(later(901)) == 1
    assert await store.expire_approvals(later(902)) == 0
    (news,) = await news_of(store)
    assert (news.kind, news.subject) == (NewsKind.EXPIRED, result.id)
    assert news.mentions == (CAT, ANA, BEN)
    message = await store.outbox_message("news:1")
    assert message is not None
    assert message.in_thread
    assert (await store.card_content(incident.id)).bad_news == [news]
    await pending_approval(store, incident.id, requested_at=later(950), expires_at=later(1900))
    assert (await store.card_content(incident.id)).bad_news == [], "something else is proposed"


async def test_a_revoked_approval_is_said_but_not_one_that_ends_with_its_incident(
    store: Store,
) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id, approvers=(ANA,))
    assert await revoke(store, result.id, "the SOP was edited", later(1))
    assert not await revoke(store, result.id, "the SOP was edited", later(2))
    (news,) = await news_of(store)
    assert news.kind is NewsKind.REVOKED
    assert from_text(news.facts["reason"]) == frozen_because("the SOP was edited")
    await pending_approval(store, incident.id)
    await deliver(store, resolved(), at=later(3))
    assert len(await news_of(store)) == 1, "the resolve is a message of its own"


async def test_a_critical_incident_that_nobody_acknowledges_is_said_once(store: Store) -> None:
    lonely = await deliver(store, alert(severity=Severity.CRITICAL))
    minor = await deliver(store, alert(service="api", fingerprint="f2", severity=Severity.MEDIUM))
    taken = await deliver(store, alert(service="db", fingerprint="f3", severity=Severity.HIGH))
    await store.acknowledge(taken, ANA, later(1))
    assert await store.report_unanswered(Cutoff(later(0)), lambda _: [BEN], later(300)) == 0, (
        "no card is up yet"
    )
    for number in (lonely, minor, taken):
        await shown(store, f"card:{number}")
    assert await store.report_unanswered(Cutoff(later(-1)), lambda _: [BEN], later(299)) == 0
    assert (
        await store.report_unanswered(Cutoff(later(0)), lambda _: [BEN, "S0SRE"], later(300)) == 1
    )
    assert await store.report_unanswered(Cutoff(later(1)), lambda _: [BEN], later(301)) == 0
    (news,) = await news_of(store)
    assert (news.incident_id, news.mentions) == (lonely, (BEN, "S0SRE"))
    incident = await store.incident(lonely)
    assert (await store.card_content(incident.id)).bad_news == [news]
    await store.acknowledge(lonely, ANA, later(302))
    assert (await store.card_content(lonely)).bad_news == []


async def test_a_reopened_incident_that_nobody_answers_is_said_again(store: Store) -> None:
    number = await deliver(store, alert(severity=Severity.CRITICAL))
    await shown(store, f"card:{number}")
    assert await store.report_unanswered(Cutoff(later(0)), lambda _: [BEN], later(300)) == 1
    await store.resolve(number, ANA, later(310))
    await store.reopen(number, ANA, later(320))
    assert await store.report_unanswered(Cutoff(later(319)), lambda _: [BEN], later(619)) == 0
    assert (await store.card_content(number)).bad_news == [], "not said of this time"
    assert await store.report_unanswered(Cutoff(later(320)), lambda _: [BEN], later(620)) == 1
    assert len((await store.card_content(number)).bad_news) == 1


async def test_many_that_nobody_answers_are_said_a_few_at_a_time(store: Store) -> None:
    count = MOST_WAITING + 3
    for number in range(count):
        which = f"s{number}"
        severity = Severity.CRITICAL if number == count - 1 else Severity.HIGH
        incident_id = await deliver(
            store, alert(service=which, fingerprint=which, severity=severity)
        )
        await shown(store, f"card:{incident_id}")
    assert await store.report_unanswered(Cutoff(NOW), lambda _: [], later(300)) == MOST_WAITING
    assert (await news_of(store))[0].incident_id == count, "the most severe first"
    assert await store.report_unanswered(Cutoff(NOW), lambda _: [], later(305)) == 0
    await shown(store, "news:1")
    assert await store.report_unanswered(Cutoff(NOW), lambda _: [], later(310)) == 1


async def test_a_dispatch_that_fails_or_has_no_outcome_is_said_to_whom_it_concerns(
    store: Store,
) -> None:
    incident = await open_incident(store)
    await store.acknowledge(incident.id, "U0DAN", later(0))
    sent = await claimed(store, incident)
    for _ in range(2):  # a second answer says nothing new
        await store.finish_execution(
            sent,
            RemediationStatus.OUTCOME_UNKNOWN,
            answer=None,
            error="no answer in 30 s",
            now=later(5),
        )
    (news,) = await news_of(store)
    assert (news.kind, news.facts["why"]) == (NewsKind.UNKNOWN, "no answer in 30 s")
    assert news.mentions == ("U0DAN", CAT, ANA, BEN), "anybody who may approve can say what it did"
    assert (await store.card_content(incident.id)).bad_news == [news]

    await store.finish_execution(
        sent, RemediationStatus.FAILED, answer={"exit_code": 1}, error="exit 1", now=later(9)
    )
    failed = (await news_of(store))[-1]
    assert (failed.kind, failed.subject) == (NewsKind.FAILED, sent.id)
    assert failed.mentions == ("U0DAN", CAT, ANA), "who asked and who approved"
    assert (await store.card_content(incident.id)).bad_news == [failed], (
        "its outcome is known by now"
    )


async def test_what_did_not_help_is_said_and_what_helped_is_not(store: Store) -> None:
    incident = await open_incident(store)
    sent = await claimed(store, incident)
    await store.finish_execution(
        sent,
        RemediationStatus.SUCCEEDED,
        answer={"exit_code": 0},
        error="",
        now=later(5),
        verify_until=later(60),
    )
    assert await news_of(store) == []
    assert await store.conclude(sent.id, RemediationStatus.NOT_VERIFIED, "still 503", later(61))
    assert not await store.conclude(sent.id, RemediationStatus.NOT_VERIFIED, "again", later(62))
    (news,) = await news_of(store)
    assert (news.kind, news.facts["why"]) == (NewsKind.NOT_HELPED, "still 503")
    card = await store.outbox_message(f"card:{incident.id}")
    assert card is not None
    assert card.desired_version > card.sent_version, "the card says so too"


async def test_bad_news_come_right_behind_the_cards_of_their_severity(store: Store) -> None:
    await deliver(store, alert(severity=Severity.MEDIUM))
    await shown(store, "card:1")
    await deliver(store, alert(severity=Severity.CRITICAL), at=later(1))
    high = await deliver(store, alert(service="api", fingerprint="f2"), at=later(2))
    due = await store.outbox_due(CHANNEL, later(5), 50)
    keys = [message.key for message in due if message.ts is None]
    assert keys.index("news:1") < keys.index(f"card:{high}")
