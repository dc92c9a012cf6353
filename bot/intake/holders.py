"""Finds the names and values inside a JSON body: those of the body itself, of the object that the
alert is about, and of every other object.

A body may hold anything: 400 values are looked at, five levels deep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.intake.field_names import ALIASES, normal_name

NODE_LIMIT = 400  # values of a body that are looked at
_DEPTH_LIMIT = 5
# An object under one of these names is what an alert is about; the first name wins. Others (an
# account, a person, a workspace) are only around it.
SUBJECTS = (
    "alert", "incident", "issue", "problem", "error", "exception", "fault", "item", "check",
    "monitor", "rule", "alarm", "trigger", "test", "site", "job", "connection", "pipeline",
    "definition", "workflow", "data", "payload", "check_in",
)  # fmt: skip
_ALERTS = frozenset(SUBJECTS[: SUBJECTS.index("job")])
_NAMES_OF_SUBJECT = (
    *ALIASES["name"], *ALIASES["title"], "alias", "message", "exception_class", "error_class",
    "klass", "label", "text", "url",
)  # fmt: skip
# What is only around an alert: no name in one of these names it.
_AROUND = frozenset((
    "webhook", "sender", "user", "creator", "author", "actor", "owner", "account", "organization",
    "org", "team", "installation", "responders", "notified_users", "subscriber", "assignee",
))  # fmt: skip
_SAYINGS = (
    *ALIASES["title"], "text", "description", "message", "msg", "body", "details", "reason",
    "comment",
)  # fmt: skip
# Objects that hold one alert and nothing else; these names hold its parts.
_PARTS = frozenset(("labels", "annotations", "metadata", "tags", "status", "state"))
# `monitorFriendlyName` names the alert; `node_name` only a body that says nothing else.
_NAMING = re.compile(
    r"(?:monitor|check|alert|rule|test|probe|trigger|alarm|sensor)(?:_[a-z]+)?_?name"
)
_NAMING_THINGS = re.compile(
    r"(?:workspace|pipeline|definition|connection|site|job|workflow|node|device|server|endpoint"
    r"|database|question|report|query|dashboard|table|metric|queue|topic)(?:_[a-z]+)?_?name"
)
_NAMES_OTHERS = re.compile(
    r"group|type|stat|user|host|account|org|team|agent|creator|author|owner|sender"
)


@dataclass(frozen=True, slots=True)
class Holders:
    """The values of a body by their names, as `normal_name` writes these.

    `own` are the body's, `subject` those of the object that the alert is about, `inner` those of
    all other objects, the nearest first. `names` are the names of the objects themselves, `objects`
    the nearest object of each name. `about` is the subject's.
    `is_about_subject`: the subject is the alert itself, or the body names nothing else.
    `says_something`: the body has a title or text of its own.
    """

    own: Mapping[str, Any]
    subject: Mapping[str, Any]
    inner: Mapping[str, Any]
    names: Mapping[str, str]
    objects: Mapping[str, Mapping[str, Any]]
    about: str = ""
    is_about_subject: bool = False
    says_something: bool = True

    def texts_under(self, name: str) -> dict[str, str]:
        """Return the texts and numbers of the nearest object of a name, such as `dimensions`."""
        return {
            key: str(value)
            for key, value in first(self.objects.get(name, {}).items(), NODE_LIMIT)
            if isinstance(value, str | int | float) and str(value).strip()
        }

    def each(self) -> tuple[Mapping[str, Any], ...]:
        """Return the three, in the order in which they count."""
        return (self.own, self.subject, self.inner)

    def name_of_subject(self, *, is_titled: bool) -> str:
        """Return the name of what the alert is about, or ''. A thing names it only if the body has
        no title.
        """
        spoken = () if self.says_something else ("description",)
        texts = (self.subject.get(name) for name in (*_NAMES_OF_SUBJECT, *spoken))
        named = (text for text in texts if isinstance(text, str) and text.strip())
        things = () if is_titled else (self.own, self.subject)
        return (
            _named(self.own, _NAMING)
            or next(named, "").strip()
            or _named(self.subject, _NAMING)
            or next(filter(None, (_named(holder, _NAMING_THINGS) for holder in things)), "")
        )


def _named(holder: Mapping[str, Any], naming: re.Pattern[str]) -> str:
    """Return the value of a field such as `monitorFriendlyName`, or ''."""
    for name, value in holder.items():
        is_name = naming.fullmatch(name) and not _NAMES_OTHERS.search(name)
        if is_name and isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def only_name(values: list[Any]) -> str | None:
    """Return the name of the only item of a list, such as `[{"name": "cart"}]`; else None."""
    if len(values) != 1:
        return None
    value = values[0]
    return name_of(value) if isinstance(value, dict) else value if isinstance(value, str) else None


def unwrapped(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object that a body holds and nothing else, such as `{"problem": {…}}`."""
    for _ in range(_DEPTH_LIMIT):
        name, value = next(iter(body.items()), ("", None))
        if len(body) != 1 or not isinstance(value, dict) or normal_name(name) in _PARTS:
            break
        body = value
    return body


def holders_of(body: Mapping[str, Any]) -> Holders:
    """Return the names and values of a body."""
    own = {normal_name(name): item for name, item in first(body.items(), NODE_LIMIT)}
    inner: dict[str, Any] = {}
    objects: dict[str, Mapping[str, Any]] = {}
    for name, item in _inside(body):
        if isinstance(item, dict):
            objects.setdefault(name, item)
        else:
            inner.setdefault(name, item)
    about = _subject_in(own, objects)
    subject = objects.get(about, {})
    named = {normal_name(name): item for name, item in first(subject.items(), NODE_LIMIT)}
    if "name" not in named and (own_name := name_of(subject)):
        named["name"] = own_name
    names = {key: text for key, item in objects.items() if (text := name_of(item))}
    is_named = any(isinstance(own.get(key), str) for key in _NAMES_OF_SUBJECT)
    says_something = any(isinstance(own.get(key), str) for key in _SAYINGS)
    return Holders(
        own, named, inner, names, objects, about, about in _ALERTS or not is_named, says_something
    )


def name_of(value: Mapping[str, Any]) -> str | None:
    """Return the name of an object, such as `service: {"id": …, "summary": "cart"}`."""
    names = (value.get(key) for key in ("name", "summary", "display_name", "displayName", "title"))
    name = next((name for name in names if isinstance(name, str) and name.strip()), None)
    metadata = value.get("metadata")
    if name is None and isinstance(metadata, dict) and isinstance(metadata.get("name"), str):
        return str(metadata["name"])
    return name


def _subject_in(own: Mapping[str, Any], objects: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the name of the object that the body is about: the one named after its event, or the
    first of `SUBJECTS` that has a name.
    """
    event = own.get("event_type")
    if isinstance(event, str) and objects.get(normal_name(event)):
        return normal_name(event)
    known = [name for name in SUBJECTS if objects.get(name)]
    has_name = (name for name in known if name in _ALERTS or name_of(objects[name]))
    return next(has_name, next(iter(known), ""))


def first(items: Any, count: int) -> Iterator[tuple[str, Any]]:
    """Yield the first `count` items."""
    for index, item in enumerate(items):
        if index == count:
            return
        yield item


def _inside(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the name and value of each field inside the objects of a body, the nearest first.

    A field that holds an object comes twice: with the object, and with the object's own name.
    """
    for name, value in first(body.items(), NODE_LIMIT):
        if isinstance(value, dict):
            yield normal_name(name), value
    level: list[Any] = [
        item for name, item in first(body.items(), NODE_LIMIT) if normal_name(name) not in _AROUND
    ]
    left = NODE_LIMIT
    for _ in range(_DEPTH_LIMIT):
        following: list[Any] = []
        for item in level:
            members = item.items() if isinstance(item, dict) else ()
            if isinstance(item, list):
                following += item[:20]
            for name, value in members:
                left -= 1
                if left < 0:
                    return
                if not isinstance(value, dict | list):
                    yield normal_name(name), value
                    continue
                if normal_name(name) not in _AROUND:
                    following.append(value)
                if isinstance(value, dict):
                    yield normal_name(name), value
                    if inner_name := name_of(value):
                        yield normal_name(name), inner_name
        level = following


_PLACEHOLDER = re.compile(r"\$\{[^{}]{1,80}\}|\{\{[^{}]{1,80}\}\}|%\([^()]{1,80}\)s|<no value>")


def is_placeholder(text: str) -> bool:
    """Return True if the text is, or holds, a variable that its template did not replace."""
    return ("{" in text or "%(" in text) and _PLACEHOLDER.search(text[:300]) is not None
