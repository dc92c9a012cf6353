"""A store with very many alerts, written by SQL: the operations would take hours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bot.incidents.correlation import Reason
from bot.incidents.model import IncidentStatus, Severity
from store.admin.locations import file_of
from store.rows import alert_to_json
from store.statements import to_db_time
from tests.helpers.builders import alert

Rows = Iterator[tuple[Any, ...]]
JOINED = (Reason.SAME_FINGERPRINT, Reason.SAME_SCOPE, Reason.SAME_SOP)
ALERTS_EACH = 20  # alerts in an incident
TYPES = 40
REPEATED_HOURS = 24  # hours of an incident in which its alert was repeated

_BODY = alert_to_json(alert(name="Slow", title="a short body: the indexes never read it"))
_COLUMNS = {
    "incidents": (
        "id, incident_key, sop_id, scope_env, scope_service, scope_category, status, severity,"
        " title, env, region, service, category, channel, source, alert_count, firing, value,"
        " threshold, text, labels, links, tracking_id, opened_at, updated_at, acknowledged_at,"
        " resolved_at, created_at"
    ),
    "alerts": (
        "dedup_key, incident_id, source, status, name, severity, fingerprint, tracking_id, reason,"
        " told_at, received_at, body"
    ),
    "outbox": (
        "key, kind, incident_id, subject, channel, in_thread, rank, not_before, created_at,"
        " desired_version, sent_version, ts, posted_at"
    ),
    "advice": "incident_id, question, asked_by, rank, state, body, at, given_at, asked_at",
    "repeats": "hour, incident_id, alert, count, last_at",
}


def fill_with_alerts(url: str, alerts: int, end: datetime, days: int = 30) -> None:
    """Write so many alerts of the last `days` days, and their incidents, into a migrated store."""
    count = alerts // ALERTS_EACH
    step = timedelta(days=days) / count
    began = end - timedelta(days=days)

    def at(number: int, seconds: float = 0) -> str:
        return to_db_time(began + step * number + timedelta(seconds=seconds))

    numbers = range(1, count + 1)
    tables: dict[str, Rows] = {
        "incidents": (_incident(number, at, is_open=number > count - 200) for number in numbers),
        "alerts": (_alert(number, place, at) for number in numbers for place in range(ALERTS_EACH)),
        "outbox": (
            (
                f"card:{n}",
                "card",
                n,
                str(n),
                "C0ALERTS",
                0,
                0,
                at(n),
                at(n),
                1,
                1,
                f"{n}.1",
                at(n, n % 9),
            )
            for n in numbers
        ),
        "advice": (
            (n, "", "", 0, "done", '{"source": "SOP"}', at(n, 5 + n % 30), at(n, 5 + n % 30), at(n))
            for n in numbers
        ),
        "repeats": (
            (
                at(n, hour * 3600)[:13] + ":00:00.000000Z",
                n,
                f"alertmanager/fp-{n}",
                3,
                at(n, hour * 3600),
            )
            for n in numbers
            for hour in range(REPEATED_HOURS if n % 10 == 0 else 0)
        ),
    }
    file = file_of(url)
    if file:
        _into_sqlite(str(file), tables)
    else:
        _into_postgres(url, tables)


def _incident(n: int, at: Any, *, is_open: bool) -> tuple[Any, ...]:
    status = IncidentStatus.OPEN if is_open else IncidentStatus.RESOLVED
    return (
        n,
        f"prod|s{n}|type-{n % TYPES}|high",
        f"sop_{n}",
        "prod",
        f"s{n}",
        f"type-{n % TYPES}",
        status,
        list(Severity)[n % 4],
        f"service s{n} is slow",
        "prod",
        "",
        f"s{n}",
        f"type-{n % TYPES}",
        "C0ALERTS",
        "alertmanager",
        ALERTS_EACH,
        int(is_open),
        "",
        "",
        "text " * 40,
        "{}",
        "[]",
        f"req-{n}",
        at(n),
        at(n),
        None if n % 3 else at(n, 60 + n % 600),
        None if is_open else at(n, 600 + n % 6000),
        at(n),
    )


def _alert(n: int, place: int, at: Any) -> tuple[Any, ...]:
    return (
        f"delivery-{n}#{place}",
        n,
        "alertmanager",
        "firing",
        "Slow",
        "high",
        f"fp-{n}",
        f"req-{n}" if place == 0 else f"req-{n}-{place}",
        Reason.OPENED if place == 0 else JOINED[place % len(JOINED)],
        "",
        at(n, place),
        _BODY,
    )


def _into_sqlite(file: str, tables: dict[str, Rows]) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        for table, rows in tables.items():
            places = ", ".join("?" * len(_COLUMNS[table].split(",")))
            connection.executemany(
                f"INSERT INTO {table} ({_COLUMNS[table]}) VALUES ({places})",  # noqa: S608 - constants
                rows,
            )


def _into_postgres(url: str, tables: dict[str, Rows]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for table, rows in tables.items():
            with connection.cursor().copy(f"COPY {table} ({_COLUMNS[table]}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        for table in tables:
            connection.execute(f"VACUUM ANALYZE {table}")  # as the server does by itself
