"""Silences as people read them: made, listed, ended, and the digest at the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.incidents.model import Incident, IncidentChange, Mute
from bot.incidents.silences import Silence, SilenceReport, SuppressedAlert
from bot.language import _, number, plural
from handlers.views.text import (
    Block,
    ago,
    button,
    clock,
    context,
    inline_code,
    section,
    symbol,
    untrusted_line,
)


def matcher_text(silence: Silence) -> str:
    """The matcher as a person types it, as code."""
    pairs = (f"{name}={','.join(globs)}" for name, globs in silence.matcher.match.items())
    return inline_code(" ".join(pairs), 300)


def _author(silence: Silence) -> str:
    if silence.author:
        return f"<@{silence.author}>"
    return _("the policy") if silence.is_of_policy else _("Alertmanager")


def _critical(silence: Silence) -> str:
    if silence.covers_critical:
        return _("Critical alerts are suppressed too.")
    return _("Critical alerts still open incidents.")


def made(silence: Silence) -> str:
    """The answer to the person who silenced."""
    parts = (
        _("🔕 Silence {id} until {at}: {matcher}.").format(
            id=silence.id, at=clock(silence.ends_at), matcher=matcher_text(silence)
        ),
        _critical(silence),
        _("`/incident unsilence {id}` ends it.").format(id=silence.id),
    )
    return " ".join(parts)


def ended(silence: Silence, *, by_this: bool) -> str:
    """The answer to the person who ended it."""
    if by_this:
        return _("🔔 Silence {id} is over. Alerts that still fire open incidents now.").format(
            id=silence.id
        )
    text = (
        _("Nothing changed: silence {id} is over since {at}, ended by <@{by}>.")
        if silence.ended_by
        else _("Nothing changed: silence {id} is over since {at}.")
    )
    at = clock(silence.ended_at or silence.ends_at)
    return text.format(id=silence.id, at=at, by=silence.ended_by)


def mute_line(mute: Mute) -> str:
    """The line of a card about its mute: by whom, and until when."""
    if mute.until is None:
        return _("🔕 muted by <@{by}> until it clears").format(by=mute.by)
    return _("🔕 muted by <@{by}> until {at}").format(by=mute.by, at=clock(mute.until))


def muted(change: IncidentChange) -> str:
    """The answer to the person who muted an incident."""
    incident = change.incident
    until = clock(incident.mute.until) if incident.mute and incident.mute.until else _("it clears")
    text = (
        _(
            "🔕 {number} is muted until {until}: its card changes, its thread stays quiet. The mute"
            " ends if the incident gets worse, or by `/incident unmute {number}`."
        )
        if change.changed
        else _(
            "🔕 {number} was muted already until {until}: its card changes, its thread stays quiet."
            " The mute ends if the incident gets worse, or by `/incident unmute {number}`."
        )
    )
    return text.format(number=incident.number, until=until)


def unmuted(change: IncidentChange) -> str:
    """The answer to the person who ended a mute."""
    number = change.incident.number
    return (
        _("🔔 {number} is not muted any more.").format(number=number)
        if change.changed
        else _("{number} is not muted.").format(number=number)
    )


def mute_button(incident: Incident) -> Block:
    """The button that mutes an incident until it clears, or ends that."""
    if incident.mute is None:
        return button(_("Mute"), "sopbot.mute", str(incident.id))
    return button(_("Unmute"), "sopbot.unmute", str(incident.id))


def silence_message(report: SilenceReport) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of a silence in its channel, with the button that ends it."""
    silence = report.silence
    reason = untrusted_line(silence.reason, 250)
    if silence.ended_at is None:
        head = _("🔕 Silence {id} by {author} until {at}").format(
            id=silence.id, author=_author(silence), at=clock(silence.ends_at)
        )
        blocks: list[Block] = [
            section(f"{head}\n{matcher_text(silence)} · {reason}"),
            context(f"{_('Matching alerts open no incident.')} {_critical(silence)}"),
            {
                "type": "actions",
                "elements": [button(_("End now"), "sopbot.end_silence", str(silence.id))],
            },
        ]
        return f"{head}: {reason}", blocks
    at = silence.ended_at
    text = (
        _("🔔 Silence {id} by {author} ended by <@{by}> {at}")
        if silence.ended_by
        else _("🔔 Silence {id} by {author} ended {at}")
    )
    head = text.format(id=silence.id, author=_author(silence), by=silence.ended_by, at=clock(at))
    return head, [
        section(f"{head}\n{matcher_text(silence)} · {reason}"),
        context(
            _("It suppressed {alerts}.").format(
                alerts=plural(report.suppressed, "{count} alert", "{count} alerts")
            )
        ),
    ]


def digest(report: SilenceReport) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of the one message at the end: what opened, what was kept back."""
    silence = report.silence
    text = (
        _("🔔 Quiet hours are over: {alerts} kept back, {incidents} opened")
        if silence.is_of_quiet_hours
        else _("🔔 Silence {id} is over: {alerts} kept back, {incidents} opened")
    )
    head = text.format(
        id=silence.id,
        alerts=plural(report.suppressed, "{count} alert", "{count} alerts"),
        incidents=plural(report.opened_count, "{count} incident", "{count} incidents"),
    )
    lines = [
        f"{symbol(severity)} `INC-{incident_id}` {untrusted_line(title, 120)}"
        for incident_id, severity, title in report.opened
    ]
    if report.opened_count > len(lines):
        lines.append(
            _("… and {count} more: `/incident list`").format(count=report.opened_count - len(lines))
        )
    kept = [
        f"{symbol(severity)} {untrusted_line(title, 100)}"
        + (_(" ({count} times)").format(count=number(count)) if count > 1 else "")
        for severity, title, count in report.kept_back
    ]
    if kept:
        lines += [_("Kept back (`/incident list suppressed`):"), *kept]
    return head, [
        section("\n".join([f"*{head}*", *lines])),
        context(f"{matcher_text(silence)} · {untrusted_line(silence.reason, 250)}"),
    ]


def silence_list(reports: Sequence[SilenceReport]) -> str:
    """One line a silence in force, the first to end first."""
    if not reports:
        return _("Nothing is silenced. `/incident silence service=checkout-api 2h why` silences.")
    lines = [
        _("*{silences} in force*, the first to end first").format(
            silences=plural(len(reports), "{count} silence", "{count} silences")
        )
    ]
    for report in reports[:20]:
        silence = report.silence
        lines.append(
            _("`{id}` {matcher} · until {at} · {author}: {reason} · {alerts} suppressed").format(
                id=silence.id,
                matcher=matcher_text(silence),
                at=clock(silence.ends_at),
                author=_author(silence),
                reason=untrusted_line(silence.reason, 100),
                alerts=plural(report.suppressed, "{count} alert", "{count} alerts"),
            )
        )
    if len(reports) > 20:
        lines.append(_("… and {count} more").format(count=len(reports) - 20))
    hint = _("End one: `/incident unsilence {id}`. Their alerts: `/incident list suppressed`.")
    lines.append(hint.format(id=reports[0].silence.id))
    return "\n".join(lines)


def suppressed_list(alerts: Sequence[SuppressedAlert], now: datetime) -> str:
    """One line an alert that a silence suppressed, newest first."""
    if not alerts:
        return _("No suppressed alerts.")
    lines = [_("*Suppressed alerts*, the newest first: kept, and opened no incident")]
    for item in alerts:
        where = " · ".join(
            untrusted_line(part, 40) for part in (item.alert.env, item.alert.service) if part
        )
        silence = item.silence
        lines.append(
            _(
                "{severity} {title}{where} · {duration} ago · silence {id} by {author}: "
                "{reason} · {tracking_id}"
            ).format(
                severity=symbol(item.alert.severity),
                title=untrusted_line(item.alert.title, 80),
                where=f" · {where}" if where else "",
                duration=ago(item.received_at, now),
                id=silence.id,
                author=_author(silence),
                reason=untrusted_line(silence.reason, 60),
                tracking_id=inline_code(item.tracking_id, 60),
            )
        )
    return "\n".join(lines)
