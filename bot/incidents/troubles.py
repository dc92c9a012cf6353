"""Sorts troubles into acute and slow ones, node failures and deploys.

Only acute troubles, node failures and deploys belong to cascades: a certificate that expires in two
weeks has nothing to do with the outage that happens beside it. `TROUBLES` is the whole rule; the
first row that matches decides, and what no row matches is acute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bot.incidents.model import Alert


class Trouble(StrEnum):
    """The kinds of trouble, by how they spread; stored with the incident."""

    ACUTE = "acute"
    SLOW = "slow"
    NODE_DOWN = "node down"
    DEPLOY = "deploy"


@dataclass(frozen=True, slots=True)
class TroubleWords:
    """A row of the table: one of the phrases in the alert's name or category means this trouble.

    A phrase is a regular expression over lower-case words with a space between them, and begins at
    the begin of a word. With `in_title` it is looked for in the title too. With `of_machine` it is
    a trouble of one machine, and on another machine another trouble.
    """

    trouble: Trouble
    what: str
    phrases: tuple[str, ...]
    in_title: bool = False
    of_machine: bool = False


_GAP = ".{0,190}"  # between two words of a text, which has 200 characters at most
_NODE = "(?:node|host|machine|hypervisor|kubelet|vm)"
_GONE = (
    "(?:down|not ?ready|unready|unreachable|lost|dead|offline|unavailable|not responding"
    "|not reachable|disappeared|stopped|crashed|failed|failure)"
)
_AWAY = "(?:down|not ?ready|unready|unreachable|offline)"
_ZONE = "(?:zones?|az|data ?cent(?:er|re)s?|racks?)"
_CUT_OFF = "(?:outage|partition(?:ed)?|isolated|disconnected|packet loss|network)"
_DISK = "(?:disk|filesystem|file system|volume|pvc?|inode|storage|partition)"
_FILLS = (
    r"(?:space|usage|used|utili[sz]ation|full|fill\w*|low|capacity|free|almost|out|running out"
    r"|watermark)"
)
_DISK_WORKS = (
    r"(?:io|i o|iops|io ?wait|latency|slow|busy|saturat\w*|stall\w*|read ?only|throughput)"
)

TROUBLES = (
    TroubleWords(
        Trouble.ACUTE,
        "a disk that is slow, busy or broken",
        (rf"{_DISK}s?\b{_GAP}\b{_DISK_WORKS}\b", rf"{_DISK_WORKS}\b{_GAP}\b{_DISK}s?\b"),
    ),
    TroubleWords(
        Trouble.SLOW,
        "something expires",
        (r"cert(?:s|ificates?)?\b", r"\w*expir\w*", r"days? left", r"renewal", r"licen[cs]e"),
    ),
    TroubleWords(
        Trouble.SLOW,
        "something expires",
        (r"(?:will |is about to )?expir(?:e|es|ing) (?:in|soon|on|within)", r"\d+ days? left"),
        in_title=True,
    ),
    TroubleWords(
        Trouble.SLOW,
        "a disk fills",
        (
            rf"{_DISK}s?\b{_GAP}\b{_FILLS}\b",
            r"(?:low|free|running out of|out of|almost out of|no) (?:disk|space|storage|inodes?)",
            r"(?:disk|inode|storage|filesystem|volume)s?$",
        ),
        of_machine=True,
    ),
    TroubleWords(
        Trouble.SLOW,
        "a disk fills",
        (r"will fill", r"predicted to (?:fill|run out)", r"filling up", r"almost out of space"),
        in_title=True,
        of_machine=True,
    ),
    TroubleWords(
        Trouble.SLOW,
        "a backup or another scheduled job",
        (
            r"backups?\b",
            r"snapshots?\b",
            r"cron ?jobs?\b",
            r"(?:kube )?jobs? (?:failed|failing|not completed|too long)",
            r"batch\b",
            r"vacuum\b",
            r"retention\b",
        ),
    ),
    TroubleWords(
        Trouble.SLOW,
        "a quota or a cost",
        (r"quotas?\b", r"overcommit\w*", r"billing\b", r"costs?\b", r"spend\w*", r"capacity plan"),
    ),
    TroubleWords(
        Trouble.SLOW,
        "a slow burn of an error budget",
        (
            r"slow burn",
            r"(?:error )?budget burn slow",
            r"\w+ burn (?:rate )?slow",
            r"burn rate low",
        ),
    ),
    TroubleWords(
        Trouble.SLOW,
        "upkeep of the machines",
        (
            r"clock (?:skew|not sync\w*|drift)",
            r"ntp\b",
            r"time sync",
            r"raid\b",
            r"smart\b",
            r"vulnerab\w*",
            r"cve\b",
            r"deprecat\w*",
            r"version (?:mismatch|skew)",
            r"reboot required",
            r"updates? (?:available|pending)",
        ),
        of_machine=True,
    ),
    TroubleWords(
        Trouble.SLOW,
        "a test of the alerting itself",
        (r"watchdog\b", r"dead ?man", r"info inhibitor"),
    ),
    TroubleWords(
        Trouble.NODE_DOWN,
        "a node, host or zone is down",
        (
            rf"{_NODE}s? (?:is |has )?(?:been )?{_GONE}",
            rf"{_NODE} (?:\w+ ){{1,6}}(?:is|went|became) {_AWAY}\b",
            rf"{_NODE} exporter (?:down|missing|absent)",
            rf"(?:lost|dead|unreachable|failed) {_NODE}\b",
            rf"{_ZONE} (?:is |has )?(?:been )?(?:{_GONE}|{_CUT_OFF})",
            rf"(?:cross|inter|multi) ?{_ZONE}\b",
            r"network partition(?:ed)?\b",
            r"status check failed",
            r"unavailable by icmp ping",
        ),
    ),
    TroubleWords(
        Trouble.DEPLOY,
        "a deploy",
        (
            r"deploy(?:ed|ing|s)?\b",
            r"deployment (?:started|finished|failed|succeeded|completed|event)",
            r"rollout (?:started|finished|failed|degraded|aborted)",
            r"(?:sync|release|helm upgrade) (?:failed|started|finished|succeeded|operation)",
            r"new (?:release|version)",
        ),
    ),
)

_DEPLOY_SOURCES = frozenset({"argocd", "flux"})
_MACHINE_JOBS = re.compile(r"(?:.*[-_/])?(?:node|windows)(?:[-_]?exporter)?|kubelet")
_DOWN = re.compile(r"\b(?:instance|target|endpoint|ping|up) (?:is )?(?:down|missing|failed)\b")
_SLOW_WINDOWS = frozenset({"6h", "12h", "1d", "24h", "3d"})
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD = re.compile(r"[^a-z0-9%]+")
_PREPOSITIONS = frozenset({"on ", "of ", "in ", "for ", "at ", "by ", "from "})


def trouble_of(alert: Alert) -> Trouble:
    """Return how the alert's trouble spreads, by `TROUBLES`."""
    labels = alert.labels
    if labels.get("alertname") == "DatasourceError":
        return Trouble.ACUTE  # its name holds that of the rule that was not evaluated
    if labels.get("long") in _SLOW_WINDOWS or labels.get("long_window") in _SLOW_WINDOWS:
        return Trouble.SLOW
    row = _row_of(alert)
    if row is not None and row.trouble is not Trouble.ACUTE:
        return row.trouble
    if alert.source in _DEPLOY_SOURCES:
        return Trouble.DEPLOY
    if _DOWN.search(_text_of(alert.name)) and _MACHINE_JOBS.fullmatch(labels.get("job", "")):
        return Trouble.NODE_DOWN
    return Trouble.ACUTE


def is_of_one_machine(alert: Alert) -> bool:
    """Return True for a trouble that a machine has for itself, such as a disk that fills."""
    row = _row_of(alert)
    return row is not None and row.of_machine


def _row_of(alert: Alert) -> TroubleWords | None:
    """Return the first row of `TROUBLES` that matches the alert's words."""
    name, title = (
        _without_service(_text_of(text), _text_of(alert.service))
        for text in (alert.name, alert.title)
    )
    return _by_words(name, _text_of(alert.category), title)


@lru_cache(maxsize=4096)
def _without_service(text: str, service: str) -> str:
    """Remove the service's name: `High latency on billing-api` is not about a bill.

    A name of one word is removed only after a preposition: `Backup failed` of a service called
    backup is about a backup.
    """
    # No pattern with the name in it: to compile one for each new service takes longer than all else
    # that is read of an alert.
    kept, begin, at = [], 0, text.find(service) if service else -1
    while at >= 0:
        end = at + len(service)
        start = at if " " in service else _preposition_before(text, at)
        if start >= begin and _is_whole(text, at, end):
            kept.append(text[begin:start])
            begin = end
        at = text.find(service, end)
    return " ".join((*kept, text[begin:]))


def _is_whole(text: str, begin: int, end: int) -> bool:
    """Return True if no word goes on beyond these places."""
    return not text[begin - 1 : begin].isalnum() and not text[end : end + 1].isalnum()


def _preposition_before(text: str, at: int) -> int:
    """Return where the preposition before that place begins, -1 without one."""
    begin = text.rfind(" ", 0, at - 1) + 1
    return begin if text[begin:at] in _PREPOSITIONS else -1


@lru_cache(maxsize=4096)  # the alerts of a burst share few names
def _by_words(name: str, category: str, title: str) -> TroubleWords | None:
    for row, pattern in _PATTERNS:
        texts = (name, category, title) if row.in_title else (name, category)
        if any(pattern.search(text) for text in texts):
            return row
    return None


@lru_cache(maxsize=4096)
def _text_of(text: str) -> str:
    """`KubeNodeNotReady` and `node_not-ready` as lower-case words with a space between them."""
    return _NOT_WORD.sub(" ", _HUMP.sub(" ", text[:200]).lower()).strip()


_PATTERNS = tuple((row, re.compile(rf"\b(?:{'|'.join(row.phrases)})")) for row in TROUBLES)
