"""Leases: the live replicas, and the claims of each.

A replica has one lease, which its heartbeat renews; a replica owns its claims (a channel, an
advice, a dispatch) while that lease lasts; after that any replica may take them over. The time is
the
database's for every replica, so their clocks need not agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from store.statements import Operation, execute, from_db_time, lock, notify, query, run, to_db_time
from store.topics import Topic

WORK = (Topic.OUTBOX, Topic.ADVICE, Topic.PROPOSE, Topic.DISPATCH)
"""The topics of work that a replica leaves behind when it goes."""


@dataclass(frozen=True, slots=True)
class ChannelClaim:
    """A channel's outbox, claimed by this replica: it is the only sender there.

    A message with an id above `newest` was enqueued later, so no other replica can have posted it.
    `paced_until`: when the posts so far are spread out at the channel's pace; None at first.
    `taken_at`: no other replica has posted there since. `former` is the previous owner, '' if there
    was none.
    """

    channel: str
    newest: int
    paced_until: datetime | None
    taken_at: datetime
    former: str = ""


def alive(owner: str) -> str:
    """SQL: the replica in this column has a lease. Takes the time as its one parameter."""
    return f"EXISTS (SELECT 1 FROM replicas r WHERE r.owner = {owner} AND r.until > ?)"  # noqa: S608 - a column


def renew(owner: str, now: datetime, seconds: float) -> Operation[bool]:
    """Renew the lease.

    1. Prolong it.
    2. If it had lapsed, begin a new one and return False: others may have its claims.
    """
    until = to_db_time(now + timedelta(seconds=seconds))
    kept = yield execute(
        "UPDATE replicas SET until = ? WHERE owner = ? AND until > ?", until, owner, to_db_time(now)
    )
    if not kept:
        yield run(
            "INSERT INTO replicas (owner, until, started_at) VALUES (?, ?, ?)"
            " ON CONFLICT (owner) DO UPDATE SET until = excluded.until",
            owner,
            until,
            to_db_time(now),
        )
    return bool(kept)


def evict_others(owner: str) -> Operation[None]:
    """Release all claims of other replicas at once: none of them can be alive."""
    yield run("DELETE FROM replicas WHERE owner != ?", owner)


def leave(owner: str) -> Operation[None]:
    """End the replica in order, so that no other waits for its lease.

    1. Release every claim.
    2. End the lease.
    3. Wake the other replicas for the work left behind.
    """
    yield run("DELETE FROM claims WHERE owner = ?", owner)
    yield run("DELETE FROM replicas WHERE owner = ?", owner)
    for topic in WORK:
        yield notify(topic)


def claim(name: str, owner: str, now: datetime) -> Operation[bool]:
    """Claim a name that no live replica has; True too if this owner has it already."""
    yield lock(f"claim/{name}")  # of two heirs the second one sees that the first is alive
    count = yield execute(
        "INSERT INTO claims (name, owner, paced_until) VALUES (?, ?, '')"  # noqa: S608 - constants
        " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner"
        f" WHERE claims.owner = excluded.owner OR NOT {alive('claims.owner')}",
        name,
        owner,
        to_db_time(now),
    )
    return bool(count)


def claim_channel(channel: str, owner: str, now: datetime) -> Operation[ChannelClaim | None]:
    """Claim a channel's outbox; None while another replica has it.

    1. Read the previous owner.
    2. Claim the channel.
    3. Read the newest message: an older one may have been posted by the previous owner.
    4. Read until when the channel's posts are paced.
    """
    name = channel_claim_name(channel)
    before = yield query("SELECT owner FROM claims WHERE name = ?", name)
    if not (yield from claim(name, owner, now)):
        return None
    newest = yield query("SELECT COALESCE(MAX(id), 0) AS id FROM outbox")
    held = yield query("SELECT paced_until FROM claims WHERE name = ?", name)
    paced_until = held[0]["paced_until"]
    former = before[0]["owner"] if before else ""
    return ChannelClaim(
        channel, newest[0]["id"], from_db_time(paced_until) if paced_until else None, now, former
    )


def channel_claim_name(channel: str) -> str:
    """Return the name of the claim of a channel's outbox."""
    return f"lane/{channel}"


def replicas(now: datetime) -> Operation[list[tuple[str, datetime, datetime]]]:
    """Return (owner, started at, lease until) of every live replica, oldest first."""
    rows = yield query(
        "SELECT owner, started_at, until FROM replicas WHERE until > ? ORDER BY started_at, owner",
        to_db_time(now),
    )
    return [
        (row["owner"], from_db_time(row["started_at"]), from_db_time(row["until"])) for row in rows
    ]
