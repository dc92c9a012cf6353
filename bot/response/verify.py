"""The sixth step: only a probe, or the alert that clears, makes a remediation verified."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import aiohttp

from bot.approvals.model import Approval, Execution, VerifyingAlert
from bot.incidents.model import Incident, IncidentStatus, Resolution
from bot.incidents.remediation import RemediationStatus
from bot.language import deferred


@dataclass(frozen=True, slots=True)
class Probed:
    """One look at the patient: well or not, and what it said."""

    good: bool
    note: str


Probe = Callable[[str], Awaitable[Probed]]


def http_probe(session: aiohttp.ClientSession, timeout: float = 3.0) -> Probe:
    """A probe by GET: a 2xx within `timeout` seconds is good. Redirects are not followed."""

    async def probe(url: str) -> Probed:
        try:
            async with session.get(
                url, timeout=aiohttp.ClientTimeout(total=timeout), allow_redirects=False
            ) as answer:
                good = 200 <= answer.status < 300
                return Probed(
                    good, deferred("the health check answers {status}", status=answer.status)
                )
        except TimeoutError:
            return Probed(
                False, deferred("the health check did not answer in {seconds:g} s", seconds=timeout)
            )
        except aiohttp.ClientError:
            return Probed(False, deferred("the health check cannot be reached"))

    return probe


def probe_url(approval: Approval) -> str:
    """The address the SOP named for the probe, or ''."""
    for parameter in approval.proposal.parameters:
        if parameter.name == "probe_url":
            return str(parameter.value)
    return ""


def verdict(
    execution: Execution,
    incident: Incident,
    alerts: Sequence[VerifyingAlert],
    *,
    good_in_a_row: int,
    needed: int,
    now: datetime,
) -> tuple[RemediationStatus, str] | None:
    """Verified or not verified, with the reason; None while it is still to be seen.

    `alerts` are the alerts that fired when it was sent. Any that began since then, whoever sent
    them, tell nothing of it. `succeeded` is for what nobody can tell: the incident had resolved
    before it was sent, or, at the deadline and without a probe, a person resolved it before the
    alert could clear, or all alerts of one sender cleared and another's still fire.
    """
    if _over_before(execution, incident):
        return RemediationStatus.SUCCEEDED, deferred("the incident had resolved before it was sent")
    if good_in_a_row >= needed:
        in_a_row = deferred(
            "{note}, {count} checks in a row", note=execution.verify_note, count=good_in_a_row
        )
        return RemediationStatus.VERIFIED, in_a_row if good_in_a_row > 1 else execution.verify_note
    if not execution.verify_note and (why := _cleared(incident, alerts)):
        return RemediationStatus.VERIFIED, why
    if execution.verify_until and now >= execution.verify_until:
        if not execution.verify_note and incident.status is IncidentStatus.RESOLVED:
            why = deferred("a person resolved the incident before the alert cleared")
            return RemediationStatus.SUCCEEDED, why
        if not execution.verify_note and (why := _disagreement(alerts)):
            return RemediationStatus.SUCCEEDED, why
        return RemediationStatus.NOT_VERIFIED, execution.verify_note or deferred(
            "the alert still fires"
        )
    return None


def _cleared(incident: Incident, alerts: Sequence[VerifyingAlert]) -> str:
    """Say that every alert by which it is judged cleared; '' if not."""
    if incident.resolution is Resolution.CLEARED:
        return deferred("the alert cleared")
    if alerts and all(alert.cleared for alert in alerts):
        return deferred("the alert cleared; what still fires began after it was sent")
    return ""


def _disagreement(alerts: Sequence[VerifyingAlert]) -> str:
    """Say that the senders disagree whether it helped; '' if they do not.

    Anybody may have fired an alert in this scope before it was sent, and never clear it.
    """
    firing = {alert.sender for alert in alerts if not alert.cleared}
    if {alert.sender for alert in alerts} == firing:
        return ""
    return deferred(
        "every alert of one sender cleared, and those of {senders} still fire",
        senders=", ".join(sorted(firing)),
    )


def _over_before(execution: Execution, incident: Incident) -> bool:
    """Return whether the incident resolved before the request was sent.

    A takeover leaves the start as it was. The end may be the gateway's own time: by whichever of
    the two clocks is behind, the request was sent, at the latest, when it ended.
    """
    times = [at for at in (execution.started_at, execution.finished_at) if at is not None]
    return bool(times) and incident.resolved_at is not None and incident.resolved_at < min(times)
