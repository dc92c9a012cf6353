"""Graylog: its HTTP notification, and the older one of stream alert conditions.

https://go2docs.graylog.org/current/interacting_with_your_log_data/http_notification.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, text_at, texts_at, time_at, value_at, wrong

_PRIORITIES = {"1": "low", "2": "medium", "3": "high", "4": "critical"}


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for an event, or the check of an alert condition."""
    return {"event_definition_id", "event"} <= body.keys() or (
        "check_result" in body and "stream" in body
    )


def parse_body(body: object) -> list[Alert]:
    """Parse one event. Graylog sends no end."""
    whole = an_object(body, "body")
    if "check_result" in whole:
        return [_older(whole)]
    event = value_at(whole, "event")
    name = text_at(whole, "event_definition_title") or text_at(event, "message")
    if not isinstance(event, dict) or not name:
        raise wrong("event", "an object beside event_definition_title, as Graylog sends it")
    fields = value_at(event, "fields")
    message = value_at(whole, "backlog.0.fields")
    labels = {
        **_texts(
            message, ("service", "app", "application", "env", "environment", "container_name")
        ),
        **_texts(fields, fields if isinstance(fields, dict) else ()),
    }
    key = text_at(event, "key") or ", ".join(texts_at(event, "key_tuple"))
    text = text_at(event, "message")
    priority = text_at(event, "priority")
    return [
        Draft(
            source="graylog",
            status=AlertStatus.FIRING,
            name=name,
            title=f"{name}: {key}" if key else name,
            text="\n".join(
                part
                for part in (
                    text,
                    text_at(whole, "event_definition_description"),
                    text_at(whole, "backlog.0.message"),
                )
                if part
            ),
            # `event.source` is the Graylog server, and the backlog's is a host.
            service=guesses.service_of(labels)[0],
            severity=_PRIORITIES.get(priority, priority),
            labels={**labels, "key": key, "host": text_at(whole, "backlog.0.source")},
            starts_at=time_at(event, "timestamp"),
            links=[("Graylog", text_at(whole, "link", "event.replay_info.link"))],
            identity={
                "definition": text_at(whole, "event_definition_id") or name,
                "key": key,
                **_texts(fields, ("service", "app", "host", "source")),
            },
            read_from={"status": "guess"},
            raw=whole,
        ).alert()
    ]


def _older(whole: Mapping[str, Any]) -> Alert:
    condition = value_at(whole, "check_result.triggered_condition")
    stream = text_at(whole, "stream.title")
    name = text_at(condition, "title") or f"Alert of stream {stream}"
    return Draft(
        source="graylog",
        status=AlertStatus.FIRING,
        name=name,
        title=f"{name}: {stream}" if stream and stream not in name else name,
        text=text_at(whole, "check_result.result_description"),
        labels={"stream": stream, "condition_type": text_at(condition, "type")},
        starts_at=time_at(whole, "check_result.triggered_at"),
        links=[("Graylog", text_at(whole, "stream_url", "stream.url"))],
        identity={"condition": text_at(condition, "id") or name, "stream": stream},
        read_from={"status": "guess"},
        raw=whole,
    ).alert()


def _texts(holder: object, names: object) -> dict[str, str]:
    return {
        name: text
        for name in (names if isinstance(names, tuple | dict) else ())
        if "." not in name and (text := text_at(holder, name))
    }
