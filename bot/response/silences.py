"""People silence alerts and mute incidents; at the end of a silence, what still fires opens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.errors import InputError
from bot.incidents.correlation import IdentifiedAlert
from bot.incidents.model import IncidentChange
from bot.incidents.planned_silences import planned_silences
from bot.incidents.silences import (
    SHORTEST,
    Silence,
    SilenceRequest,
    checked_matcher,
    match_of,
)
from bot.language import N_, deferred
from bot.response.decisions import Decisions
from bot.response.dependencies import Dependencies
from bot.response.receive import Delivery, name_all
from store.operations.silence_ends import SuppressedRow


class Silences:
    """Makes silences and mutes, ends them, and opens what still fires when a silence ends."""

    def __init__(self, dependencies: Dependencies, decisions: Decisions) -> None:
        self._store = dependencies.store
        self._config = dependencies.config
        self._clock = dependencies.clock
        self._decisions = decisions
        self._ops_channel = dependencies.ops_channel

    async def silence(self, request: SilenceRequest, user: str, once: str) -> Silence:
        """Silence what a person typed; the same `once` makes no second silence.

        Refused for whom the policy does not let; InputError for a matcher that is too wide or can
        never match, or a duration that the policy does not allow.
        """
        await self._decisions.check_person(user, "silence")
        policy, now = self._config.current.policy, self._clock()
        self._check_length(request.length, N_("A silence lasts from 1 min to {hours:g} h."))
        environments, match = policy.remediate.declared, request.match
        if request.incident_id is not None:
            incident = await self._store.incident(request.incident_id)
            match = {**match_of(incident, environments), **match}
        return await self._store.silence(
            Silence(
                id=0,
                matcher=checked_matcher(match, environments),
                reason=request.reason,
                author=user,
                origin=once,
                channel=self._ops_channel,
                made_at=now,
                ends_at=now + request.length,
            )
        )

    async def end(self, silence_id: int, user: str) -> tuple[Silence, bool]:
        """End a silence early: (the silence, whether this call ended it)."""
        await self._decisions.check_person(user, "silence")
        result = await self._store.end_silence(silence_id, user, self._clock())
        await self.settle()
        return result

    async def mute(self, incident_id: int, length: timedelta | None, user: str) -> IncidentChange:
        """Keep the thread of an incident quiet for so long; None until it clears."""
        await self._decisions.check_person(user, "mute")
        now = self._clock()
        if length is not None:
            self._check_length(length, N_("A mute lasts from 1 min to {hours:g} h."))
        until = None if length is None else now + length
        return await self._store.mute(incident_id, user, until, now)

    async def unmute(self, incident_id: int, user: str) -> IncidentChange:
        """End the mute of an incident."""
        await self._decisions.check_person(user, "mute")
        return await self._store.unmute(incident_id, user, self._clock())

    def _check_length(self, length: timedelta, text: str) -> None:
        hours = self._config.current.policy.notify.longest_silence_hours
        if not SHORTEST <= length <= timedelta(hours=hours):
            raise InputError(deferred(text, hours=hours))

    async def settle(self) -> None:
        """End what is over by time, open what still fires, and post the digests."""
        now = self._clock()
        await self._store.end_mutes(now)
        notify = self._config.current.policy.notify
        planned = planned_silences(notify.maintenance, notify.quiet_hours, now)
        await self._store.end_silences(now, [silence.origin for silence in planned])
        while rows := await self._store.due_after_silences():
            for row in rows:
                await self._store.open_after_silence(row, self._identified(row), now)
        await self._store.close_silences(now)

    def _identified(self, row: SuppressedRow) -> IdentifiedAlert:
        """The stored alert with its identity by the configuration of now.

        Its dedup_key begins and ends like that of the stored alert, so an edit finds it too.
        """
        config = self._config.current
        stored, _, place = row.dedup_key.rpartition("#")
        delivery = Delivery(
            f"{stored}/silence-{row.silence_id}",
            row.channel,
            [replace(row.alert, tracking_id=row.tracking_id)],
            sent_at=row.sent_at,
            posted=row.posted,
            sender=row.sender,
        )
        ingest = config.policy.ingest
        (named,) = name_all(delivery, config.sops, self._clock(), ingest.same_sender)
        return replace(named, dedup_key=f"{delivery.key}#{place}")
