"""Splunk: the webhook of a saved search.

https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert
from bot.intake import guesses, states
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, text_at, time_at, value_at, wrong

# Fields of a result that say what is meant; all others may differ each time.
_IDENTIFYING = ("service", "service_name", "app_name", "host", "env", "environment", "entity",
                "dest", "src")  # fmt: skip


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for the result of a saved search."""
    return {"sid", "search_name", "result"} <= body.keys()


def parse_body(body: object) -> list[Alert]:
    """Parse one result. A saved search sends no end, unless a field of the result says so."""
    whole = an_object(body, "body")
    search, sid = text_at(whole, "search_name"), text_at(whole, "sid")
    if not sid or "result" not in whole:
        raise wrong("sid", "the search's id beside its result, as Splunk sends it")
    row = value_at(whole, "result")
    result = {
        name: str(value)
        for name, value in (row.items() if isinstance(row, dict) else ())
        if isinstance(value, str | int | float) and not name.startswith("_")
    }
    name = search or f"Splunk search in {text_at(whole, 'app') or 'an app'}"
    state = result.get("alert_state") or result.get("state") or result.get("status", "")
    text = text_at(row, "_raw", "message", "description")
    lines = "\n".join(f"{key}: {value}" for key, value in list(result.items())[:60])
    return [
        Draft(
            source="splunk",
            status=states.status_of(state),
            name=name,
            title=name,
            text="\n".join(part for part in (text, lines) if part) or name,
            service=guesses.service_of({"app": result.get("app_name", ""), **result})[0],
            severity=result.get("severity") or result.get("urgency", ""),
            labels={
                **result,
                "search_app": text_at(whole, "app"),
                "owner": text_at(whole, "owner"),
            },
            value=result.get("count", ""),
            starts_at=time_at(row, "_time"),
            links=[("Splunk", text_at(whole, "results_link"))],
            identity={
                "search": name,
                "search_app": text_at(whole, "app"),
                **{key: result[key] for key in _IDENTIFYING if key in result},
            },
            read_from={"status": "label state" if states.state_of(state) else "guess"},
            raw=whole,
        ).alert()
    ]
