"""conversations.*: channels, their members and their messages."""

import base64
from collections.abc import Iterable
from typing import Any

from ..core import Core
from ..refusal import Refusal
from ..workspace import without_metadata
from .args import (
    flag,
    joined_channel,
    number,
    timestamp,
    visible_channel,
)

JSON = dict[str, Any]


def history(core: Core, args: JSON) -> JSON:
    """conversations.history, newest first; a page costs what it holds."""
    channel = joined_channel(core, args)
    most = number(args, "limit", 100, 999)
    oldest, latest, inclusive = _range(args)
    items: list[JSON] = []
    more = False
    for ts in reversed(channel.timeline):
        if latest is not None and (ts > latest or (ts == latest and not inclusive)):
            continue
        if ts < oldest or (ts == oldest and not inclusive and args.get("oldest")):
            break
        if len(items) == most:
            more = True
            break
        items.append(channel.messages[ts])
    answer: JSON = {"messages": _shown(items, args), "has_more": more, "pin_count": 0}
    if args.get("latest"):
        answer["latest"] = str(args["latest"])
    return _paged(answer, items[-1]["ts"] if more else "")


def replies(core: Core, args: JSON) -> JSON:
    """conversations.replies: the parent and its replies, oldest first."""
    channel = joined_channel(core, args)
    message = channel.messages.get(str(args.get("ts") or ""))
    if message is None:
        raise Refusal("thread_not_found")
    root = str(message.get("thread_ts", message["ts"]))
    most = number(args, "limit", 1000, 1000)
    oldest, latest, inclusive = _range(args, forward=True)
    items = [channel.messages[root]]
    more = False
    for ts in channel.threads.get(root, ()):
        if ts < oldest or (ts == oldest and not inclusive):
            continue
        if latest is not None and (ts > latest or (ts == latest and not inclusive)):
            break
        if len(items) == most:
            more = True
            break
        items.append(channel.messages[ts])
    return _paged({"messages": _shown(items, args), "has_more": more}, items[-1]["ts"] * more)


def info(core: Core, args: JSON) -> JSON:
    """conversations.info."""
    return {"channel": visible_channel(core, args).as_json(core.workspace.app.user_id)}


def list_all(core: Core, args: JSON) -> JSON:
    """conversations.list: public channels, unless `types` says otherwise."""
    kinds = {
        kind.strip().replace("public_channel", "channel").replace("private_channel", "group")
        for kind in str(args.get("types") or "public_channel").split(",")
    }
    ours = core.workspace.app.user_id
    items = [
        channel.as_json(ours)
        for channel in core.workspace.channels.values()
        if channel.kind in kinds
        and (channel.kind == "channel" or ours in channel.members)
        and not (channel.is_archived and flag(args, "exclude_archived"))
    ]
    start = _offset(args)
    most = number(args, "limit", 100, 999)
    following = start + most if start + most < len(items) else 0
    page = {"channels": items[start : start + most]}
    return _paged(page, f"{following}" if following else "")


def members(core: Core, args: JSON) -> JSON:
    """conversations.members."""
    return _paged({"members": sorted(visible_channel(core, args).members)}, "")


def join(core: Core, args: JSON) -> JSON:
    """conversations.join: public channels only."""
    channel = visible_channel(core, args)
    if channel.is_archived:
        raise Refusal("is_archived")
    if channel.is_private or channel.is_im:
        raise Refusal("method_not_supported_for_channel_type")
    ours = core.workspace.app.user_id
    answer: JSON = {"channel": channel.as_json(ours)}
    if ours in channel.members:
        return {**answer, "warning": "already_in_channel"}
    channel.members.add(ours)
    core.workspace.on_event(
        {
            "type": "member_joined_channel",
            "user": ours,
            "channel": channel.id,
            "channel_type": "C",
            "team": core.workspace.app.app_id,
            "event_ts": core.workspace.next_ts(),
        }
    )
    return {"channel": channel.as_json(ours)}


def open_direct(core: Core, args: JSON) -> JSON:
    """conversations.open: the direct messages with one user."""
    user = core.workspace.user(str(args.get("users") or ""))
    return {"channel": {"id": core.workspace.direct(user.id).id}}


def _range(args: JSON, *, forward: bool = False) -> tuple[str, str | None, bool]:
    oldest = timestamp(args["oldest"]) if args.get("oldest") else "0"
    latest = timestamp(args["latest"]) if args.get("latest") else None
    inclusive = flag(args, "inclusive")
    if args.get("cursor"):
        at = _cursor(args)
        inclusive = False
        if forward:
            oldest = at
        else:
            latest = at
    return oldest, latest, inclusive


def _cursor(args: JSON) -> str:
    try:
        kind, _, at = base64.b64decode(str(args["cursor"]), validate=True).decode().partition(":")
    except ValueError:
        raise Refusal("invalid_cursor") from None
    if kind != "next" or not at:
        raise Refusal("invalid_cursor")
    return at


def _offset(args: JSON) -> int:
    if not args.get("cursor"):
        return 0
    at = _cursor(args)
    if not at.isdigit():
        raise Refusal("invalid_cursor")
    return int(at)


def _paged(answer: JSON, following: str) -> JSON:
    cursor = base64.b64encode(f"next:{following}".encode()).decode() if following else ""
    return {**answer, "response_metadata": {"next_cursor": cursor}}


def _shown(items: Iterable[JSON], args: JSON) -> list[JSON]:
    if flag(args, "include_all_metadata"):
        return list(items)
    return [without_metadata(message) for message in items]


METHODS = {
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.info": info,
    "conversations.list": list_all,
    "conversations.members": members,
    "conversations.join": join,
    "conversations.open": open_direct,
}
