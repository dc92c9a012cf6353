"""auth.test, users.*, usergroups.*, bots.info, reactions.*."""

from typing import Any

from ..core import Core
from ..people import TEAM_ID, TEAM_NAME
from ..refusal import Refusal
from .args import flag, joined_channel

JSON = dict[str, Any]


def auth_test(core: Core, _args: JSON) -> JSON:
    """auth.test."""
    app = core.workspace.app
    return {
        "url": f"{core.base_url}/",
        "team": TEAM_NAME,
        "user": app.name,
        "team_id": TEAM_ID,
        "user_id": app.user_id,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


def users_info(core: Core, args: JSON) -> JSON:
    """users.info."""
    user = core.workspace.users.get(str(args.get("user") or ""))
    if user is None:
        raise Refusal("user_not_found")
    return {"user": user.as_json()}


def users_conversations(core: Core, args: JSON) -> JSON:
    """users.conversations, on one page: the channels of a user that the bot can see."""
    user = str(args.get("user") or core.workspace.app.user_id)
    if user not in core.workspace.users:
        raise Refusal("user_not_found")
    names = {"public_channel": "channel", "private_channel": "group"}
    kinds = {
        names.get(kind, kind) for kind in str(args.get("types") or "public_channel").split(",")
    }
    ours = core.workspace.app.user_id
    channels = [
        channel.as_json(ours)
        for channel in core.workspace.channels.values()
        if channel.kind in kinds
        and user in channel.members
        and (channel.kind == "channel" or ours in channel.members)
    ]
    return {"channels": channels, "response_metadata": {"next_cursor": ""}}


def users_list(core: Core, _args: JSON) -> JSON:
    """users.list, on one page."""
    return {
        "members": [user.as_json() for user in core.workspace.users.values()],
        "cache_ts": int(core.clock.now()),
        "response_metadata": {"next_cursor": ""},
    }


def groups_list(core: Core, args: JSON) -> JSON:
    """usergroups.list."""
    include = flag(args, "include_users")
    groups = core.workspace.groups.values()
    return {"usergroups": [group.as_json(include_users=include) for group in groups]}


def group_users(core: Core, args: JSON) -> JSON:
    """usergroups.users.list."""
    group = core.workspace.groups.get(str(args.get("usergroup") or ""))
    if group is None:
        raise Refusal("no_such_subteam")
    return {"users": list(group.members)}


def bots_info(core: Core, args: JSON) -> JSON:
    """bots.info: any app's bot."""
    for app in [core.workspace.app, *core.workspace.apps.values()]:
        if app.bot_id == args.get("bot"):
            return {"bot": {**app.profile(), "user_id": app.user_id}}
    raise Refusal("bot_not_found")


def reactions_add(core: Core, args: JSON) -> JSON:
    """reactions.add."""
    return _react(core, args, add=True)


def reactions_remove(core: Core, args: JSON) -> JSON:
    """reactions.remove."""
    return _react(core, args, add=False)


def _react(core: Core, args: JSON, *, add: bool) -> JSON:
    name = str(args.get("name") or "").strip(":")
    if not name or not all(c.isalnum() or c in "_+-':" for c in name):
        raise Refusal("invalid_name")
    if not args.get("timestamp"):
        raise Refusal("no_item_specified")
    channel = joined_channel(core, args)
    core.workspace.react(channel, str(args["timestamp"]), name, core.workspace.app.user_id, add=add)
    return {}


METHODS = {
    "auth.test": auth_test,
    "users.info": users_info,
    "users.conversations": users_conversations,
    "users.list": users_list,
    "usergroups.list": groups_list,
    "usergroups.users.list": group_users,
    "bots.info": bots_info,
    "reactions.add": reactions_add,
    "reactions.remove": reactions_remove,
}
