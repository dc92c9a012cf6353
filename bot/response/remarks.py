"""A person says how severe an incident is, leaves a note, or asks a second person for help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.errors import InputError
from bot.incidents.model import Incident, IncidentChange, Severity
from bot.language import deferred
from bot.response.dependencies import Dependencies

LONGEST_NOTE, LONGEST_REASON = 2800, 200  # characters


class Remarks:
    """Each method raises Refused for a person whom the policy does not let."""

    def __init__(
        self, dependencies: Dependencies, check_person: Callable[..., Awaitable[None]]
    ) -> None:
        self._store = dependencies.store
        self._clock = dependencies.clock
        self._check_person = check_person

    async def set_severity(
        self, incident_id: int, severity: Severity, user: str, seen: str | None = None
    ) -> IncidentChange:
        """A person decides the severity until the incident ends.

        `seen` is what the modal showed. SubmitAgain if it is another one by now.
        """
        await self._check_person(user, "severity")
        return await self._store.set_severity(incident_id, severity, user, self._clock(), seen)

    async def note(self, incident_id: int, text: str, user: str, once: str) -> Incident:
        """Keep what a person says about an incident; the thread quotes it. Once a key `once`."""
        text = text.strip()
        if not text:
            raise InputError(
                deferred("What is the note?"),
                remedy=deferred(
                    "For example `/incident note INC-{number} rolled back 2.4`.", number=incident_id
                ),
            )
        if len(text) > LONGEST_NOTE:
            raise InputError(
                deferred("That note has {count} characters.", count=f"{len(text):,}"),
                remedy=deferred(
                    "A note has at most {most}; write the rest in the thread.",
                    most=f"{LONGEST_NOTE:,}",
                ),
            )
        await self._check_person(user, "note")
        return await self._store.note(incident_id, text, user, self._clock(), once)

    async def escalate(
        self,
        incident_id: int,
        to: str,
        by: str,
        reason: str,
        open_direct: Callable[[str], Awaitable[str]],
        once: str,
    ) -> tuple[IncidentChange, bool]:
        """A person asks a second person for help, in the thread and by a direct message.

        Returns the change, and whether there is a direct message. `open_direct` returns the channel
        of that person's direct messages, or ''. Refused for a person who may not acknowledge;
        InputError for the person themselves.
        """
        if to == by:
            raise InputError(
                deferred("You cannot escalate to yourself."),
                remedy=deferred(
                    "`/incident assign INC-{incident_id} me` makes you the owner.",
                    incident_id=incident_id,
                ),
            )
        await self._check_person(by, "escalate")
        await self._check_person(to, "acknowledge")
        channel = await open_direct(to)
        change = await self._store.escalate(
            incident_id, to, by, reason[:LONGEST_REASON], channel, self._clock(), once
        )
        return change, bool(channel)
