"""Turns errors into the text that a person in Slack reads; no other module does."""

from __future__ import annotations

import logging
import re
from typing import Any, TypeGuard

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from bot.errors import InputError, NotFound, Refused, SopbotError, StoreError
from bot.language import N_, _, translated
from bot.observability.events import Event, emit
from bot.response import IncidentService
from handlers.listeners.context import is_on_home, team_of
from handlers.outbound.outbox import Outbox
from handlers.views.text import escape
from handlers.views.words import error_text
from store.operations.audit import LONGEST_ID

log = logging.getLogger(__name__)

_VOTES = ("sopbot.approve", "sopbot.reject", "sopbot.reason_modal")
_REASONS = {InputError: "input", NotFound: "not_found"}  # anything else: not allowed, or not now
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,}")
_NUMBER = re.compile(r"[0-9]{1,12}")
_NAMED = re.compile(r"(?:INC-?|#)?([0-9]{1,12})", re.IGNORECASE)

BUG = N_(
    "This failed inside the bot, and part of it may have been done. See the card or "
    "`/incident show` for the current state, then try again. The log has the details."
)


def sentence_for(error: Exception) -> str:
    """The sentence for the person. It never says that nothing changed: a commit may stand."""
    if isinstance(error, StoreError) and not error.permanent:
        # The remedy is for the operator. A commit whose answer was lost may have happened.
        caveat = _("Part of it may have been done: check the card, then try again in a minute.")
        return f"{translated(error.translatable[0])} {caveat}"
    if isinstance(error, Refused):
        # It mentions people; the code that raised it has escaped the text of others.
        return error_text(error)
    return escape(error_text(error)) if isinstance(error, SopbotError) else _(BUG)


class Failures:
    """Answers people about errors, logs them, and records refusals in the audit trail.

    No other code records a refusal.
    """

    def __init__(self, service: IncidentService) -> None:
        self._service = service

    async def answer_to(self, error: Exception, body: dict[str, Any]) -> str:
        """Log and record the error; returns the sentence for the person. Never raises."""
        incident_id = None
        if is_refusal(error, body):
            try:
                incident_id = await self._service.decisions.refuse(error, *tried(body))
            except Exception:  # the person gets an answer, whether it is recorded or not
                log.exception("a refusal is not on record")
        if isinstance(error, Refused | NotFound | InputError):
            await self._log_refusal(error, body, incident_id)
        elif isinstance(error, SopbotError):
            log.warning("a press or command failed: %s", error)
        else:
            log.error("a listener failed", exc_info=error)
        return sentence_for(error)

    async def _log_refusal(
        self, error: SopbotError, body: dict[str, Any], incident_id: int | None
    ) -> None:
        """Emit one event. Of a command it logs the first two words only, never the rest."""
        subject, actor, facts = tried(body)
        what = facts.get("tried", "")
        number = incident_id or (int(subject) if _NUMBER.fullmatch(subject) else None)
        if what in _VOTES:
            event, approval = Event.VOTE_REFUSED, subject[:LONGEST_ID]
        else:
            event, approval = Event.PRESS_REFUSED, None
        if "command" in body:
            typed = what.split()
            named = next((_NAMED.fullmatch(word) for word in typed[2:3]), None)
            number = int(named[1]) if named else number
            what = " ".join(typed[:2])[:40]
        emit(
            event,
            **await self._names_of(number),
            actor=actor or None,
            tried=what or None,
            reason=_REASONS.get(type(error), "refused"),
            why=error.message if isinstance(error, Refused) else None,
            approval=approval or None,
        )

    async def _names_of(self, number: int | None) -> dict[str, str]:
        """The fields of an event that identify the incident; none if there is no such incident."""
        if not number:
            return {}
        try:
            incident = await self._service.store.incident(number)
        except Exception:  # noqa: BLE001 - invented or unreadable: the refusal is logged without it
            return {}
        return {
            "incident": incident.number,
            "sop_id": incident.sop_id,
            "tracking_id": incident.tracking_id,
        }

    async def place_of(self, body: dict[str, Any]) -> dict[str, Any]:
        """The place for the answer to the person, in the shape of a press's payload.

        A modal names no channel. A modal about an incident was opened from its card, so the place
        is the channel; a modal about an approval was opened in the thread.
        """
        if "event" in body:
            event = body["event"]
            return {
                "channel": {"id": event.get("channel")},
                "user": {"id": None if event.get("bot_id") else event.get("user")},
                "container": {"thread_ts": event.get("thread_ts")},
            }
        if "view" not in body:
            return body
        if is_on_home(body):
            return {}  # a Home tab is in no channel
        try:
            subject = str(body["view"].get("private_metadata", ""))
            store = self._service.store
            head = subject.partition("/")[0]  # what follows it is what the person saw
            if _CHANNEL.fullmatch(head):  # of a report: the place is the channel of the report
                return {"channel": {"id": head}, "user": body.get("user")}
            if head.isdigit():
                incident, card = await store.incident(int(head)), None
            else:
                incident = await store.incident((await store.approval(subject)).incident_id)
                card = await store.outbox_message(f"card:{incident.id}")
        except Exception:  # without a place the answer is logged only
            log.exception("no place for the answer to a modal")
            return {}
        return {
            "channel": {"id": incident.channel},
            "user": body.get("user"),
            "container": {"thread_ts": card.ts if card else None},
        }


def register(app: AsyncApp, outbox: Outbox, failures: Failures) -> None:
    """Register the answer to errors before any listener runs: a middleware raised them."""

    @app.error
    async def failed(
        error: Exception,
        body: dict[str, Any],
        context: AsyncBoltContext,
        response: BoltResponse | None,
    ) -> BoltResponse | None:
        if "event" in body:
            log.error("an event failed before any listener saw it", exc_info=error)
            # Not acknowledged: Slack redelivers an event, but no press and no command.
            return None if response is None else BoltResponse(status=500)
        text = await failures.answer_to(error, body)
        if "command" in body:
            return await context.ack(text)
        # Not awaited: Slack waits three seconds for this answer, and the call may take longer.
        outbox.direct.send_ephemeral_soon(await failures.place_of(body), text)
        return None if response is None else BoltResponse(status=200)


def is_refusal(error: Exception, body: dict[str, Any]) -> TypeGuard[SopbotError]:
    """True if the error is a refusal. A button with the id of an unknown object is forged."""
    return isinstance(error, Refused) or (isinstance(error, NotFound) and "command" not in body)


def tried(body: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    """The value of the button or modal, the user id, and Slack's own names of action and place."""
    actions, user = body.get("actions"), body.get("user")
    action = actions[0] if isinstance(actions, list) and actions else {}
    action = action if isinstance(action, dict) else {}
    entry, _sep, number = str(_part(action, "selected_option").get("value") or "").partition(" ")
    view = _part(body, "view")
    metadata = str(view.get("private_metadata") or "")
    head = metadata.partition("/")[0]
    event = _part(body, "event")
    actor = user.get("id") if isinstance(user, dict) else body.get("user_id") or event.get("user")
    command = f"{body.get('command') or ''} {body.get('text') or ''}".strip()
    facts = {
        "team": team_of(body),
        "tried": f"{action.get('action_id') or ''} {entry}".strip()
        or view.get("callback_id")
        or command
        or event.get("type")
        or body.get("type"),
        "action_ts": action.get("action_ts"),
        "trigger_id": body.get("trigger_id"),
        "channel": _part(body, "container").get("channel_id") or event.get("channel"),
        "message_ts": _part(body, "container").get("message_ts") or event.get("ts"),
    }
    return (
        str(action.get("value") or number or (head if head.isdigit() else metadata)),
        str(actor or "")[:LONGEST_ID],
        {name: str(value)[:200] for name, value in facts.items() if value},
    )


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    part = body.get(name)
    return part if isinstance(part, dict) else {}
