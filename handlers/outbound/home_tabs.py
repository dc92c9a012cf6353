"""Publishes the Home tab of each person, and keeps it up to date while it counts as open.

The tab is computed from the store, so a tab that a killed process did not publish is published by
the next one. Slack takes 100 calls of views.publish a minute: a tab is checked every half a minute,
and published only if it would look different.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.approvals.model import Approval
from bot.errors import OutcomeUnknown, Refused, SlackRefused, StoreError
from bot.incidents.listing import ListFilter
from bot.incidents.windows import Window
from bot.language import ENGLISH, speaking
from bot.response import IncidentService
from handlers.outbound.direct_calls import DirectCalls
from handlers.views import home
from handlers.views.text import Block
from handlers.views.words import error_text

log = logging.getLogger(__name__)

WEEK = Window("7d", 168)


class HomeTabs:
    """The Home tabs of all people."""

    def __init__(
        self,
        service: IncidentService,
        direct: DirectCalls,
        clock: Callable[[], datetime],
        *,
        language: str = ENGLISH,
    ) -> None:
        self._language = language
        self._service = service
        self._store = service.store
        self._direct = direct
        self._clock = clock

    async def show(self, user: str, *, notice: str = "") -> None:
        """Publish the tab of a person who opened it, or pressed in it: `notice` is the answer."""
        await self._store.home_opened(user, self._clock(), notice=notice)
        await self._publish(user, "")

    async def refresh(self) -> None:
        """Publish the open tabs that would look different now."""
        for user, digest in (await self._store.claim_due_homes(self._clock())).items():
            try:
                await self._publish(user, digest)
            except StoreError:
                raise  # it fails for all of them: they are due again in half a minute
            except Exception:  # the tabs of other people go on
                log.exception("the Home tab of %s cannot be shown", user)

    async def _publish(self, user: str, shown: str) -> None:
        """Publish the tab unless Slack shows it so; if Slack refuses, it is due again later."""
        with speaking(self._language):
            blocks = await self._blocks(user)
            view = home.home_view(blocks, self._clock())
        digest = hashlib.sha256(json.dumps(blocks, sort_keys=True).encode()).hexdigest()
        if digest == shown:
            return
        try:
            await self._direct.publish_home(user, view)
        except (SlackRefused, OutcomeUnknown) as error:
            log.warning("the Home tab of %s is not published: %s", user, error)
            return
        await self._store.home_published(user, digest, self._clock())

    async def _blocks(self, user: str) -> list[Block]:
        try:
            await self._service.decisions.check_home(user)
            channels = await self._service.readers.channels_of(user)
        except Refused as refusal:
            return home.refusal(error_text(refusal))
        if channels is not None:
            chosen = ListFilter(channels=channels)
            page = await self._store.listed_incidents(chosen, None, home.LISTED)
            return home.guest_blocks(page, await self._store.home_notice(user, self._clock()))
        return home.home_blocks(await self._content(user))

    async def _content(self, user: str) -> home.HomeContent:
        now, store = self._clock(), self._store
        facts, frozen, scopes, week, (waiting, caveat) = await asyncio.gather(
            store.home_facts(user, home.LISTED, now - timedelta(hours=home.HOURS), now),
            store.frozen(),
            store.frozen_scopes(),
            store.stats(WEEK.since(now)),
            self._service.decisions.waiting_for(user),
        )
        return home.HomeContent(
            user=user,
            facts=facts,
            waiting=[await self._waiting(approval) for approval in waiting[: home.APPROVALS]],
            waiting_total=len(waiting),
            caveat=caveat,
            frozen=frozen,
            frozen_scopes=scopes,
            week=week,
            window=WEEK,
        )

    async def _waiting(self, approval: Approval) -> home.WaitingApproval:
        """The approval with all that its card in the thread shows."""
        incident, blocker = await asyncio.gather(
            self._store.incident(approval.incident_id),
            self._service.decisions.blocker_of(approval),
        )
        action = approval.proposal.action_id
        record = await self._store.track_record(incident.sop_id, action)
        return home.WaitingApproval(
            approval=approval, incident=incident, record=record, blocker=blocker
        )
