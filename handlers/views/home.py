"""A person's Home tab: what waits for them, what they own, what is open, and the week's numbers.

Slack takes 100 blocks: with many approval cards and handovers, fewer than `LISTED` incidents are
listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.approvals.blockers import Blocker
from bot.approvals.model import Approval, Freeze
from bot.approvals.record import TrackRecord
from bot.incidents.home import HomeFacts
from bot.incidents.listing import IncidentPage
from bot.incidents.model import Incident, Severity
from bot.incidents.remediation import RemediationStatus
from bot.incidents.stats import IncidentStats
from bot.incidents.windows import Window
from bot.language import _, number, plural, translated
from handlers.views import changes, handover, lists, stats
from handlers.views.approval import approval_card
from handlers.views.places import open_thread, thread_button
from handlers.views.scoped_freezes import frozen_lines
from handlers.views.silences import mute_line
from handlers.views.steering import resolved_mark
from handlers.views.text import Block, button, clock, context, section, symbol, untrusted_line

APPROVALS = 4
LISTED = 8
HANDOVERS = 3
MOST_BLOCKS = 100
NAMED = 5  # incidents that a list without buttons names
HOURS = 12
CALLBACK = "sopbot_home"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingApproval:
    """An approval that waits for this person, with what its card shows."""

    approval: Approval
    incident: Incident
    record: TrackRecord | None = None
    blocker: Blocker | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeContent:
    """All that the Home tab of `user` shows.

    `waiting` are the first of the `waiting_total` approvals that wait for this person. `caveat` is
    the reason why there may be more, '' if all are known. `week` are the numbers of `window`.
    """

    user: str
    facts: HomeFacts
    waiting: Sequence[WaitingApproval]
    waiting_total: int
    caveat: str
    frozen: Freeze | None
    week: IncidentStats
    window: Window
    frozen_scopes: Mapping[str, Freeze] = field(default_factory=dict)


def home_blocks(content: HomeContent) -> list[Block]:
    """The blocks without the time of the update: they are the same while nothing changes."""
    blocks: list[Block] = []
    for listed in range(LISTED, 0, -1):
        blocks = _blocks(content, listed)
        if len(blocks) < MOST_BLOCKS:  # the time of the update is one more
            break
    return blocks


def _blocks(content: HomeContent, listed: int) -> list[Block]:
    facts = content.facts
    return [
        _heading(_("Incidents")),
        section(_totals(facts)),
        *([section(facts.notice)] if facts.notice else []),
        *([section(lists.freeze(content.frozen))] if content.frozen else []),
        *([section("\n".join(scopes))] if (scopes := frozen_lines(content.frozen_scopes)) else []),
        *_waiting(content),
        *_handovers(content),
        *_mine(content, listed),
        *_open(content, listed),
        *_muted(content),
        *_last_hours(facts),
        {"type": "divider"},
        section(stats.overview(content.week, (), content.window)),
    ]


def guest_blocks(page: IncidentPage, notice: str) -> list[Block]:
    """The blocks for a guest: the open incidents of their channels. `notice` answers a press."""
    facts = HomeFacts(severities=page.counts, places=page.places)
    blocks = [_heading(_("Incidents")), section(_totals(facts))]
    if notice:
        blocks.append(section(notice))
    for incident in page.incidents:
        blocks += _incident(incident, facts, [])
    blocks += _more(_open_total(facts) - len(page.incidents))
    return [
        *blocks,
        context(_("As a guest you see the incidents of the channels that you are in.")),
    ]


def home_view(blocks: Sequence[Block], now: datetime) -> Block:
    """The view for `views.publish`."""
    updated = context(_("Updated {at}. `/incident help` shows the commands.").format(at=clock(now)))
    return {"type": "home", "callback_id": CALLBACK, "blocks": [*blocks, updated]}


def refusal(text: str) -> list[Block]:
    """The blocks for a person who may not see incidents; `text` says why."""
    return [_heading(_("Incidents")), section(text)]


def _heading(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}}


def _totals(facts: HomeFacts) -> str:
    counts, total = facts.severities, _open_total(facts)
    if not total:
        return _("No open incidents.")
    by_severity = " · ".join(
        f"{symbol(severity)} {number(counts[severity])}"
        for severity in Severity
        if counts.get(severity)
    )
    return f"*{plural(total, '{count} open incident', '{count} open incidents')}*   {by_severity}"


def _open_total(facts: HomeFacts) -> int:
    return sum(facts.severities.values())


def _waiting(content: HomeContent) -> list[Block]:
    """The cards of the approvals, whole: a vote counts for what the person could read."""
    blocks: list[Block] = [
        _heading(
            _("Waiting for your approval ({count})").format(count=number(content.waiting_total))
        )
    ]
    if content.caveat:
        blocks.append(context(translated(content.caveat)))
    elif not content.waiting_total:
        return [context(_("Nothing waits for your approval."))]
    for place_in_list, item in enumerate(content.waiting[:APPROVALS]):
        blocks += [{"type": "divider"}] if place_in_list else []
        place = content.facts.places.get(item.incident.id)
        link = f" · {open_thread(*place)}" if place else ""
        title = untrusted_line(item.incident.title, 120)
        mark = symbol(item.incident.severity)
        blocks.append(context(f"{mark} `{item.incident.number}` {title}{link}"))
        blocks += approval_card(item.approval, None, item.record, item.blocker)[1]
    more = content.waiting_total - len(content.waiting[:APPROVALS])
    if more > 0:
        blocks.append(
            context(
                _("… and {more} more. Decide these first; the others follow here.").format(
                    more=number(more)
                )
            )
        )
    return blocks


def _handovers(content: HomeContent) -> list[Block]:
    offered = content.facts.handovers
    if not offered:
        return []
    shown = offered[:HANDOVERS]
    blocks = [block for item in shown for block in handover.on_home(item, content.user)]
    if more := len(offered) - len(shown):
        blocks.append(context(_("… and {more} more").format(more=number(more))))
    return [_heading(_("Handover")), *blocks]


def voted(approval: Approval) -> str:
    """The answer to a vote from the Home tab, which shows the approval no longer."""
    title = untrusted_line(approval.proposal.title, 140)
    thread = f"INC-{approval.incident_id}"
    if approval.state is RemediationStatus.REJECTED:
        return _("Rejected: {title}. Nothing runs.").format(title=title)
    if not approval.decided:
        missing = number(approval.needed - len(approval.approved_by))
        counts = _("Your approval counts: {title} needs {count} more.")
        return counts.format(title=title, count=missing)
    return _("Approved: {title}. Its result is posted in the thread of `{number}`.").format(
        title=title, number=thread
    )


def _mine(content: HomeContent, listed: int) -> list[Block]:
    mine = content.facts.mine
    if not mine.total:
        return []
    blocks = [_heading(_("Yours ({total})").format(total=number(mine.total)))]
    for incident in mine.incidents[:listed]:
        # The press opens a modal that asks, if closing it would end something.
        resolve = button(_("Resolve"), "sopbot.resolve", str(incident.id))
        blocks += _incident(incident, content.facts, [resolve])
    return [*blocks, *_more(mine.total - listed)]


def _open(content: HomeContent, listed: int) -> list[Block]:
    facts, others = content.facts, content.facts.others[:listed]
    if not others:
        return []
    blocks = [_heading(_("Open, most severe first"))]
    for incident in others:
        buttons = []
        if not incident.acknowledged_by:
            value = str(incident.id)
            buttons = [button(_("Acknowledge"), "sopbot.acknowledge", value, style="primary")]
        blocks += _incident(incident, facts, buttons)
    return [*blocks, *_more(_open_total(facts) - facts.mine.total - len(others))]


def _more(count: int) -> list[Block]:
    return (
        [context(_("… and {count} more: `/incident list`").format(count=number(count)))]
        if count > 0
        else []
    )


def _incident(incident: Incident, facts: HomeFacts, buttons: list[Block]) -> list[Block]:
    """An incident, with its buttons and the button that opens its thread."""
    shown = incident.display
    parts = [untrusted_line(part, 40) for part in (shown.env, shown.region, shown.service) if part]
    parts.append(_("since {at}").format(at=clock(shown.since)))
    if incident.parent_id is not None:
        parts.append(_("child of `INC-{parent_id}`").format(parent_id=incident.parent_id))
    if incident.acknowledged_by:
        parts.append(f"👀 <@{incident.acknowledged_by}>")
    title = untrusted_line(incident.title, 150) or _("(no title)")
    head = f"*{symbol(incident.severity)} · {title}*   `{incident.number}`"
    blocks = [section(f"{head}\n{' · '.join(parts)}")]
    if place := facts.places.get(incident.id):
        buttons = [*buttons, thread_button(*place, incident.id)]
    buttons = [*buttons, *changes.overflow(incident, is_card=False)]
    return [*blocks, {"type": "actions", "elements": buttons}] if buttons else blocks


def _muted(content: HomeContent) -> list[Block]:
    muted = content.facts.muted
    if not muted.total:
        return []
    lines = [
        f"`{item.number}` {untrusted_line(item.title, 80)} · {mute_line(item.mute)}"
        for item in muted.incidents[:NAMED]
        if item.mute
    ]
    more = muted.total - len(lines)
    if more > 0:
        lines.append(_("… and {more} more").format(more=number(more)))
    return [
        _heading(_("Muted ({total})").format(total=number(muted.total))),
        section("\n".join(lines)),
    ]


def _last_hours(facts: HomeFacts) -> list[Block]:
    """The last hours, for a person who begins the day."""
    counts = _("{incidents} opened, {total} resolved").format(
        incidents=plural(facts.opened, "{count} incident", "{count} incidents"),
        total=number(facts.resolved.total),
    )
    lines = [
        f"{resolved_mark(item)} `{item.number}` {untrusted_line(item.title, 80)}"
        f" · {clock(item.resolved_at)}"
        for item in facts.resolved.incidents[:NAMED]
        if item.resolved_at
    ]
    return [
        _heading(_("Last {hours} hours").format(hours=HOURS)),
        section("\n".join([counts, *lines])),
    ]
