"""A channel as text, for terminals and for the message of a failed wait."""

import unicodedata
from typing import Any

from . import reading
from .mrkdwn import Names
from .people import Channel
from .workspace import Workspace

JSON = dict[str, Any]


def names_of(workspace: Workspace) -> Names:
    """The names of the workspace's ids."""
    return Names(
        users={u.id: u.name for u in workspace.users.values()},
        channels={c.id: c.name for c in workspace.channels.values()},
        groups={g.id: g.handle for g in workspace.groups.values()},
    )


def author(workspace: Workspace, message: JSON) -> str:
    """The author's name as shown beside a message."""
    if message.get("username"):
        return str(message["username"])
    user = workspace.users.get(str(message.get("user", "")))
    if user is not None:
        return user.name
    return str((message.get("bot_profile") or {}).get("name") or message.get("user") or "?")


def transcript(workspace: Workspace, channel: Channel, *, since: float) -> str:
    """The channel with its threads; times are seconds after `since` (Unix seconds)."""
    names = names_of(workspace)
    lines = [f"#{channel.name or 'direct message'}"]
    for ts in channel.timeline:
        message = channel.messages[ts]
        if message.get("subtype") == "thread_broadcast":
            continue
        lines += _message(workspace, message, names, since, indent="  ")
        for reply in channel.threads.get(ts, ()):
            lines += _message(workspace, channel.messages[reply], names, since, indent="      │ ")
    if len(lines) == 1:
        lines.append("  (nothing was said)")
    return "\n".join(lines)


def _message(
    workspace: Workspace, message: JSON, names: Names, since: float, *, indent: str
) -> list[str]:
    badge = " (app)" if message.get("bot_id") else ""
    edited = " · changed" if "edited" in message else ""
    elapsed = max(float(message["ts"]) - since, 0.0)
    clock = f"{int(elapsed // 60):02d}:{elapsed % 60:04.1f}"
    lines = [f"{indent}{clock}  {author(workspace, message)}{badge}{edited}"]
    body = reading.full_text(message, names).split("\n")
    lines += [f"{indent}         {printable(line)}".rstrip() for line in body]
    reactions = [f"{r['name']} {r['count']}" for r in message.get("reactions", ())]
    if reactions:
        lines.append(f"{indent}         ({', '.join(reactions)})")
    return lines


def printable(text: str) -> str:
    """Text without the control characters with which a message could drive a terminal."""
    return "".join(
        c if c == "\t" or unicodedata.category(c) not in ("Cc", "Cs") else "�" for c in text
    ).expandtabs(4)
