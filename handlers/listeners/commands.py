"""Answers `/incident` and `/sop` immediately, and only to the person who typed the command."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from bot.errors import InputError, NotFound
from bot.incidents.model import Incident
from bot.incidents.silences import parse_mute, parse_silence
from bot.incidents.windows import parse_window
from bot.response import IncidentService
from handlers.listeners.incidents import incident_id
from handlers.listeners.registration import Listeners
from handlers.listeners.silences import silence_id
from handlers.outbound.outbox import Outbox
from handlers.views import cascade, lists, silences, stats, steering, trace
from handlers.views.text import typed, untrusted_line

PAGE = 10
SHOWN_ALERTS = 5
MANY, NAMED = 100, 5  # open incidents: how many are read, and named, if the command names none
_INCIDENT = re.compile(r"(INC-?|#)?\d+", re.IGNORECASE)
PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")


def register(listeners: Listeners) -> None:
    """Register the two commands."""
    listeners.command("/incident", incident)
    listeners.command("/sop", sop)


async def incident(
    command: dict[str, Any],
    service: IncidentService,
    outbox: Outbox,
    clock: Callable[[], datetime],
) -> str:
    """`/incident <verb> …`."""
    return await _answer(INCIDENT, "help", command, service, outbox, clock)


async def sop(
    command: dict[str, Any],
    service: IncidentService,
    outbox: Outbox,
    clock: Callable[[], datetime],
) -> str:
    """`/sop <verb> …`."""
    return await _answer(SOP, "list", command, service, outbox, clock)


async def _answer(
    verbs: dict[str, Verb],
    default: str,
    command: dict[str, Any],
    service: IncidentService,
    outbox: Outbox,
    clock: Callable[[], datetime],
) -> str:
    verb, _, rest = _as_typed(str(command.get("text") or "")).strip().partition(" ")
    run = verbs.get(verb.lower() or default)
    if run is None:
        name = command.get("command")
        known = ", ".join(verbs)
        raise InputError(f"{typed(f'{name} {verb}')} is not known.", remedy=f"Known: {known}.")
    call = Call(
        service,
        outbox,
        clock,
        str(command["user_id"]),
        str(command["trigger_id"]),
        f"{command.get('command')} {verb.lower()}",
    )
    return await run(call, rest.strip())


def _as_typed(text: str) -> str:
    """The text before Slack escaped these three signs; the views escape it again."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class Call:
    """One command: who typed it, and the key by which a redelivery is recognised."""

    def __init__(
        self,
        service: IncidentService,
        outbox: Outbox,
        clock: Callable[[], datetime],
        user: str,
        trigger_id: str,
        line: str,
    ) -> None:
        self.line = line
        self.service = service
        self.store = service.store
        self.outbox = outbox
        self.now = clock()
        self.user = user
        self.trigger_id = trigger_id
        self.key = f"command/{trigger_id}"

    async def subject(self, text: str) -> tuple[Incident, str]:
        """The named incident, or the only open incident, and the rest of the text."""
        first, _, rest = text.partition(" ")
        if _INCIDENT.fullmatch(first):
            return await self.store.incident(incident_id(first)), rest.strip()
        open_incidents = await self.store.open_incidents(limit=MANY)
        if len(open_incidents) == 1:
            return open_incidents[0], text
        if not open_incidents:
            raise NotFound("No incident is open.")
        worst = sorted(open_incidents, key=lambda incident: incident.severity.rank)[:NAMED]
        names = ", ".join(f"{incident.number} ({incident.severity})" for incident in worst)
        first = worst[0].number
        raise InputError(
            "Which incident?",
            remedy=f"Name it: `{self.line} {first}`. The most severe that are open: {names}.",
        )


async def _help(_call: Call, _rest: str) -> str:
    return lists.HELP


async def _list(call: Call, rest: str) -> str:
    before = None
    if rest.lower() == "silences":
        return silences.silence_list(await call.store.silences(call.now))
    if rest.lower() == "suppressed":
        return silences.suppressed_list(await call.store.suppressed_alerts(PAGE), call.now)
    if rest.lower() == "unmatched":
        resolves = await call.store.unmatched_resolves(PAGE)
        return lists.unmatched(resolves, await call.store.unmatched_activities(PAGE), call.now)
    if rest:
        before = incident_id(rest.removeprefix("before").strip())
    incidents = await call.store.open_incidents(limit=PAGE + 1, before=before)
    counts = await call.store.open_severities()
    return lists.incident_list(incidents[:PAGE], call.now, counts, more=len(incidents) > PAGE)


async def _show(call: Call, rest: str) -> str:
    incident, _ = await call.subject(rest)
    card = await call.store.outbox_message(f"card:{incident.id}")
    permalink = (
        await call.outbox.direct.permalink(card.channel, card.ts) if card and card.ts else ""
    )
    return lists.incident_details(
        incident,
        await call.store.timeline(incident.id),
        await call.store.approvals_of(incident.id),
        permalink,
        (await call.store.grouped_alerts(incident.id, limit=SHOWN_ALERTS)).alerts,
    )


async def _acknowledge(call: Call, rest: str) -> str:
    incident, _ = await call.subject(rest)
    change = await call.service.acknowledge(incident.id, call.user)
    return steering.acknowledged(change, call.user, call.now)


async def _assign(call: Call, rest: str) -> str:
    incident, name = await call.subject(rest)
    who = PERSON.fullmatch(name.strip())
    if name.strip().lower() == "me":
        assignee = call.user
    elif who:
        assignee = who[1]
    else:
        raise InputError(
            "Assign it to whom?",
            remedy=f"`/incident assign {incident.number} me`, or name somebody: `@ben`.",
        )
    change = await call.service.assign(incident.id, assignee, call.user)
    return steering.assigned(change, assignee, call.user)


async def _resolve(call: Call, rest: str) -> str:
    incident, _ = await call.subject(rest)
    await call.service.decisions.check_person(call.user, "resolve")
    warning = None if incident.resolved_at else await call.service.what_resolving_ends(incident)
    if warning is None:
        await call.service.resolve(incident.id, call.user)
        return f"✅ {incident.number} is resolved."
    await call.outbox.direct.open_view(
        call.trigger_id, steering.resolve_modal(incident, warning.waiting, warning.children)
    )
    consequences = steering.resolve_warning(incident, warning.waiting, warning.children)
    return (
        f"{incident.number} is not resolved yet: confirm it in the box that opened. {consequences}"
    )


async def _reopen(call: Call, rest: str) -> str:
    if not rest:
        raise InputError("Which incident?", remedy="Name it: `/incident reopen INC-1`.")
    incident, _ = await call.subject(rest)
    return steering.reopened(await call.service.reopen(incident.id, call.user))


async def _split(call: Call, rest: str) -> str:
    if not rest:
        raise InputError("Which incident?", remedy="Name it: `/incident split INC-8`.")
    incident, _ = await call.subject(rest)
    return cascade.was_split(await call.service.split(incident.id, call.user))


async def _merge(call: Call, rest: str) -> str:
    names = rest.split()
    if len(names) != 2:
        raise InputError(
            "Which incidents?",
            remedy="Name two: `/incident merge INC-8 INC-7` makes INC-8 a part of INC-7.",
        )
    number, into = map(incident_id, names)
    return cascade.merged(await call.service.merge(number, into, call.user), into)


async def _ask(call: Call, rest: str) -> str:
    incident, question = await call.subject(rest)
    await call.service.ask(incident, question, call.user, once=call.key)
    return f"Question sent; the answer will be posted in the thread of {incident.number}."


async def _fix(call: Call, rest: str) -> str:
    incident, action = await call.subject(rest)
    approval, is_new = await call.service.proposals.fix(incident, action, call.user, call.key)
    title = untrusted_line(approval.proposal.title, 100)
    if not is_new:
        known = f"{title} is {approval.state} already"
        return f"Nothing new: {known}, see the thread of {incident.number}."
    answer = f"Proposed in the thread of {incident.number}: {title}. Somebody else must approve it."
    frozen = await call.store.frozen()
    return f"{answer} {lists.freeze(frozen)}" if frozen else answer


async def _trace(call: Call, rest: str) -> str:
    """By an incident's number, or by the tracking id of any alert."""
    tracking_id = rest.strip("` ")
    if not tracking_id or _INCIDENT.fullmatch(tracking_id):
        incident, _ = await call.subject(rest)
        tracking_id, incident_id = incident.tracking_id, incident.id
    else:
        alerts = await call.store.trace(tracking_id)
        if not alerts:
            raise NotFound(
                f"No alert has the tracking id {typed(tracking_id)}.",
                remedy="It stands on the card, or name the incident: `/incident trace INC-1`.",
            )
        tracking_id = alerts[0].tracking_id
        incident_id = next((alert.incident_id for alert in alerts if alert.incident_id), 0)
    return trace.stages(
        tracking_id,
        f"INC-{incident_id}" if incident_id else "",
        await call.store.stages(tracking_id, incident_id or None),
        await call.store.repeats_of(tracking_id),
    )


async def _stats(call: Call, rest: str) -> str:
    window = parse_window(rest or "24h")
    since = window.since(call.now)
    types = await call.store.stats_by_type(since, stats.TYPES)
    return stats.overview(await call.store.stats(since), types, window)


async def _freeze(call: Call, rest: str) -> str:
    word, _, reason = rest.partition(" ")
    if word == "on":
        freeze, is_new = await call.service.decisions.freeze(
            call.user, reason.strip()[:200], channel=call.outbox.ops_channel
        )
        return lists.FROZEN if is_new else f"It was frozen already. {lists.freeze(freeze)}"
    if word == "off":
        return await _unfreeze(call, "")
    if word:
        raise InputError(
            "On or off?", remedy="`/incident freeze on [why]` blocks all actions, `off` unblocks."
        )
    return lists.freeze(await call.store.frozen())


async def _unfreeze(call: Call, _rest: str) -> str:
    ended = await call.service.decisions.unfreeze(call.user, channel=call.outbox.ops_channel)
    return lists.unfrozen(ended, call.now)


async def _silence(call: Call, rest: str) -> str:
    silence = await call.service.silences.silence(parse_silence(rest), call.user, call.key)
    return silences.made(silence)


async def _mute(call: Call, rest: str) -> str:
    incident, text = await call.subject(rest)
    change = await call.service.silences.mute(incident.id, parse_mute(text), call.user)
    return silences.muted(change)


async def _unmute(call: Call, rest: str) -> str:
    incident, _ = await call.subject(rest)
    return silences.unmuted(await call.service.silences.unmute(incident.id, call.user))


async def _unsilence(call: Call, rest: str) -> str:
    silence, by_this = await call.service.silences.end(silence_id(rest), call.user)
    return silences.ended(silence, by_this=by_this)


async def _sop_list(call: Call, _rest: str) -> str:
    library = call.service.sops
    return lists.sop_list(library.sops, len(library.problems))


async def _sop_show(call: Call, rest: str) -> str:
    known = call.service.sops.get(rest.strip("` "))
    if known is None:
        raise NotFound(f"There is no SOP {typed(rest)}.", remedy="`/sop list` shows them.")
    return lists.sop_details(known, await call.store.incidents_of_sop(known.sop_id), call.now)


Verb = Callable[[Call, str], Awaitable[str]]

INCIDENT: dict[str, Verb] = {
    "help": _help,
    "list": _list,
    "show": _show,
    "ack": _acknowledge,
    "assign": _assign,
    "resolve": _resolve,
    "reopen": _reopen,
    "split": _split,
    "merge": _merge,
    "ask": _ask,
    "fix": _fix,
    "mute": _mute,
    "unmute": _unmute,
    "silence": _silence,
    "unsilence": _unsilence,
    "trace": _trace,
    "stats": _stats,
    "freeze": _freeze,
    "unfreeze": _unfreeze,
}
SOP: dict[str, Verb] = {"list": _sop_list, "show": _sop_show}
