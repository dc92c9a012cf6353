"""All that an incident's card shows, as it is at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.advice.model import Asking
from bot.approvals.model import Approval, Freeze
from bot.incidents.deploys import Deploy, cause_among
from bot.incidents.episodes import LastEpisode
from bot.incidents.model import Incident
from bot.incidents.news import News
from store.incident_rows import incident_from, text_of_event
from store.operations import (
    approvals,
    deploys,
    executions,
    incidents,
    news,
    outbox,
    running,
    standing_advice,
)
from store.operations.cascade_growth import JOINED
from store.operations.part import Part
from store.statements import Operation, Row, from_db_time, query


@dataclass(frozen=True, slots=True)
class RootCard:
    """The root of a cascade, and where its card is; `ts` is None until it is posted."""

    incident: Incident
    channel: str
    ts: str | None


@dataclass(frozen=True, slots=True)
class CardContent:
    """The stored facts that a card shows.

    `fix` is the approval of the action that was verified to have helped. `waiting` are the
    approvals that wait for a vote, oldest first, three at most; `bad_news` is what is still so,
    newest first, three at most. `children` are the members of its cascade besides itself, the
    oldest first. `root` is set for a child: its own card, if it has one, only says where it went.
    `related` is the root of another open cascade that is perhaps part of the same fault;
    `last_time` is the end of the incident of its scope before it; `deploy` is its probable cause;
    `freeze` is its own. `asking` is who is asked for advice about it or a child.
    `running` are the approvals of which the gateway runs the action, three at most. `posted` has
    the channel, the ts and the ts of the thread of each card of `waiting` that Slack shows, by id.
    """

    incident: Incident
    fix: Approval | None
    waiting: Sequence[Approval]
    bad_news: Sequence[News]
    children: Sequence[Incident] = ()
    root: RootCard | None = None
    related: Incident | None = None
    last_time: LastEpisode | None = None
    deploy: Deploy | None = None
    freeze: Freeze | None = None
    asking: Asking | None = None
    running: Sequence[Approval] = ()
    posted: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)


# One query for nearly every card: of few is an approval waiting, or something bad known.
_CARD = (
    "SELECT i.*, EXISTS (SELECT 1 FROM approvals a WHERE a.incident_id = i.id"  # noqa: S608 - constants
    " AND a.state = 'awaiting approval') AS is_asked,"
    " EXISTS (SELECT 1 FROM executions x WHERE x.incident_id = i.id"
    f" AND x.{running.IS_RUNNING}) AS is_running,"
    " EXISTS (SELECT 1 FROM news n WHERE n.incident_id = i.id) AS has_news,"
    " EXISTS (SELECT 1 FROM incidents c WHERE c.parent_id = i.id) AS has_children,"
    f" {deploys.ANY_OF_CASCADE} AS is_deployed,"
    " EXISTS (SELECT 1 FROM advice v WHERE v.incident_id = i.id"
    f" AND {standing_advice.IS_ASKED}) AS awaits_advice,"
    " f.actor AS frozen_by, f.at AS frozen_at, f.reason AS frozen_why FROM incidents i"
    " LEFT JOIN freezes f ON f.name = 'incident:' || i.id WHERE i.id = ?"
)


def content(incident_id: int) -> Operation[CardContent]:
    """Return what the card of this incident shows, or NotFound."""
    rows = yield query(_CARD, incident_id)
    if not rows:
        raise incidents.unknown(incident_id)
    incident = incident_from(rows[0])
    if incident.parent_id is not None:
        root = yield from _root_card(incident.parent_id)
        return CardContent(incident, None, (), (), root=root)
    children = (yield from _children(incident_id)) if rows[0]["has_children"] else []
    fix = yield from _fix((incident, *children))
    waiting: Sequence[Approval] = []
    if rows[0]["is_asked"] or children:
        waiting = yield from approvals.waiting_of_incident(incident_id)
    runs: Sequence[Approval] = []
    if rows[0]["is_running"] or children:
        runs = yield from running.of_incident(incident_id)
    bad_news: Sequence[News] = []
    if rows[0]["has_news"]:
        bad_news = yield from news.current(incident)
    related = (yield from _related(incident)) if incident.related_id else None
    last_time = (yield from _last_episode(incident.previous_id)) if incident.previous_id else None
    deploy = None
    if rows[0]["is_deployed"]:
        deploy = cause_among(*(yield from deploys.of_incident(incident_id)))
    asking = None
    if rows[0]["awaits_advice"] or children:
        asking = yield from standing_advice.of_card(incident_id)
    return CardContent(
        incident,
        fix,
        waiting,
        bad_news,
        children,
        related=related,
        last_time=last_time,
        deploy=deploy,
        freeze=_freeze(rows[0]),
        asking=asking,
        running=runs,
        posted=(yield from _posted(waiting)) if waiting else {},
    )


def _posted(waiting: Sequence[Approval]) -> Operation[dict[str, tuple[str, str, str]]]:
    """Read where Slack shows the cards of these approvals."""
    keys = [f"approval:{approval.id}" for approval in waiting]
    rows = yield query(
        f"{outbox.SELECT} WHERE o.key IN ({', '.join('?' * len(keys))})"
        " AND o.ts IS NOT NULL AND card.ts IS NOT NULL",
        *keys,
    )
    return {row["subject"]: (row["channel"], row["ts"], row["thread_ts"]) for row in rows}


def _children(incident_id: int) -> Operation[list[Incident]]:
    rows = yield query("SELECT * FROM incidents WHERE parent_id = ? ORDER BY id", incident_id)
    return [incident_from(row) for row in rows]


def _freeze(row: Row) -> Freeze | None:
    if row["frozen_at"] is None:
        return None
    return Freeze(row["frozen_by"], from_db_time(row["frozen_at"]), row["frozen_why"])


def _fix(members: Sequence[Incident]) -> Operation[Approval | None]:
    """Read the approval of the action that fixed a member."""
    fixed_by = next((member.fixed_by for member in members if member.fixed_by), "")
    if not fixed_by:
        return None
    execution = yield from executions.get(fixed_by)
    return (yield from approvals.get(execution.approval_id))


def _last_episode(incident_id: int) -> Operation[LastEpisode | None]:
    """Read how that incident ended; None if it is open again, or part of another one."""
    before = yield from incidents.get(incident_id)
    if before.resolved_at is None or before.resolution is None or before.parent_id is not None:
        return None
    fix = yield from _fix((before,))
    title = fix.proposal.title if fix else ""
    channel, ts = yield from _place_of_card(before)
    return LastEpisode(
        before.id,
        before.resolved_at,
        before.resolution,
        before.resolved_by,
        title,
        (channel, ts) if ts else None,
    )


def _related(incident: Incident) -> Operation[Incident | None]:
    """Read the root that it is perhaps related to, while both are open and apart."""
    rows = yield query(
        "SELECT r.* FROM incidents m JOIN incidents r ON r.id = COALESCE(m.parent_id, m.id)"
        " WHERE m.id = ? AND r.id != ? AND r.status IN ('open', 'acknowledged')",
        incident.related_id,
        incident.id,
    )
    return incident_from(rows[0]) if rows and incident.resolved_at is None else None


def _root_card(root_id: int) -> Operation[RootCard]:
    root = yield from incidents.get(root_id)
    return RootCard(root, *(yield from _place_of_card(root)))


def _place_of_card(incident: Incident) -> Operation[tuple[str, str | None]]:
    """Read the channel of the card and its `ts`, None if it is not posted."""
    rows = yield query("SELECT channel, ts FROM outbox WHERE key = ?", f"card:{incident.id}")
    return (rows[0]["channel"], rows[0]["ts"]) if rows else (incident.channel, None)


def open_children(incident_id: int) -> Operation[list[Incident]]:
    """The children of an incident that are open, the oldest first."""
    rows = yield query(
        "SELECT * FROM incidents WHERE parent_id = ? AND status IN ('open', 'acknowledged')"
        " ORDER BY id",
        incident_id,
    )
    return [incident_from(row) for row in rows]


def joined(incident_ids: Sequence[int]) -> Operation[dict[int, str]]:
    """The last event of each child that says what it is a part of, and why it was folded."""
    if not incident_ids:
        return {}
    rows = yield query(
        "SELECT incident_id, text, message FROM timeline WHERE kind = ? AND incident_id IN"  # noqa: S608 - placeholders
        f" ({', '.join('?' * len(incident_ids))}) ORDER BY id",
        JOINED,
        *incident_ids,
    )
    return {row["incident_id"]: text_of_event(row) for row in rows}


class CardsPart(Part):
    """The methods of `Store` for the content of cards."""

    async def open_children(self, incident_id: int) -> list[Incident]:
        """The children of an incident that are open, the oldest first."""
        return await self._engine.read(open_children, incident_id)

    async def joined(self, incident_ids: Sequence[int]) -> dict[int, str]:
        """The last event of each child that says what it is a part of, and why it was folded."""
        return await self._engine.read(joined, incident_ids)

    async def card_content(self, incident_id: int) -> CardContent:
        """Return what the card of an incident shows, as it is at one moment; or NotFound."""
        return await self._engine.read(content, incident_id)
