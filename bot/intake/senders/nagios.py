"""Nagios, Icinga 2 and Checkmk: what their notification scripts write into Slack or post as JSON.

All of them fill the same macros: a notification type, a host, a service (a check of that host), a
state and the plugin's output. Only host and service identify the alert.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.cleaning import one_line
from bot.intake.drafting import Draft, activity_about
from bot.intake.field_names import normal_name
from bot.intake.fields import an_object, objects, optional_text, wrong
from bot.intake.lines import read_lines
from bot.intake.reading import Activity, ActivityKind
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare
from bot.intake.times import read_time

# A state, and the severity that it means; '' is over. UNKNOWN has no severity of its own.
_STATES = {
    "OK": "", "UP": "", "WARNING": "warning", "WARN": "warning", "CRITICAL": "critical",
    "CRIT": "critical", "DOWN": "critical", "UNREACHABLE": "high", "UNREACH": "high",
    "UNKNOWN": "unknown", "UNKN": "unknown",
}  # fmt: skip
# Numbers as Icinga 2's event stream writes them, for services and for hosts.
_SERVICE_NUMBERS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_HOST_NUMBERS = ("UP", "DOWN", "UNREACHABLE")
_ACTIVITIES = {
    "ACKNOWLEDGEMENT": ActivityKind.ACKNOWLEDGED,
    "ACKNOWLEDGEMENTSET": ActivityKind.ACKNOWLEDGED,
    "ACKNOWLEDGEMENTCLEARED": ActivityKind.UNACKNOWLEDGED,
    "DOWNTIMESTART": ActivityKind.SILENCED,
    "DOWNTIMESTARTED": ActivityKind.SILENCED,
    "DOWNTIMEADDED": ActivityKind.SILENCED,
    "DOWNTIMETRIGGERED": ActivityKind.SILENCED,
    "DOWNTIMEEND": ActivityKind.UPDATED,
    "DOWNTIMEREMOVED": ActivityKind.UPDATED,
    "DOWNTIMECANCELLED": ActivityKind.UPDATED,
    "FLAPPINGSTART": ActivityKind.UPDATED,
    "FLAPPINGSTOP": ActivityKind.UPDATED,
    "FLAPPINGEND": ActivityKind.UPDATED,
    "FLAPPINGDISABLED": ActivityKind.UPDATED,
    "FLAPPING": ActivityKind.UPDATED,
    "COMMENTADDED": ActivityKind.COMMENTED,
}
_TYPES = frozenset(("PROBLEM", "RECOVERY", "CUSTOM", *_ACTIVITIES))
_TYPE = re.compile(
    r"\W{0,6}(?:(?:Service|Host) )?(?P<type>PROBLEM|RECOVERY|CUSTOM|ACKNOWLEDGE?MENT"
    r"|DOWNTIME ?(?:START(?:ED)?|END|CANCELLED|REMOVED)|FLAPPING ?(?:START|STOP|END|DISABLED)?)"
    r"(?:\W{1,6}(?P<alert>(?:Service|Host)(?: Alert)?\b)|(?= notification))?[\W_]{0,6}",
)
_STATE_WORD = "OK|UP|WARNING|WARN|CRITICAL|CRIT|DOWN|UNREACHABLE|UNREACH|UNKNOWN|UNKN"
_IS_STATE = re.compile(rf" (?:is |\(|- |state: ?)\W{{0,3}}(?P<state>{_STATE_WORD})\b")
_CHANGE = re.compile(
    rf"(?P<subject>[^\n]{{1,200}}?)\W{{1,4}}(?:{_STATE_WORD}) ?(?:->|→) ?(?P<state>{_STATE_WORD})\b"
)
# `:warning: HOST: web1  SERVICE: Disk  MESSAGE: 85 % used`, as a well-known script writes it.
_STATE_OF_EMOJI = {
    "white_check_mark": "OK",
    "warning": "WARNING",
    "exclamation": "CRITICAL",
    "question": "UNKNOWN",
}
_INLINE = re.compile(
    rf"\s{{0,4}}:(?P<emoji>{'|'.join(_STATE_OF_EMOJI)}):\s{{1,6}}HOST: {{0,4}}"
    r"(?P<host>\S{1,200})\s{1,20}(?:SERVICE: {0,4}(?P<check>\S[^\n]{0,150}?)\s{1,20})?"
    r"(?:MESSAGE|OUTPUT|INFO):",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\((?:IP: ?)?[0-9a-fA-F.:]{1,60}\)$")
_SENDERS = ("nagios", "icinga", "checkmk", "check_mk", "check mk", "naemon", "centreon", "thruk")
# Our fact, then its names without underscores and without the prefix of an environment variable.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "host": ("hostname", "host", "hostdisplayname", "hostalias"),
    "check": ("servicedesc", "servicedescription", "servicename", "service", "servicedisplayname"),
    "state": (
        "servicestate", "hostservicestate", "hoststate", "state", "currentstate", "status",
    ),
    "type": ("notificationtype", "type"),
    "output": (
        "serviceoutput", "hostoutput", "output", "pluginoutput", "additionalinfo", "info",
        "message", "longserviceoutput",
    ),
    "author": (
        "notificationauthor", "ackauthor", "serviceackauthor", "hostackauthor", "author",
        "notificationauthorname",
    ),
    "time": ("longdatetime", "datetime", "timestamp", "eventtime", "date", "time", "when"),
    "address": ("hostaddress", "address", "ip"),
    "environment": ("environment", "env"),
}  # fmt: skip
_FACT_OF = {name: fact for fact, names in _NAMES.items() for name in names}
_PREFIX = re.compile(r"^(?:nagios|icinga|notify|naemon)(?=[a-z])")


def parse_message(message: SlackMessage) -> Alert | Activity | None:
    """Parse a notification with a type, a subject and a state, else return None."""
    headlines = [bare(line) for text in message.headlines[:6] for line in text.split("\n")[:3]]
    facts = _facts({**read_lines(message.text).labels, **message.fields})
    ours = any(name in f"{message.sender} {message.text[-300:]}".lower() for name in _SENDERS)
    if ours and (stated := _INLINE.match(message.headlines[0] if message.headlines else "")):
        facts |= {"host": stated["host"], "state": _STATE_OF_EMOJI[stated["emoji"]]}
        facts |= {"check": stated["check"]} if stated["check"] else {}
        headlines = []
    for headline in headlines:
        if opened := _TYPE.match(headline[:300]):
            facts.setdefault("type", opened["type"])
            facts["type"] = facts["type"].upper().replace(" ", "").replace("GMENT", "GEMENT")
            _read_subject(headline[opened.end() : 400], facts, opened["alert"] or "")
            break
        if ours and (change := _CHANGE.match(headline)):
            facts.setdefault("state", change["state"])
            _set_subject(change["subject"], facts, "")
            break
    state = facts.get("state", "").upper()
    known = state in _STATES and (ours or facts.get("type", "").upper() in _TYPES)
    if not facts.get("host") or not (known or facts.get("type", "") in _ACTIVITIES):
        return None
    return _result(facts, message.text, links=message.links, raw=message.raw)


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for the macros of a notification."""
    facts = _facts(body)
    is_typed = facts.get("type", "").upper() in _TYPES
    return bool(facts.get("host")) and is_typed and facts.get("state", "").upper() in _STATES


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse the macros of one notification as an object, or a list of them."""
    return [_of_object(an_object(item, where), where) for where, item in objects(body)]


def _of_object(item: Mapping[str, Any], where: str) -> Alert | Activity:
    facts = _facts(item)
    if not facts.get("host"):
        raise wrong(f"{where}.host" if where else "host", "given, as Nagios's macro HOSTNAME")
    is_activity = facts.get("type", "").upper() in _ACTIVITIES
    if not is_activity and facts.get("state", "").upper() not in _STATES:
        raise wrong(f"{where}.state" if where else "state", "a state of Nagios, such as CRITICAL")
    return _result(facts, _text(item), links=(), raw=item, is_stated=True)


def _facts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts that we know, whatever this script calls them."""
    compact: dict[str, Any] = {}
    for name, value in list(values.items())[:200]:
        compact.setdefault(_PREFIX.sub("", normal_name(name).replace("_", "")), value)
    facts = {}
    present = dict.fromkeys(
        _FACT_OF[name]
        for name, value in compact.items()
        if name in _FACT_OF and value not in (None, "")
    )
    for fact in present:
        value = next(compact[name] for name in _NAMES[fact] if compact.get(name) not in (None, ""))
        if isinstance(value, dict):
            value = value.get("name") or value.get("display_name") or ""
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            facts[fact] = one_line(optional_text(value, fact))
    facts["host"] = _ADDRESS.sub("", facts.get("host", "")).rstrip()
    state = facts.get("state", "").removesuffix(".0")
    numbers = _SERVICE_NUMBERS if facts.get("check") else _HOST_NUMBERS
    if state.isdecimal() and len(state) == 1 and int(state) < len(numbers):  # not `²`
        facts["state"] = numbers[int(state)]
    return {name: text for name, text in facts.items() if text}


def _read_subject(text: str, facts: dict[str, str], kind: str) -> None:
    """Read `web1/HTTP is CRITICAL: …` or `HTTP on web1 is CRITICAL!` behind the type."""
    state = _IS_STATE.search(text)
    if state is not None:
        facts.setdefault("state", state["state"])
        text = text[: state.start()]
    elif facts["type"] in _ACTIVITIES:
        text = re.split(r" by |: ", text, maxsplit=1)[0]
    _set_subject(text, facts, kind)


def _set_subject(text: str, facts: dict[str, str], kind: str) -> None:
    text = text.strip(" \t*_`:;-!")
    if facts.get("host") or not text:
        return
    if kind.startswith("Host"):
        facts["host"] = text
    elif " on " in text:
        facts["check"], _, facts["host"] = text.rpartition(" on ")
    else:
        host, mark, check = text.partition("/")
        if not mark:
            host, mark, check = text.partition(" - ")
        facts["host"], facts["check"] = host.strip(), check.strip()


def _text(item: Mapping[str, Any]) -> str:
    lines = [f"{name}: {value}" for name, value in item.items() if isinstance(value, str | int)]
    return "\n".join(lines[:60])


def _result(
    facts: Mapping[str, str], text: str, *, links: Any, raw: Any, is_stated: bool = False
) -> Alert | Activity:
    kind, state = facts.get("type", "").upper(), facts.get("state", "").upper()
    if (activity := _ACTIVITIES.get(kind)) is None:
        return _alert(facts, state, text, links, raw)
    return activity_about(
        "nagios",
        _identity(facts),
        activity,
        text,
        actor=facts.get("author", ""),
        is_stated=is_stated,
    )


def _identity(facts: Mapping[str, str]) -> dict[str, str]:
    return {"host": facts["host"], "check": facts.get("check", "")}


def _alert(facts: Mapping[str, str], state: str, text: str, links: Any, raw: Any) -> Alert:
    host, check = facts["host"], facts.get("check", "")
    resolved = _STATES.get(state) == ""
    time = read_time(facts.get("time", ""))
    labels = {"host": host, "check": check, "address": facts.get("address", "")}
    labels = {name: value for name, value in labels.items() if value}
    env = facts.get("environment", "") or guesses.env_of(labels)[0] or guesses.env_inside(host)
    read_from = {"severity": "state", **({"env": "guess"} if "environment" not in facts else {})}
    return Draft(
        source="nagios",
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=check or "Host is down",
        title=f"{check} on {host}" if check else f"Host {host} is {state.lower() or 'down'}",
        text=text,
        env=env,
        service="" if guesses.looks_like_address(host) else host,
        category="" if check else "availability",
        severity=_STATES.get(state, ""),
        labels=labels,
        annotations={"output": facts.get("output", "")},
        starts_at=None if resolved else time,
        ends_at=time if resolved else None,
        links=links,
        identity=_identity(facts),
        read_from=read_from,
        raw=raw,
    ).alert()
