"""Sentry: its Slack issue message (blocks only), issue-alert and issue webhooks.

https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.activity import reported_action
from bot.intake.drafting import Draft, activity_about, still
from bot.intake.fields import an_object, optional_text, optional_time, text_at, wrong
from bot.intake.reading import Activity, ActivityKind
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare

_TAG = re.compile(r"(?<![\w.-])([\w.-]{1,40}): `([^`\n]*)`")
_PROJECT = re.compile(r"Project: (\S+)")
_SHORT_ID = re.compile(r"Short ID: ([A-Z0-9_-]+)", re.IGNORECASE)
_BLOCK_ID = re.compile(r'\{"issue":\s*"?(\d+)')
_DONE = re.compile(r"State: \*?Resolved|Issue \*?resolved\b|:(?:white_check_mark|green_circle):")
_ACTIONS = {
    "assigned": ActivityKind.ASSIGNED,
    "unassigned": ActivityKind.ASSIGNED,
    "ignored": ActivityKind.ARCHIVED,
    "archived": ActivityKind.ARCHIVED,
}
# https://github.com/getsentry/sentry src/sentry/integrations/slack/message_builder/types.py
_LEVELS = (
    (":red_circle:", "error"),
    (":large_yellow_circle:", "warning"),
    (":large_blue_circle:", "info"),
    (":bug:", "debug"),
)


def parse_message(message: SlackMessage) -> Alert | Activity | None:
    """Parse an issue as Sentry posts it, or activity about one, else return None."""
    issue = next((match[1] for match in map(_BLOCK_ID.match, message.block_ids) if match), "")
    if not issue and "sentry" not in message.sender.lower():
        return None
    if not issue and (about := _activity(message)) is not None:
        return about
    text = message.text
    headline = message.headlines[0] if message.headlines else ""
    project, short_id = _PROJECT.search(text), _SHORT_ID.search(text)
    labels = dict(_TAG.findall(text[:5_000]))
    labels["project"] = project[1] if project else _project_of(message)
    labels["short_id"] = short_id[1] if short_id else ""
    labels["issue"] = issue
    level = next((word for emoji, word in _LEVELS if emoji in headline), "")
    return _issue(
        _title(message),
        AlertStatus.RESOLVED if _DONE.search(text) else AlertStatus.FIRING,
        labels,
        level=labels.get("level", "") or level,
        text=text,
        links=[(bare(label) or "Sentry", url) for label, url in message.links],
        raw=message.raw,
    )


def _activity(message: SlackMessage) -> Alert | Activity | None:
    """Return what a person did about an issue: its end is an alert, all else is activity.

    Sentry writes it into the thread of the alert, with a link to the issue.
    """
    action = reported_action(message.text, about_alert=True)
    issue, short_id = next(
        ((number, label) for label, url in message.links if (number := _issue_id(url))), ("", "")
    )
    if action is None or not issue:
        return None
    if action.kind is not None:
        identity, actor = {"issue": issue}, action.actor
        return activity_about("sentry", identity, action.kind, message.text, actor=actor)
    project, _, number = short_id.rpartition("-")
    return _issue(
        f"{short_id or issue} is resolved",
        AlertStatus.RESOLVED,
        {"issue": issue, "short_id": short_id, "project": project.lower()},
        level="",
        text=message.text,
        links=[("Sentry", url) for _, url in message.links],
        raw=message.raw,
    )


def _title(message: SlackMessage) -> str:
    """Return the block's bold line, or the fallback `[project] Title: more` if that is longer."""
    lines = [bare(headline.split("\n", 1)[0]) for headline in message.headlines]
    full = [re.sub(r"^\[[\w.-]+\] ", "", line) for line in lines]
    return next((line for line in reversed(full) if line.startswith(full[0])), "")


def _project_of(message: SlackMessage) -> str:
    """Return the project of the fallback text, `[project] Title`."""
    for headline in message.headlines:
        if match := re.match(r"\[([\w.-]+)\] ", headline):
            return match[1]
    return ""


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a webhook of Sentry's integrations."""
    data = body.get("data")
    known = {"issue", "event", "comment"}
    return "action" in body and isinstance(data, dict) and not known.isdisjoint(data)


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse an `event_alert` (data.event), an `issue` (data.issue), or a legacy webhook.

    What a person did to an issue is activity about it, unless it ended the issue.
    """
    whole = an_object(body, "body")
    action = optional_text(whole.get("action"), "action")
    data = an_object(whole.get("data") or {}, "data")
    if "comment" in data and (issue := optional_text(data.get("issue_id"), "data.issue_id")):
        comment = optional_text(data["comment"], "data.comment")
        return [_stated(issue, ActivityKind.COMMENTED, comment, whole)]
    if "issue" in data and (kind := _ACTIONS.get(action.lower())):
        issue = text_at(data, "issue.id")
        text = f"{action}: {text_at(data, 'issue.title')}"
        return [_stated(issue, kind, text, whole)]
    if "issue" in data:
        return [_of_issue(an_object(data["issue"], "data.issue"), action, whole)]
    if "event" in data:
        event = an_object(data["event"], "data.event")
        rule = optional_text(data.get("triggered_rule"), "data.triggered_rule")
        return [_of_event(event, "data.event", rule, whole)]
    if "event" in whole:
        event = {**whole, **an_object(whole["event"], "event")}
        return [_of_event(event, "event", "", whole)]
    raise wrong("data", "an object with event or issue, as Sentry sends it")


def _stated(issue: str, kind: ActivityKind, text: str, whole: Mapping[str, Any]) -> Activity:
    actor = text_at(whole, "actor.name")
    return activity_about("sentry", {"issue": issue}, kind, text, actor=actor, is_stated=True)


def _of_event(event: Mapping[str, Any], where: str, rule: str, whole: Mapping[str, Any]) -> Alert:
    def text(name: str) -> str:
        value = event.get(name)
        return optional_text(
            None if isinstance(value, Mapping | list) else value, f"{where}.{name}"
        )

    labels = _tags(event.get("tags"))
    slug = text("project_slug") or text("project_name")
    address = text("web_url") or text("url")
    labels["project"] = slug or labels.get("project", "") or text("project")
    labels["environment"] = text("environment") or labels.get("environment", "")
    labels["issue"] = text("issue_id") or _issue_id(address)
    labels["rule"] = rule
    title = text("title") or text("message") or text("culprit")
    return _issue(
        title,
        AlertStatus.FIRING,
        labels,
        level=text("level") or labels.get("level", ""),
        text="\n".join(dict.fromkeys(part for part in (title, text("culprit"), text("message")))),
        starts_at=optional_time(text("datetime") or None, f"{where}.datetime"),
        links=[("Sentry", address)],
        raw=whole,
    )


def _of_issue(issue: Mapping[str, Any], action: str, whole: Mapping[str, Any]) -> Alert:
    def text(name: str) -> str:
        return optional_text(issue.get(name), f"data.issue.{name}")

    project = an_object(issue.get("project") or {}, "data.issue.project")
    labels = {
        "project": optional_text(project.get("slug"), "data.issue.project.slug"),
        "short_id": text("shortId"),
        "issue": text("id"),
    }
    resolved = "resolved" in (action, text("status"))
    return _issue(
        text("title"),
        AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        labels,
        level=text("level"),
        text="\n".join(part for part in (text("title"), text("culprit")) if part),
        starts_at=optional_time(issue.get("firstSeen"), "data.issue.firstSeen"),
        links=[("Sentry", text("web_url") or text("permalink"))],
        raw=whole,
    )


def _issue(
    title: str, status: AlertStatus, labels: dict[str, str], *, level: str, **more: Any
) -> Alert:
    project = labels.get("project", "")
    issue = labels.get("issue") or labels.get("short_id", "")
    return Draft(
        source="sentry",
        status=status,
        name=title.split(":", 1)[0] or "Sentry issue",
        title=title or "Sentry issue",
        service=project,
        category=guesses.category_of(title.split(":", 1)[0]) or "errors",
        severity=level,
        labels=labels,
        identity={"issue": issue} if issue else {"project": project, "title": still(title)},
        **more,
    ).alert()


def _tags(value: object) -> dict[str, str]:
    """Parse Sentry's tags: [name, value] pairs, in some versions {key, value}."""
    tags = {}
    for item in value if isinstance(value, list) else ():
        if isinstance(item, list) and len(item) == 2:
            tags[optional_text(item[0], "tags")] = optional_text(item[1], "tags")
        elif isinstance(item, Mapping):
            tags[optional_text(item.get("key"), "tags")] = optional_text(item.get("value"), "tags")
    return tags


def _issue_id(url: str) -> str:
    match = re.search(r"/issues/(\d+)", url)
    return match[1] if match else ""
