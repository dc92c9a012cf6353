"""Actions that follow from an incident: who does what, until it is done."""

from __future__ import annotations

from datetime import datetime

from bot.errors import NotFound
from bot.incidents.records import ActionItem
from bot.language import deferred
from store.operations import incidents
from store.operations.part import Part
from store.statements import (
    Operation,
    Row,
    execute,
    from_db_time,
    from_db_time_or_none,
    query,
    to_db_time,
)

LISTED = 20


def add(
    incident_id: int, text: str, owner: str, user: str, origin: str, now: datetime
) -> Operation[ActionItem]:
    """Store an action and show it in the thread, which mentions its owner; once for each origin.

    1. Insert it. 2. Append the event, and enqueue the reply.
    """
    incident = yield from incidents.get(incident_id)
    rows = yield query(
        "INSERT INTO action_items (incident_id, text, owner, made_by, made_at, origin, reminded_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (origin) DO NOTHING RETURNING *",
        incident_id,
        text,
        owner,
        user,
        to_db_time(now),
        origin,
        to_db_time(now),
    )
    if not rows:
        known = yield query("SELECT * FROM action_items WHERE origin = ?", origin)
        return _from(known[0])
    item = _from(rows[0])
    event = deferred("Action for @{owner}: {text}", owner=owner, text=text)
    yield from incidents.append_event(incident_id, now, "action", event, user)
    yield from incidents.reply(incident, "action", item.id, now, by_request=True)
    return item


def finish(item_id: int, user: str, now: datetime) -> Operation[tuple[ActionItem, bool]]:
    """Mark it as done; False if it was done already.

    1. Update it. 2. Append the event, and change its messages.
    """
    count = yield execute(
        "UPDATE action_items SET done_at = ?, done_by = ? WHERE id = ? AND done_at IS NULL",
        to_db_time(now),
        user,
        item_id,
    )
    item = yield from get(item_id)
    if item is None:
        raise NotFound(deferred("This action is not stored any more."))
    if count:
        event = deferred("Action done: {text}", text=item.text)
        yield from incidents.append_event(item.incident_id, now, "action", event, user)
        incident = yield from incidents.get(item.incident_id)
        shown = yield query(
            "SELECT kind, subject FROM outbox WHERE kind IN ('action', 'action_reminder')"
            " AND (subject = ? OR (subject >= ? AND subject < ?)) AND incident_id = ?",
            str(item_id),
            f"{item_id}/",
            f"{item_id}0",
            incident.parent_id or incident.id,
        )
        for row in shown:
            yield from incidents.reply(incident, row["kind"], row["subject"], now, by_request=True)
    return item, bool(count)


def remind(before: datetime, now: datetime) -> Operation[int]:
    """Post a reminder of each open action that nobody was reminded of since `before`.

    1. Find them, and claim each. 2. Enqueue a new message for each: a change would notify nobody.
    Returns how many.
    """
    rows = yield query(
        "SELECT * FROM action_items WHERE done_at IS NULL AND reminded_at < ?"
        " ORDER BY reminded_at LIMIT 100",
        to_db_time(before),
    )
    for row in rows:
        count = yield execute(
            "UPDATE action_items SET reminded_at = ? WHERE id = ? AND reminded_at = ?",
            to_db_time(now),
            row["id"],
            row["reminded_at"],
        )
        if not count:
            continue
        incident = yield from incidents.get(row["incident_id"])
        subject = f"{row['id']}/{now:%Y%m%d}"
        yield from incidents.reply(incident, "action_reminder", subject, now, by_request=True)
    return len(rows)


def get(item_id: int) -> Operation[ActionItem | None]:
    """Return one action."""
    rows = yield query("SELECT * FROM action_items WHERE id = ?", item_id)
    return _from(rows[0]) if rows else None


def of_incident(incident_id: int) -> Operation[list[ActionItem]]:
    """Return the actions of an incident, in the order in which they were added."""
    rows = yield query("SELECT * FROM action_items WHERE incident_id = ? ORDER BY id", incident_id)
    return [_from(row) for row in rows]


def open_items(owner: str) -> Operation[list[ActionItem]]:
    """Return open actions, oldest first: those of a person, or with '' of everybody."""
    rows = yield query(
        "SELECT * FROM action_items WHERE done_at IS NULL AND (owner = ? OR ? = '')"
        " ORDER BY id LIMIT ?",
        owner,
        owner,
        LISTED,
    )
    return [_from(row) for row in rows]


def _from(row: Row) -> ActionItem:
    return ActionItem(
        id=row["id"],
        incident_id=row["incident_id"],
        text=row["text"],
        owner=row["owner"],
        made_by=row["made_by"],
        made_at=from_db_time(row["made_at"]),
        done_at=from_db_time_or_none(row["done_at"]),
        done_by=row["done_by"],
    )


class ActionItemsPart(Part):
    """The methods of `Store` for the actions that follow from an incident."""

    async def add_action(
        self, incident_id: int, text: str, owner: str, user: str, origin: str, now: datetime
    ) -> ActionItem:
        """Store an action and show it in the thread, once for each `origin`."""
        return await self._write(add, incident_id, text, owner, user, origin, now)

    async def finish_action(
        self, item_id: int, user: str, now: datetime
    ) -> tuple[ActionItem, bool]:
        """Mark an action as done; False if it was done already. NotFound if there is none."""
        return await self._write(finish, item_id, user, now)

    async def remind_of_actions(self, before: datetime, now: datetime) -> int:
        """Post a reminder of each open action whose owner was not reminded since `before`."""
        return await self._write(remind, before, now)

    async def action_item(self, item_id: int) -> ActionItem | None:
        """Return one action."""
        return await self._engine.read(get, item_id)

    async def actions_of(self, incident_id: int) -> list[ActionItem]:
        """Return the actions of an incident."""
        return await self._engine.read(of_incident, incident_id)

    async def open_actions(self, owner: str = "") -> list[ActionItem]:
        """Return open actions, oldest first: those of a person, or of everybody."""
        return await self._engine.read(open_items, owner)
