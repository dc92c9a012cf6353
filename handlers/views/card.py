"""The card: what happened, how bad it is, since when, who owns it, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.approvals.model import Approval
from bot.incidents.deploys import Deploy
from bot.incidents.episodes import LastEpisode
from bot.incidents.model import Incident, IncidentStatus, Resolution
from bot.incidents.news import News
from handlers.views import cascade, changes, deploys, episodes, escalation
from handlers.views.approval import waiting_line
from handlers.views.newer_blocks import details
from handlers.views.news import on_card
from handlers.views.silences import mute_button, mute_line
from handlers.views.steering import reopen_button, resolve_button, resolved_mark
from handlers.views.text import (
    SYMBOL,
    Block,
    button,
    clock,
    context,
    host_of,
    is_address,
    link_button,
    plural,
    quote,
    section,
    span,
    untrusted_line,
)


def card(
    incident: Incident,
    runbook: str = "",
    fixed_by: Approval | None = None,
    *,
    waiting: Sequence[Approval] = (),
    bad_news: Sequence[News] = (),
    children: Sequence[Incident] = (),
    related: Incident | None = None,
    last_time: LastEpisode | None = None,
    deploy: Deploy | None = None,
) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of the incident as it is now; `fixed_by` is verified to have helped.

    `waiting` are the approvals that wait for a vote; `bad_news` is the news that still holds.
    `children` are the incidents that are part of this one; `related` is perhaps one. `last_time` is
    how the incident of its scope before it ended; `deploy` is the probable cause. The alert of a
    cascade's card is that of its most probable cause.
    """
    resolved = incident.status is IncidentStatus.RESOLVED
    mark = resolved_mark(incident) if resolved else SYMBOL[cascade.severity(incident, children)]
    shown = cascade.shown(incident, children)
    title = untrusted_line(shown.title, 150) or "(no title)"
    blocks: list[Block] = [section(f"*{mark} · {title}*   `{incident.number}`")]
    lines = [
        cascade.cause_line(incident, children),
        deploys.cause_line(deploy, incident),
        cascade.related_line(related),
        _what(shown, cascade.cause(incident, children)),
    ]
    now = [f"🔐 approval waiting: {waiting_line(approval)}" for approval in waiting[:3]]
    now += [on_card(item, incident) for item in bad_news]
    before = episodes.last_time(last_time, incident) if last_time else ""
    source = f"“…”: as {untrusted_line(shown.source, 40)} wrote it" if title[:1] == "“" else ""
    where, who = _where(incident, shown, children), _who(incident, fixed_by)
    if resolved:
        more = [*_sender_text(shown), context(*lines, before)]
        blocks += [context(source, where, who, *now), *details("Details", more)]
    else:
        blocks += [*_sender_text(shown), context(source, where, *lines, who, *now, before)]
    if actions := _actions(incident, shown, runbook, children, related):
        blocks.append({"type": "actions", "elements": actions})
    env, service = shown.display.env, shown.display.service
    fallback = [mark, title, incident.number, untrusted_line(env, 40), untrusted_line(service, 60)]
    return " · ".join(part for part in fallback if part), blocks


def _sender_text(incident: Incident) -> list[Block]:
    """The sender's text, if nobody can read it elsewhere in Slack."""
    text = incident.text.strip()
    if incident.posted or not text or text == incident.title.strip():
        return []
    return [section(f"{untrusted_line(incident.source, 40)} says:\n{quote(text, 400)}")]


def _where(incident: Incident, shown: Incident, children: Sequence[Incident]) -> str:
    names = (shown.display.env, shown.display.region, shown.display.service)
    parts = [untrusted_line(part, 60) for part in names if part]
    # The duration is omitted: a posted message is not refreshed every minute.
    parts.append(f"since {clock(incident.display.since)}")
    if incident.resolved_at:
        lasted = span((incident.resolved_at - incident.opened_at).total_seconds())
        parts.append(f"lasted {lasted}")
    alerts = sum(member.alert_count for member in (incident, *children))
    if alerts > 1:
        parts.append(f"{plural(alerts, 'alert')} grouped")
    if children:
        parts.append(cascade.children_line(children))
    return " · ".join(parts)


def _what(shown: Incident, cause: Incident) -> str:
    parts = []
    if shown.value:
        limit = f" (threshold {untrusted_line(shown.threshold, 60)})" if shown.threshold else ""
        parts.append(f"value {untrusted_line(shown.value, 60)}{limit}")
    parts += [untrusted_line(cause.sop_id, 80), untrusted_line(shown.tracking_id, 80)]
    return " · ".join(parts)


def _who(incident: Incident, fixed_by: Approval | None) -> str:
    parts = []
    if incident.resolved_at:
        parts.append(_ending(incident, incident.resolved_at))
    if fixed_by:
        approver = f", approved by <@{fixed_by.decided_by}>" if fixed_by.decided_by else ""
        helped = "fixed by" if incident.resolved_at else "helped"
        parts.append(f"{helped}: {untrusted_line(fixed_by.proposal.title, 120)}{approver}")
    if incident.acknowledged_at:
        who = f"<@{incident.acknowledged_by}>" if incident.acknowledged_by else "its sender"
        parts.append(f"👀 acknowledged by {who} {clock(incident.acknowledged_at)}")
    if incident.severity_by and incident.resolved_at is None:
        parts.append(f"severity set by <@{incident.severity_by}>")
    if incident.escalation and incident.resolved_at is None:
        parts.append(escalation.card_line(incident.escalation))
    if incident.mute:
        parts.append(mute_line(incident.mute))
    return " · ".join(parts)


def _ending(incident: Incident, at: datetime) -> str:
    if incident.resolution is Resolution.STALE:
        return f"💤 closed as stale {clock(at)}, nobody said that it ended"
    by = f"by <@{incident.resolved_by}>" if incident.resolved_by else "the alert cleared"
    return f"✅ resolved {clock(at)}, {by}"


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
            button("Ask", "sopbot.ask", value),
            mute_button(incident),
        ]
    # An incident that its sender acknowledged has no owner here yet.
    if incident.status is IncidentStatus.OPEN or not (
        incident.acknowledged_by or incident.resolved_at
    ):
        buttons.insert(0, button("Acknowledge", "sopbot.acknowledge", value, style="primary"))
    if children:
        buttons.append(cascade.children_button(incident, children))
    if is_address(runbook):
        buttons.append(link_button(runbook, "sopbot.link.runbook", "Runbook"))
    seen: list[str] = []
    for place, link in enumerate([link for link in shown.links if is_address(link.url)][:2]):
        seen.append(host_of(link.url))
        buttons.append(
            link_button(link.url, f"sopbot.link.{place}", number=seen.count(host_of(link.url)))
        )
    if related:
        buttons.append(cascade.join_button(incident, related))
    return [*buttons, *changes.overflow(incident)]
