"""The policy for updates to stakeholders: their channel, and the template of a draft."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.incidents.model import Incident
from bot.language import N_, _
from bot.validation import form

_PLACE = re.compile(r"\{\{([^{}\n]{0,40})\}\}")
_VALUES = ("number", "title", "severity", "status", "service", "environment", "since", "resolved")

DEFAULT_TEMPLATE = N_(
    "{{service}} ({{environment}}): {{title}}\n"
    "Status: {{status}}, severity {{severity}}, since {{since}}.\n"
    "What it means for you: …\n"
    "Next update: …"
)


def _names_known_values(value: str) -> str:
    unknown = [name for name in _PLACE.findall(value) if name.strip() not in _VALUES]
    if unknown:
        raise ValueError(f"no value is called {unknown[0]!r}; known: {', '.join(_VALUES)}")
    return value


class Stakeholders(BaseModel):
    """The channel of the stakeholders, and the text that a draft begins with."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    channel: Annotated[str, form(r"[CG][A-Z0-9]{2,}", "must be the Slack id of a channel (C…, G…)")]
    template: Annotated[
        str, Field(min_length=1, max_length=2000), AfterValidator(_names_known_values)
    ] = DEFAULT_TEMPLATE


def draft_update(template: str, incident: Incident) -> str:
    """Return the template with the incident's values; no value is read as a template again.

    The default template and the words are in the language of the reader.
    """
    shown = incident.display
    values: Mapping[str, str] = {
        "number": incident.number,
        "title": incident.title[:300],
        "severity": _(incident.severity),
        "status": _(incident.status),
        "service": shown.service[:100] or _("a service"),
        "environment": shown.env[:100] or _("environment unknown"),
        "since": _time(shown.since),
        "resolved": _time(incident.resolved_at) if incident.resolved_at else _("not yet"),
    }
    text = _(template) if template == DEFAULT_TEMPLATE else template
    return _PLACE.sub(lambda match: values[match[1].strip()], text)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %H:%M} UTC"
