"""Writes a message's author as Slack does for posts of people and of apps."""

from collections.abc import Iterable
from typing import Any

from . import normalise
from .people import TEAM_ID, App, User

JSON = dict[str, Any]


def person_author(user: User, text: str) -> JSON:
    """The author fields of a person's post, with the rich text that Slack's clients send."""
    return {"user": user.id, "team": TEAM_ID, "blocks": normalise.plain_rich_text(text)}


def modern_author(app: App) -> JSON:
    """A post by an app today: user, bot_id, app_id and bot_profile, no subtype."""
    return {
        "user": app.user_id,
        "bot_id": app.bot_id,
        "app_id": app.app_id,
        "team": TEAM_ID,
        "bot_profile": app.profile(),
    }


def classic_author(app: App, username: str, extra: Iterable[tuple[str, Any]] = ()) -> JSON:
    """A post by an incoming webhook or a classic app: `subtype: bot_message`, no user."""
    return {
        "subtype": "bot_message",
        "username": username,
        "bot_id": app.bot_id,
        "app_id": app.app_id,
        **dict(extra),
    }
