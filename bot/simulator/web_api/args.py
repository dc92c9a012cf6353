"""The arguments of a Web API call, as they may come: JSON types or strings of a form."""

from typing import Any

from ..core import Core
from ..people import Channel
from ..refusal import Refusal

JSON = dict[str, Any]


def flag(args: JSON, name: str, *, default: bool = False) -> bool:
    """A boolean, however it was written."""
    value = args.get(name)
    if value is None or value == "":
        return default
    return value in (True, 1, "1", "true", "True", "t")


def number(args: JSON, name: str, default: int, most: int) -> int:
    """A positive count; Refusal `invalid_limit` for anything else."""
    value = args.get(name)
    if value in (None, ""):
        return default
    try:
        return min(max(int(str(value)), 1), most)
    except ValueError:
        raise Refusal("invalid_limit") from None


def visible_channel(core: Core, args: JSON, name: str = "channel") -> Channel:
    """A channel our bot may know of: private ones only when it is a member."""
    channel = core.workspace.channel(str(args.get(name) or ""))
    if (channel.is_private or channel.is_im) and core.workspace.app.user_id not in channel.members:
        raise Refusal("channel_not_found")
    return channel


def joined_channel(core: Core, args: JSON, name: str = "channel") -> Channel:
    """A channel our bot is in; Refusal `channel_not_found` or `not_in_channel`.

    Archived channels can be read but not written to: the workspace refuses the latter.
    """
    channel = visible_channel(core, args, name)
    if core.workspace.app.user_id not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def timestamp(value: Any) -> str:
    """A ts argument in the form in which messages are kept, so that it compares as text."""
    text = str(value)
    seconds, _, rest = text.partition(".")
    if not (seconds.isascii() and seconds.isdigit()) or not (rest == "" or rest.isdigit()):
        raise Refusal("invalid_ts_latest" if text else "invalid_ts_oldest")
    return f"{int(seconds):010d}.{rest[:6].ljust(6, '0')}"
