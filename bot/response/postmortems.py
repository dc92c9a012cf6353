"""Drafts post-mortems, exports them to the policy's webhook, and keeps the actions that follow."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import aiohttp

from bot.advice.model import advice_from, utc_text
from bot.errors import InputError, SopbotError
from bot.incidents.records import ActionItem, Postmortem
from bot.language import deferred
from bot.postmortem import Child, GivenAdvice, PostmortemFacts, Remedy, draft
from bot.response.decisions import Decisions
from bot.response.dependencies import Dependencies
from store.operations.postmortems import IncidentRecord

log = logging.getLogger(__name__)

LONGEST_ACTION = 1000  # characters: a task, not a report
TRIES = 8  # of one export; with the doubling pauses that is about an hour
FIRST_PAUSE = timedelta(seconds=30)  # longer than a try takes
TIMEOUT = aiohttp.ClientTimeout(total=10)
_AGAIN = frozenset({408, 425, 429})  # statuses below 500 after which another try may succeed
_USER = re.compile(r"@([UW][A-Z0-9]{2,20})(?![A-Za-z0-9])")
_RACES = 5  # people who draft the same post-mortem at the same moment
PERMALINK = "https://slack.com/archives"


class Postmortems:
    """Post-mortems and actions of incidents."""

    def __init__(self, dependencies: Dependencies, decisions: Decisions) -> None:
        self._store = dependencies.store
        self._config = dependencies.config
        self._clock = dependencies.clock
        self._names_of = dependencies.directory.names
        self._session = dependencies.session
        self._decisions = decisions

    async def write(self, incident_id: int, user: str, once: str) -> Postmortem:
        """Draft the next version, which the thread shows as a file; the same `once` adds none."""
        await self._decisions.check_person(user)
        if known := await self._store.postmortem_of_origin(once):
            return known
        for _ in range(_RACES):
            record = await self._store.incident_record(incident_id)
            version = record.versions + 1
            facts = await self._facts(record, version, user)
            body = draft(facts)
            postmortem = await self._store.add_postmortem(
                incident_id,
                version,
                body,
                user,
                once,
                self._clock(),
                exported=bool(self._config.current.policy.notify.postmortem_webhook),
            )
            if postmortem is not None:
                return postmortem
        raise SopbotError(
            deferred("Others draft this post-mortem now."), remedy=deferred("Type it again.")
        )

    async def _facts(self, record: IncidentRecord, version: int, user: str) -> PostmortemFacts:
        incident = record.incident
        advice = [
            GivenAdvice(advice_from(item.body), item.at, item.question, item.asked_by)
            for item in record.advice
            if item.body is not None
        ]
        thread = ""
        if record.card_ts:
            thread = f"{PERMALINK}/{incident.channel}/p{record.card_ts.replace('.', '')}"
        return PostmortemFacts(
            incident=incident,
            version=version,
            made_by=user,
            made_at=self._clock(),
            timeline=record.timeline,
            alerts=record.alerts.alerts,
            alerts_left_out=record.alerts.total - len(record.alerts.alerts),
            children=[Child(child, alerts.alerts) for child, alerts in record.children],
            remedies=[Remedy(*remedy) for remedy in record.remedies],
            evidence=record.evidence,
            advice=advice,
            actions=record.actions,
            names=await self._names_of(_users_of(record, user)),
            thread_url=thread,
            has_sop=self._config.current.sops.get(incident.sop_id) is not None,
        )

    async def add_action(
        self, incident_id: int, owner: str, text: str, user: str, once: str
    ) -> ActionItem:
        """Add an action with its owner; the same `once` adds none."""
        await self._decisions.check_person(user)
        if owner != user:
            await self._decisions.check_person(owner, "acknowledge")
        text = text.strip()
        if not text:
            raise InputError(
                deferred("What is to be done?"),
                remedy=deferred("`/incident action INC-7 @ben Add an alert for the queue`."),
            )
        if len(text) > LONGEST_ACTION:
            raise InputError(
                deferred(
                    "An action has at most {most} characters.",
                    most=f"{LONGEST_ACTION:,}",
                )
            )
        return await self._store.add_action(incident_id, text, owner, user, once, self._clock())

    async def finish_action(self, item_id: int, user: str) -> tuple[ActionItem, bool]:
        """Mark an action as done; False if it was done already."""
        await self._decisions.check_person(user)
        return await self._store.finish_action(item_id, user, self._clock())

    async def remind(self) -> None:
        """Post the reminders that are due: once on each working day, until the action is done."""
        reminders, now = self._config.current.policy.notify.action_reminders, self._clock()
        since = reminders.due_since(now) if reminders else None
        if since is not None:
            while await self._store.remind_of_actions(since, now):
                pass

    async def export(self) -> None:
        """Send the post-mortems that are due to the webhook; each is recorded as sent once."""
        while claimed := await self._store.claim_export(self._clock(), FIRST_PAUSE):
            postmortem, tries = claimed
            problem, is_final = await self._send(postmortem)
            if problem and not is_final and tries < TRIES:
                log.warning("%s was not exported: %s", postmortem.file_name, problem)
            else:
                await self._store.end_export(postmortem, self._clock(), problem)

    async def _send(self, postmortem: Postmortem) -> tuple[str, bool]:
        """Return the problem, '' for none, and whether another try would not help."""
        url = self._config.current.policy.notify.postmortem_webhook
        if not url or self._session is None:
            return "the policy names no webhook any more", True
        body = {
            "incident": f"INC-{postmortem.incident_id}",
            "version": postmortem.version,
            "file_name": postmortem.file_name,
            "made_by": postmortem.made_by,
            "made_at": utc_text(postmortem.made_at),
            "markdown": postmortem.body,
        }
        key = f"{await self._store.identity()}/{postmortem.file_name}"
        try:
            async with self._session.post(
                url,
                json=body,
                headers={"Idempotency-Key": key},
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return f"the webhook gave no answer ({type(error).__name__})", False
        if 200 <= status < 300:
            return "", True
        is_final = status < 500 and status not in _AGAIN
        return f"the webhook answered {status}", is_final


def _users_of(record: IncidentRecord, user: str) -> set[str]:
    """Return the users whose names the draft needs."""
    users = {user, record.incident.resolved_by, *(item.owner for item in record.actions)}
    users |= {entry.actor for entry in record.timeline}
    users |= {item.asked_by for item in record.advice}
    for approval, _ in record.remedies:
        users |= {approval.requested_by, *(vote.user for vote in approval.votes)}
        users |= {who for who in approval.approvers if not who.startswith("S")}
    texts = [entry.text for entry in record.timeline] + [item.text for item in record.actions]
    users |= {match[1] for text in texts for match in _USER.finditer(text)}
    return users - {""}
