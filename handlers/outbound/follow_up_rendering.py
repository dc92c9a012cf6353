"""Renders what people keep of an incident: files, actions, handovers, updates to stakeholders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import IncidentService
from handlers.outbound.rendered import File, Rendered
from handlers.views import handover, learning, postmortem, stakeholders
from store.operations import export_requests, handovers


class FollowUpRenderer:
    """The part of `Renderer` for these messages; `kinds` has its functions."""

    def __init__(self, service: IncidentService) -> None:
        self._service = service
        self._store = service.store
        self.kinds: dict[str, Callable[[str], Awaitable[Rendered | None]]] = {
            "postmortem": self._postmortem,
            "export": self._export,
            "sop_draft": self._sop_draft,
            "handover": self._handover,
            "handover_late": self._late_handover,
            "stakeholders": self._stakeholders,
            "stakeholder_note": self._stakeholder_note,
            "action": self._action,
            "action_reminder": self._action,
        }

    async def _postmortem(self, subject: str) -> Rendered | None:
        version = await self._store.postmortem(int(subject))
        if version is None:
            return None
        file = File(version.file_name, version.body)
        return Rendered(postmortem.posted(version), [], file=file)

    async def _export(self, subject: str) -> Rendered | None:
        number = int(subject.partition("/")[0])
        content = await self._service.exports.document(number)
        return Rendered(
            postmortem.exported(number), [], file=File(export_requests.file_name(subject), content)
        )

    async def _sop_draft(self, subject: str) -> Rendered | None:
        number, _, mark = subject.partition("/")
        content = await self._service.lessons.draft(int(number))
        name = f"INC-{number}-sop-{mark}.jsonl"
        return Rendered(learning.draft_posted(f"INC-{number}"), [], file=File(name, content))

    async def _handover(self, subject: str) -> Rendered | None:
        number, _, side = subject.partition("/")
        item, incidents = await self._store.handover(int(number))
        to_taker = side == handovers.TAKER
        return Rendered(*handover.message(item, incidents, to_taker=to_taker))

    async def _late_handover(self, subject: str) -> Rendered | None:
        return Rendered(*handover.late(*await self._store.handover(int(subject))))

    async def _stakeholders(self, subject: str) -> Rendered | None:
        update = await self._store.stakeholder_update(int(subject))
        return Rendered(*stakeholders.message(update)) if update else None

    async def _stakeholder_note(self, subject: str) -> Rendered | None:
        update = await self._store.stakeholder_update(int(subject))
        return Rendered(*stakeholders.note(update)) if update else None

    async def _action(self, subject: str) -> Rendered | None:
        number, _, reminder = subject.partition("/")
        item = await self._store.action_item(int(number))
        if item is None:
            return None
        text, blocks = postmortem.action(item, is_reminder=bool(reminder))
        # What is done needs no reminder any more, but one that stands there follows.
        return Rendered(text, blocks, only_if_posted=bool(reminder and item.done_at))
