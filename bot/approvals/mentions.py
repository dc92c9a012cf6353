"""Users and user groups as Slack shows them."""

from __future__ import annotations

from collections.abc import Iterable


def is_group(who: str) -> bool:
    """Return whether this is the id of a user group."""
    return who.startswith("S")


def mentions(users: Iterable[str]) -> str:
    """Return Slack mentions of users and user groups, comma separated; 'nobody' if there are
    none."""
    return ", ".join(map(mention, users)) or "nobody"


def mention(who: str) -> str:
    """Return one user or user group as Slack shows it."""
    return f"<!subteam^{who}>" if is_group(who) else f"<@{who}>"
