"""Elastic: alerts of Kibana's rules (own payloads and alert documents), and matches of ElastAlert.

https://www.elastic.co/docs/explore-analyze/alerts-cases/alerts/rule-action-variables
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, text_at, texts_at, time_at, value_at, wrong

_DOCUMENT = "kibana.alert."
_RECOVERED = ("recovered", "untracked")
_MATCH = ("num_hits", "num_matches")


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for an alert document, Kibana's rule and alert, or a match of ElastAlert."""
    rule, alert = body.get("rule"), body.get("alert")
    return (
        f"{_DOCUMENT}rule.name" in body
        or (isinstance(rule, dict) and isinstance(alert, dict) and "actionGroup" in alert)
        or set(_MATCH) <= body.keys()
    )


def parse_body(body: object) -> list[Alert]:
    """Parse one alert."""
    whole = an_object(body, "body")
    if f"{_DOCUMENT}rule.name" in whole:
        return [_document(whole)]
    if isinstance(whole.get("rule"), dict):
        return [_rule(whole)]
    if set(_MATCH) <= whole.keys():
        return [_match(whole)]
    raise wrong("rule", "an object with the rule's name, as Kibana's variables give it")


def _document(whole: Mapping[str, Any]) -> Alert:
    def text(name: str) -> str:
        value = whole.get(f"{_DOCUMENT}{name}")
        return str(value) if isinstance(value, str | int | float) else ""

    labels = _plain(whole)
    return _alert(
        whole,
        rule=text("rule.name"),
        instance=text("instance.id"),
        state=text("status"),
        text=text("reason"),
        severity=text("severity") or text("rule.severity"),
        labels=labels,
        starts_at=time_at([text("start")], "0"),
        ends_at=time_at([text("end")], "0"),
        links=[("Kibana", text("url"))],
    )


def _rule(whole: Mapping[str, Any]) -> Alert:
    context = value_at(whole, "context")
    pairs = (tag.partition(":") for tag in texts_at(whole, "rule.tags"))
    labels = {name.strip(): value.strip() for name, colon, value in pairs if colon}
    return _alert(
        whole,
        rule=text_at(whole, "rule.name", "rule.id"),
        instance=text_at(whole, "alert.id", "alert.uuid"),
        state=text_at(whole, "alert.actionGroup"),
        text=text_at(context, "message", "reason") or text_at(whole, "message"),
        severity=text_at(whole, "severity") or text_at(context, "severity"),
        labels=labels | _plain(context if isinstance(context, dict) else {}),
        value=text_at(context, "value"),
        starts_at=time_at(context, "start") or time_at(whole, "date"),
        ends_at=time_at(context, "end"),
        links=[
            ("Kibana", text_at(context, "alertDetailsUrl", "link")),
            ("Rule", text_at(whole, "rule.url")),
        ],
    )


def _match(whole: Mapping[str, Any]) -> Alert:
    """Read a match: ElastAlert posts the document that matched, and never an end."""
    rule = text_at(whole, "rule_name", "alert_subject", "name", "rule")
    labels = _plain(whole)
    service = guesses.service_of(labels)[0]
    return _alert(
        whole,
        rule=rule or "ElastAlert match",
        # Without a name of its rule, the source of the document is all that stays the same.
        instance=service or labels.get("host.name", "") or labels.get("_index", ""),
        state="",
        text=text_at(whole, "alert_text", "message", "msg"),
        severity=text_at(whole, "severity", "priority"),
        labels=labels,
        starts_at=time_at([whole.get("@timestamp")], "0"),
        ends_at=None,
    )


def _alert(
    whole: Mapping[str, Any],
    *,
    rule: str,
    instance: str,
    state: str,
    text: str,
    severity: str,
    labels: Mapping[str, str],
    **more: Any,
) -> Alert:
    resolved = state.lower() in _RECOVERED
    starts_at = more.pop("starts_at")
    return Draft(
        source="elastic",
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=rule,
        title=f"{rule}: {instance}" if instance and instance not in ("*", rule) else rule,
        text=text or rule,
        severity=severity or guesses.severity_word(state),
        labels={**labels, "rule": rule, "group": instance, "action_group": state},
        starts_at=None if resolved and more.get("ends_at") is None else starts_at,
        # A rule that has groups alerts for each of them.
        identity={"rule": rule, "group": instance},
        read_from={"status": "field" if state else "guess"},
        raw=whole,
        **more,
    ).alert()


def _plain(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of a document whose names say what is monitored (`service.name`)."""
    labels: dict[str, str] = {}
    for path, name in (
        ("service.name", "service"),
        ("service.environment", "env"),
        ("host.name", "host"),
        ("cloud.region", "region"),
        ("service", "service"),
        ("host", "host"),
        ("env", "env"),
        ("environment", "env"),
        ("_index", "_index"),
        ("container.name", "container"),
        ("kubernetes.namespace", "namespace"),
    ):
        flat = document.get(path)
        text = flat if isinstance(flat, str) else text_at(document, path)
        if text:
            labels.setdefault(name, text)
    return labels
