"""Reads strangers' JSON and text (Slack messages, HTTP bodies) into alerts and activity.

Three layers, each pure, without I/O and without a clock: the shape of a message (`slack_message`,
`fields`), the sender's own parser (`senders`, one file and one line here for each), and the general
reading of whatever is left (`headline`, `states`, `guesses`, `general_message`, `general_body`).
Nothing is refused. The results are clean (see `cleaning`) but still hostile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import InputError
from bot.incidents.model import Alert
from bot.intake import general_body, general_message
from bot.intake.mappings import NO_MAPPINGS, SourceMappings
from bot.intake.reading import Activity, Reading
from bot.intake.senders import (
    airflow,
    alerta,
    alertmanager,
    alertmanager_webhook,
    anomaly,
    argocd,
    azure,
    betterstack,
    cloudwatch,
    datadog,
    dbt,
    dynatrace,
    elastic,
    flux,
    gcp,
    github,
    gitlab,
    grafana,
    graylog,
    healthchecks,
    kubernetes,
    nagios,
    netdata,
    newrelic,
    opsgenie,
    pagerduty,
    paging_apps,
    pingdom,
    robusta,
    sentry,
    splunk,
    statuspage,
    uptime_kuma,
    zabbix,
)
from bot.intake.slack_message import SlackMessage, read_message

__all__ = [
    "PARSERS",
    "Parser",
    "Reading",
    "is_known_source",
    "parse_body",
    "parse_message",
    "source_name",
]

Result = Alert | Activity


@dataclass(frozen=True, slots=True)
class Parser:
    """The parser of one sender.

    `message` returns None for a Slack message of another sender, and `body` raises InputError for a
    body of another form. `recognises` returns True if an object can only be this sender's, whatever
    source it was posted to. A sender without such a form has None there.
    """

    name: str
    message: Callable[[SlackMessage], Result | None] | None = None
    body: Callable[[object], list[Alert] | list[Result]] | None = None
    recognises: Callable[[Mapping[str, Any]], bool] | None = None


# A message is tried in this order; generic takes everything else.
PARSERS: tuple[Parser, ...] = (
    # First: these apps keep the titles of other senders' alerts.
    Parser("paging-apps", paging_apps.parse_message),
    Parser(
        "alertmanager",
        alertmanager.parse_message,
        alertmanager_webhook.parse_body,
        alertmanager_webhook.recognises,
    ),
    Parser(
        "vmalert",
        None,
        alertmanager_webhook.parse_posts,
        alertmanager_webhook.recognises_post,
    ),
    Parser("grafana", grafana.parse_message, grafana.parse_body, grafana.recognises),
    Parser("cloudwatch", cloudwatch.parse_message, cloudwatch.parse_body, cloudwatch.recognises),
    Parser("sentry", sentry.parse_message, sentry.parse_body, sentry.recognises),
    Parser(
        "uptime-kuma", uptime_kuma.parse_message, uptime_kuma.parse_body, uptime_kuma.recognises
    ),
    Parser("zabbix", zabbix.parse_message, zabbix.parse_body, zabbix.recognises),
    Parser("nagios", nagios.parse_message, nagios.parse_body, nagios.recognises),
    Parser("icinga", None, nagios.parse_body),
    Parser("checkmk", None, nagios.parse_body),
    Parser("netdata", netdata.parse_message, netdata.parse_body, netdata.recognises),
    Parser("alerta", None, alerta.parse_body, alerta.recognises),
    Parser("azure", None, azure.parse_body, azure.recognises),
    Parser("betterstack", None, betterstack.parse_body, betterstack.recognises),
    Parser("datadog", datadog.parse_message, datadog.parse_body, datadog.recognises),
    Parser("dynatrace", None, dynatrace.parse_body, dynatrace.recognises),
    Parser("elastic", None, elastic.parse_body, elastic.recognises),
    Parser("gcp", None, gcp.parse_body, gcp.recognises),
    Parser("graylog", None, graylog.parse_body, graylog.recognises),
    Parser(
        "healthchecks", healthchecks.parse_message, healthchecks.parse_body, healthchecks.recognises
    ),
    Parser("newrelic", None, newrelic.parse_body, newrelic.recognises),
    Parser("opsgenie", None, opsgenie.parse_body, opsgenie.recognises),
    Parser("pagerduty", None, pagerduty.parse_body, pagerduty.recognises),
    Parser("pingdom", None, pingdom.parse_body, pingdom.recognises),
    Parser("splunk", None, splunk.parse_body, splunk.recognises),
    Parser("statuspage", None, statuspage.parse_body, statuspage.recognises),
    Parser("github", github.parse_message, github.parse_body, github.recognises),
    Parser("gitlab", None, gitlab.parse_body, gitlab.recognises),
    Parser("flux", flux.parse_message, flux.parse_body, flux.recognises),
    Parser("argocd", argocd.parse_message),
    Parser("kubernetes", kubernetes.parse_message, kubernetes.parse_body, kubernetes.recognises),
    Parser("robusta", robusta.parse_message),
    Parser("airflow", airflow.parse_message, airflow.parse_body, airflow.recognises),
    Parser("dbt", None, dbt.parse_body, dbt.recognises),
    Parser("anomaly", None, anomaly.parse_body, anomaly.recognises),
    Parser("generic", general_message.parse_message, general_body.parse_body),
)
_BY_NAME = {parser.name: parser for parser in PARSERS if parser.body is not None}
_UNNAMED = re.compile(r"[^a-z0-9-]+")


def parse_message(message: Mapping[str, Any]) -> Reading:
    """Read a Slack message event (or the message inside `message_changed`).

    Never raises. Empty only when the message holds nothing that a person could read or open, such
    as `message_deleted`.
    """
    read = read_message(message)
    for parser in PARSERS:
        if parser.message is not None and (result := parser.message(read)) is not None:
            return _reading([result])
    return Reading()


def source_name(source: str) -> str:
    """Return the source of POST /alerts/{source} as the table of parsers spells it.

    At most 40 characters of a-z, 0-9 and `-`; `generic` if none is left.
    """
    return _UNNAMED.sub("-", source[:200].strip().lower())[:40].strip("-") or "generic"


def is_known_source(source: str, mappings: SourceMappings = NO_MAPPINGS) -> bool:
    """Return whether a parser or a mapping of the operator reads POST /alerts/{source}."""
    name = source_name(source)
    return name in _BY_NAME or any(each.match.source == name for each in mappings.mappings)


def parse_body(source: str, body: object, mappings: SourceMappings = NO_MAPPINGS) -> Reading:
    """Read a JSON body posted to /alerts/{source}; at least one alert or activity.

    Never raises. The operator's mapping for this source comes first, then the source's own parser,
    then any sender's whose form the body has, then the general reading. What nobody understood is
    an alert that shows its text and says in `not_understood` why.
    """
    name = source_name(source)
    own = _BY_NAME.get(name)
    reason = ""
    if (mapping := mappings.find(name, body)) is not None:
        try:
            return Reading(tuple(mapping.alerts_of(body)))
        except InputError as error:
            reason = f"the mapping of {name}: {error}"
    for parser in _parsers_for(own, body):
        try:
            return _reading(parser.body(body)) if parser.body else Reading()
        except InputError as error:
            reason = reason or str(error)
    return _reading(general_body.parse_anything(body, own.name if own else "generic", reason))


def _parsers_for(own: Parser | None, body: object) -> Iterator[Parser]:
    """Yield the parsers to try: the source's own if the body can be its sender's, then that of any
    sender whose form this certainly is, then the source's own after all.
    """
    tried = own if own is not None and _may_be_of(own, body) else None
    if tried is not None:
        yield tried
    first = body[0] if isinstance(body, list) and body else body
    if isinstance(first, dict):
        for parser in PARSERS:
            if parser is not own and parser.recognises is not None and parser.recognises(first):
                yield parser
    if own is not None and tried is None:
        yield own


def _may_be_of(parser: Parser, body: object) -> bool:
    """Return False if the body is another form than the one by which the sender is recognised."""
    if parser.recognises is None:
        return parser.name != "generic"
    first = body[0] if isinstance(body, list) and body else body
    return isinstance(first, dict) and parser.recognises(first)


def _reading(results: list[Alert] | list[Result]) -> Reading:
    alerts = [item for item in results if isinstance(item, Alert)]
    if len(alerts) == len(results):
        return Reading(tuple(alerts))
    return Reading(tuple(alerts), tuple(item for item in results if isinstance(item, Activity)))
