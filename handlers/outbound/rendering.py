"""Renders an outbox row as Slack should show it now: reads the models, calls the views."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from bot.advice.model import advice_from
from bot.approvals.model import Approval, Execution
from bot.errors import NotFound
from bot.incidents.model import Incident, Severity
from bot.incidents.news import NewsKind
from bot.incidents.remediation import RemediationStatus
from bot.language import ENGLISH, _, speaking
from bot.response import IncidentService
from bot.response.gateway_watch import GatewayWatch
from handlers.outbound import digests, posted_head
from handlers.outbound.follow_up_rendering import FollowUpRenderer
from handlers.outbound.metadata import event_type
from handlers.outbound.rendered import Rendered
from handlers.views import (
    activity,
    advice,
    approval,
    audit,
    card,
    cascade,
    escalation,
    evidence,
    news,
    notices,
    places,
    result,
    silences,
    steering,
)
from handlers.views.advice_in_force import former_advice
from handlers.views.cutting import collect_cut_texts
from handlers.views.full_text import add_button
from handlers.views.text import context, section
from store.messages import OutboxMessage
from store.operations.cards import CardContent


class Renderer:
    """Renders by kind. None means that there is nothing to show, or nothing any more."""

    def __init__(
        self,
        service: IncidentService,
        gateway: GatewayWatch | None = None,
        *,
        language: str = ENGLISH,
    ) -> None:
        self._language = language
        self._service = service
        self._gateway = gateway
        self._store = service.store
        self._prepared: tuple[CardContent | None, Rendered | None] = None, None
        self._kinds: dict[str, Callable[[str], Awaitable[Rendered | None]]] = {
            "card": self._card,
            "advice": self._advice,
            "evidence": self._evidence,
            "approval": self._approval,
            "result": self._result,
            "resolved": self._resolved,
            "note": self._note,
            "activity": self._activity,
            "steered": self._steered,
            "audit_head": self._audit_head,
            "undelivered": self._undelivered,
            "storm": self._burst_digest,
            "stuck": self._overdue_work,
            "frozen": self._frozen,
            "trail": self._trail,
            "gateway": self._gateway_notice,
            "reload": self._reload,
            "news": self._news,
            "escalation": self._escalation,
            "silence": self._silence,
            "silence_digest": self._silence_digest,
            **FollowUpRenderer(service).kinds,
            "digest": self._digest,
        }

    async def render(
        self, message: OutboxMessage, content: CardContent | None = None
    ) -> Rendered | None:
        """The message as it should look at this moment; NotFound for an unknown kind.

        `content` is what a card shows, if the store returned it with the message. If a text had to
        be cut, the message has the button that shows the whole of it.
        """
        if content and message.kind == "card":
            prepared_for, prepared = self._prepared
            return prepared if content is prepared_for else self._card_now(message, content)
        with speaking(self._language), collect_cut_texts() as texts:
            rendered = await self._rendered(message)
            return rendered and _finished(rendered, message, texts)

    def prepare(self, message: OutboxMessage, content: CardContent) -> None:
        """Render a card before its time has come: `render` of this content returns it then."""
        self._prepared = content, self._card_now(message, content)

    def _card_now(self, message: OutboxMessage, content: CardContent) -> Rendered:
        with speaking(self._language), collect_cut_texts() as texts:
            return _finished(self._card_of(content), message, texts)

    async def full_texts(self, message: OutboxMessage) -> tuple[str, ...]:
        """The whole of each text that the message shows in part at this moment, in its order."""
        with speaking(self._language), collect_cut_texts() as texts:
            await self._rendered(message)
        return tuple(texts)

    async def _rendered(self, message: OutboxMessage) -> Rendered | None:
        kind = self._kinds.get(message.kind)
        if kind is None:  # a newer version enqueued it, and may be started again
            raise NotFound(f"This version shows no messages of the kind {message.kind!r}.")
        return await kind(message.subject)

    async def _card(self, subject: str) -> Rendered:
        return self._card_of(await self._store.card_content(int(subject)))

    def _card_of(self, content: CardContent) -> Rendered:
        incident = content.incident
        if root := content.root:
            url = places.thread_link(root.channel, root.ts) if root.ts else ""
            folded = cascade.folded_card(incident, root.incident, url)
            return Rendered(*folded, only_if_posted=True)
        sop = self._service.sops.get(cascade.cause(incident, content.children).sop_id)
        text, blocks = card.card(
            incident,
            card.CardFacts(
                runbook=sop.runbook if sop else "",
                fixed_by=content.fix,
                waiting=content.waiting,
                bad_news=content.bad_news,
                children=content.children,
                related=content.related,
                last_time=content.last_time,
                deploy=content.deploy,
                freeze=content.freeze,
                asking=content.asking,
                service_owner=self._owner_of(cascade.shown(incident, content.children)),
                running=content.running,
                posted=content.posted,
            ),
        )
        down_since = self._gateway.down_for(incident.service) if self._gateway else None
        if down_since and incident.resolved_at is None:
            blocks = [*blocks, notices.nothing_can_run(down_since)]
        return Rendered(text, blocks)

    def _owner_of(self, incident: Incident) -> str:
        service = self._service.sops.services.find(incident.display.service)
        return service.owner if service else ""

    async def _fix_of(self, incident: Incident) -> tuple[Execution | None, Approval | None]:
        """The execution that fixed the incident, as verified, and its approval."""
        if not incident.fixed_by:
            return None, None
        execution = await self._store.execution(incident.fixed_by)
        return execution, await self._store.approval(execution.approval_id)

    async def _advice(self, subject: str) -> Rendered | None:
        record = await self._store.advice(int(subject))
        if record is None or record.body is None:
            return None
        parsed = advice_from(record.body)
        if record.replaced_by:
            newer = await self._store.place_of_advice(record.replaced_by)
            link = places.thread_link(*newer) if newer else ""
            return Rendered(*former_advice(parsed, record.question, record.asked_by, link))
        steps = await self._service.suggestions.shown(record)
        shown = advice.advice_message(
            parsed, record.question, record.asked_by, record.id, steps, record.incident_id
        )
        return Rendered(*shown)

    async def _evidence(self, subject: str) -> Rendered | None:
        stored = await self._store.evidence(int(subject))
        return Rendered(*evidence.evidence_message(stored, int(subject))) if stored else None

    async def _approval(self, subject: str) -> Rendered:
        # The execution first: the approval, read second, is as new or newer and holds the reasons.
        execution = await self._store.execution_of(subject)
        request = await self._store.approval(subject)
        if request.decided:
            return Rendered(*approval.approval_card(request, execution))
        incident = await self._store.incident(request.incident_id)
        record = await self._store.track_record(incident.sop_id, request.proposal.action_id)
        blocker = await self._service.decisions.blocker_of(request)
        return Rendered(*approval.approval_card(request, execution, record, blocker))

    async def _result(self, subject: str) -> Rendered:
        execution = await self._store.execution(subject)
        request = await self._store.approval(execution.approval_id)
        return Rendered(*result.result(execution, request))

    async def _resolved(self, subject: str) -> Rendered:
        incident = await self._store.incident(int(subject.partition("/")[0]))
        timeline = await self._store.timeline(incident.id)
        starts = [n for n, e in enumerate(timeline) if e.kind in ("opened", "reopened")]
        opened = max(starts, default=0)
        taken = [e.at for e in timeline[opened:] if e.kind in ("acknowledged", "assigned")]
        # Counted from the alert or the last reopening; a change of owner does not reset it.
        waited = taken[0] - timeline[opened].at if taken else None
        text, blocks = result.resolved(incident, *await self._fix_of(incident), waited)
        return Rendered(text, blocks, broadcast=incident.severity.rank == 0)

    async def _undelivered(self, subject: str) -> Rendered | None:
        """The message as the ops channel shows it, until its own channel takes it."""
        message = await self._store.outbox_message(subject)
        kind = self._kinds.get(message.kind) if message else None
        if message is None or kind is None:
            return None
        if message.given_up_at is None:
            number = f"INC-{message.incident_id}" if message.incident_id else _("It")
            return Rendered(*notices.delivered(message.channel, number))
        shown = await kind(message.subject)
        if shown is None:
            return None
        # A reader of a reply without its card must know its incident.
        blocks = shown.blocks or [section(shown.text)]  # a file has no blocks
        if message.in_thread:
            blocks = [context(f"`INC-{message.incident_id}`"), *blocks]
        return Rendered(*notices.undelivered(message.channel, message.error, (shown.text, blocks)))

    async def _burst_digest(self, subject: str) -> Rendered | None:
        burst = await self._store.storm(int(subject))
        cap = self._service.policy.notify.sender_incidents_per_minute
        return Rendered(*notices.burst_digest(burst, cap)) if burst else None

    async def _overdue_work(self, subject: str) -> Rendered | None:
        notice = await self._store.notice(int(subject))
        return Rendered(*notices.overdue_work(notice)) if notice else None

    async def _audit_head(self, subject: str) -> Rendered | None:
        day = await self._store.audit_day(subject)
        if day is None:
            return None
        facts = posted_head.facts_of(day)
        return Rendered(*audit.head(subject, day.seq, day.mac, day.note), facts=facts)

    async def _frozen(self, subject: str) -> Rendered | None:
        notice = await self._store.notice(int(subject))
        return Rendered(*notices.frozen(notice)) if notice else None

    async def _silence(self, subject: str) -> Rendered | None:
        report = await self._store.silence_report(int(subject))
        return Rendered(*silences.silence_message(report)) if report else None

    async def _silence_digest(self, subject: str) -> Rendered | None:
        report = await self._store.silence_report(int(subject))
        return Rendered(*silences.digest(report)) if report else None

    async def _trail(self, subject: str) -> Rendered | None:
        notice = await self._store.notice(int(subject))
        return Rendered(*notices.trail(notice)) if notice else None

    async def _gateway_notice(self, subject: str) -> Rendered | None:
        notice = await self._store.notice(int(subject))
        return Rendered(*notices.gateway(notice)) if notice else None

    async def _reload(self, subject: str) -> Rendered | None:
        notice = await self._store.notice(int(subject))
        return Rendered(*notices.refused_reload(notice)) if notice else None

    async def _news(self, subject: str) -> Rendered | None:
        item = await self._store.news(int(subject))
        if item is None:
            return None
        incident = await self._store.incident(item.incident_id)
        if item.kind is NewsKind.STALE and not news.is_unsettled(item, incident):
            return Rendered(*news.settled(item, incident))
        if item.kind is NewsKind.UNKNOWN:
            execution = await self._store.execution(item.subject)
            if execution.state is not RemediationStatus.OUTCOME_UNKNOWN:
                return Rendered(*news.ended(item, incident, execution))
        # The channel has the message that the incident is resolved.
        is_back = item.kind is NewsKind.REOPENED and incident.severity is Severity.CRITICAL
        return Rendered(*news.news(item, incident), broadcast=is_back)

    async def _digest(self, subject: str) -> Rendered | None:
        message = await digests.rendered(self._service, int(subject))
        return Rendered(*message) if message else None

    async def _steered(self, subject: str) -> Rendered | None:
        entry = await self._store.remark(int(subject))
        return Rendered(*steering.steered(entry)) if entry else None

    async def _activity(self, subject: str) -> Rendered | None:
        item = await self._store.activity(int(subject))
        return Rendered(*activity.activity(item)) if item else None

    async def _escalation(self, subject: str) -> Rendered | None:
        entry = await self._store.remark(int(subject))
        if entry is None:
            return None
        incident = await self._store.incident(entry.incident_id)
        card_row = await self._store.outbox_message(f"card:{incident.parent_id or incident.id}")
        facts = await self._store.timeline(incident.id, escalation.FACTS)
        ts = (card_row.ts if card_row else None) or ""
        return Rendered(*escalation.message(incident, entry, facts, ts))

    async def _note(self, subject: str) -> Rendered | None:
        entry = await self._store.remark(int(subject))
        return Rendered(*notices.note(entry)) if entry else None


def _finished(rendered: Rendered, message: OutboxMessage, texts: Collection[str]) -> Rendered:
    """Add the button that shows the texts that were cut, and our mark."""
    if texts:
        rendered = replace(rendered, blocks=add_button(rendered.blocks, message.key))
    return _marked(rendered, message.kind)


def _marked(rendered: Rendered, kind: str) -> Rendered:
    """Mark a block as a sopbot's: another sopbot in the channel then ignores the message.

    The metadata says so too, but Slack's events do not always have it. The mark is the id of the
    first block that is not markdown, because Slack drops the id of a markdown block.
    """
    blocks = list(rendered.blocks)
    for number, block in enumerate(blocks):
        if block["type"] != "markdown":
            blocks[number] = {**block, "block_id": event_type(kind)}
            break
    return replace(rendered, blocks=blocks)
