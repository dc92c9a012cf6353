"""Zabbix: its Slack media type. A resolve edits the problem's message, an update is a reply.

https://github.com/zabbix/zabbix templates/media/slack/media_slack.yaml
"""

from __future__ import annotations

import re

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.drafting import Draft, still
from bot.intake.slack_message import SlackMessage
from bot.intake.times import read_time

_SUBJECT = re.compile(
    r"(?P<state>Problem|Resolved|Updated problem|Problem updated)(?: in [^:]{1,40})?:\s*"
    r"(?P<problem>.+)",
    re.IGNORECASE,
)


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse a post with Zabbix's fields (Host, Event time) or its event link, else return None."""
    fields = message.fields
    by_link = "tr_events.php" in message.title_link
    if "host" not in fields or not (by_link or "event time" in fields):
        return None
    title = message.attachments[0].title if message.attachments else message.headlines[0]
    subject = _SUBJECT.match(title)
    problem = subject["problem"] if subject else title
    resolved = subject is not None and subject["state"].lower() == "resolved"
    if subject is None:
        resolved = message.colour is AlertStatus.RESOLVED
    host, _, address = fields["host"].partition(" [")
    labels = {"host": host, "address": address.rstrip("]"), **_tags(fields.get("event tags", ""))}
    event_time = read_time(fields.get("event time", ""))
    return Draft(
        source="zabbix",
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=problem,
        title=f"{problem} on {host}",
        text=message.text,
        env=guesses.env_of(labels)[0] or guesses.env_inside(host),
        service=guesses.service_of(labels)[0] or host,
        severity=fields.get("severity", ""),
        labels=labels,
        annotations={"description": fields.get("trigger description", "")},
        value=fields.get("opdata", ""),
        starts_at=None if resolved else event_time,
        links=[("Open in Zabbix", message.title_link), *message.links],
        identity={"host": host, "problem": still(problem)},
        raw=message.raw,
    ).alert()


def _tags(text: str) -> dict[str, str]:
    """Parse `scope: capacity` lines; `None` means that there are no tags."""
    pairs = (line.partition(":") for line in text.split("\n") if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
