"""Finds the open incidents that an alert could join, and a newer message that has overtaken it.

What decides that is read in one query: every alert pays for it, and on PostgreSQL each query is a
round trip while the alert's scope is locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.incidents.cascades import CLOCKS_DIFFER
from bot.incidents.correlation import (
    Candidate,
    DeliveryPart,
    IdentifiedAlert,
    could_be_about,
    could_share_fingerprint,
)
from bot.incidents.model import Alert, AlertStatus
from store.incident_rows import scope_from
from store.operations import ended_incidents, incidents, senders
from store.operations.delivery_context import DeliveryContext
from store.rows import alert_from_json
from store.statements import (
    Operation,
    Row,
    Statement,
    from_db_time,
    lock,
    lock_all,
    query,
    starting_with,
    to_db_time,
    to_db_time_or_none,
)

COLUMNS = (
    "i.id, i.sop_id, i.scope_env, i.scope_region, i.scope_service, i.scope_category,"
    " i.scope_place, i.env, i.service, i.severity, i.severity_by, i.channel, i.firing,"
    " i.shown_since, i.last_active_at, i.flapping_changes,"
    " EXISTS (SELECT 1 FROM executions e WHERE e.incident_id = i.id) AS was_acted_on"
)
IS_OPEN = "i.status IN ('open', 'acknowledged')"
_OF_THE_SCOPE = (
    f"SELECT {COLUMNS}, 0 AS fires, '' AS fired_severity, '' AS fired_key, '' AS fired_since,"  # noqa: S608 - constants
    " '' AS fired_told, '' AS replaces, '' AS resolve FROM incidents i"
    " WHERE i.scope_service = ? AND (i.scope_category = ? OR i.sop_id = ?) AND"
    f" {IS_OPEN}"
)
_THAT_KNOW_IT = (
    f" UNION ALL SELECT {COLUMNS}, 1, f.severity, f.fingerprint, f.starts_at, f.told_at, '', ''"  # noqa: S608 - constants
    f" FROM firing f JOIN incidents i ON i.id = f.incident_id WHERE {IS_OPEN}"
    " AND f.fingerprint IN "
)
# A row that is no incident's: its id, then nothing in each other column of COLUMNS and `fires`.
_NO_INCIDENT = "SELECT {}, '', '', '', '', '', '', '', '', '', '', '', 0, '', '', 0, 1 = 0, 0"
_LATER_RESOLVES = (
    f" UNION ALL {_NO_INCIDENT.format(0)}, '', '', '', '', '', body"
    " FROM alerts WHERE fingerprint = ? AND source = ? AND status = 'resolved'"
    " AND told_at != '' AND told_at > ? AND "
)
# Without a sender's time only the start says which firing a resolve ended.
_EARLY_RESOLVES = (
    f" UNION ALL {_NO_INCIDENT.format(0)}, '', '', '', '', '', body"
    " FROM alerts WHERE fingerprint = ? AND source = ? AND status = 'resolved'"
    " AND incident_id IS NULL AND received_at > ? AND "
)
_STORED = -1  # the id in the row that says that this very alert is stored already
_IS_STORED = (
    f" UNION ALL {_NO_INCIDENT.format(_STORED)}, '', '', '', '', '', ''"
    " FROM alerts WHERE dedup_key = ?"
)
_FIRINGS = 50  # that are compared with a resolve
_ENDED = -2  # … that an incident that is resolved could be reopened
_HAS_ENDED = f" UNION ALL {_NO_INCIDENT.format(_ENDED)}, '', '', '', '', '', '' "


@dataclass(frozen=True, slots=True)
class Candidates:
    """The open incidents that `decide` may choose from, the surest kind alone.

    In a row, `fires` is 1 where this very alert fires already, with `fired_severity`,
    `fired_since` and `fired_told` as its sender sent it last; `replaces` is the key under which an
    edited message's earlier version fires; `was_acted_on` says that a remediation was started
    there. `with_its_key` are the incidents in which any alert of its key fires, `resolves` the
    bodies of its resolves that were sent later. `is_stored`: this very alert is stored already.
    `may_reopen`: it could continue an incident that is resolved.
    """

    rows: list[Row]
    with_its_key: frozenset[int]
    resolves: tuple[str, ...]
    is_stored: bool
    may_reopen: bool


def lock_scopes(named: Sequence[IdentifiedAlert]) -> Statement:
    """Keep others from opening, folding into or closing an incident there, until the commit.

    Nobody takes in another message of these alerts either: it may name another scope, or none.
    """
    return lock_all(
        lambda: {
            *(incidents.lock_key(item.scope.service) for item in named),
            *(f"alert/{key}" for item in named for key in senders.keys(item)),
        }
    )


def candidates(
    identified_alert: IdentifiedAlert, arrival: DeliveryContext, rows: list[Row] | None = None
) -> Operation[Candidates]:
    """Read them. The caller holds the alert's scope; `rows` are what `open_for` has just read."""
    reading = open_for(identified_alert, arrival)
    result = yield from _sort_out(identified_alert, (yield reading) if rows is None else rows)
    elsewhere = {
        incidents.lock_key(row["scope_service"])
        for row in result.rows
        if row["scope_service"] != identified_alert.scope.service
    }
    if elsewhere:
        # The incident that knows the alert has another scope: that one is to be held as well, and
        # looked at again, for somebody may have changed it before it was.
        yield lock(*elsewhere)
        reading = open_for(identified_alert, arrival)
        result = yield from _sort_out(identified_alert, (yield reading))
    return result


def open_for(identified_alert: IdentifiedAlert, arrival: DeliveryContext) -> Statement:
    """Reads the open incidents of its scope, those that know this very alert, the later resolves
    of it, whether it is stored, and whether one that was resolved lately could be reopened.
    """
    ended_after = arrival.reopen_after(identified_alert.alert)
    keys = senders.keys(identified_alert)
    sql = f"{_OF_THE_SCOPE}{_THAT_KNOW_IT}({senders.placeholders(keys)}){_IS_STORED}"
    parameters: list[object] = [
        identified_alert.scope.service,
        identified_alert.scope.category,
        identified_alert.sop_id,
        *keys,
        identified_alert.dedup_key,
    ]
    sent_at, alert = sent_time(identified_alert), identified_alert.alert
    if alert.status is AlertStatus.FIRING and (sent_at or alert.starts_at):
        by_them, them = senders.by_them(identified_alert)
        sql += f"{_LATER_RESOLVES if sent_at else _EARLY_RESOLVES}{by_them}"
        after = sent_at or to_db_time(arrival.now - arrival.reopen_within)
        parameters += [alert.fingerprint, alert.source, after, *them]
    if identified_alert.alert.status is AlertStatus.FIRING:
        for ended in (ended_incidents.of_the_scope, ended_incidents.of_the_alert):
            read_from, values = ended(identified_alert, ended_after)
            sql += f"{_HAS_ENDED}{read_from}"
            parameters += values
    return query(sql, *parameters)


def _sort_out(identified_alert: IdentifiedAlert, rows: list[Row]) -> Operation[Candidates]:
    """Sort the incidents that it may join. If none fits, read the one of the message it edits."""
    of_the_scope: list[Row] = []
    with_its_key: list[Row] = []
    resolves: list[str] = []
    is_stored = may_reopen = False
    for row in rows:
        if row["fires"]:
            with_its_key.append(row)
        elif row["id"] == _STORED:
            is_stored = True
        elif row["id"] == _ENDED:
            may_reopen = True
        elif row["id"]:
            of_the_scope.append(row)
        else:
            resolves.append(row["resolve"])
    items = [
        row
        for row in with_its_key
        if could_be_about(identified_alert, row["env"], row["service"], scope_from(row))
    ]
    if not items and identified_alert.edit_of:
        items = yield from _earlier_version(identified_alert, identified_alert.edit_of)
    return Candidates(
        sorted(items or of_the_scope, key=_id),
        frozenset(map(_id, with_its_key)),
        tuple(resolves),
        is_stored,
        may_reopen,
    )


def _id(row: Row) -> int:
    number: int = row["id"]
    return number


def _earlier_version(
    identified_alert: IdentifiedAlert, edit_of: DeliveryPart
) -> Operation[list[Row]]:
    """The open incident that the same part of the same message joined before its edit."""
    by_them, them = senders.by_them(identified_alert, "a.")
    rows: list[Row] = yield query(
        f"SELECT {COLUMNS}, 0 AS fires,"  # noqa: S608 - constants
        f" {senders.KEY.format('a')} AS replaces"
        " FROM alerts a JOIN incidents i ON i.id = a.incident_id"
        " WHERE a.dedup_key >= ? AND a.dedup_key < ?"
        " AND substr(a.dedup_key, length(a.dedup_key) + 1 - length(?)) = ?"
        f" AND {by_them} AND {IS_OPEN} ORDER BY +a.id DESC LIMIT 1",
        *starting_with(edit_of.delivery),
        edit_of.ending,
        edit_of.ending,
        *them,
    )
    return rows


def candidate(row: Row) -> Candidate:
    """A row of `candidates` as `decide` wants it."""
    return Candidate(
        row["id"], row["sop_id"], scope_from(row), bool(row["fires"]), bool(row["replaces"])
    )


def since(alert: Alert) -> str:
    """Since when it fires, as its sender says; '' where that is not known."""
    return to_db_time_or_none(alert.starts_at) or ""


def sent_time(identified_alert: IdentifiedAlert) -> str:
    """Return when its sender said it, '' where that is not known."""
    return to_db_time_or_none(identified_alert.sent_at) or ""


def is_unchanged(row: Row, alert: Alert) -> bool:
    """Return whether the sender repeats a firing alert with the same severity and start."""
    sent: tuple[str, str] = (row["fired_severity"], row["fired_since"])
    return sent == (alert.severity, since(alert))


def is_overtaken(
    identified_alert: IdentifiedAlert, row: Row | None, resolves: Sequence[str]
) -> Operation[bool]:
    """Return whether it comes in after the resolve that ended it, or the firing that began it anew.

    Any replica may get any message, and Slack delivers again what was not acknowledged.
    """
    alert = identified_alert.alert
    if alert.status is AlertStatus.RESOLVED:
        if row is None or is_older(identified_alert, row):
            return row is not None
        return (yield from _ends_an_earlier_firing(identified_alert, row))
    if row is not None and row["fires"]:
        return False  # it counts; what it says is looked at where it is folded
    has_time = identified_alert.sent_at is not None
    return any(
        could_share_fingerprint(alert, end.env, end.service)
        for end in map(alert_from_json, resolves)
        if has_time or end.starts_at == alert.starts_at
    )


def _ends_an_earlier_firing(identified_alert: IdentifiedAlert, row: Row) -> Operation[bool]:
    """Return whether this resolve is of a firing before the one that lasts, by its sender's times.

    Its start decides. Without one it was sent, or the alert ended, before this firing began. But a
    start that no firing had, and that is older by no more than clocks differ, is this firing's by
    another clock.
    """
    if not (row["fires"] and row["fired_since"]):
        return False
    alert = identified_alert.alert
    at = since(alert) or to_db_time_or_none(alert.ends_at) or sent_time(identified_alert)
    if not at or at >= row["fired_since"]:
        return False
    if (
        alert.starts_at is None
        or from_db_time(row["fired_since"]) - alert.starts_at > CLOCKS_DIFFER
    ):
        return True
    by_them, them = senders.by_them(identified_alert)
    firings = yield query(
        "SELECT body FROM alerts WHERE fingerprint = ? AND source = ? AND status = 'firing'"  # noqa: S608 - placeholders
        f" AND {by_them} ORDER BY id DESC LIMIT {_FIRINGS}",
        alert.fingerprint,
        alert.source,
        *them,
    )
    return len(firings) == _FIRINGS or any(
        alert_from_json(firing["body"]).starts_at == alert.starts_at for firing in firings
    )


def is_older(identified_alert: IdentifiedAlert, row: Row) -> bool:
    """Return whether this alert fires by what was said later than this."""
    at = sent_time(identified_alert)
    return bool(at and row["fires"] and row["fired_told"] > at)
