"""The advisors in their order: the next one is asked where one fails.

A few questions at a time, a bounded queue before them, and one deadline for a whole question.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from bot.advice.kinds.contract import Reply, Schema
from bot.advice.load.slots import NoSlotError, Slots
from bot.advice.member import Member, MemberHealth, Timing
from bot.errors import AdvisorBusy, AdvisorError
from bot.incidents.model import Severity
from bot.observability.events import Event, emit

_FIRST_GUESS = 10.0  # assumed seconds of a question, until the first one has been measured

# (kind, seconds): "started" once for each question that got a slot, with its seconds in the queue;
# then exactly one of "answered" or a FailureKind or "cancelled", with the seconds since the start;
# "retried" with the pause before it (from `Member`); "busy" and "paused" for a question that never
# started.
Observer = Callable[[str, float], None]
OnSlot = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ChainHealth:
    """Health of all advisors. `state` is unknown, ok, failing or paused.

    It is "ok" while the first one answers; `reason` and `paused_for` are those of the first one
    that does not.
    """

    state: str
    reason: str = ""
    paused_for: float = 0.0
    active: int = 0
    waiting: int = 0
    members: tuple[MemberHealth, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLimits:
    """Limits on all questions.

    `timeout` (seconds) limits one question from its slot to its answer, with all advisors, tries
    and pauses. `max_waiting()` questions wait for a slot, for at most `timeout` seconds; of more
    the least severe is refused.
    """

    timeout: float = 120.0
    max_concurrent: int = 2
    max_waiting: Callable[[], int] = lambda: 100


class AdvisorChain:
    """Asks the first advisor, and each next one if it fails. Many tasks may call `ask` at once.

    An advisor gets its own share of the time that is left: what its member names, else an equal
    part for each that is still to be asked.
    """

    def __init__(
        self,
        members: Sequence[Member],
        limits: ChainLimits | None = None,
        *,
        observe: Observer | None = None,
        on_failure: Callable[[str, str], None] = lambda _advisor, _why: None,
        timing: Timing | None = None,
    ) -> None:
        assert members  # noqa: S101 - a chain of nobody is None for its callers
        self._members = tuple(members)
        self._limits = limits = limits or ChainLimits()
        self._slots = Slots(
            limits.max_concurrent, max_waiting=limits.max_waiting, timeout=limits.timeout
        )
        self._observe = observe or (lambda _kind, _seconds: None)
        self._on_failure = on_failure
        self._clock = (timing or Timing()).clock
        self._last_seconds = 0.0

    @property
    def name(self) -> str:
        """Return the names of all advisors, in their order."""
        return ", ".join(member.name for member in self._members)

    async def ask(
        self,
        prompt: str,
        *,
        schema: Schema | None = None,
        severity: Severity = Severity.MEDIUM,
        on_slot: OnSlot | None = None,
    ) -> Reply:
        """Return the first answer; its `failures` name the advisors that did not answer.

        The most severe question that waits for a slot is next. `on_slot` is awaited once the
        question has its slot; an AdvisorError that it raises ends the question.

        Raises AdvisorBusy if no slot becomes free, AdvisorError if no advisor answers: of the kind
        of the last one that was asked.
        """
        self._refuse_while_paused()
        arrived = self._clock()
        try:
            async with self._slots.acquire(severity):
                self._refuse_while_paused()  # an earlier run may have detected the missing login
                if on_slot:
                    await on_slot()
                self._observe("started", self._clock() - arrived)
                return await self._counted(prompt, schema)
        except NoSlotError:
            raise self._busy() from None

    def health(self) -> ChainHealth:
        """Return the health of all advisors without calling one."""
        members = tuple(member.health() for member in self._members)
        worst = next((each for each in members if each.state in ("paused", "failing")), members[0])
        return ChainHealth(
            state=worst.state,
            reason=worst.reason,
            paused_for=worst.paused_for,
            active=self._slots.active,
            waiting=self._slots.waiting,
            members=members,
        )

    async def close(self) -> None:
        """Release what the advisors hold."""
        for member in self._members:
            await member.kind.close()

    def _refuse_while_paused(self) -> None:
        pauses = [member.paused() for member in self._members]
        if all(pauses):
            self._observe("paused", 0.0)
            raise _joined([pause for pause in pauses if pause])

    def _busy(self) -> AdvisorBusy:
        self._observe("busy", 0.0)
        slots = self._slots
        each = self._last_seconds or _FIRST_GUESS
        retry_after = each * (slots.waiting + 1) / slots.places
        return AdvisorBusy(
            "busy",
            f"{self._members[0].name} is busy: {slots.active} running, {slots.waiting} waiting.",
            retry_after=max(1.0, min(retry_after, self._limits.timeout)),
            remedy="Ask again later, or raise QCHAT_MAX_CONCURRENT.",
        )

    async def _counted(self, prompt: str, schema: Schema | None) -> Reply:
        began = self._clock()
        outcome = "cancelled"
        try:
            reply = await self._first_answer(prompt, schema)
            outcome = "answered"
            self._last_seconds = self._clock() - began
            return reply
        except AdvisorError as error:
            outcome = error.kind
            raise
        finally:
            self._observe(outcome, self._clock() - began)

    async def _first_answer(self, prompt: str, schema: Schema | None) -> Reply:
        deadline = self._clock() + self._limits.timeout
        failed: list[AdvisorError] = []
        for number, member in enumerate(self._members):
            error = member.paused()
            if error is None:
                try:
                    until = self._share_ends(number, deadline)
                    reply = await member.ask(prompt, deadline=until, schema=schema)
                    return replace(reply, failures=tuple(each.message for each in failed))
                except AdvisorError as failure:
                    error = failure
                    self._on_failure(member.name, failure.kind)
                    emit(Event.ADVISOR_FAILED, advisor=member.name, why=failure.kind)
            failed.append(error)
        raise _joined(failed)

    def _share_ends(self, number: int, deadline: float) -> float:
        """Return when the member's share of the time ends."""
        member, now = self._members[number], self._clock()
        if member.share is not None:
            return min(deadline, now + member.share)
        later = sum(each.paused() is None for each in self._members[number + 1 :])
        return now + (deadline - now) / (later + 1)


def _joined(failed: Sequence[AdvisorError]) -> AdvisorError:
    """Return one error that names every failure, with the remedy of the first advisor."""
    if len(failed) == 1:
        return failed[0]
    first, last = failed[0], failed[-1]
    waits = [error.retry_after for error in failed if error.retry_after is not None]
    return AdvisorError(
        last.kind,
        " ".join(error.message for error in failed),
        permanent=all(error.permanent for error in failed),
        retry_after=min(waits) if waits else None,
        remedy=first.remedy,
    )
