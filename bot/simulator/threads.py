"""Maintains the fields that Slack adds to a message: replies, reactions, tombstones."""

from typing import Any

from .people import Channel
from .refusal import Refusal

JSON = dict[str, Any]

THREAD_FIELDS = (
    "thread_ts",
    "reply_count",
    "reply_users_count",
    "latest_reply",
    "reply_users",
    "is_locked",
    "subscribed",
)


def parent_of(channel: Channel, thread_ts: str) -> JSON:
    """The root of the thread; Refusal `invalid_thread_ts` or `thread_not_found`."""
    try:
        float(thread_ts)
    except ValueError:
        raise Refusal("invalid_thread_ts") from None
    message = channel.messages.get(thread_ts)
    if message is None:
        raise Refusal("thread_not_found")
    root = message.get("thread_ts", thread_ts)
    return message if root == thread_ts else channel.messages.get(root, message)


def count_replies(channel: Channel, thread_ts: str) -> None:
    """Bring the parent's reply fields up to date after a reply came or went."""
    replies = channel.threads.get(thread_ts, [])
    parent = dict(channel.messages[thread_ts])
    if not replies:
        for name in THREAD_FIELDS:
            parent.pop(name, None)
    else:
        latest = channel.messages[replies[-1]]
        users = list(parent.get("reply_users", []))
        who = latest.get("user") or latest.get("bot_id", "")
        if who not in users:
            users.append(who)
        parent |= {
            "thread_ts": thread_ts,
            "reply_count": len(replies),
            "reply_users_count": len(users),
            "latest_reply": replies[-1],
            "reply_users": users,
            "is_locked": False,
            "subscribed": False,
        }
    channel.messages[thread_ts] = parent


def forget_reply(channel: Channel, ts: str, before: JSON) -> None:
    """Take a deleted reply off its thread."""
    root = before.get("thread_ts")
    if root and root != ts and ts in channel.threads.get(root, ()):
        channel.threads[root].remove(ts)
        count_replies(channel, root)


def tombstone(before: JSON) -> JSON:
    """The tombstone of a deleted parent, which stays while it has replies."""
    return {
        "type": "message",
        "subtype": "tombstone",
        "user": "USLACKBOT",
        "hidden": True,
        "text": "This message was deleted.",
        "ts": before["ts"],
        **{name: before[name] for name in THREAD_FIELDS if name in before},
    }


def reacted(before: JSON, name: str, user: str, *, add: bool) -> JSON:
    """The message with one user's reaction added or removed."""
    reactions = [dict(r) for r in before.get("reactions", [])]
    mine = next((r for r in reactions if r["name"] == name), None)
    if add:
        if mine is not None and user in mine["users"]:
            raise Refusal("already_reacted")
        if mine is None:
            mine = {"name": name, "users": [], "count": 0}
            reactions.append(mine)
        mine["users"] = [*mine["users"], user]
    else:
        if mine is None or user not in mine["users"]:
            raise Refusal("no_reaction")
        mine["users"] = [u for u in mine["users"] if u != user]
    mine["count"] = len(mine["users"])
    after = {**before, "reactions": [r for r in reactions if r["count"]]}
    if not after["reactions"]:
        del after["reactions"]
    return after
