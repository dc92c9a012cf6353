"""Checks this machine: the store with its audit trail, the HTTP port."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from pathlib import Path

import aiohttp
from yarl import URL

from bot.check.report import Report
from bot.errors import SettingsError, StoreError
from bot.settings import Settings
from store.admin.locations import file_of, name_of, reading
from store.audit import whole_trail
from store.audit.proof.rows import Fault
from store.audit.sealing import AuditKey
from store.engines.newer_schema import refuse_newer
from store.engines.tables import steps

_PORT_SECONDS = 5.0
_PARTS = {"store", "slack", "outbox", "gateway"}  # parts in the answer of a bot's GET /readyz


async def check_store(report: Report, settings: Settings) -> bool:
    """Check that the store is usable; return True if it exists and has this version."""
    url = settings.store_url.get_secret_value()
    try:
        file = file_of(url)
        if file is not None and not file.exists():
            _check_folder(report, file)
            return False
        seen = await asyncio.to_thread(_schema, url)
    except SettingsError as error:
        for problem in error.problems:
            report.problem("store", problem)
        return False
    except StoreError as error:
        report.problem("store", f"STORE_URL: {error.message}", error.remedy or "see docs/store.md")
        return False
    if file is not None and not os.access(file, os.W_OK):
        report.problem("store", f"STORE_URL: {file} cannot be written", "correct its owner or mode")
        return False
    if not seen:
        report.good("store", f"{name_of(url)} is empty: the first start makes its tables")
        return False
    behind = [step for step in steps() if step not in seen]
    if behind:
        report.good("store", f"{name_of(url)}, brought up to date by the next start")
        return False
    report.good("store", f"{name_of(url)}, schema {seen[-1]}")
    return True


def _check_folder(report: Report, file: Path) -> None:
    folder = file.parent
    if not folder.is_dir():
        report.problem(
            "store", f"STORE_URL: there is no folder {folder}", "create it, or correct STORE_URL"
        )
    elif not os.access(folder, os.W_OK | os.X_OK):
        report.problem("store", f"STORE_URL: nothing can be made in {folder}", "correct its owner")
    else:
        report.good("store", f"{file} is made by the first start")


def _schema(url: str) -> list[str]:
    with reading(url) as end:
        seen = list(end.steps())
        refuse_newer(seen, end.name)
        return seen


async def check_audit(report: Report, settings: Settings) -> None:
    """Check that AUDIT_KEY made the trail, and that no row of it has changed."""
    url = settings.store_url.get_secret_value()
    key = AuditKey(settings.audit_key.get_secret_value())
    try:
        proof = await asyncio.to_thread(whole_trail.prove, url, key)
    except Fault as fault:
        report.problem(
            "audit",
            f"AUDIT_KEY is not the key of this store's trail, or the trail was changed: {fault}",
            "restore the key; `python -m bot audit verify` and docs/audit.md say more",
        )
    except StoreError as error:
        report.problem("audit", error.message, error.remedy)
    else:
        report.good("audit", f"{proof.rows:,} rows, each proved")


async def check_port(report: Report, settings: Settings, session: aiohttp.ClientSession) -> None:
    """Check that HTTP_ADDR is free, or in use by a running bot: then this check is for its next
    start.
    """
    host, port = settings.http_host, settings.http_port
    if port == 0:
        report.good("http", f"{host}, any free port")
        return
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and await _is_a_bot(session, host, port):
            report.note("http", f"a bot is running at {settings.http_addr}")
            return
        report.problem(
            "http",
            f"HTTP_ADDR: cannot listen on {settings.http_addr}: {error.strerror or error}",
            "stop what listens there, or choose another address",
        )
    else:
        report.good("http", f"{settings.http_addr} is free")


async def _is_a_bot(session: aiohttp.ClientSession, host: str, port: int) -> bool:
    """Return True if GET /readyz there answers like a bot, ready or not."""
    url = URL.build(scheme="http", host=host, port=port, path="/readyz")
    timeout = aiohttp.ClientTimeout(total=_PORT_SECONDS)
    try:
        async with session.get(url, timeout=timeout, allow_redirects=False) as answer:
            body = await answer.json()
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return False
    checks = body.get("checks") if isinstance(body, dict) else None
    return isinstance(checks, dict) and checks.keys() >= _PARTS
