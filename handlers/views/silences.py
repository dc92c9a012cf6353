"""Silences as people read them: made, listed, ended, and the digest at the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.incidents.model import Incident, IncidentChange, Mute
from bot.incidents.silences import Silence, SilenceReport, SuppressedAlert
from handlers.views.text import (
    SYMBOL,
    Block,
    ago,
    button,
    clock,
    context,
    inline_code,
    plural,
    section,
    untrusted_line,
)


def matcher_text(silence: Silence) -> str:
    """The matcher as a person types it, as code."""
    pairs = (f"{name}={','.join(globs)}" for name, globs in silence.matcher.match.items())
    return inline_code(" ".join(pairs), 300)


def _author(silence: Silence) -> str:
    if silence.author:
        return f"<@{silence.author}>"
    return "the policy" if silence.is_of_policy else "Alertmanager"


def _critical(silence: Silence) -> str:
    if silence.covers_critical:
        return "Critical alerts are suppressed too."
    return "Critical alerts still open incidents."


def made(silence: Silence) -> str:
    """The answer to the person who silenced."""
    return (
        f"🔕 Silence {silence.id} until {clock(silence.ends_at)}: {matcher_text(silence)}."
        f" {_critical(silence)} `/incident unsilence {silence.id}` ends it."
    )


def ended(silence: Silence, *, by_this: bool) -> str:
    """The answer to the person who ended it."""
    if by_this:
        return f"🔔 Silence {silence.id} is over. Alerts that still fire open incidents now."
    by = f", ended by <@{silence.ended_by}>" if silence.ended_by else ""
    at = silence.ended_at or silence.ends_at
    return f"Nothing changed: silence {silence.id} is over since {clock(at)}{by}."


def mute_line(mute: Mute) -> str:
    """The line of a card about its mute: by whom, and until when."""
    until = f"until {clock(mute.until)}" if mute.until else "until it clears"
    return f"🔕 muted by <@{mute.by}> {until}"


def muted(change: IncidentChange) -> str:
    """The answer to the person who muted an incident."""
    incident = change.incident
    until = clock(incident.mute.until) if incident.mute and incident.mute.until else "it clears"
    verb = "is muted" if change.changed else "was muted already"
    return (
        f"🔕 {incident.number} {verb} until {until}: its card changes, its thread stays quiet."
        f" The mute ends if the incident gets worse, or by `/incident unmute {incident.number}`."
    )


def unmuted(change: IncidentChange) -> str:
    """The answer to the person who ended a mute."""
    number = change.incident.number
    return f"🔔 {number} is not muted any more." if change.changed else f"{number} is not muted."


def mute_button(incident: Incident) -> Block:
    """The button that mutes an incident until it clears, or ends that."""
    if incident.mute is None:
        return button("Mute", "sopbot.mute", str(incident.id))
    return button("Unmute", "sopbot.unmute", str(incident.id))


def silence_message(report: SilenceReport) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of a silence in its channel, with the button that ends it."""
    silence = report.silence
    reason = untrusted_line(silence.reason, 250)
    if silence.ended_at is None:
        head = f"🔕 Silence {silence.id} by {_author(silence)} until {clock(silence.ends_at)}"
        blocks: list[Block] = [
            section(f"{head}\n{matcher_text(silence)} · {reason}"),
            context(f"Matching alerts open no incident. {_critical(silence)}"),
            {
                "type": "actions",
                "elements": [button("End now", "sopbot.end_silence", str(silence.id))],
            },
        ]
        return f"{head}: {reason}", blocks
    at = silence.ended_at
    by = f" by <@{silence.ended_by}>" if silence.ended_by else ""
    head = f"🔔 Silence {silence.id} by {_author(silence)} ended{by} {clock(at)}"
    return head, [
        section(f"{head}\n{matcher_text(silence)} · {reason}"),
        context(f"It suppressed {plural(report.suppressed, 'alert')}."),
    ]


def digest(report: SilenceReport) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of the one message at the end: what opened, what was kept back."""
    silence = report.silence
    name = "Quiet hours are" if silence.is_of_quiet_hours else f"Silence {silence.id} is"
    head = (
        f"🔔 {name} over: {plural(report.suppressed, 'alert')} kept back,"
        f" {plural(report.opened_count, 'incident')} opened"
    )
    lines = [
        f"{SYMBOL[severity]} `INC-{number}` {untrusted_line(title, 120)}"
        for number, severity, title in report.opened
    ]
    if report.opened_count > len(lines):
        lines.append(f"… and {report.opened_count - len(lines)} more: `/incident list`")
    kept = [
        f"{SYMBOL[severity]} {untrusted_line(title, 100)}{f' ({count} times)' if count > 1 else ''}"
        for severity, title, count in report.kept_back
    ]
    if kept:
        lines += ["Kept back (`/incident list suppressed`):", *kept]
    return head, [
        section("\n".join([f"*{head}*", *lines])),
        context(f"{matcher_text(silence)} · {untrusted_line(silence.reason, 250)}"),
    ]


def silence_list(reports: Sequence[SilenceReport]) -> str:
    """One line a silence in force, the first to end first."""
    if not reports:
        return "Nothing is silenced. `/incident silence service=checkout-api 2h why` silences."
    lines = [f"*{plural(len(reports), 'silence')} in force*, the first to end first"]
    for report in reports[:20]:
        silence = report.silence
        lines.append(
            f"`{silence.id}` {matcher_text(silence)} · until {clock(silence.ends_at)}"
            f" · {_author(silence)}: {untrusted_line(silence.reason, 100)}"
            f" · {plural(report.suppressed, 'alert')} suppressed"
        )
    if len(reports) > 20:
        lines.append(f"… and {len(reports) - 20} more")
    lines.append("End one: `/incident unsilence 3`. Their alerts: `/incident list suppressed`.")
    return "\n".join(lines)


def suppressed_list(alerts: Sequence[SuppressedAlert], now: datetime) -> str:
    """One line an alert that a silence suppressed, newest first."""
    if not alerts:
        return "No suppressed alerts."
    lines = ["*Suppressed alerts*, the newest first: kept, and opened no incident"]
    for item in alerts:
        where = " · ".join(
            untrusted_line(part, 40) for part in (item.alert.env, item.alert.service) if part
        )
        silence = item.silence
        lines.append(
            f"{SYMBOL[item.alert.severity]} {untrusted_line(item.alert.title, 80)}"
            f"{f' · {where}' if where else ''} · {ago(item.received_at, now)} ago"
            f" · silence {silence.id} by {_author(silence)}:"
            f" {untrusted_line(silence.reason, 60)} · {inline_code(item.tracking_id, 60)}"
        )
    return "\n".join(lines)
