"""The body of POST /incident: a prompt with its incident key, or an alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import InputError
from bot.incidents import keys
from bot.incidents.model import Alert
from bot.intake.checked import checked_key, checked_sop_id
from bot.intake.cleaning import clean
from bot.intake.fields import an_object, optional_text
from bot.intake.general_body import alert_of

MOST_PROMPT_CHARS = 100_000
_PROMPTS = ("prompt", "inputs.prompt", "data.prompt", "params.prompt")
_OWN_KEYS = ("incident_key", "incidentKey")
_KEYS = (
    *_OWN_KEYS,
    "inputs.incident_key",
    "inputs.incidentKey",
    "data.incident_key",
    "data.incidentKey",
    "params.incident_key",
    "params.incidentKey",
    "metadata.group_id",
    "group_id",
)
# A body with one of these is an alert; beside a prompt only `service` makes it an alert.
_ALERT_FIELDS = ("service", "name", "title", "alert_name", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRequest:
    """The caller's question. With an alert the prompt may be empty.

    `incident_key` is the caller's, as written, else that of the alert. `sop_id` is empty unless the
    caller gave one.
    """

    incident_key: str
    prompt: str
    sop_id: str
    alert: Alert | None = None


def parse_incident_request(body: object) -> IncidentRequest:
    """Parse either form. InputError names the missing or malformed field."""
    whole = an_object(body, "body")
    prompt = clean(_first(whole, _PROMPTS)).strip()
    if len(prompt) > MOST_PROMPT_CHARS:
        raise InputError(
            f"prompt: {len(prompt):,} characters; at most {MOST_PROMPT_CHARS:,}",
            field="prompt",
            remedy="Send the part that matters.",
        )
    is_alert = bool(_first(whole, ("service",))) or (
        not prompt and any(whole.get(name) for name in _ALERT_FIELDS)
    )
    if is_alert:
        return _of_alert(whole, prompt)
    key = checked_key(_first(whole, _KEYS), "incident_key")
    missing = [name for name, value in (("incident_key", key), ("prompt", prompt)) if not value]
    if missing:
        names = " and ".join(missing)
        raise InputError(
            f"{names}: required",
            field=missing[0],
            remedy='Send {"incident_key": …, "prompt": …}, or an alert with at least a service.',
        )
    sop_id = checked_sop_id(_first(whole, ("sop_id",)), "sop_id")
    return IncidentRequest(incident_key=key, prompt=prompt, sop_id=sop_id)


def _of_alert(whole: Mapping[str, Any], prompt: str) -> IncidentRequest:
    alert = alert_of(whole)
    key = checked_key(_first(whole, _OWN_KEYS), "incident_key") or keys.incident_key_of(
        alert.env, alert.service, alert.category, alert.severity
    )
    return IncidentRequest(incident_key=key, prompt=prompt, sop_id=alert.sop_id, alert=alert)


def _first(body: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the first of the names (dotted for a field inside another) whose text is not blank."""
    for name in names:
        outer, _, inner = name.rpartition(".")
        holder = body.get(outer) if outer else body
        if isinstance(holder, Mapping) and (text := optional_text(holder.get(inner), name)).strip():
            return text
    return ""
