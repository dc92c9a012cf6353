"""The card: what happened, how bad it is, since when, who owns it, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.advice.model import Asking
from bot.approvals.freeze_scopes import of_incident
from bot.approvals.model import Approval, Freeze
from bot.incidents.deploys import Deploy
from bot.incidents.episodes import LastEpisode
from bot.incidents.model import Incident, IncidentStatus, Resolution
from bot.incidents.news import News
from bot.language import _, plural
from handlers.views import cascade, changes, deploys, episodes, escalation
from handlers.views.addresses import host_of, is_address
from handlers.views.advice_in_force import asking_line
from handlers.views.approval import waiting_line
from handlers.views.links import link_button, link_label
from handlers.views.newer_blocks import details
from handlers.views.news import on_card
from handlers.views.places import reply_link
from handlers.views.running import running_lines
from handlers.views.scoped_freezes import frozen_line
from handlers.views.silences import mute_button, mute_line
from handlers.views.steering import reopen_button, resolve_button, resolved_mark
from handlers.views.text import (
    Block,
    button,
    clock,
    context,
    quote,
    section,
    span,
    symbol,
    untrusted_line,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """The facts beside the incident that its card shows.

    `fixed_by` is verified to have helped. `waiting` are the approvals that wait for a vote, and
    `posted` has the places of their cards; the gateway runs what `running` approved. `bad_news` is
    the news that still holds. `children` are parts of the incident; `related` is perhaps one.
    `last_time` is how the incident of its scope before it ended; `deploy` is the probable cause;
    `freeze` is the incident's own; `asking` is who is asked for advice; `service_owner` is the
    declared owner of the service.
    """

    runbook: str = ""
    fixed_by: Approval | None = None
    waiting: Sequence[Approval] = ()
    bad_news: Sequence[News] = ()
    children: Sequence[Incident] = ()
    related: Incident | None = None
    last_time: LastEpisode | None = None
    deploy: Deploy | None = None
    freeze: Freeze | None = None
    asking: Asking | None = None
    service_owner: str = ""
    running: Sequence[Approval] = ()
    posted: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)


NO_FACTS = CardFacts()


def card(incident: Incident, facts: CardFacts = NO_FACTS) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of the incident as it is now.

    The alert of a cascade's card is that of its most probable cause.
    """
    children = facts.children
    resolved = incident.status is IncidentStatus.RESOLVED
    mark = resolved_mark(incident) if resolved else symbol(cascade.severity(incident, children))
    shown = cascade.shown(incident, children)
    title = untrusted_line(shown.title, 150) or _("(no title)")
    blocks: list[Block] = [section(f"*{mark} · {title}*   `{incident.number}`")]
    lines = [
        cascade.cause_line(incident, children),
        deploys.cause_line(facts.deploy, incident),
        cascade.related_line(facts.related),
        _what(shown, cascade.cause(incident, children)),
    ]
    at_present = [] if resolved else _at_present(incident, facts.freeze, facts.asking)
    now = [*running_lines(facts.running), *_troubles(incident, facts), *at_present]
    before = episodes.last_time(facts.last_time, incident) if facts.last_time else ""
    source = _quoted_as(shown, title)
    where, who = (
        _where(incident, shown, children, facts.service_owner),
        _who(incident, facts.fixed_by),
    )
    if resolved:
        more = [*_sender_text(shown), context(*lines, before)]
        blocks += [context(source, where, who, *now), *details(_("Details"), more)]
    else:
        blocks += [*_sender_text(shown), context(source, where, *lines, who, *now, before)]
    if actions := _actions(incident, shown, facts.runbook, children, facts.related):
        blocks.append({"type": "actions", "elements": actions})
    return _fallback(mark, title, shown, incident.number), blocks


def _fallback(mark: str, title: str, shown: Incident, number: str) -> str:
    place = untrusted_line(shown.display.env, 40), untrusted_line(shown.display.service, 60)
    return " · ".join(part for part in (mark, title, number, *place) if part)


def _troubles(incident: Incident, facts: CardFacts) -> list[str]:
    waits = [_waits(approval, facts.posted.get(approval.id)) for approval in facts.waiting[:3]]
    return [*waits, *(on_card(item, incident) for item in facts.bad_news)]


def _at_present(incident: Incident, freeze: Freeze | None, asking: Asking | None) -> list[str]:
    frozen = frozen_line(of_incident(incident.id), freeze) if freeze else ""
    return [frozen, asking_line(asking)]


def _quoted_as(shown: Incident, title: str) -> str:
    """Say whose words a quoted title is in; '' for a title that needs no quotation marks."""
    if not title.startswith("“"):
        return ""
    return _("“…”: as {source} wrote it").format(source=untrusted_line(shown.source, 40))


def _waits(approval: Approval, place: tuple[str, str, str] | None) -> str:
    text = _("🔐 approval waiting: {approval}").format(approval=waiting_line(approval))
    return f"{text} · <{reply_link(*place)}|{_('open it')}>" if place else text


def _sender_text(incident: Incident) -> list[Block]:
    """The sender's text, if nobody can read it elsewhere in Slack."""
    text = incident.text.strip()
    if incident.posted or not text or text == incident.title.strip():
        return []
    says = _("{source} says:").format(source=untrusted_line(incident.source, 40))
    return [section(f"{says}\n{quote(text, 400)}")]


def _where(
    incident: Incident, shown: Incident, children: Sequence[Incident], service_owner: str
) -> str:
    names = (shown.display.env, shown.display.region, shown.display.service)
    parts = [untrusted_line(part, 60) for part in names if part]
    if service_owner:
        parts.append(_("service of {owner}").format(owner=untrusted_line(service_owner, 60)))
    # The duration is omitted: a posted message is not refreshed every minute.
    parts.append(_("since {at}").format(at=clock(incident.display.since)))
    if incident.resolved_at:
        lasted = span((incident.resolved_at - incident.opened_at).total_seconds())
        parts.append(_("lasted {duration}").format(duration=lasted))
    alerts = sum(member.alert_count for member in (incident, *children))
    if alerts > 1:
        parts.append(plural(alerts, "{count} alert grouped", "{count} alerts grouped"))
    if children:
        parts.append(cascade.children_line(children))
    return " · ".join(parts)


def _what(shown: Incident, cause: Incident) -> str:
    parts = []
    if shown.value:
        text = _("value {value} (threshold {threshold})") if shown.threshold else _("value {value}")
        value, threshold = untrusted_line(shown.value, 60), untrusted_line(shown.threshold, 60)
        parts.append(text.format(value=value, threshold=threshold))
    parts += [untrusted_line(cause.sop_id, 80), untrusted_line(shown.tracking_id, 80)]
    return " · ".join(parts)


def _who(incident: Incident, fixed_by: Approval | None) -> str:
    parts = []
    if incident.resolved_at:
        parts.append(_ending(incident, incident.resolved_at))
    if fixed_by:
        title = untrusted_line(fixed_by.proposal.title, 120)
        text = _("fixed by: {title}") if incident.resolved_at else _("helped: {title}")
        if fixed_by.decided_by:
            approver = _(", approved by <@{user}>").format(user=fixed_by.decided_by)
            parts.append(text.format(title=title) + approver)
        else:
            parts.append(text.format(title=title))
    if incident.acknowledged_at:
        text = (
            _("👀 acknowledged by <@{user}> {at}")
            if incident.acknowledged_by
            else _("👀 acknowledged by its sender {at}")
        )
        at = clock(incident.acknowledged_at)
        parts.append(text.format(user=incident.acknowledged_by, at=at))
    if incident.severity_by and incident.resolved_at is None:
        parts.append(_("severity set by <@{severity_by}>").format(severity_by=incident.severity_by))
    if incident.escalation and incident.resolved_at is None:
        parts.append(escalation.card_line(incident.escalation))
    if incident.mute:
        parts.append(mute_line(incident.mute))
    return " · ".join(parts)


def _ending(incident: Incident, at: datetime) -> str:
    if incident.resolution is Resolution.STALE:
        return _("💤 closed as stale {at}, nobody said that it ended").format(at=clock(at))
    text = (
        _("✅ resolved {at}, by <@{user}>")
        if incident.resolved_by
        else _("✅ resolved {at}, the alert cleared")
    )
    return text.format(at=clock(at), user=incident.resolved_by)


def _actions(
    incident: Incident,
    shown: Incident,
    runbook: str,
    children: Sequence[Incident],
    related: Incident | None,
) -> list[Block]:
    value = str(incident.id)
    buttons: list[Block] = []
    if incident.status is IncidentStatus.RESOLVED:
        buttons = [reopen_button(incident)]
    else:
        buttons = [
            resolve_button(incident, children),
            button(_("Ask"), "sopbot.ask", value),
            mute_button(incident),
        ]
    # An incident that its sender acknowledged has no owner here yet.
    if incident.status is IncidentStatus.OPEN or not (
        incident.acknowledged_by or incident.resolved_at
    ):
        buttons.insert(0, button(_("Acknowledge"), "sopbot.acknowledge", value, style="primary"))
    if children:
        buttons.append(cascade.children_button(incident, children))
    if is_address(runbook):
        buttons.append(link_button(runbook, "sopbot.link.runbook", _("Runbook")))
    seen: list[tuple[str, str]] = []
    for place, link in enumerate([link for link in shown.links if is_address(link.url)][:2]):
        label = link_label(link.label)
        seen.append((host_of(link.url), label))
        number = seen.count(seen[-1])
        buttons.append(link_button(link.url, f"sopbot.link.{place}", label=label, number=number))
    if related:
        buttons.append(cascade.join_button(incident, related))
    return [*buttons, *changes.overflow(incident)]
