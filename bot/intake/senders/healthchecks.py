"""healthchecks.io: a webhook whose body is the placeholder $JSON, or names $NAME and $STATUS.

https://healthchecks.io/docs/configuring_notifications/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.incidents.model import Alert
from bot.intake import guesses, states
from bot.intake.cleaning import body_of
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, text_at, texts_at, time_at, value_at, wrong
from bot.intake.slack_message import SlackMessage

_SLACK = re.compile(r"[“\"](?P<name>[^”\"\n]{1,200})[”\"] is (?P<state>UP|DOWN)\b")


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse `“name” is DOWN.` with the fields of a check, else return None."""
    for headline in message.headlines:
        if match := _SLACK.match(headline, 0, 1_000):
            break
    else:
        return None
    check = {
        "name": match["name"],
        "status": match["state"],
        "tags": message.fields.get("tags", ""),
    }
    alert = _check(check, raw=message.raw, links=message.links)
    return replace(alert, text=body_of(message.text))


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a check as $JSON writes it; a body of a person's own has no certain form."""
    return {"n_pings", "grace", "status", "name"} <= body.keys()


def parse_body(body: object) -> list[Alert]:
    """Parse one check that went down or up."""
    whole = an_object(body, "body")
    check = value_at(whole, "check")
    check = check if isinstance(check, dict) else whole
    name = text_at(check, "name", "check", "check_name", "slug")
    state = text_at(check, "status", "state")
    status = states.state_of(state)
    if not name or status is None:
        raise wrong("status", '"down" or "up" beside the name of the check')
    return [_check(check, raw=whole)]


def _check(check: Mapping[str, Any], **more: Any) -> Alert:
    name = text_at(check, "name", "check", "check_name", "slug")
    state = text_at(check, "status", "state").lower()
    status = states.status_of(state)
    tags = " ".join(texts_at(check, "tags")) or text_at(check, "tags")
    labels = {}
    for tag in tags.split():
        key, mark, value = tag.replace("=", ":", 1).partition(":")
        labels[key] = value if mark else "true"
    bare = [tag for tag in tags.split() if guesses.looks_like_env(tag)]
    resolved = status is states.RESOLVED
    shown = name.replace(" ", "-")
    text = text_at(check, "desc", "body", "message")
    links = [("healthchecks.io", text_at(check, "details_url", "cloaked_url"))]
    return Draft(
        source="healthchecks",
        status=status,
        name=name,
        title=name if resolved else f"{name} is {state}",
        text=text or name,
        env=guesses.env_of(labels)[0] or (bare[0] if bare else guesses.env_inside(shown)),
        service=labels.get("service", "") or guesses.subject_of(shown) or name,
        category="availability",
        severity=guesses.severity_in(labels),
        labels={**labels, "check": name, "last_ping": text_at(check, "last_ping")},
        # The time of the last ping is not that of the fault.
        starts_at=None if resolved else time_at(check, "now", "timestamp"),
        links=[*links, *more.pop("links", ())],
        # Slack shows the name only; both endpoints must identify a check in the same way.
        identity={"check": name},
        read_from={"service": "guess", "category": "guess", "env": "guess"},
        **more,
    ).alert()
