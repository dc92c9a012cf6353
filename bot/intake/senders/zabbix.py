"""Zabbix: its Slack media type, and a webhook of macros as people write it.

In Slack a resolve edits the problem's message, and an update is a reply.

https://github.com/zabbix/zabbix templates/media/slack/media_slack.yaml
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.incidents.severity_words import known_severity
from bot.intake import guesses, states
from bot.intake.drafting import Draft, still
from bot.intake.field_names import normal_name
from bot.intake.fields import objects, optional_text, wrong
from bot.intake.slack_message import SlackMessage
from bot.intake.times import read_time

_SUBJECT = re.compile(
    r"(?P<state>Problem|Resolved|Updated problem|Problem updated)(?: in [^:]{1,40})?:\s*"
    r"(?P<problem>.+)",
    re.IGNORECASE,
)
# The default colours of Zabbix, from "not classified" to "disaster": a renamed severity keeps its
# colour. The places are the numbers of {EVENT.NSEVERITY}.
_COLOURS = ("97aab3", "7499ff", "ffc859", "ffa059", "e97659", "e45959")
_SEVERITIES = ("low", "low", "medium", "medium", "high", "critical")
_STATUSES = {"0": AlertStatus.RESOLVED, "1": AlertStatus.FIRING}
# Our fact, then the names that people give to its macro in a webhook's parameters.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "value": ("event_value", "trigger_value"),
    "status": ("trigger_status", "event_status", "status", "state"),
    "number": ("event_nseverity", "trigger_nseverity", "nseverity", "severity_number"),
    "severity": ("event_severity", "trigger_severity", "severity"),
    "problem": (
        "event_name", "trigger_name", "problem", "problem_name", "alert_subject", "subject", "name",
    ),
    "host": ("host_name", "host", "hostname", "host_host", "host_visible_name"),
    "trigger": ("trigger_id", "triggerid"),
    "text": ("alert_message", "message", "trigger_description", "description"),
    "tags": ("event_tags", "tags", "event_tagsjson"),
    "opdata": ("event_opdata", "opdata", "item_value", "item_lastvalue"),
    "date": ("event_date",),
    "time": ("event_time",),
    "update": ("event_update_status",),
    "link": ("url", "trigger_url", "event_url", "zabbix_url"),
}  # fmt: skip


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
    spoken = fields.get("severity", "")
    severity = spoken
    if known_severity(guesses.severity_spoken(spoken)) is None:
        colours = (_COLOURS.index(colour) for colour in message.colours if colour in _COLOURS)
        severity = next((_SEVERITIES[place] for place in colours), spoken)
    return Draft(
        source="zabbix",
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=problem,
        title=f"{problem} on {host}",
        text=message.text,
        env=guesses.env_of(labels)[0] or guesses.env_inside(host),
        service=guesses.service_of(labels)[0] or host,
        severity=severity,
        labels=labels,
        annotations={"description": fields.get("trigger description", "")},
        value=fields.get("opdata", ""),
        starts_at=None if resolved else event_time,
        links=[("Open in Zabbix", message.title_link), *message.links],
        identity={"host": host, "problem": still(problem)},
        read_from={"severity": "field" if severity == spoken else "colour"},
        raw=message.raw,
    ).alert()


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a webhook with macros of a Zabbix event."""
    names = {normal_name(name) for name in list(body)[:100]}
    return bool(names & {"event_nseverity", "event_value", "trigger_status", "trigger_nseverity"})


def parse_body(body: object) -> list[Alert]:
    """Parse the macros of one event, or a list of them."""
    return [_event(item, where) for where, item in objects(body)]


def _event(item: Mapping[str, Any], where: str) -> Alert:
    facts = _facts(item)
    problem, host = facts["problem"], facts["host"]
    subject = _SUBJECT.match(problem)
    problem = subject["problem"] if subject else problem
    if not problem:
        raise wrong(f"{where}.event_name" if where else "event_name", "given: {EVENT.NAME}")
    # {EVENT.VALUE} and {TRIGGER.STATUS} may hold macros that Zabbix did not expand.
    status = _STATUSES.get(facts["value"]) or states.state_of(facts["status"])
    number = facts["number"]
    by_number = number.isdecimal() and len(number) == 1 and int(number) < len(_SEVERITIES)
    severity = _SEVERITIES[int(number)] if by_number else facts["severity"]
    resolved = status is AlertStatus.RESOLVED
    labels = {"host": host, "trigger_id": facts["trigger"], **_tags(facts["tags"])}
    return Draft(
        source="zabbix",
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=problem,
        title=f"{problem} on {host}" if host and host not in problem else problem,
        text=facts["text"] or problem,
        env=guesses.env_of(labels)[0] or guesses.env_inside(host),
        service=guesses.service_of(labels)[0],
        severity=severity,
        labels={name: text for name, text in labels.items() if text},
        value=facts["opdata"],
        starts_at=None if resolved else read_time(f"{facts['date']} {facts['time']}".strip()),
        links=[("Open in Zabbix", facts["link"])],
        identity={"host": host, "problem": still(problem)},
        read_from={"status": "field" if status else "guess"},
        raw=item,
    ).alert()


def _facts(item: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts that we know; a macro that Zabbix did not expand says nothing."""
    values = {normal_name(name): value for name, value in list(item.items())[:200]}
    facts = {}
    for fact, names in _NAMES.items():
        texts = (
            optional_text(values[name], name).strip()
            for name in names
            if isinstance(values.get(name), str | int | float)
        )
        facts[fact] = next((text for text in texts if text and text[0] not in "{*"), "")
    return facts


def _tags(text: str) -> dict[str, str]:
    """Parse `scope: capacity` lines; `None` means that there are no tags."""
    pairs = (line.partition(":") for line in text.split("\n") if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
