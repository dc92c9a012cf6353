"""Words a deploy: on the card, if it is the probable cause."""

from __future__ import annotations

from bot.incidents.deploys import Deploy
from bot.incidents.model import Incident
from bot.language import _
from handlers.views.text import clock, span, untrusted_line


def cause_line(deploy: Deploy | None, incident: Incident) -> str:
    """`probable cause: deploy of web 1.4.2 by ana, 6 min before (03:04)`; '' without one."""
    if deploy is None:
        return ""
    version = f" {untrusted_line(deploy.version, 60)}" if deploy.version else ""
    by = _(" by {by}").format(by=untrusted_line(deploy.by, 60)) if deploy.by else ""
    seconds = (incident.display.since - deploy.at).total_seconds()
    before = _(", {duration} before").format(duration=span(seconds)) if seconds >= 0 else ""
    service = untrusted_line(deploy.name, 60)
    return _("probable cause: deploy of {service}{version}{by}{before} ({at})").format(
        service=service, version=version, by=by, before=before, at=clock(deploy.at)
    )
