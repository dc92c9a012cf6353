"""Made-up alerts, approvals and times for the store's tests."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.approvals.binding import digest_of
from bot.approvals.blockers import Blocker
from bot.approvals.limits import DEFAULT_LIMITS, Limits
from bot.approvals.model import Approval, Execution, UserStatus
from bot.approvals.policy import Voter
from bot.approvals.reasons import BlockerKind, Reason
from bot.incidents import correlation
from bot.incidents.correlation import IdentifiedAlert
from bot.incidents.environments import DEFAULT
from bot.incidents.keys import sop_id_of
from bot.incidents.model import Alert, AlertStatus, Incident, Severity
from bot.incidents.remediation import Parameter, Preview, Proposal, RemediationStatus
from bot.incidents.services import NO_SERVICES
from bot.incidents.subject import scope_of
from bot.incidents.subject_reader import subject_of
from store import Store
from store.audit.sealing import AuditKey

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
CHANNEL = "C0ALERTS"
OPS = "C0OPS"
TEAM = "T0HOME"
AUDIT_KEY = AuditKey("an audit key of the tests")
ANA, BEN, CAT = "U0ANA", "U0BEN", "U0CAT"

_numbers = itertools.count(1)


def later(seconds: float) -> datetime:
    """So many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def alert(**changes: Any) -> Alert:
    """A firing alert about CPU on prod's web service, with what is to be different."""
    fields: dict[str, Any] = {
        "source": "alertmanager",
        "status": AlertStatus.FIRING,
        "name": "HighCpu",
        "title": "web: CPU at 93 %",
        "env": "prod",
        "service": "web",
        "category": "cpu",
        "severity": Severity.HIGH,
        "fingerprint": "fp-web-cpu",
    }
    return Alert(**{**fields, **changes})


def resolved(**changes: Any) -> Alert:
    """The same alert, resolved."""
    return alert(status=AlertStatus.RESOLVED, **changes)


def identify(
    item: Alert,
    *,
    sop_id: str | None = None,
    dedup_key: str = "",
    tracking_id: str = "",
    sent_at: datetime | None = None,
) -> IdentifiedAlert:
    """The alert with its identity; every call is another telling unless `dedup_key` is given."""
    number = next(_numbers)
    subject = subject_of(item, DEFAULT, NO_SERVICES)
    incident_key = correlation.key_of(item)
    return IdentifiedAlert(
        alert=item,
        scope=scope_of(item, subject, DEFAULT),
        subject=subject,
        incident_key=incident_key,
        sop_id=sop_id or item.sop_id or sop_id_of(incident_key),
        tracking_id=tracking_id or f"req-{number}",
        dedup_key=dedup_key or f"telling-{number}",
        sop_matched=sop_id is not None,
        sent_at=sent_at,
    )


async def deliver(
    store: Store, *alerts: Alert, at: datetime = NOW, sop_id: str | None = None
) -> int:
    """Accept the alerts as one fresh delivery; the id of the last incident they touched, or 0."""
    receipt = await store.accept(
        f"delivery-{next(_numbers)}",
        [identify(item, sop_id=sop_id) for item in alerts],
        channel=CHANNEL,
        now=at,
    )
    return receipt.incident_ids[-1] if receipt.incident_ids else 0


async def open_incident(store: Store, **changes: Any) -> Incident:
    """A fresh open incident."""
    return await store.incident(await deliver(store, alert(**changes)))


def approval(incident_id: int, **changes: Any) -> Approval:
    """A restart of web that waits for one yes of Ana or Ben; Cat asked for it.

    Each acts on a target of its own, so that none is in another's way, unless `target` is given.
    """
    number = next(_numbers)
    fields: dict[str, Any] = {
        "id": f"{number:032x}",
        "incident_id": incident_id,
        "proposal": Proposal(
            action_id="service.restart",
            title="Restart web",
            target=changes.pop("target", f"web-{number}"),
            parameters=(
                Parameter("target", "web", "alert: service"),
                Parameter("grace_seconds", 10, "default"),
            ),
            risk="medium",
            reversible="no",
            intent="restart the service",
        ),
        "preview": Preview("docker restart web", "sha256:1", "1 container"),
        "state": RemediationStatus.AWAITING_APPROVAL,
        "requested_by": CAT,
        "requested_at": NOW,
        "expires_at": later(900),
        "needed": 1,
        "approvers": (ANA, BEN, CAT),
        "digest": "",
        "decided_by": "",
        "decided_at": None,
        "reason": None,
        "votes": (),
    }
    item = Approval(**{**fields, **changes})
    return item if "digest" in changes else replace(item, digest=digest_of(item))


async def pending_approval(store: Store, incident_id: int, **changes: Any) -> Approval:
    """An approval that the store knows."""
    result = approval(incident_id, **changes)
    return await store.ask(result, f"test:{result.id}")


async def claim_execution(
    store: Store, now: datetime, limits: Limits = DEFAULT_LIMITS
) -> Execution | None:
    """The execution that this store claims, for who needs nothing else of it."""
    claimed = await store.claim_dispatch(now, limits)
    return claimed.execution if claimed else None


def voter(user: str, team: str = TEAM) -> Voter:
    """Somebody who pressed, of whom Slack says that they are a person of this workspace."""
    return Voter(user, team, UserStatus(problem=None))


async def revoke(store: Store, approval_id: str, why: str, now: datetime) -> bool:
    """End an approval for a reason, unless it is too late."""
    blocker = Blocker(kind=BlockerKind.FROZEN, user=CAT, reason=why)
    return await store.end_blocked(await store.approval(approval_id), blocker, now)


def frozen_because(why: str) -> Reason:
    """The reason of what `revoke` ended."""
    return Reason(kind=BlockerKind.FROZEN, user=CAT, reason=why)
