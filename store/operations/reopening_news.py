"""Reports that an incident is open again, with what had ended it."""

from __future__ import annotations

from datetime import datetime

from bot.incidents.news import NewsKind
from store.operations import approvals, executions, incidents, news
from store.statements import Operation, Row, to_db_time


def report(row: Row, fix: str, now: datetime, *, symptom: str = "") -> Operation[None]:
    """Report that the incident is open again; `row` is of before, `fix` what had helped.

    `symptom` is the number of the child that opened it again, '' if its own alert did.
    """
    facts = {
        "resolved_at": row["resolved_at"],
        "resolution": row["resolution"],
        "resolved_by": row["resolved_by"],
        "fix": fix,
        "symptom": symptom,
    }
    yield from news.report(
        (yield from incidents.get(row["id"])),
        NewsKind.REOPENED,
        to_db_time(now),
        now,
        facts=facts,
        mentions=(row["acknowledged_by"], row["resolved_by"]),
    )


def title_of_fix(execution_id: str) -> Operation[str]:
    """The action that was verified to have helped; '' without one."""
    if not execution_id:
        return ""
    execution = yield from executions.get(execution_id)
    approval = yield from approvals.get(execution.approval_id)
    title: str = approval.proposal.title
    return title
