"""Statements: SQL is written once and run by any engine.

An operation is a generator: it yields statements and is sent what they gave. The engine decides
how they run (SQLite: one after the other on the event loop's thread; PostgreSQL: awaiting each
that has an answer), so an operation is never written twice and never knows which engine runs it.

    def seen(key: str) -> Operation[bool]:
        rows = yield query("SELECT 1 FROM deliveries WHERE key = ?", key)
        return bool(rows)

Placeholders are `?`; statements hold no literal `?` and no literal `%`. They are in the SQL that
SQLite and PostgreSQL both speak; a boolean is 0 or 1. Where two words differ, both stand in
`store.engines.dialects`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, TypeVar

from store.topics import Topic

Row = Any
"""A row: values by position or by column name."""

T = TypeVar("T")
Operation = Generator["Statement", Any, T]


class Statement:
    """One thing an engine does for an operation."""

    __slots__ = ("is_last", "parameters", "sql", "wants", "with_it")

    def __init__(self, wants: str, sql: str, parameters: tuple[Any, ...]) -> None:
        self.wants = wants
        self.sql = sql
        self.parameters = parameters
        self.is_last = False
        self.with_it: tuple[Statement, ...] = ()

    @property
    def has_answer(self) -> bool:
        """Return whether the operation goes by what is sent back."""
        return self.wants in ("rows", "count")


def query(sql: str, *parameters: Any) -> Statement:
    """Sends back the list of rows."""
    return Statement("rows", sql, parameters)


def execute(sql: str, *parameters: Any) -> Statement:
    """Sends back the number of rows changed: a claim reads exactly that."""
    return Statement("count", sql, parameters)


def run(sql: str, *parameters: Any) -> Statement:
    """For what nobody asks about: sends back nothing, and may travel with the next statement."""
    return Statement("nothing", sql, parameters)


def run_many(sql: str, rows: Sequence[tuple[Any, ...]]) -> Statement:
    """`run` once for each of these rows of parameters, in their order."""
    return Statement("many", sql, tuple(rows))


def last(statement: Statement) -> Statement:
    """Nothing but `notify` comes after it in its operation, so the commit may travel with it.

    Whatever it sends back, the operation must not fail any more.
    """
    statement.is_last = True
    return statement


def together(*statements: Statement) -> Operation[list[Any]]:
    """Return what each of them sends back, in their order. None may need another's answer.

    A server is asked for all of them at once.
    """
    statements[0].with_it = statements[1:]
    answers: list[Any] = []
    for statement in statements:
        answers.append((yield statement))  # noqa: PERF401 - a comprehension cannot yield
    return answers


def notify(topic: Topic) -> Statement:
    """Wakes those who wait for `topic`, once the transaction is durable. Sends back nothing."""
    return Statement("notify", topic, ())


def lock(*names: str) -> Statement:
    """Waits until nobody else holds any of these names; held until the transaction ends.

    What is read after it is as the former holder left it. Sends back nothing.
    """
    return lock_all(lambda: names)


def lock_all(names: Callable[[], Iterable[str]]) -> Statement:
    """Do as `lock` with the names that this returns.

    They are worked out at most once, and never by an engine that runs one transaction after the
    other.
    """
    return Statement("lock", "", (cache(names),))


def seal(text: str) -> Statement:
    """Sends back the mac of `text` by the key of the audit trail; see `store.audit.sealing`."""
    return Statement("seal", text, ())


def recall() -> Statement:
    """Sends back the `audit.known_head.TrailView` of this operation; see `audit.sealing`."""
    return Statement("recall", "", ())


def at_end(operation: Callable[[], Operation[Any]]) -> Statement:
    """Runs this operation, in the same transaction, after the one that yields it; see
    `audit.sealing`. Sends back nothing.
    """
    return Statement("at end", "", (operation,))


def genuine(row: object) -> Statement:
    """Sends back whether the key of the audit trail made this row; see `audit.sealing`."""
    return Statement("genuine", "", (row,))


SKIP_LOCKED = "/* skip locked */"
"""Ends a SELECT that picks work: rows that another claimant is taking are passed over."""


def bindable(parameters: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values as every engine takes them: what no database has a place for becomes an escape.

    A NUL is kept as `\\x00`, a lone surrogate, which UTF-8 does not know, as `\\ud800`.
    """
    # One text is looked through faster than many, and each alert binds some 40 of them.
    text = "".join([value for value in parameters if isinstance(value, str)])
    if text.isascii() and "\x00" not in text:
        return parameters
    return tuple(_escaped(value) if isinstance(value, str) else value for value in parameters)


def _escaped(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def to_db_time(at: datetime) -> str:
    """A time as it stands in a row: UTC, fixed width, so that text order is time order."""
    return _utc_text(at if at.tzinfo is UTC else at.astimezone(UTC))


@lru_cache(maxsize=64)  # the rows that one alert writes have the same time
def _utc_text(utc: datetime) -> str:
    # Not strftime: its %Y writes the year 900 as "900", which neither sorts nor reads back.
    return utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def to_db_time_or_none(at: datetime | None) -> str | None:
    """`to_db_time`, or NULL for no time."""
    return to_db_time(at) if at else None


def from_db_time(text: str) -> datetime:
    """The reverse of `to_db_time`."""
    return datetime.fromisoformat(text)


def from_db_time_or_none(text: str | None) -> datetime | None:
    """The reverse of `to_db_time_or_none`."""
    return datetime.fromisoformat(text) if text else None


def starting_with(prefix: str) -> tuple[str, str]:
    """The bounds of the texts that start with `prefix`: from the first, below the second.

    LIKE would read wildcards in what outsiders sent, and does not use an index of ours.
    """
    return prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)
