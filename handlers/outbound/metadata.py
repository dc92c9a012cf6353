"""The hidden metadata of our messages: their kind, idempotency key and store.

Slack keeps metadata only if its `event_type` has nothing but letters, digits and `_`. If not, Slack
posts the message and drops the metadata silently (bolt-python #863). Every name is made here. Older
versions wrote `sopbot.<kind>`, which servers that are only compatible with Slack may have kept, so
the bot reads both forms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from store.messages import OutboxMessage

PREFIX, OLD_PREFIX = "sopbot_", "sopbot."
_NOT_KEPT = re.compile(r"[^a-z0-9_]")


@dataclass(frozen=True, slots=True)
class Sender:
    """The bot that posts: its bot_id ('' if Slack returned none), and its store's own id.

    `user_id` is the user as whom it uploads files; '' for anybody.
    """

    bot_id: str
    store_id: str
    user_id: str = ""


def event_type(kind: str) -> str:
    """The name under which Slack keeps the metadata of this kind of message."""
    return PREFIX + _NOT_KEPT.sub("_", kind.lower())


def kind_of(mark: object) -> str:
    """The kind in an event_type or block_id of a sopbot, in either form; '' for anything else."""
    if isinstance(mark, str):
        for prefix in (PREFIX, OLD_PREFIX):
            if mark.startswith(prefix):
                return mark.removeprefix(prefix)
    return ""


def metadata_for(
    message: OutboxMessage, store_id: str, facts: Mapping[str, str | int] | None = None
) -> dict[str, Any]:
    """The message's metadata: no secrets, because every app in the workspace can read it; no null.

    `facts` are the fields of the message's own kind, for the code that reads the message later.
    """
    payload: dict[str, Any] = {**(facts or {}), "key": message.key, "store": store_id}
    if message.incident_id is not None:
        payload["incident"] = message.incident_id
    return {"event_type": event_type(message.kind), "event_payload": payload}


def key_of(posted: Any, sender: Sender, *, in_own_thread: bool) -> str | None:
    """The idempotency key of a message that this store posted, else None.

    Any app can copy a key, but not our bot_id; and a sopbot on another store may be the same app.
    An older version wrote no store id. Such a message is certainly ours only in the thread of our
    own card (`in_own_thread`), where no other store posts. In a channel the bot leaves it alone: a
    second card is a blemish, but another store's card that we overwrite is a lost alert.
    """
    posted = as_object(posted)
    metadata = as_object(posted.get("metadata"))
    payload = as_object(metadata.get("event_payload"))
    key, store_id = payload.get("key"), payload.get("store")
    if (
        not isinstance(key, str)
        or not isinstance(posted.get("ts"), str)
        or sender.bot_id not in ("", posted.get("bot_id"))
        or not kind_of(metadata.get("event_type"))
    ):
        return None
    ours = in_own_thread if store_id is None else store_id == sender.store_id
    return key if ours else None


def files_of(posted: Any, sender: Sender) -> dict[str, str]:
    """The files that this bot shared by a message: the id of each, by `file_key` of its name."""
    files = as_object(posted).get("files")
    return {
        file_key(str(file.get("name"))): str(file["id"])
        for file in (files if isinstance(files, list) else ())
        if isinstance(file, dict) and file.get("id") and sender.user_id in ("", file.get("user"))
    }


def file_key(name: str) -> str:
    """The key of a posted file: Slack keeps no metadata for it, and its name is its own."""
    return f"file/{name}"


def time_of(ts: object) -> datetime | None:
    """The time of a Slack `ts`; None if it is not one."""
    try:
        return datetime.fromtimestamp(float(str(ts)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def as_object(value: Any) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}
