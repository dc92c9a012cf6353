"""The body of POST /deploys: which service was deployed, when, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.incidents.deploys import VERSION_CHARS
from bot.incidents.model import Alert, AlertStatus
from bot.intake.cleaning import one_line
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, optional_text, optional_time, wrong

URL_CHARS = 2_048
_EARLIEST = timedelta(days=30)
_LATEST = timedelta(minutes=5)  # a sender's clock may be fast


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """One deploy as its sender reports it. `place` names its service and environment as an alert
    does, so that both are read by the same rules.
    """

    place: Alert
    version: str
    at: datetime
    by: str
    url: str


def parse_deploy_request(body: object, now: datetime) -> DeployRequest:
    """Parse `{"service", "version", "env", "at", "by", "url"}`; only the service is required.

    InputError names the missing or malformed field.
    """
    whole = an_object(body, "body")

    def text(name: str, limit: int = VERSION_CHARS) -> str:
        return one_line(optional_text(whole.get(name), name), limit)

    service = text("service", 200)
    if not service:
        raise wrong("service", "the name of the service that was deployed")
    at = optional_time(whole.get("at"), "at") or now
    if not now - _EARLIEST <= at <= now + _LATEST:
        raise wrong("at", "a time of the last 30 days")
    url = text("url", URL_CHARS + 1)
    if url and (not url.startswith(("http://", "https://")) or len(url) > URL_CHARS):
        raise wrong("url", f"an http(s) address of at most {URL_CHARS} characters")
    place = Draft(
        source="deploys",
        status=AlertStatus.RESOLVED,
        name="deploy",
        service=service,
        env=text("env") or text("environment"),
        region=text("region"),
        labels={"service": service},
        identity={"service": service},
        raw={},
    ).alert()
    return DeployRequest(place, text("version"), min(at, now), text("by"), url)
