"""Verifies 10,002 rows of the audit trail from a file, like `python -m bot audit verify`.

They belong to 1,667 remediations, each of which is compared with its execution.

The floor is bare HMAC-SHA256 over the same bytes, without reading and comparing.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.results import Bar, Result
from benchmarks.senders import word
from benchmarks.stage import ROOT, workspace
from bot.approvals.model import Choice
from bot.incidents.remediation import RemediationStatus
from store import Store, open_store
from store.admin.locations import reading
from store.audit import whole_trail
from store.audit.proof.rows import Row, body_text, link_text
from store.audit.sealing import AuditKey
from store.engines.tables import tables
from store.operations.audit_kinds import Kind
from tests.helpers.builders import (
    ANA,
    NOW,
    TEAM,
    claim_execution,
    open_incident,
    pending_approval,
    voter,
)

APPROVALS = 1_667
ROUNDS = 7
ROWS_EACH = 6  # proposed, voted, approved, dispatching, request, answer
KEY = AuditKey("an audit key of the benchmarks")
APART = timedelta(hours=25)  # no limit of the policy covers that time
REQUEST = {"source_id": "bench", "digest": "5f" * 32, "context": "Service: web\n" * 40}
PRESS = {
    "action_ts": "1763954645.123456",
    "trigger_id": "1234567890.1234567890.0123456789abcdef0123456789abcdef",
    "channel": "C0BENCH",
    "message_ts": "1763954600.000100",
}


async def fill(url: str) -> None:
    """Write so many complete remediations."""
    store = await open_store(url, owner="bench", audit_key=KEY)
    try:
        for number in range(APPROVALS):
            await remediate(store, number)
    finally:
        await store.close()


async def remediate(store: Store, number: int) -> None:
    """Write one approval by Ana and one successful restart, on its own day."""
    began = NOW + number * APART
    service = f"web-{word(number)}"
    incident = await open_incident(store, service=service, fingerprint=service)
    approval = await pending_approval(
        store, incident.id, requested_at=began, expires_at=began + timedelta(hours=1)
    )
    await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, began, PRESS)
    execution = await claim_execution(store, began)
    assert execution is not None, "nothing is in its way"
    await store.record(
        Kind.REQUEST, now=began, incident_id=incident.id, subject=approval.id, detail=REQUEST
    )
    await store.finish_execution(
        execution, RemediationStatus.SUCCEEDED, answer={"stdout": "web"}, error="", now=began
    )


def bare(texts: list[bytes]) -> float:
    """Return the seconds of HMAC-SHA256 over these."""
    began = time.perf_counter()
    for text in texts:
        hmac.digest(KEY.raw, text, "sha256")
    return time.perf_counter() - began


def proved(url: str) -> float:
    """Return the seconds of the verification."""
    began = time.perf_counter()
    proof = whole_trail.prove(url, KEY)
    taken = time.perf_counter() - began
    assert proof.rows == APPROVALS * ROWS_EACH
    return taken


def command(url: str, folder: Path) -> float:
    """Return the seconds of the whole command, from its start to its end."""
    settings = {"STORE_URL": url, "AUDIT_KEY": KEY.raw.decode(), "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "bot", "audit", "verify"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"} | settings,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began


def texts_of(url: str) -> list[bytes]:
    """Return the texts under the macs of the rows."""
    (table,) = (table for table in tables() if table.name == "audit")
    with reading(url) as end:
        rows = [Row(*row) for batch in end.rows(table, "1 = 1") for row in batch]
    return [
        text.encode()
        for row in rows
        for text in (body_text(row), link_text(row.seq, row.prev, KEY.mac(body_text(row))))
    ]


async def run() -> list[Result]:
    """Measure the verification and its floor in turn; the quietest round of each counts."""
    with workspace() as folder:
        url = f"sqlite:///{folder / 'audit.db'}"
        await fill(url)
        return await asyncio.to_thread(measured, url, folder)


def measured(url: str, folder: Path) -> list[Result]:
    """Measure outside of the event loop, like the command."""
    texts = texts_of(url)
    values, floors, commands = [], [], []
    for _ in range(ROUNDS):
        values.append(proved(url))
        floors.append(bare(texts))
        commands.append(command(url, folder))
    floor = min(floors)
    detail = {
        "rows": APPROVALS * ROWS_EACH,
        "megabytes": sum(map(len, texts)) / 1e6,
        "rounds_s": values,
        "floor_s": floors,
    }
    return [
        Result("approval.audit_verify", min(values), "s", floor, Bar(1, "s"), detail),
        Result("approval.audit_verify.command", min(commands), "s", floor),
    ]
