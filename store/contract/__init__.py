"""The store's contract: each docstring states the promise, whichever engine keeps it.

Every method is one transaction. What it returns is durable: a killed process, a power cut, lose
nothing that was returned. Methods raise `bot.errors.StoreError` when the engine cannot write,
`NotFound` and `Refused` where their docstring says so.

A file a topic; `Store` is all of them.
"""

from __future__ import annotations

from store.contract.advice import Advising
from store.contract.alerts import Alerts
from store.contract.approvals import Approvals
from store.contract.audit import Audit
from store.contract.executions import Executions
from store.contract.housekeeping import Housekeeping
from store.contract.incidents import Incidents
from store.contract.itself import Itself
from store.contract.outbox import Outgoing
from store.contract.part import Engine
from store.contract.proposing import Proposing

__all__ = ["Engine", "Store"]


class Store(
    Alerts,
    Incidents,
    Advising,
    Proposing,
    Approvals,
    Executions,
    Outgoing,
    Audit,
    Itself,
    Housekeeping,
):
    """Everything the bot remembers. `owner` names this process in what it claims.

    What it claims is its own while its lease lasts: `lease_seconds` after each renewal. Without
    `audit_key` it does nothing that must be recorded in the audit trail: StoreError.
    """
