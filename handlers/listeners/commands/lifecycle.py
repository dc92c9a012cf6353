"""Resolves, reopens, splits and merges incidents."""

from __future__ import annotations

from bot.errors import InputError
from bot.incidents.model import Incident
from bot.incidents.report_text import parse_report
from bot.incidents.severity_words import known_severity
from bot.language import _, deferred
from bot.response.reports import Report
from bot.response.resolve_warning import what_resolving_ends
from handlers.listeners.commands.call import Call
from handlers.listeners.incidents import incident_id
from handlers.listeners.shortcuts import modal_for
from handlers.views import cascade, report_modal, steering
from handlers.views.text import Block, typed


async def open_incident(call: Call, rest: str) -> str:
    """Report an incident; without a title, open the modal that asks for all of it."""
    await call.service.decisions.check_person(call.user, "open")
    typed_report = parse_report(rest)
    if not typed_report.title:
        modal = modal_for(
            call.service,
            severity=typed_report.severity,
            place=call.channel,
        )
        await call.outbox.direct.open_view(call.trigger_id, modal)
        return _("Nothing is open yet: fill in the box that opened.")
    result = await call.service.report(
        Report(
            key=f"{call.key}/",
            user=call.user,
            title=typed_report.title,
            severity=typed_report.severity,
            service=typed_report.service,
            env=typed_report.env,
            channel=call.channel,
        )
    )
    incident = result.incident
    place = await call.store.card_place(incident.id) if incident else None
    return report_modal.answer(incident, place, opened=result.opened)


async def resolve(call: Call, rest: str) -> str:
    """Resolve the incident, or open a confirmation that says what resolving ends."""
    modals: list[Block] = []

    async def act(incident: Incident, _text: str) -> str:
        await call.service.decisions.check_person(call.user, "resolve")
        warning = None if incident.resolved_at else await what_resolving_ends(call.store, incident)
        if warning is None:
            await call.service.resolve(incident.id, call.user)
            return steering.resolved_by_command(incident)
        modals.append(steering.resolve_modal(incident, warning.waiting, warning.children))
        if len(modals) > 1:  # Slack opens one modal a command
            return steering.resolve_alone(incident)
        await call.outbox.direct.open_view(call.trigger_id, modals[0])
        consequences = steering.resolve_warning(incident, warning.waiting, warning.children)
        text = _("{number} is not resolved yet: confirm it in the box that opened.")
        return f"{text.format(number=incident.number)} {consequences}"

    return await call.each(rest, act)


async def reopen(call: Call, rest: str) -> str:
    """Open a resolved incident again."""

    async def act(incident: Incident, _text: str) -> str:
        return steering.reopened(await call.service.reopen(incident.id, call.user))

    if not rest:
        raise InputError(
            deferred("Which incident?"), remedy=deferred("Name it: `/incident reopen INC-1`.")
        )
    return await call.each(rest, act)


async def severity(call: Call, rest: str) -> str:
    """Set the severity until the incident ends."""

    async def act(incident: Incident, word: str) -> str:
        chosen = known_severity(word)
        if chosen is None:
            raise InputError(
                deferred("{word} is not a severity.", word=typed(word))
                if word
                else deferred("Which severity?"),
                remedy=deferred(
                    "`/incident severity {number} high`: critical, high, medium, low.",
                    number=incident.number,
                ),
            )
        change = await call.service.remarks.set_severity(incident.id, chosen, call.user)
        return steering.severity_set(change, call.user)

    return await call.each(rest, act)


async def note(call: Call, rest: str) -> str:
    """Keep what the person says in the timeline and the thread."""
    incident, text = await call.subject(rest)
    await call.service.remarks.note(incident.id, text, call.user, call.key)
    return steering.noted(incident)


async def split(call: Call, rest: str) -> str:
    """Make a child an incident of its own."""

    async def act(incident: Incident, _text: str) -> str:
        return cascade.was_split(await call.service.split(incident.id, call.user))

    if not rest:
        raise InputError(
            deferred("Which incident?"), remedy=deferred("Name it: `/incident split INC-8`.")
        )
    return await call.each(rest, act)


async def merge(call: Call, rest: str) -> str:
    """Make the first incident a child of the second."""
    names = rest.split()
    if len(names) != 2:
        raise InputError(
            deferred("Which incidents?"),
            remedy=deferred(
                "Name two: `/incident merge INC-8 INC-7` makes INC-8 a child of INC-7."
            ),
        )
    number, into = map(incident_id, names)
    if number == into:
        raise InputError(
            deferred("INC-{number} cannot be a child of itself.", number=number),
            remedy=deferred("Name two incidents: `/incident merge INC-8 INC-7`."),
        )
    return cascade.merged(await call.service.merge(number, into, call.user), into)
