"""People keep what they learned of an incident, for the next one of its kind."""

from __future__ import annotations

from bot.enrichment.model import FACT_CHARS, KnownFact
from bot.errors import InputError, NotFound
from bot.incidents.lessons import MOST_CHARS, Lesson
from bot.language import N_, deferred
from bot.postmortem.sop_draft import SopFacts, sop_draft
from bot.response.decisions import Decisions
from bot.response.dependencies import Dependencies
from bot.response.readers import Readers
from store.operations.advice_context import AdviceContext

LESSON = "Lesson"
_CITED = 3


class Lessons:
    """Stores lessons, and cites them for later incidents. Their text is data."""

    def __init__(self, dependencies: Dependencies, decisions: Decisions, readers: Readers) -> None:
        self._store = dependencies.store
        self._config = dependencies.config
        self._clock = dependencies.clock
        self._check_person = decisions.check_person
        self._check_approver = decisions.check_approver
        self._may_cite = readers.may_cite

    async def add(self, incident_id: int, text: str, user: str, once: str) -> Lesson:
        """Keep a lesson, which the thread shows; the same `once` keeps one."""
        await self._check_person(user)
        text = text.strip()
        if not text:
            raise InputError(
                deferred("What is the lesson?"),
                remedy=deferred("For example `/incident lesson INC-7 It was the connection pool`."),
            )
        if len(text) > MOST_CHARS:
            raise InputError(
                deferred(
                    "The lesson has {length} characters; at most {most}.",
                    length=len(text),
                    most=MOST_CHARS,
                )
            )
        alerts = await self._store.grouped_alerts(incident_id, limit=1)
        name = alerts.alerts[0].name if alerts.alerts else ""
        return await self._store.add_lesson(incident_id, name, text, user, once, self._clock())

    async def remove(self, lesson_id: int, user: str) -> Lesson:
        """Remove a wrong lesson, which its author or an approver may. NotFound, Refused."""
        await self._check_person(user)
        lesson = await self._store.lesson(lesson_id)
        if lesson is not None and lesson.user != user:
            await self._check_approver(user, N_("Not removed"))
        removed = lesson and await self._store.remove_lesson(lesson_id, user, self._clock())
        if removed is None:
            raise NotFound(
                deferred("There is no lesson {number}.", number=lesson_id),
                remedy=deferred("`/sop lessons sop_…` shows the numbers."),
            )
        return removed

    async def request_draft(self, incident_id: int, user: str, once: str) -> None:
        """Enqueue the draft of an SOP into the thread; the same `once` enqueues one."""
        await self._check_person(user)
        await self._store.request_sop_draft(incident_id, user, once, self._clock())

    async def about(self, sop_id: str, channel: str, alert_name: str = "") -> list[Lesson]:
        """Return the newest lessons of an SOP ID or alert name that `channel` may read."""
        lessons = await self._store.lessons_about(sop_id, alert_name)
        return [lesson for lesson in lessons if await self._may_cite(channel, lesson.incident_id)]

    async def draft(self, incident_id: int) -> str:
        """Return the draft as the incident is now."""
        record = await self._store.incident_record(incident_id)
        lessons = await self.about(record.incident.sop_id, record.incident.channel)
        return sop_draft(
            SopFacts(
                incident=record.incident,
                remedies=record.remedies,
                lessons=lessons,
                taken=frozenset(sop.sop_id for sop in self._config.current.sops.sops),
            )
        )

    async def facts_about(self, context: AdviceContext) -> list[KnownFact]:
        """Return the newest lessons of other incidents of this SOP ID or alert name, as facts."""
        name = context.alert.name if context.alert else ""
        lessons = await self.about(context.incident.sop_id, context.incident.channel, name)
        return [
            # Cut, so that lessons leave room for what is measured now.
            KnownFact(LESSON, f"lesson of {lesson.incident}", lesson.text[:FACT_CHARS], lesson.at)
            for lesson in lessons[:_CITED]
        ]
