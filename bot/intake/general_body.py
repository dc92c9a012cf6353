"""Reads any JSON object as an alert: our own field names, those of older systems, and whatever else
a sender may call them.

Nothing is refused here. A field of another form than expected is left out, and the alert says so in
`not_understood`; `alert_of` raises that instead, for a caller who can correct it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from bot.errors import InputError
from bot.incidents import keys
from bot.incidents.model import Alert, AlertStatus
from bot.incidents.severity_words import known_severity
from bot.intake import guesses
from bot.intake.body_fields import FieldFinder
from bot.intake.body_labels import labels_in, links_in
from bot.intake.body_lists import members_of
from bot.intake.body_status import severities_in, severity_of_check, status_of_body, status_words
from bot.intake.body_times import TimesOfBody
from bot.intake.checked import checked_key, checked_sop_id
from bot.intake.cleaning import TEXT_LIMIT, json_text, one_line, parse_words
from bot.intake.drafting import Draft, identifying, still
from bot.intake.field_names import normal_name
from bot.intake.fields import at, optional_text, text_mapping, wrong
from bot.intake.headline import read_headline
from bot.intake.holders import holders_of, unwrapped
from bot.intake.reasons import is_answer
from bot.intake.states import state_of

_LABEL_LINES = 60  # lines of a body that are shown if nothing in it is a text

_WORD = re.compile(r"[^\W_]+(?:[ _-][^\W_]+)*")

T = TypeVar("T")


def parse_body(body: object) -> list[Alert]:
    """Read one object or a list of them; any other JSON value is one alert that shows it."""
    return parse_anything(body, "generic")


def parse_anything(body: object, source: str, reason: str = "") -> list[Alert]:
    """Read any JSON value: a list is an alert an item, anything else is one. Never raises."""
    if isinstance(body, list) and body:
        return [
            alert
            for index, item in enumerate(body)
            for alert in _alerts_of(item, f"[{index}]", source, reason)
        ]
    return _alerts_of(body, "", source, reason)


def _alerts_of(body: object, where: str, source: str, reason: str) -> list[Alert]:
    members: Sequence[object] = members_of(body) if isinstance(body, dict) else ()
    return [alert_of_anything(each, where, source, reason) for each in members or [body]]


def alert_of(body: Mapping[str, Any], where: str = "", source: str = "generic") -> Alert:
    """Read one object. InputError names the first field that is missing or malformed."""
    reader = _BodyReader(body, where, source)
    alert = reader.alert()
    if reader.problems:
        raise reader.problems[0]
    return alert


def alert_of_anything(
    body: object, where: str = "", source: str = "generic", reason: str = ""
) -> Alert:
    """Read any JSON value as an alert that shows its text. Never raises.

    `reason` is why the sender's own parser did not read it.
    """
    if not isinstance(body, dict):
        reason = reason or str(wrong(where or "body", "an object"))
        text = body if isinstance(body, str) else json_text(body)
        body = {"text": text or "(an empty body)"}
    return _BodyReader(body, where, source).alert(reason)


class _BodyReader:
    """Reads one object; what has another form than expected goes into `problems`."""

    def __init__(self, body: Mapping[str, Any], where: str, source: str) -> None:
        self.raw = body
        self.body = unwrapped(body)
        self.wrapper = normal_name(next(iter(body), "")) if self.body is not body else ""
        self.where = where
        self.source = source
        self.problems: list[InputError] = []
        self.read_from: dict[str, str] = {}
        self.holders = holders_of(self.body)
        self.own, self.inner = self.holders.own, self.holders.inner
        self.fields = FieldFinder(self.holders, self.kept, self.read_from)
        self.find = self.fields.find

    def alert(self, reason: str = "") -> Alert:
        name, title, text, service = self.subject()
        metadata = self.kept({}, text_mapping, self.body.get("metadata"), "metadata")
        labels = labels_in(self.body, self.holders, self.kept)
        annotations = self.kept({}, text_mapping, self.body.get("annotations"), "annotations")
        shown = title or name or text
        is_kind = name.lower() in _KINDS_OF_CHECK
        if is_answer(shown) and not is_kind and (watched := self.fields.watched(name)):
            name, title = watched, f"{watched}: {shown.split(chr(10), 1)[0]}"
        elif name and not title and labels.get("monitor", name) != name:
            title = f"{labels['monitor']}: {name}"  # "Nightly backup: has not completed"
        elif is_kind and not title:
            title = text.split("\n", 1)[0] or f"{service} {name}".strip()
        headline = read_headline(title or name or text)
        status = self.status(headline.state)
        is_stated = self.read_from.get("status") is None
        thing = self.fields.thing() if is_stated and not (name or title) else ""
        if is_named(thing) or not (name or title or text or service):
            name = (thing or self.fields.thing()).partition(" ")[2]
            title = f"{name}: {text.split(chr(10), 1)[0]}" if text else name
            headline = read_headline(title)
        name = name or headline.title or title or text.split("\n", 1)[0] or service
        category = self.category() or labels.get("category", "")
        env, region = self.fields.env(service, labels), self.find("region")
        times = TimesOfBody(self.holders, self.where, self.problems)
        identity = {
            "name": still(thing or read_headline(name).subject),
            "env": env,
            "service": service,
            "category": category or guesses.category_of(thing or name),
            "region": region,
            "group": metadata.get("group_id", ""),
        }
        severity = self.severity() or headline.severity or guesses.severity_word(title or name)
        return Draft(
            source=self.source,
            status=status,
            name=name,
            title=headline.title if title else title or name,
            text=text or title,
            env=env,
            region=region,
            service=service,
            category=category,
            severity=severity,
            labels=labels,
            annotations={**metadata, **annotations},
            value=self.find("value"),
            threshold=self.find("threshold"),
            starts_at=times.start(metadata),
            ends_at=times.end(),
            links=links_in(self.body, self.holders, self.kept),
            fingerprint=self.find("fingerprint") or self.id_of_alert(),
            identity={**identifying(labels), **identity},
            tracking_id=self.find("tracking_id"),
            incident_key=self.kept("", checked_key, self.find("incident_key"), "incident_key"),
            sop_id=self.kept("", checked_sop_id, self.find("sop_id"), "sop_id"),
            read_from=self.read_from,
            not_understood=reason or (str(self.problems[0]) if self.problems else ""),
            raw=self.raw,
        ).alert()

    def category(self) -> str:
        """Return the category; the type of an event, such as `deployment.error`, is none."""
        category = self.find("category")
        return category if _WORD.fullmatch(category) and not state_of(category) else ""

    def subject(self) -> tuple[str, str, str, str]:
        """Return name, title, text and service; at least one of them says something."""
        name, title, text, service = map(self.find, ("name", "title", "text", "service"))
        message = self.own.get("message")
        if not (name or title) and isinstance(message, str) and message.strip() != text:
            title = message.strip()  # the short text, where a longer one stands beside it
        if not (name or title or text or service or is_named(self.fields.thing())):
            self.problems.append(wrong(at(self.where, "name"), "given, or title, text or service"))
            title, text = self.inner_text(), self.lines()
        return name, title, text, service

    def id_of_alert(self) -> str:
        """Return the id of the alert that an event such as `alert.resolved` is about, or of the
        incident that a sender opened and closes; '' without one.
        """
        incident = self.own.get("incident_id")
        if self.wrapper in _OCCURRENCES:
            incident = incident or self.own.get("id")
        elif self.holders.about in _OCCURRENCES:
            incident = incident or self.holders.subject.get("id")
        if isinstance(incident, str | int) and str(incident) not in ("", "0"):
            return keys.fingerprint_of(self.source, {"incident": str(incident)})
        event = normal_name(str(self.own.get("event", "")).replace(".", "_"))
        if not event.startswith(("alert_", "incident_")):
            return ""
        ids = (holder.get("alert_id") for holder in (self.own, self.holders.subject))
        return next((each for each in ids if isinstance(each, str) and each), "")

    def kept(self, otherwise: Any, read: Callable[[Any, str], T], value: Any, name: str) -> T:
        """Return what `read` returns; if the value has another form, note that and return
        `otherwise`, which is empty.
        """
        try:
            return read(value, at(self.where, name))
        except InputError as error:
            self.problems.append(error)
            empty: T = otherwise
            return empty

    def status(self, by_title: AlertStatus | None) -> AlertStatus:
        for name in ("status", "state"):
            if isinstance(value := self.own.get(name), dict | list):
                self.kept("", optional_text, value, name)
        if status := status_of_body(self.holders, by_title):
            return status
        self.read_from["status"] = "title" if by_title else "guess"
        return by_title or AlertStatus.FIRING

    def severity(self) -> str:
        tokens = [str(word) for holder in self.holders.each() for word in severities_in(holder)]
        stated = next(iter(tokens), "")
        tokens += [word for holder in self.holders.each()[:2] for word in status_words(holder)]
        tokens += severity_of_check(self.holders.subject)
        known = (word for word in tokens if known_severity(guesses.severity_spoken(word)))
        return next(known, stated)

    def inner_text(self) -> str:
        """Return the longest text inside: a body that names nothing still says something."""
        texts = [
            item
            for item in (*self.own.values(), *self.inner.values())
            if isinstance(item, str) and not item[:4].isdigit()  # a time
        ]
        return max(texts, key=lambda text: len(text[:200]), default="")

    def lines(self) -> str:
        """Return the body as `name: value` lines."""
        lines = [
            f"{name}: {one_line(str(item))}"
            for name, item in (*self.own.items(), *self.inner.items())
            if isinstance(item, str | int | float)
        ]
        return "\n".join(lines[:_LABEL_LINES])[:TEXT_LIMIT] or json_text(self.body)[:TEXT_LIMIT]


def is_named(thing: str) -> bool:
    """Return True if `flow nightly` has a name, and not only a number: `monitor_id 1`."""
    return any(character.isalpha() for character in thing.partition(" ")[2])


# Their ids are those of one occurrence, from its beginning to its end; that of an alert may be the
# id of a rule, which several services break.
_OCCURRENCES = frozenset(("incident", "issue", "problem"))
# These say how was checked, and not what.
_KINDS_OF_CHECK = parse_words(
    "http https tcp udp ping icmp dns ssl api browser heartbeat web url uptime certificate"
)
