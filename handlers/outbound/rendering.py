"""An outbox row to what Slack should show now: read the models, hand them to the views."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from bot.advice.model import advice_from
from bot.approvals.model import Approval, Execution
from bot.errors import NotFound
from bot.incidents.model import Incident
from bot.incidents.news import NewsKind
from bot.incidents.remediation import RemediationStatus
from bot.response import IncidentService
from bot.response.gateway_watch import GatewayWatch
from handlers.outbound import posted_head
from handlers.outbound.metadata import event_type
from handlers.views import advice, approval, audit, card, news, notices, result, steering
from handlers.views.text import Block, context
from store.operations.cards import CardContent
from store.rows import OutboxMessage


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as Slack takes it; `broadcast` shows a reply in the channel too.

    `facts` go into its metadata, for whoever reads it back.
    """

    text: str
    blocks: list[Block]
    broadcast: bool = False
    facts: Mapping[str, str | int] = field(default_factory=dict)


class Renderer:
    """Renders by kind. None means that there is nothing to show (any more)."""

    def __init__(self, service: IncidentService, gateway: GatewayWatch | None = None) -> None:
        self._service = service
        self._gateway = gateway
        self._store = service.store
        self._kinds: dict[str, Callable[[str], Awaitable[Rendered | None]]] = {
            "card": self._card,
            "advice": self._advice,
            "approval": self._approval,
            "result": self._result,
            "resolved": self._resolved,
            "note": self._note,
            "steered": self._steered,
            "audit_head": self._audit_head,
            "undelivered": self._undelivered,
            "storm": self._storm,
            "stuck": self._stuck,
            "frozen": self._frozen,
            "trail": self._trail,
            "gateway": self._gateway_notice,
            "reload": self._reload,
            "news": self._news,
        }

    async def render(
        self, message: OutboxMessage, content: CardContent | None = None
    ) -> Rendered | None:
        """What the message should look like at this moment; NotFound for an unknown kind.

        `content` is what a card shows, where that was read with the message.
        """
        kind = self._kinds.get(message.kind)
        if kind is None:  # written by a newer version, which may come back
            raise NotFound(f"This version shows no messages of the kind {message.kind!r}.")
        if content and message.kind == "card":
            rendered: Rendered | None = self._card_of(content)
        else:
            rendered = await kind(message.subject)
        return rendered and _marked(rendered, message.kind)

    async def _card(self, subject: str) -> Rendered:
        return self._card_of(await self._store.card_content(int(subject)))

    def _card_of(self, content: CardContent) -> Rendered:
        incident = content.incident
        sop = self._service.sops.get(incident.sop_id)
        text, blocks = card.card(
            incident,
            sop.runbook if sop else "",
            content.fix,
            waiting=content.waiting,
            bad_news=content.bad_news,
        )
        down_since = self._gateway.down_since if self._gateway else None
        if down_since and incident.resolved_at is None:
            blocks = [*blocks, notices.nothing_can_run(down_since)]
        return Rendered(text, blocks)

    async def _fix_of(self, incident: Incident) -> tuple[Execution | None, Approval | None]:
        """What was verified to have helped."""
        if not incident.fixed_by:
            return None, None
        execution = await self._store.execution(incident.fixed_by)
        return execution, await self._store.approval(execution.approval_id)

    async def _advice(self, subject: str) -> Rendered | None:
        record = await self._store.advice(int(subject))
        if record is None or record.body is None:
            return None
        given = advice_from(record.body)
        return Rendered(*advice.advice(given, record.question, record.asked_by))

    async def _approval(self, subject: str) -> Rendered:
        # The execution first: what is read second is as new or newer, and it holds the reasons.
        execution = await self._store.execution_of(subject)
        asked = await self._store.approval(subject)
        if asked.decided:
            return Rendered(*approval.approval(asked, execution))
        incident = await self._store.incident(asked.incident_id)
        record = await self._store.track_record(incident.sop_id, asked.proposal.action_id)
        blocker = await self._service.decisions.blocker_of(asked)
        return Rendered(*approval.approval(asked, execution, record, blocker))

    async def _result(self, subject: str) -> Rendered:
        execution = await self._store.execution(subject)
        asked = await self._store.approval(execution.approval_id)
        return Rendered(*result.result(execution, asked))

    async def _resolved(self, subject: str) -> Rendered:
        incident = await self._store.incident(int(subject.partition("/")[0]))
        story = await self._store.timeline(incident.id)
        starts = [n for n, e in enumerate(story) if e.kind in ("opened", "reopened")]
        opened = max(starts, default=0)
        taken = [e.at for e in story[opened:] if e.kind in ("acknowledged", "assigned")]
        # Since the bot got the alert, or since somebody reopened it; also after a change of owner.
        waited = taken[0] - story[opened].at if taken else None
        text, blocks = result.resolved(incident, *await self._fix_of(incident), waited)
        return Rendered(text, blocks, broadcast=incident.severity.rank == 0)

    async def _undelivered(self, subject: str) -> Rendered | None:
        """The message itself, in the ops channel in its own channel's place, until it is there."""
        message = await self._store.outbox_message(subject)
        kind = self._kinds.get(message.kind) if message else None
        if message is None or kind is None:
            return None
        if not message.failed:
            number = f"INC-{message.incident_id}" if message.incident_id else "It"
            return Rendered(*notices.delivered(message.channel, number))
        shown = await kind(message.subject)
        if shown is None:
            return None
        # Whoever hears of a reply without its card must know which incident it is about.
        blocks = shown.blocks
        if message.in_thread:
            blocks = [context(f"`INC-{message.incident_id}`"), *blocks]
        return Rendered(*notices.undelivered(message.channel, message.error, (shown.text, blocks)))

    async def _storm(self, subject: str) -> Rendered | None:
        storm = await self._store.storm(int(subject))
        cap = self._service.policy.notify.sender_incidents_per_minute
        return Rendered(*notices.storm(storm, cap)) if storm else None

    async def _stuck(self, subject: str) -> Rendered | None:
        notice = await self._store.notice(int(subject))
        return Rendered(*notices.stuck(notice)) if notice else None

    async def _audit_head(self, subject: str) -> Rendered | None:
        day = await self._store.audit_day(subject)
        if day is None:
            return None
        facts = posted_head.facts_of(day)
        return Rendered(*audit.head(subject, day.seq, day.mac, day.note), facts=facts)

    async def _frozen(self, subject: str) -> Rendered | None:
        notice = await self._store.notice(int(subject))
        return Rendered(*notices.frozen(notice)) if notice else None

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
        if item.kind is NewsKind.UNKNOWN:
            execution = await self._store.execution(item.subject)
            if execution.state is not RemediationStatus.OUTCOME_UNKNOWN:
                return Rendered(*news.ended(item, incident, execution))
        return Rendered(*news.news(item, incident))

    async def _steered(self, subject: str) -> Rendered | None:
        entry = await self._store.remark(int(subject))
        return Rendered(*steering.steered(entry)) if entry else None

    async def _note(self, subject: str) -> Rendered | None:
        entry = await self._store.remark(int(subject))
        if entry is None:
            return None
        return Rendered(*notices.note(entry))


def _marked(rendered: Rendered, kind: str) -> Rendered:
    """A block says whose message it is: another sopbot in the channel passes it over.

    The metadata says so too, but Slack's events do not always carry it. It is the first block
    whose id Slack keeps, which it does not do for a markdown block.
    """
    blocks = list(rendered.blocks)
    for number, block in enumerate(blocks):
        if block["type"] != "markdown":
            blocks[number] = {**block, "block_id": event_type(kind)}
            break
    return replace(rendered, blocks=blocks)
