"""Sends critical incidents and waiting approvals elsewhere while Slack is unreachable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.configuration import LiveConfiguration
from bot.errors import OutcomeUnknown
from bot.language import ENGLISH, _, speaking
from bot.notify.model import NotTaken, OutsideMessage, Target
from bot.notify.texts import SECOND_TIME, about_approval, about_incident, slack_is_back
from bot.observability.metrics import Metrics
from store import Store
from store.operations.outside_notices import LateMessage, OutsideNotice

log = logging.getLogger(__name__)

UNFINISHED = timedelta(minutes=5)  # longer than any target may take: its process has ended
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=10)
LEARN_NAMES_EVERY = timedelta(hours=1)
NamesOf = Callable[[Collection[str]], Awaitable[Mapping[str, str]]]
"""The display names of users, without those whose names nobody knows."""

_SENT = "Slack did not show this in time, so it was sent by {target}."
_SENT_AGAIN = "It was sent by {target} once more, because the bot had been stopped."
_MAY_BE_SENT = (
    "Slack did not show this in time. It may have been sent by {target}: nobody answered."
)
_INTERRUPTED = (
    "Slack did not show this in time. It may have been sent by {target}: the bot was stopped while"
    " it sent it."
)


class OutsideNotices:
    """Sends each notice to each target once, by a claim in the store.

    What a killed process may not have sent is sent once more.
    """

    def __init__(
        self,
        store: Store,
        config: LiveConfiguration,
        clock: Callable[[], datetime],
        metrics: Metrics,
        targets: Sequence[Target],
        *,
        names_of: NamesOf,
        language: str = ENGLISH,
    ) -> None:
        self._names_of = names_of
        self._learn_at = clock()
        self._language = language
        self._store = store
        self._config = config
        self._clock = clock
        self._metrics = metrics
        self._targets = {target.name: target for target in targets}

    async def send_due(self) -> None:
        """Send what Slack does not show for longer than the policy says, and Slack's return."""
        policy = self._config.current.policy.notify.outside
        if policy is None or not self._targets:
            return
        now = self._clock()
        if now >= self._learn_at:  # while Slack answers: a notice is written when it does not
            self._learn_at = now + LEARN_NAMES_EVERY
            await self._names_of(self._config.current.policy.remediate.approvers)
        await self._store.give_up_unfinished_notices(now - UNFINISHED, now, _INTERRUPTED)
        before = now - timedelta(seconds=policy.after_seconds)
        late = await self._store.late_messages(before, tuple(self._targets), now)
        for message in late:
            await asyncio.gather(
                *(self._send(message, target, policy.after_seconds) for target in self._targets)
            )
        for name, incidents in (await self._store.claim_returned_notices(now)).items():
            await self._say_slack_is_back(name, incidents)

    async def _send(self, message: LateMessage, target: str, seconds: float) -> None:
        notice = await self._store.claim_outside_notice(message, target, self._clock())
        if notice is None:
            return
        with speaking(self._language):
            written = await self._written(message, seconds)
            if notice.is_repeat:
                written = replace(written, text=f"{_(SECOND_TIME)}\n\n{written.text}")
        problem, is_unknown = await self._ask(target, written)
        now = self._clock()
        if not problem:
            note = (_SENT_AGAIN if notice.is_repeat else _SENT).format(target=target)
            await self._store.finish_outside_notice(notice, "sent", now, note=note)
        elif is_unknown:
            note = _MAY_BE_SENT.format(target=target)
            await self._store.finish_outside_notice(notice, "unknown", now, note=note)
        else:
            retry_at = now + _pause(notice)
            await self._store.finish_outside_notice(notice, "refused", now, retry_at=retry_at)

    async def _ask(self, target: str, message: OutsideMessage) -> tuple[str, bool]:
        """The problem, '' if there is none, and whether the target may have taken it."""
        try:
            await self._targets[target].send(message)
        except NotTaken as error:
            outcome, problem = "refused", str(error)
        except OutcomeUnknown as error:
            outcome, problem = "unknown", str(error)
        else:
            self._metrics.outside_notice(target, "sent")
            return "", False
        self._metrics.outside_notice(target, outcome)
        log.warning("%s was not sent by %s: %s", message.key, target, problem)
        return problem, outcome == "unknown"

    async def _written(self, message: LateMessage, seconds: float) -> OutsideMessage:
        incident = await self._store.incident(message.incident_id)
        if message.kind == "approval":
            approval = await self._store.approval(message.subject)
            names = await self._names_of(approval.approvers)
            return about_approval(incident, approval, message.key, seconds, names)
        return about_incident(incident, message.key, seconds)

    async def _say_slack_is_back(self, name: str, incidents: list[int]) -> None:
        """Once: it is claimed already, and a second one would help nobody."""
        if name in self._targets:
            key = f"back:{name}:{incidents[0]}:{self._clock():%Y%m%d%H%M%S}"
            with speaking(self._language):
                text = slack_is_back(incidents, key)
            await self._ask(name, text)


def _pause(notice: OutsideNotice) -> timedelta:
    return min(LONGEST_PAUSE, FIRST_PAUSE * float(2 ** min(notice.attempts - 1, 10)))
