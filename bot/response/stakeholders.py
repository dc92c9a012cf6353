"""Posts updates on an incident to its stakeholders, from a draft that a person has read."""

from __future__ import annotations

from bot.errors import InputError, Refused
from bot.incidents.model import Incident
from bot.incidents.records import StakeholderUpdate
from bot.incidents.stakeholders import Stakeholders, draft_update
from bot.language import deferred
from bot.response.decisions import Decisions
from bot.response.dependencies import Dependencies

LONGEST = 2500  # characters of one update


class StakeholderUpdates:
    """Drafts and posts updates."""

    def __init__(self, dependencies: Dependencies, decisions: Decisions) -> None:
        self._store = dependencies.store
        self._config = dependencies.config
        self._clock = dependencies.clock
        self._decisions = decisions

    async def draft(
        self, incident: Incident, user: str
    ) -> tuple[str, str, StakeholderUpdate | None]:
        """Return the channel, a draft from the facts of now, and the update that is posted.

        Refused for a guest, and while the policy names no channel.
        """
        await self._decisions.check_person(user)
        segment = self._segment()
        posted = await self._store.stakeholder_update(incident.id)
        channel = posted.channel if posted else segment.channel
        return channel, draft_update(segment.template, incident)[:LONGEST], posted

    async def post(
        self, incident_id: int, text: str, user: str, after: int, once: str
    ) -> StakeholderUpdate:
        """Post what the person has read, or correct the update that is posted.

        `after` is the version that the person saw, 0 for none.
        """
        await self._decisions.check_person(user)
        if not text.strip():
            raise InputError(deferred("An update needs a text."))
        return await self._store.post_update(
            incident_id,
            text.strip()[:LONGEST],
            user,
            after,
            self._segment().channel,
            once,
            self._clock(),
        )

    def _segment(self) -> Stakeholders:
        segment = self._config.current.policy.notify.stakeholders
        if segment is None:
            raise Refused(
                deferred("No update drafted: the policy names no channel for stakeholders."),
                remedy=deferred("An operator names it: `notify.stakeholders` in policy.yaml."),
            )
        return segment
