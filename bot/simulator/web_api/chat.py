"""chat.*: post, change and take back messages."""

from typing import Any

from .. import content
from ..authors import classic_author
from ..core import Core
from ..people import TEAM_DOMAIN, Channel
from ..refusal import Refusal
from .args import flag, joined_channel, visible_channel

JSON = dict[str, Any]

MAX_UPDATE_TEXT = 4000


def post_message(core: Core, args: JSON) -> JSON:
    """chat.postMessage."""
    name = str(args.get("channel") or "")
    if name in core.workspace.users:
        channel = core.workspace.direct(name)
    else:
        channel = joined_channel(core, args)
    body = content.kept_content(args)
    if (about := content.kept_metadata(args)) is not None:
        body["metadata"] = about
    author = core.workspace.our_author()
    if args.get("username"):
        icons = [("icons", {"emoji": args["icon_emoji"]})] if args.get("icon_emoji") else []
        author = classic_author(core.workspace.app, str(args["username"]), icons)
    message = core.workspace.post(
        channel,
        author,
        body,
        thread_ts=str(args["thread_ts"]) if args.get("thread_ts") else None,
        broadcast=flag(args, "reply_broadcast"),
    )
    return {"channel": channel.id, "ts": message["ts"], "message": message}


def update(core: Core, args: JSON) -> JSON:
    """chat.update: what is not given stays, and an empty list or object removes.

    Blocks go too where only a text is given.
    """
    channel = joined_channel(core, args)
    before = core.workspace.message(channel, str(args.get("ts") or ""))
    if before.get("bot_id") != core.workspace.app.bot_id:
        raise Refusal("cant_update_message")
    if len(str(args.get("text") or "")) > MAX_UPDATE_TEXT:
        raise Refusal("msg_too_long")
    if not any(args.get(n) for n in ("text", "blocks", "attachments", "markdown_text", "metadata")):
        raise Refusal("no_text")
    changes = content.kept_content(args, required=False)
    if "text" in changes and "blocks" not in changes:
        changes["blocks"] = []
    if "metadata" in args and args["metadata"] is not None:
        changes["metadata"] = content.kept_metadata(args)
    message = core.workspace.edit(channel, before["ts"], changes, editor=core.workspace.app.user_id)
    return {
        "channel": channel.id,
        "ts": message["ts"],
        "text": message.get("text", ""),
        "message": message,
    }


def delete(core: Core, args: JSON) -> JSON:
    """chat.delete: own messages only."""
    channel = joined_channel(core, args)
    before = core.workspace.message(channel, str(args.get("ts") or ""))
    if before.get("bot_id") != core.workspace.app.bot_id:
        raise Refusal("cant_delete_message")
    core.workspace.delete(channel, before["ts"])
    return {"channel": channel.id, "ts": before["ts"]}


def post_ephemeral(core: Core, args: JSON) -> JSON:
    """chat.postEphemeral: the user must be in the channel."""
    channel = joined_channel(core, args)
    if channel.is_archived:
        raise Refusal("is_archived")
    user = str(args.get("user") or "")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    body = content.kept_content(args)
    thread = str(args["thread_ts"]) if args.get("thread_ts") else None
    return {"message_ts": core.workspace.post_ephemeral(channel, user, body, thread)}


def get_permalink(core: Core, args: JSON) -> JSON:
    """chat.getPermalink."""
    channel = visible_channel(core, args)
    message = core.workspace.message(channel, str(args.get("message_ts") or ""))
    return {"channel": channel.id, "permalink": permalink(core, channel, message)}


def permalink(core: Core, channel: Channel, message: JSON) -> str:
    """The address of a message on the local Slack's own page."""
    ts = str(message["ts"])
    link = f"{core.base_url}/archives/{channel.id}/p{ts.replace('.', '')}"
    root = message.get("thread_ts")
    if root and root != ts:
        link += f"?thread_ts={root}&cid={channel.id}"
    return link if core.base_url else f"https://{TEAM_DOMAIN}.invalid{link}"


METHODS = {
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "chat.getPermalink": get_permalink,
}
