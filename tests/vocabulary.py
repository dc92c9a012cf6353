"""Finds retired words in identifiers, and docstrings that open with a relative clause.

`python -m tests.vocabulary [PATH …]` lists them, each with its file and line.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
CODE = ("bot", "handlers", "store", "tests", "benchmarks")

_REPLACED = """
want wish wanted -> enqueue, desired_version, sent_version;
tell told_at retold retold_as telling -> append_event, upsert_notice, sent_at, is_reminder,
series_key;
heard in_touch whisper came weather -> on_result, on_connect, send_ephemeral,
ThrottledLogger.log, burst;
lock_of lane -> lock_incident, lock_key, channel claim;
Named Arrival Written Case Demand -> IdentifiedAlert, DeliveryContext, ConfigDigests,
PolicyInput, ApprovalRequirements;
Standing standing Terms Hindrance hopeless doubt why_void _unwanted _why_not -> UserStatus,
user_status, ApprovalConditions, Blocker, evaluate;
said_yes holds_until withdraw take_back thaw lift -> approvers, valid_until, cancel, revoke,
unfreeze;
tend again hurry revive promote lost -> expire_and_revoke, requeue, make_due_now, retry_failed,
raise_priority, mark_deleted;
NEWS POSTS REPEATS gravest graver -> MessageClass STATE_CHANGE, NEW, REFRESH, most severe, more
severe;
door AlertDoor Doors Link Socket Sockets -> AlertReceiver, Endpoints, EnvelopeDispatcher,
SocketConnection, ConnectionPool;
ROOM room linger seat -> MAX_IN_FLIGHT, capacity, drain, slot;
ReadBack now_and_then missed marks Finder finding -> HistoryBackfill, periodic,
request_backfill, cursors, PostedMessageLookup;
Pace calling SlackCalls unwell SlackIsUnwell stumbled -> RateLimiter, SlackClient, back_off,
SlackUnavailable, handle_bug;
look look_again look_when stuck SelfAudit selfcheck begin_anew bundle -> check, recheck,
check_on, overdue work, Watchdog, reset_trail, incident export;
stamp moment blot patience words word_set some_words mend -> to_db_time, from_db_time, redact,
timeout, text, parse_words, optional_text, fix;
one some asked given told said found -> the noun: alert, block, approval, answer;
STORY story Response -> IncidentService
"""
"""Each retired word with the word that replaced it; see docs/glossary.md."""

RETIRED = frozenset(
    word for entry in _REPLACED.split(";\n") for word in entry.partition(" -> ")[0].split()
)

_RELATIVE = re.compile(
    r"(What|Who|Whom|Whose|Whatever|Whoever|Whichever|Of whom|Of what|Whether|Where|How|When|Which"
    r"|That|Why)\b"
)


class Fault(NamedTuple):
    """One place, and what is wrong there."""

    path: str
    line: int
    text: str


def retired_identifiers(path: Path) -> Iterator[Fault]:
    """Names of classes, functions, variables, parameters and attributes that are retired words.

    Names imported from hypothesis, such as `given`, are its own.
    """
    tree = ast.parse(path.read_text("utf-8"))
    theirs = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "hypothesis"
        for alias in node.names
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="web"), attr="Response"):
                continue  # aiohttp's
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                pass
            case ast.AsyncFunctionDef(name=name) | ast.Name(id=name):
                pass
            case ast.arg(arg=name) | ast.Attribute(attr=name):
                pass
            case _:
                continue
        if name not in theirs and (name in RETIRED or name.lstrip("_") in RETIRED):
            yield Fault(_relative(path), getattr(node, "lineno", 0), name)


def relative_docstrings(path: Path) -> Iterator[Fault]:
    """Yield each docstring, also of a constant or an attribute, that names no actor first."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str) and _RELATIVE.match(text.lstrip()):
                yield Fault(_relative(path), node.lineno, text.strip().splitlines()[0])


def files(*paths: str) -> list[Path]:
    """Every Python file there, or of the whole repository."""
    roots = [ROOT / path for path in paths or CODE]
    return sorted(
        file for root in roots for file in (root.rglob("*.py") if root.is_dir() else [root])
    )


def package_of(path: str) -> str:
    """`bot/intake/html.py` is of `bot/intake`."""
    return "/".join(path.split("/")[:2])


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    for file in files(*sys.argv[1:]):
        for fault in (*retired_identifiers(file), *relative_docstrings(file)):
            print(f"{fault.path}:{fault.line}: {fault.text}")
