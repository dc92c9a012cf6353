"""The store's contract: each docstring states the promise, whichever engine keeps it.

Every method is one transaction. What it returns is durable: a killed process, a power cut, lose
nothing that was returned. Methods raise `bot.errors.StoreError` when the engine cannot write,
`NotFound` and `Refused` where their docstring says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar

from bot.approvals.limits import Limits
from bot.approvals.model import Approval, Choice, Execution, Freeze
from bot.approvals.policy import Voter
from bot.approvals.record import TrackRecord
from bot.incidents.correlation import Named
from bot.incidents.model import Alert, Incident, TimelineEntry
from bot.incidents.notices import Notice, Storm
from bot.incidents.remediation import RemediationStatus
from store.operations import (
    advice,
    alerts,
    approvals,
    audit,
    deliveries,
    executions,
    freezes,
    guards,
    housekeeping,
    incidents,
    keeping,
    marks,
    notices,
    outbox,
    records,
    selfcheck,
)
from store.operations.audit import Kind
from store.operations.folding import Arrival
from store.operations.marks import ReadMark
from store.operations.outbox import EVERYTHING, Which
from store.operations.selfcheck import Stuck
from store.proof import DAY, Anchor
from store.replica import LEASE, Replica
from store.rows import (
    AdviceRecord,
    OutboxMessage,
    Receipt,
    TracedAlert,
    TurnRecord,
)
from store.sealing import AuditKey, sealed
from store.statements import Operation

DEFAULT_LIMITS = Limits()

P = ParamSpec("P")
T = TypeVar("T")


class Engine(Protocol):
    """What runs operations. `write` commits before it returns; `read` changes nothing.

    `schema_query` names the migrations that the database has seen. `alone` says that no other
    process can be using it. `clock` tells the time by which leases are kept: the database's own
    where several machines share it.
    """

    schema_query: str
    alone: bool

    @property
    def clock(self) -> Callable[[], datetime]:
        """The time for everybody who uses this database."""

    async def write(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run in one transaction; return once it is durable."""

    async def read(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run on a consistent view of what is committed."""

    def signal(self, topic: str) -> asyncio.Event:
        """An event that is set after each commit that notified `topic`."""

    async def close(self) -> None:
        """Finish what is queued, then let go of the database."""


class Store:
    """Everything the bot remembers. `owner` names this process in what it claims.

    What it claims is its own while its lease lasts: `lease_seconds` after each renewal. Without
    `audit_key` it does nothing that must be recorded in the audit trail: StoreError.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        owner: str,
        card_update_seconds: float = 1.0,
        lease_seconds: float = LEASE,
        audit_key: AuditKey | None = None,
    ) -> None:
        self._engine = engine
        self._audit_key = audit_key
        self.owner = owner
        self.replica = Replica(engine, owner, seconds=lease_seconds)
        self.clock = engine.clock
        """The time by which leases are kept: the same for every replica."""
        self.card_update_seconds = card_update_seconds
        """How long repeats of an alert gather before the card changes, in seconds."""

    def signal(self, topic: str) -> asyncio.Event:
        """Set after each commit that concerns `topic`: outbox, advice, advised, dispatch."""
        return self._engine.signal(topic)

    async def close(self) -> None:
        """Finish what is queued, then let go of the database."""
        await self._engine.close()

    async def _write(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Engine.write of what may have something to record in the audit trail."""
        return await self._engine.write(
            sealed, partial(operation, *args, **kwargs), self._audit_key
        )

    # Alerts

    async def accept(
        self, key: str, named: Sequence[Named], *, channel: str, now: datetime
    ) -> Receipt:
        """Write every alert of one delivery and fold it into its incident, all or nothing.

        The second call with the same `key` changes nothing; so does an alert whose dedup_key is
        stored, and a reminder (`retold_as`) of what fires unchanged, or of what a person resolved
        less than 15 minutes ago. `channel` is where a new incident's card goes.
        """
        arrival = Arrival(channel, now, self.card_update_seconds)
        return await self._write(alerts.accept, key, named, arrival)

    async def first_time(self, key: str, now: datetime) -> bool:
        """True exactly once for each key, across processes and restarts."""
        return await self._write(deliveries.first_time, key, now)

    async def known_deliveries(self, keys: Sequence[str]) -> set[str]:
        """Which of these deliveries were taken in before."""
        return await self._engine.read(deliveries.known, keys)

    async def read_mark(self, channel: str) -> ReadMark | None:
        """How far the channel's history in Slack was read; None if it never was."""
        return await self._engine.read(marks.get, channel)

    async def mark_read(self, channel: str, ts: str, *, edits_too: bool) -> None:
        """The channel's history was read up to `ts`; the first time, it is from there on.

        `edits_too`: with what was edited and answered in threads until then.
        """
        await self._write(marks.put, channel, ts, edits_too)

    async def open_since(self, channel: str) -> datetime | None:
        """When the oldest incident opened that is still open in the channel."""
        return await self._engine.read(marks.open_since, channel)

    async def latest_alert(self, incident_id: int) -> Alert | None:
        """The newest firing alert of an incident."""
        return await self._engine.read(alerts.latest, incident_id)

    async def trace(self, tracking_id: str) -> list[TracedAlert]:
        """Every alert that carries this tracking id, oldest first."""
        return await self._engine.read(alerts.trace, tracking_id)

    # Incidents

    async def incident(self, incident_id: int) -> Incident:
        """One incident, or NotFound."""
        return await self._engine.read(incidents.get, incident_id)

    async def open_incidents(self, limit: int = 20, before: int | None = None) -> list[Incident]:
        """Open and acknowledged incidents, newest first; `before` an id pages on."""
        return await self._engine.read(incidents.open_ones, limit, before)

    async def incidents_of_sop(self, sop_id: str, limit: int = 10) -> list[Incident]:
        """The newest incidents of a SOP ID."""
        return await self._engine.read(incidents.of_sop, sop_id, limit)

    async def incident_of_message(self, channel: str, ts: str) -> Incident | None:
        """The incident whose card or reply is that Slack message."""
        return await self._engine.read(incidents.of_message, channel, ts)

    async def timeline(self, incident_id: int) -> list[TimelineEntry]:
        """The story so far, oldest first."""
        return await self._engine.read(incidents.timeline, incident_id)

    async def remark(self, timeline_id: int) -> TimelineEntry | None:
        """One fact of a story."""
        return await self._engine.read(incidents.remark, timeline_id)

    async def acknowledge(self, incident_id: int, user: str, now: datetime) -> Incident:
        """Open becomes acknowledged; twice changes nothing; Refused when it is resolved."""
        return await self._write(incidents.acknowledge, incident_id, user, now)

    async def resolve(self, incident_id: int, user: str, now: datetime) -> Incident:
        """A person closes it; what was not sent yet is revoked. Refused when it is closed."""
        return await self._write(incidents.resolve, incident_id, user, now)

    async def note(self, incident_id: int, text: str, user: str, now: datetime) -> Incident:
        """Keep a remark in the story and show it in the thread."""
        return await self._write(incidents.note, incident_id, text, user, now)

    async def incident_counts(self) -> dict[str, int]:
        """How many incidents stand in each status."""
        return await self._engine.read(incidents.counts)

    # Advice

    async def want_advice(
        self, incident: Incident, question: str, user: str, now: datetime, once: str = ""
    ) -> bool:
        """Queue a person's question; it is answered even if this process dies.

        The same key `once` queues it once; False the next time.
        """
        return await self._write(
            advice.want, incident.id, question, user, incident.severity, now, once
        )

    async def claim_advice(
        self, now: datetime, in_hand: Sequence[int] | None = None
    ) -> AdviceRecord | None:
        """The gravest advice that is wanted, taken on by this replica; None when none is.

        What a replica left whose lease lapsed comes again; its `body` is there if it was given.
        So does what is this replica's own and not `in_hand`: the answer to a claim may be lost.
        """
        return await self._write(advice.claim, self.owner, now, in_hand)

    async def release_advice(self, advice_id: int) -> None:
        """It failed by a fault of ours: wanted again, five times at most."""
        await self._write(advice.release, advice_id, self.owner)

    async def give_advice(
        self, advice_id: int, body: dict[str, Any], said: str, now: datetime
    ) -> None:
        """Record advice and show it in the thread, once; `said` joins the SOP's conversation."""
        await self._write(advice.give, advice_id, body, said, now)

    async def advice_done(self, advice_id: int) -> None:
        """Nothing more follows from this advice."""
        await self._write(advice.done, advice_id)

    async def advice(self, advice_id: int) -> AdviceRecord | None:
        """One piece of advice."""
        return await self._engine.read(advice.get, advice_id)

    async def first_advice(self, incident_id: int) -> AdviceRecord | None:
        """The advice that an incident gets unasked, given or not yet."""
        return await self._engine.read(advice.unasked, incident_id)

    async def remember(
        self, sop_id: str, incident_id: int | None, role: str, text: str, now: datetime
    ) -> None:
        """Keep one turn of the conversation of a SOP ID."""
        await self._write(advice.remember, sop_id, incident_id, role, text, now)

    async def turns(self, sop_id: str, limit: int = 10) -> list[TurnRecord]:
        """The last turns of a SOP ID across incidents, oldest first."""
        return await self._engine.read(advice.turns, sop_id, limit)

    async def sop_of_key(self, incident_key: str) -> str | None:
        """The SOP ID an incident key was mapped to before."""
        return await self._engine.read(advice.sop_of_key, incident_key)

    # Approvals

    async def ask(
        self, approval: Approval, origin: str, limits: Limits = DEFAULT_LIMITS
    ) -> Approval:
        """Put a proposal before people. The same `origin` asks once; Refused when resolved.

        Refused, too, when the limits will not let it run in time. One that `needed` nobody's yes
        is approved at once.
        """
        return await self._write(approvals.ask, approval, origin, limits)

    async def approval(self, approval_id: str) -> Approval:
        """One approval with its votes, or NotFound."""
        return await self._engine.read(approvals.get, approval_id)

    async def approvals_of(self, incident_id: int) -> list[Approval]:
        """Every approval of an incident, oldest first."""
        return await self._engine.read(approvals.of_incident, incident_id)

    async def approvals_waiting(self) -> list[Approval]:
        """Every approval that waits for a yes."""
        return await self._engine.read(approvals.waiting)

    async def vote(
        self,
        approval_id: str,
        voter: Voter,
        choice: Choice,
        home_team: str,
        now: datetime,
        press: Mapping[str, str] | None = None,
        *,
        reason: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> Approval:
        """Count one person's word. One approval leads to at most one execution, whatever races.

        `press` is what Slack calls the press; it goes on record with the vote. Refused says why, to
        the person who pressed; NotFound for an id that is not ours. A yes is refused too while the
        limits, or a freeze, would not let it run.
        """
        return await self._write(
            approvals.vote,
            approval_id,
            voter,
            choice,
            home_team,
            now,
            press or {},
            reason=reason,
            limits=limits,
        )

    async def expire_approvals(self, now: datetime) -> int:
        """End what waited too long. Returns how many."""
        return await self._write(approvals.expire, now)

    async def revoke(self, approval_id: str, reason: str, now: datetime) -> bool:
        """Take an approved remediation back before it is sent. False when it is too late."""
        return await self._write(approvals.revoke, approval_id, reason, now)

    async def withdraw(self, approval_id: str, reason: str, now: datetime) -> bool:
        """Revoke what waits for a yes, or has it and is not claimed. False when it is too late."""
        return await self._write(approvals.withdraw, approval_id, reason, now)

    async def track_record(self, sop_id: str, action_id: str) -> TrackRecord:
        """What this action of that SOP ID has been good for so far."""
        return await self._engine.read(records.of, sop_id, action_id)

    async def freeze(self, user: str, reason: str, now: datetime) -> bool:
        """Nothing is claimed from now on, on any replica. False when it was frozen already."""
        return await self._write(freezes.set_on, user, reason, now)

    async def thaw(self, user: str, now: datetime) -> bool:
        """The freeze ends. False when there was none."""
        return await self._write(freezes.lift, user, now)

    async def frozen(self) -> Freeze | None:
        """The freeze, while there is one."""
        return await self._engine.read(guards.freeze)

    # Executions

    async def claim_execution(
        self, now: datetime, approved_after: datetime, limits: Limits = DEFAULT_LIMITS
    ) -> Execution | None:
        """Take on one approved execution; `dispatching` is durable before this returns.

        What was approved before `approved_after`, or whose incident resolved, is revoked instead;
        so is what the limits do not let run: one action a target at a time, however many claim.
        """
        return await self._write(executions.claim, self.owner, now, approved_after, limits)

    async def still_wanted(
        self, execution: Execution, now: datetime, approved_after: datetime
    ) -> bool:
        """Whether it may (still) be sent, as `claim_execution` decides; if not, it is revoked."""
        return await self._write(
            executions.still_wanted, execution.id, self.owner, now, approved_after
        )

    async def orphaned_executions(self, ours_before: datetime, now: datetime) -> list[Execution]:
        """Executions that a replica was dispatching whose lease lapsed.

        With our own that began before `ours_before`: when the answer to a claim is lost, the claim
        may stand. Who asks knows which of them it is sending.
        """
        return await self._engine.read(executions.orphans, self.owner, ours_before, now)

    async def adopt_execution(self, execution: Execution, now: datetime) -> bool:
        """Take over an orphan; True for exactly one caller."""
        return await self._write(executions.adopt, execution.id, execution.owner, self.owner, now)

    async def finish_execution(
        self,
        execution: Execution,
        state: RemediationStatus,
        *,
        answer: dict[str, Any] | None,
        error: str,
        now: datetime,
        finished_at: datetime | None = None,
        verify_until: datetime | None = None,
        looked_up: bool = False,
    ) -> Execution:
        """Write the outcome and show it. Without effect on what is finished.

        Nor, without a gateway's answer, on what another replica has taken over since.

        `finished_at` is when it ended, where that is known; else it ended now. `looked_up`: the
        gateway was asked for it afterwards.
        """
        return await self._write(
            executions.finish,
            execution.id,
            state,
            owner=execution.owner,
            answer=answer,
            error=error,
            now=now,
            finished_at=finished_at or now,
            verify_until=verify_until,
            looked_up=looked_up,
        )

    async def mark_by_hand(
        self, execution: Execution, user: str, now: datetime, verify_until: datetime
    ) -> bool:
        """A person says that they did it; False unless its outcome is unknown."""
        return await self._write(executions.mark_by_hand, execution.id, user, now, verify_until)

    async def execution(self, execution_id: str) -> Execution:
        """One execution, or NotFound."""
        return await self._engine.read(executions.get, execution_id)

    async def execution_of(self, approval_id: str) -> Execution | None:
        """The execution of an approval, if there is one."""
        return await self._engine.read(executions.of_approval, approval_id)

    async def executions_of(self, incident_id: int) -> list[Execution]:
        """Every execution of an incident, oldest first."""
        return await self._engine.read(executions.of_incident, incident_id)

    async def verifying(self) -> list[Execution]:
        """Executions that ran and are not verified yet."""
        return await self._engine.read(executions.verifying)

    async def unknown_outcomes(self, since: datetime, stuck_before: datetime) -> list[Execution]:
        """Executions whose outcome is unknown, sent since then.

        With those that somebody began to send before `stuck_before` and never finished.
        """
        return await self._engine.read(executions.unknown, since, stuck_before)

    async def count_probe(self, execution_id: str, good: bool, note: str) -> int:
        """How many probes in a row were good, this one included."""
        return await self._write(executions.count_probe, execution_id, good, note)

    async def conclude(
        self, execution_id: str, state: RemediationStatus, note: str, now: datetime
    ) -> bool:
        """Verified, not verified, or `succeeded` where nobody can tell. False the second time.

        What was to be taken back by another execution is `undone` once that one succeeded.
        """
        return await self._write(executions.conclude, execution_id, state, note, now)

    # Outbox

    async def outbox_channels(self, now: datetime) -> list[str]:
        """Channels that have something to send now, but for those another replica looks after."""
        return await self._engine.read(outbox.channels_due, now, self.owner)

    async def outbox_due(
        self, channel: str, now: datetime, limit: int = 20, which: Set[Which] = EVERYTHING
    ) -> list[OutboxMessage]:
        """What of `which` to send next: news, the gravest cards, then what stands in threads.

        Of one severity what waits longest; a reply only after its card, and beside the other
        cards only when it has waited for a minute.
        """
        return await self._engine.read(outbox.due, channel, now, limit, which)

    async def outbox_overdue(self, before: datetime) -> list[str]:
        """Channels with a message that was due by then and is neither shown nor given up."""
        return await self._engine.read(outbox.overdue, before)

    async def outbox_hurry(self, channel: str, now: datetime) -> None:
        """Slack is well again: what waits only because it failed before is due at once."""
        await self._write(outbox.hurry, channel, now)

    async def outbox_promote(self, now: datetime) -> None:
        """What waits for a minute gets its turn: replies behind their cards, changes among the
        gravest.
        """
        await self._write(outbox.promote, now)

    async def outbox_sent(
        self, message: OutboxMessage, ts: str, paced_until: datetime | None = None
    ) -> bool:
        """Slack shows this version of the message under `ts`; that is how far its lane is paced.

        False when another replica posted it as well and said so first: then `ts` is one too many.
        """
        return await self._write(outbox.sent, message, ts, self.owner, paced_until)

    async def outbox_again(self, message: OutboxMessage) -> None:
        """What Slack shows of it may be an older version: it is to be sent once more."""
        await self._write(outbox.again, message.id)

    async def outbox_retry(
        self, message: OutboxMessage, not_before: datetime, error: str, *, maybe_posted: bool
    ) -> None:
        """Try again then. `maybe_posted` makes the next try look before it posts."""
        await self._write(outbox.retry, message.id, not_before, error, maybe_posted)

    async def outbox_give_up(
        self, message: OutboxMessage, error: str, ops_channel: str, now: datetime
    ) -> None:
        """Slack does not take it; the row stays, and `ops_channel` ('' for none) shows it instead.

        There it is one message, with the reason, that is changed in place.
        """
        await self._write(outbox.give_up, message, error, ops_channel, now)

    async def outbox_revive(
        self,
        now: datetime,
        older_than: timedelta = timedelta(minutes=10),
        younger_than: timedelta = timedelta(hours=24),
    ) -> int:
        """What was given up `older_than` ago is due again, if wished less than `younger_than` ago.

        Somebody may have invited the bot meanwhile. Returns how many.
        """
        return await self._write(outbox.revive, now - older_than, now - younger_than, now)

    async def outbox_lost(self, message: OutboxMessage) -> None:
        """Somebody deleted it in Slack: it is to be posted anew."""
        await self._write(outbox.lost, message)

    async def outbox_message(self, key: str) -> OutboxMessage | None:
        """The message with that idempotency key."""
        return await self._engine.read(outbox.find, key)

    async def outbox_backlog(self) -> tuple[int, int]:
        """(waiting, given up). A reply fails with its card."""
        return await self._engine.read(outbox.backlog)

    # Audit

    async def record(
        self,
        kind: Kind,
        *,
        now: datetime,
        incident_id: int | None = None,
        subject: str = "",
        actor: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> int:
        """Put something on record by itself, which no other change goes with. Its number.

        StoreError when the chain was tampered with: nothing is built on that.
        """
        return await self._write(
            audit.record,
            kind,
            now=now,
            incident_id=incident_id,
            subject=subject,
            actor=actor,
            detail=detail,
        )

    async def close_audit_day(self, channel: str, now: datetime) -> bool:
        """Prove what came on record since the last time, and post yesterday's head in `channel`.

        Once a day, whoever asks and however often; then False. What is wrong with the trail is
        posted with it.
        """
        return await self._write(keeping.close_day, channel, now)

    async def audit_day(self, day: str) -> Anchor | None:
        """Where the trail stood at the end of that day, as it is to be posted."""
        return await self._engine.read(audit.find_anchor, DAY + day)

    async def prune_audit(self, before: datetime, now: datetime) -> int:
        """Forget the rows of before then, behind a checkpoint that proves them. Returns how many.

        StoreError when they cannot be proved: what was tampered with is not forgotten.
        """
        return await self._write(keeping.prune, before, now)

    async def begin_audit_anew(self, reason: str, now: datetime) -> int:
        """Forget the trail and go on with a new one, by this store's key. Its first row's number.

        Nothing of the former can be proved here any more: keep a copy of the store before.
        """
        return await self._write(keeping.begin_anew, reason, now)

    # What the bot says of itself

    async def weather(self, channel: str, storm_limit: int, now: datetime, *, remind: bool) -> bool:
        """Whether more than `storm_limit` incidents wait for their card in the channel.

        A storm lasts until every card is up. It has one notice, of the kind `storm`, which is
        posted when it begins, changed when it ends, and by each call that reminds in between.
        """
        return await self._write(notices.weather, channel, storm_limit, now, remind)

    async def storm(self, notice_id: int) -> Storm | None:
        """What that storm brought, as it stands now."""
        return await self._engine.read(notices.storm, notice_id)

    async def tell(self, kind: str, channel: str, body: Any, now: datetime, *, over: bool) -> None:
        """Say something of the bot itself, or change what it said and still says.

        `over` ends it; the next one is a new message. What begins must not be over.
        """
        await self._write(notices.tell, kind, channel, body, now, over=over)

    async def notice(self, notice_id: int) -> Notice | None:
        """What the bot said of itself."""
        return await self._engine.read(notices.get, notice_id)

    async def stuck(self, now: datetime) -> list[Stuck]:
        """What should have happened by now and has not."""
        return await self._engine.read(selfcheck.stuck, now)

    # Housekeeping

    async def prune(self, deliveries_before: datetime, resolved_before: datetime) -> dict[str, int]:
        """Forget old deliveries and raw alerts; incidents and decisions stay."""
        return await self._write(housekeeping.prune, deliveries_before, resolved_before)

    async def ping(self, now: datetime) -> None:
        """Prove that a write reaches the disk."""
        await self._write(housekeeping.ping, now)

    async def schema(self) -> list[str]:
        """The migrations this store has seen, in order."""
        return await self._engine.read(housekeeping.schema, self._engine.schema_query)
