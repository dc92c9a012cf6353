"""Posts digests by the clock, each once: the step that claims them, and their messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.incidents.digests import Digest, DigestKind, DueDigest
from bot.response import IncidentService
from handlers.outbound.direct_calls import DirectCalls
from handlers.views.digest import digest_message
from handlers.views.review import review_message
from handlers.views.text import Block


class DigestSender:
    """Claims each digest of the policy when it is due; the outbox posts it."""

    def __init__(
        self, service: IncidentService, direct: DirectCalls, clock: Callable[[], datetime]
    ) -> None:
        self._service = service
        self._direct = direct
        self._clock = clock
        self._claimed: dict[str, datetime] = {}  # of this process, by name: spares the store

    async def send_due(self) -> None:
        """Claim what is due now.

        Slack may open no conversation with a person at the moment: that one is tried again for an
        hour, and the claims of the others stand.
        """
        now = self._clock()
        for digest in self._service.policy.notify.digests:
            due_at = digest.due_at(now)
            if due_at is None or self._claimed.get(digest.name) == due_at:
                continue
            if await self._claim(digest, due_at, now):
                self._claimed[digest.name] = due_at

    async def _claim(self, digest: Digest, due_at: datetime, now: datetime) -> bool:
        """Claim it for its channel, or for each person; False if a person is left."""
        since = due_at - timedelta(hours=digest.looks_back)
        places = [(digest.channel, "")] if digest.channel else []
        complete = True
        for person in digest.people:
            if channel := await self._direct.direct_channel(person):
                places.append((channel, person))
            else:
                complete = False
        for channel, person in places:
            due = DueDigest(digest.name, digest.kind, channel, person, due_at, since)
            await self._service.store.claim_digest(due, now)
        return complete


async def rendered(service: IncidentService, digest_id: int) -> tuple[str, list[Block]] | None:
    """(fallback text, blocks) of a claimed digest; None if its claim is gone."""
    store = service.store
    due = await store.digest(digest_id)
    if due is None:
        return None
    if due.kind is DigestKind.DIGEST:
        return digest_message(due, await store.digest_facts(due, due.due_at), await store.frozen())

    def title_of(sop_id: str) -> str:
        sop = service.sops.get(sop_id)
        return sop.title if sop else ""

    numbers = await store.stats(due.since)
    return review_message(due, await store.review(due.since), numbers, title_of)
