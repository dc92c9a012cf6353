"""Argo CD: the Slack messages of its notification catalogue. Its webhooks need no parser.

https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/catalog/
"""

from __future__ import annotations

import re

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.drafting import Draft, activity_about
from bot.intake.reading import Activity, ActivityKind
from bot.intake.slack_message import SlackMessage

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
# What the message says, of which side of the application, and the state that it means. An
# application that syncs with success may still be unhealthy, so the two sides end apart.
_SENTENCES = (
    (re.compile(r"sync(?: operation)?\b.{0,200}\b(?:has )?failed"), "sync", _FIRING),
    (re.compile(r"has degraded|is degraded|health\b.{0,40}\b(?:degraded|missing)"), "health",
     _FIRING),
    (re.compile(r"sync is 'unknown'|sync status is .?unknown"), "sync", _FIRING),
    (re.compile(r"successfully synced|sync(?: operation)? .{0,200}succeeded"), "sync", _RESOLVED),
    (re.compile(r"running new version|is healthy|has recovered|health\b.{0,40}\bhealthy"),
     "health", _RESOLVED),
)  # fmt: skip


def parse_message(message: SlackMessage) -> Alert | Activity | None:
    """Parse a message whose attachment is the application, else return None."""
    fields = message.fields
    if "/applications/" not in message.title_link or not (
        {"sync status", "health status"} & set(fields)
    ):
        return None
    application = message.attachments[0].title
    sentence = message.text[:1_000].lower()
    side, status = next(
        ((side, status) for pattern, side, status in _SENTENCES if pattern.search(sentence)),
        ("sync" if "sync status" in fields else "health", None),
    )
    identity = {"application": application, "side": side}
    if status is None:  # a sync that runs, an application that was created
        return activity_about("argocd", identity, ActivityKind.UPDATED, message.text)
    return Draft(
        source="argocd",
        status=status,
        name=f"{application}: {'sync failed' if side == 'sync' else 'degraded'}",
        text=message.text,
        env=guesses.env_inside(application),
        service=application,
        category="deploy",
        labels={name.replace(" ", "_"): text for name, text in fields.items()},
        links=message.links,
        identity=identity,
        read_from={"status": "text", "env": "guess"},
        raw=message.raw,
    ).alert()
