"""Tells an alert about the bot itself, so that the bot does not feed its own alerts."""

from __future__ import annotations

from bot.incidents.subject import Scope

OURSELVES = "sopbot"
"""The `service` of the rules in deploy/alerts."""


def is_about_ourselves(scope: Scope) -> bool:
    """Return whether an alert of that scope is about the bot: slow advice must not ask for more.

    Its sender must say so. A service that is only guessed from a text is none: a stranger's words
    in an alert about something else would take the advice from it.
    """
    return scope.service == OURSELVES
