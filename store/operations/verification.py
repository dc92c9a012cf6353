"""The alerts by which a remediation is verified: those that fired when its request was sent.

Anybody may fire another alert in its scope at any time: that is news on the card, and tells nothing
of the remediation. The table `watched` holds these alerts; one is cleared there when its own sender
clears it, so a person who resolves the incident clears none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.approvals.model import VerifyingAlert
from store.operations import senders
from store.operations.part import Part
from store.statements import Operation, query, run, to_db_time


def begin(execution_id: str, incident_id: int) -> Operation[None]:
    """Keep what fires in the incident now, for the attempt that is about to be sent."""
    yield run("DELETE FROM watched WHERE execution_id = ?", execution_id)
    yield run(
        "INSERT INTO watched (execution_id, fingerprint, sender)"
        " SELECT ?, fingerprint, sender FROM firing WHERE incident_id = ?",
        execution_id,
        incident_id,
    )


def end(execution_id: str) -> Operation[None]:
    """Forget these alerts: the verdict is known."""
    yield run("DELETE FROM watched WHERE execution_id = ?", execution_id)


def of_execution(execution_id: str) -> Operation[list[VerifyingAlert]]:
    """The alerts of one remediation, by sender."""
    rows = yield query(
        "SELECT sender, cleared_at FROM watched WHERE execution_id = ?"
        " ORDER BY sender, fingerprint",
        execution_id,
    )
    return [VerifyingAlert(row["sender"], cleared=row["cleared_at"] is not None) for row in rows]


_IN_INCIDENT = "execution_id IN (SELECT id FROM executions WHERE incident_id = ?)"


def cleared(incident_id: int, keys: Sequence[str], now: datetime) -> Operation[None]:
    """Their own sender cleared the alerts of these keys."""
    yield run(
        f"UPDATE watched SET cleared_at = ? WHERE fingerprint IN ({senders.placeholders(keys)})"  # noqa: S608 - constants
        f" AND {_IN_INCIDENT}",
        to_db_time(now),
        *keys,
        incident_id,
    )


def fires_again(incident_id: int, key: str) -> Operation[None]:
    """The alert of this key fires, whether or not it had cleared."""
    yield run(
        f"UPDATE watched SET cleared_at = NULL WHERE fingerprint = ? AND {_IN_INCIDENT}",  # noqa: S608 - constants
        key,
        incident_id,
    )


def replaced(incident_id: int, before: str, key: str, sender: str) -> Operation[None]:
    """The alert of one key is by now that of another: its sender edited the message."""
    yield run(
        "INSERT INTO watched (execution_id, fingerprint, sender)"  # noqa: S608 - constants
        f" SELECT execution_id, ?, ? FROM watched WHERE fingerprint = ? AND {_IN_INCIDENT}"
        " ON CONFLICT (execution_id, fingerprint) DO UPDATE SET cleared_at = NULL",
        key,
        sender,
        before,
        incident_id,
    )
    yield run(
        f"DELETE FROM watched WHERE fingerprint = ? AND fingerprint != ? AND {_IN_INCIDENT}",  # noqa: S608 - constants
        before,
        key,
        incident_id,
    )


class VerificationPart(Part):
    """The methods of `Store` for the alerts that verify an execution."""

    async def verifying_alerts(self, execution_id: str) -> list[VerifyingAlert]:
        """The alerts that fired when its request was sent, until `conclude`, by sender."""
        return await self._engine.read(of_execution, execution_id)
