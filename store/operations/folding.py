"""Which open incidents an alert could join, and what joining, opening and clearing change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.incidents.correlation import Candidate, Named, Scope, could_share_fingerprint
from bot.incidents.model import Alert, AlertStatus, IncidentStatus, Severity
from bot.observability.events import Event
from store.announcing import log_event
from store.operations import advice, grouping, incidents, news, proposing, senders, verification
from store.rows import alert_from_json, dump
from store.statements import (
    Operation,
    Row,
    execute,
    lock,
    query,
    run,
    stamp,
    stamp_or_none,
    starting_with,
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What every alert of one delivery shares: where its card goes, when it came, and whether the
    sender's own message stands there.
    """

    channel: str
    now: datetime
    card_delay: float
    posted: bool = True


def _since(alert: Alert) -> str:
    return stamp_or_none(alert.starts_at) or ""


_COLUMNS = (
    "i.id, i.sop_id, i.scope_env, i.scope_service, i.scope_category, i.env, i.service, i.severity,"
    " i.channel, i.firing"
)


def hold(named: Sequence[Named]) -> Operation[None]:
    """Until the transaction ends nobody else opens, folds into or closes an incident there.

    Nor takes in another telling of these alerts: it may name another scope, or none.
    """
    yield lock(
        *{incidents.lock_of(one.scope.env, one.scope.service) for one in named},
        *{f"alert/{key}" for one in named for key in senders.keys(one)},
    )


def candidates(one: Named) -> Operation[list[Row]]:
    """The open incidents that `decide` may choose from, the surest kind alone.

    The caller holds the alert's scope. `fires` is 1 where this very alert fires already, with
    `fired_severity`, `fired_since` and `fired_told` as it was told last; `replaces` is the key
    under which an edited message's earlier version fires.
    """
    rows: list[Row] = yield from _elsewhere(one)
    if any(_is_elsewhere(row, one) for row in rows):
        # Its own name says another scope than its incident has: that one is to be held as well,
        # and looked at again, for somebody may have changed it before it was.
        yield lock(
            *{
                incidents.lock_of(row["scope_env"], row["scope_service"])
                for row in rows
                if _is_elsewhere(row, one)
            }
        )
        rows = yield from _elsewhere(one)
    if not rows:
        rows = yield query(
            f"SELECT {_COLUMNS}, 0 AS fires, '' AS replaces FROM incidents i"  # noqa: S608 - a constant
            " WHERE i.scope_env = ? AND i.scope_service = ?"
            " AND i.status IN ('open', 'acknowledged') ORDER BY i.id",
            one.scope.env,
            one.scope.service,
        )
    return rows


def _is_elsewhere(row: Row, one: Named) -> bool:
    return (row["scope_env"], row["scope_service"]) != (one.scope.env, one.scope.service)


def _elsewhere(one: Named) -> Operation[list[Row]]:
    """The open incidents that know this very alert, or the message it is an edit of."""
    keys = senders.keys(one)
    rows: list[Row] = yield query(
        f"SELECT {_COLUMNS}, 1 AS fires, f.severity AS fired_severity, f.fingerprint AS fired_key,"  # noqa: S608 - constants
        " f.starts_at AS fired_since, f.told_at AS fired_told, '' AS replaces FROM firing f"
        " JOIN incidents i ON i.id = f.incident_id"
        f" WHERE f.fingerprint IN ({senders.marks(keys)}) AND i.status IN ('open', 'acknowledged')"
        " ORDER BY i.id",
        *keys,
    )
    rows = [row for row in rows if could_share_fingerprint(one.alert, row["env"], row["service"])]
    if not rows and one.edit_of:
        rows = yield from _earlier_version(one)
    return rows


def _earlier_version(one: Named) -> Operation[list[Row]]:
    """The open incident that the same part of the same message joined before its edit."""
    part = one.dedup_key[one.dedup_key.rfind("#") :]
    by_them, them = senders.by_them(one, "a.")
    rows: list[Row] = yield query(
        f"SELECT {_COLUMNS}, 0 AS fires,"  # noqa: S608 - constants
        f" {senders.KEY.format('a')} AS replaces"
        " FROM alerts a JOIN incidents i ON i.id = a.incident_id"
        " WHERE a.dedup_key >= ? AND a.dedup_key < ?"
        " AND substr(a.dedup_key, length(a.dedup_key) + 1 - length(?)) = ?"
        f" AND {by_them} AND i.status IN ('open', 'acknowledged') ORDER BY +a.id DESC LIMIT 1",
        *starting_with(one.edit_of),
        part,
        part,
        *them,
    )
    return rows


def candidate(row: Row) -> Candidate:
    """A row of `candidates` as `decide` wants it."""
    scope = Scope(row["scope_env"], row["scope_service"], row["scope_category"])
    return Candidate(row["id"], row["sop_id"], scope, bool(row["fires"]), bool(row["replaces"]))


def is_unchanged(row: Row, alert: Alert) -> bool:
    """Whether the alert that fires is told again with the same severity and start."""
    told: tuple[str, str] = (row["fired_severity"], row["fired_since"])
    return told == (alert.severity, _since(alert))


def told(one: Named) -> str:
    """When its sender said it, '' where that is not known."""
    return stamp_or_none(one.told_at) or ""


def is_overtaken(one: Named, row: Row | None) -> Operation[bool]:
    """Whether it comes in after the resolve that ended it, or the firing that began it anew.

    Any replica may get any message, and Slack delivers again what was not acknowledged.
    """
    at = told(one)
    if not at:
        return False
    if one.alert.status is AlertStatus.RESOLVED:
        return row is not None and _is_older(one, row)
    if row is not None and row["fires"]:
        return False  # it counts; what it says is looked at where it is folded
    by_them, them = senders.by_them(one)
    later = yield query(
        "SELECT body FROM alerts WHERE fingerprint = ? AND source = ? AND status = 'resolved'"  # noqa: S608 - placeholders
        f" AND told_at != '' AND told_at > ? AND {by_them}",
        one.alert.fingerprint,
        one.alert.source,
        at,
        *them,
    )
    resolves = (alert_from_json(row["body"]) for row in later)
    return any(could_share_fingerprint(one.alert, end.env, end.service) for end in resolves)


def _is_older(one: Named, row: Row) -> bool:
    """Whether this alert fires by what was said later than this."""
    at = told(one)
    return bool(at and row["fires"] and row["fired_told"] > at)


def open_new(one: Named, alert_id: int, arrival: Arrival) -> Operation[int]:
    """A new incident with its card and its advice wished for; its id."""
    alert = one.alert
    at = stamp(arrival.now)
    began = alert.starts_at if alert.starts_at and alert.starts_at <= arrival.now else arrival.now
    rows = yield query(
        "INSERT INTO incidents (incident_key, sop_id, scope_env, scope_service, scope_category,"
        " status, severity, title, env, region, service, category, channel, source, alert_count,"
        " firing, value, threshold, text, labels, links, tracking_id, opened_at, updated_at,"
        " posted, shown_alert, shown_env, shown_region, shown_service, shown_since)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?, ?, ?, ?, ?)"
        " RETURNING id",
        one.incident_key,
        one.sop_id,
        one.scope.env,
        one.scope.service,
        one.scope.category,
        IncidentStatus.OPEN,
        alert.severity,
        alert.title,
        alert.env,
        alert.region,
        alert.service,
        alert.category,
        arrival.channel,
        alert.source,
        alert.value,
        alert.threshold,
        alert.text,
        dump(dict(alert.labels)),
        dump([(link.label, link.url) for link in alert.links]),
        one.tracking_id,
        stamp(began),
        at,
        int(arrival.posted),
        alert_id,
        alert.env,
        alert.region,
        alert.service,
        stamp_or_none(alert.starts_at) or at,
    )
    incident_id: int = rows[0]["id"]
    yield run(*_firing(incident_id, one, alert_id, arrival.now))
    # A SOP ID that only the alert names never takes a key over: anybody may send any alert.
    yield run(
        "INSERT INTO sop_map (incident_key, sop_id, first_seen_at) VALUES (?, ?, ?)"
        " ON CONFLICT (incident_key) DO UPDATE SET sop_id = excluded.sop_id WHERE ? = 1",
        one.incident_key,
        one.sop_id,
        at,
        int(one.sop_matched),
    )
    yield from incidents.tell(incident_id, arrival.now, "opened", f"Opened by {alert.source}")
    yield log_event(
        Event.INCIDENT_OPENED,
        incident_id,
        sop_id=one.sop_id,
        tracking_id=one.tracking_id,
        severity=str(alert.severity),
        channel=arrival.channel,
    )
    yield from incidents.show_card(
        incident_id, arrival.channel, alert.severity, arrival.now, sender=one.sender
    )
    yield from advice.want(incident_id, "", "", alert.severity, arrival.now)
    if one.sop_matched:
        yield from proposing.enqueue(incident_id, alert.severity, f"sop:{incident_id}", arrival.now)
    return incident_id


def _fires(incident_id: int, one: Named, alert_id: int, now: datetime) -> Operation[int]:
    """This alert fires in that incident; 0 when it did already."""
    count: int = yield execute(*_firing(incident_id, one, alert_id, now))
    return count


_FIRES = (
    "INSERT INTO firing (fingerprint, sender, incident_id, name, severity, starts_at, told_at,"
    " first_alert, last_alert, came_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)


def _firing(
    incident_id: int, one: Named, alert_id: int, now: datetime
) -> tuple[str, *tuple[object, ...]]:
    """The statement that says so, and its values."""
    alert = one.alert
    return (
        _FIRES,
        senders.key(alert, one.sender),
        one.sender,
        incident_id,
        alert.name,
        alert.severity,
        _since(alert),
        told(one),
        alert_id,
        alert_id,
        stamp(now),
    )


def _stops(incident_id: int, key: str) -> Operation[int]:
    """The alert of that key fires no more; 0 when it did not."""
    count: int = yield execute(
        "DELETE FROM firing WHERE incident_id = ? AND fingerprint = ?", incident_id, key
    )
    return count


def fold(row: Row, one: Named, alert_id: int, arrival: Arrival) -> Operation[None]:
    """One more firing alert for an incident that is open."""
    alert = one.alert
    is_new = replaced = 0
    if row["replaces"]:
        replaced = yield from _stops(row["id"], row["replaces"])
        key = senders.key(alert, one.sender)
        yield from verification.replaced(row["id"], row["replaces"], key, one.sender)
    if not row["fires"]:
        is_new = yield from _fires(row["id"], one, alert_id, arrival.now)
        yield from verification.fires_again(row["id"], senders.key(alert, one.sender))
    elif not _is_older(one, row):
        yield run(
            "UPDATE firing SET severity = ?, starts_at = ?, told_at = ?, last_alert = ?"
            " WHERE fingerprint = ? AND incident_id = ?",
            alert.severity,
            _since(alert),
            told(one),
            alert_id,
            row["fired_key"],
            row["id"],
        )
    yield run(
        "UPDATE incidents SET alert_count = alert_count + 1, firing = firing + ?, updated_at = ?,"
        " revision = revision + 1 WHERE id = ?",
        is_new - replaced,
        stamp(arrival.now),
        row["id"],
    )
    yield from _show_what_fires(row, arrival)


def _show_what_fires(row: Row, arrival: Arrival) -> Operation[None]:
    """The incident shows its most severe firing alert; its card follows."""
    before = Severity(row["severity"])
    severity = (yield from grouping.show_most_severe(row["id"])) or before
    changed = severity is not before
    if changed:
        yield log_event(
            Event.INCIDENT_SEVERITY, row["id"], before=str(before), severity=str(severity)
        )
        yield from incidents.tell(
            row["id"], arrival.now, "severity", f"Severity {before} → {severity}"
        )
        yield from news.got_worse(row["id"], before, severity, arrival.now)
    yield from incidents.show_card(
        row["id"],
        row["channel"],
        severity,
        arrival.now,
        delay=0 if changed else arrival.card_delay,
    )


def clear(row: Row, one: Named, alert_id: int, arrival: Arrival) -> Operation[None]:
    """An alert resolved: when nothing fires any more, so does its incident.

    Only the sender of what fires may clear it: anybody can say of any alert that it resolved.
    """
    by_them, them = senders.by_them(one)
    theirs = yield query(
        f"SELECT 1 FROM firing WHERE incident_id = ? AND {by_them} LIMIT 1",  # noqa: S608 - placeholders
        row["id"],
        *them,
    )
    if not theirs:
        yield from senders.told_by_another(row, one, alert_id, arrival.now)
        return
    keys = [row["replaces"]] if row["replaces"] else senders.keys(one)
    cleared: list[str] = []
    for key in keys:
        if (yield from _stops(row["id"], key)):
            cleared.append(key)
    if not cleared:
        # A sender whose resolve reads differently from its alert: the name has to do, where only
        # one of that name fires. Of several, which one resolved is not known, so none is cleared;
        # nor is one that was told after this.
        at = told(one)
        by_name = yield query(
            "DELETE FROM firing WHERE incident_id = ? AND name = ? AND (? = '' OR told_at <= ?)"  # noqa: S608 - placeholders
            f" AND {by_them} AND 1 = (SELECT COUNT(*) FROM firing WHERE incident_id = ?"
            f" AND name = ? AND {by_them}) RETURNING fingerprint",
            row["id"],
            one.alert.name,
            at,
            at,
            *them,
            row["id"],
            one.alert.name,
            *them,
        )
        cleared = [gone["fingerprint"] for gone in by_name]
    if cleared:
        yield from verification.cleared(row["id"], cleared, arrival.now)
    left = yield query("SELECT COUNT(*) AS n FROM firing WHERE incident_id = ?", row["id"])
    if left[0]["n"] == 0:
        yield from incidents.close(row["id"], by="", now=arrival.now)
        return
    yield run(
        "UPDATE incidents SET firing = ?, updated_at = ?, revision = revision + 1 WHERE id = ?",
        left[0]["n"],
        stamp(arrival.now),
        row["id"],
    )
    yield from _show_what_fires(row, arrival)
