"""Finds the text of each field of an alert among the names and values of a JSON body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.intake import guesses
from bot.intake.body_labels import Kept
from bot.intake.field_names import ALIASES, ENV_HINTS, THING_NAMES
from bot.intake.fields import optional_text
from bot.intake.holders import SUBJECTS, Holders, is_placeholder, name_of, only_name
from bot.intake.reasons import is_answer

# Words such as "unknown" are no value of these.
_PLACES = frozenset(("service", "env", "region"))
# What a check watches; `label` is what people call it.
_WATCHED = ("monitor", "check", "monitor_name", "check_name", "label", "site", "website", "target")
_NAMES_OF_WATCHED = ("name", "friendly_name", "friendlyName", "display_name", "label", "url")
# Fields that may stand in an object inside the body.
_NESTED = frozenset(("name", "title", "text", "env", "region", "service", "value", "threshold"))


class FieldFinder:
    """Finds fields by their names. `read_from` notes those that are a guess."""

    def __init__(self, holders: Holders, kept: Kept, read_from: dict[str, str]) -> None:
        self.holders = holders
        self.kept = kept
        self.read_from = read_from

    def find(self, field: str) -> str:
        """Return the text of a field under the first of its names that has one, or ''."""
        for name in ALIASES[field]:
            if text := self._own_text(field, name):
                return text
        if field not in _NESTED:
            return ""
        if field == "name":
            is_titled = any(self.holders.own.get(name) for name in ALIASES["title"])
            if text := self.holders.name_of_subject(is_titled=is_titled):
                return text
        text = self._text_inside(field)
        if text:
            self.read_from[field] = "guess"
        return text

    def _own_text(self, field: str, name: str) -> str:
        if name == "event_name" and self.holders.subject:
            return ""  # what happened to the subject, which has a name of its own
        value = self._value(name)
        if isinstance(value, dict) and field in _NESTED:
            if field == "name" and name in SUBJECTS:
                return ""  # the object that the alert is about may have a better one
            value = name_of(value)
        if isinstance(value, list) and field in _NESTED:
            value = only_name(value) if field in _PLACES else None
        if value is None:
            return ""
        text = str(self.kept("", optional_text, value, name)).strip()
        is_blank = is_placeholder(text) or (field in _PLACES and guesses.says_nothing(text))
        return "" if is_blank else text

    def _value(self, name: str) -> Any:
        """Return the value of a name, which may lead into an object; None if there is none."""
        outer, _, inner = name.rpartition(".")
        if not outer:
            return self.holders.own.get(name)
        holder = self.holders.own.get(outer)
        return holder.get(inner) if isinstance(holder, dict) else None

    def _text_inside(self, field: str) -> str:
        for holder in (self.holders.subject, self.holders.inner):
            if field == "name" and holder is self.holders.inner and self.holders.says_something:
                return ""  # that of something that the body only mentions
            for name in ALIASES[field]:
                value = holder.get(name)
                if isinstance(value, list) and field in _PLACES:
                    value = only_name(value)
                if isinstance(value, str) and not (
                    guesses.says_nothing(value) or is_placeholder(value)
                ):
                    return value.strip()
        return ""

    def env(self, service: str, labels: Mapping[str, str]) -> str:
        """Return the environment: stated, or a value that has its form, or in the service's name;
        '' if the labels state it, or nothing does.
        """
        if (env := self.find("env")) or guesses.env_of(labels)[0]:
            return env
        for holder in (self.holders.own, self.holders.subject):
            for name in ENV_HINTS:
                value = holder.get(name)
                if isinstance(value, str) and guesses.looks_like_env(value.strip()):
                    return value.strip()
        return _env_of_service(service)

    def watched(self, name: str) -> str:
        """Return the name of what a check watches, for a body whose title is only what it saw; ''
        without one. `name` counts if it is no such answer.
        """
        if name and not is_answer(name):
            return name
        for field in _WATCHED:
            value = self.holders.own.get(field)
            if isinstance(value, str) and value.strip():
                return value.strip()
            watched = self.holders.objects.get(field, {})
            texts = (watched.get(key) for key in _NAMES_OF_WATCHED)
            if text := next((text for text in texts if isinstance(text, str) and text.strip()), ""):
                return text.strip()
        return str(self.holders.subject.get("label") or "")

    def thing(self) -> str:
        """Return the check, task or rule that a body without a name or title is about, or ''.

        Its text is another at the end: "no answer" becomes "answers in 12 ms".
        """
        for name in THING_NAMES:
            value = self.holders.own.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and value:
                return f"{name} {value}"
        return ""


_ENV_AT_END = re.compile(
    r"(?:(prod|production|staging|stg|preprod|uat)[-_.].+|.+[-_.](prod|production|staging|stg|preprod"
    r"|uat|dev|qa))",
    re.IGNORECASE,
)


def _env_of_service(service: str) -> str:
    """Return the environment at an end of a service's name (`payments-prod`: prod), or ''."""
    match = _ENV_AT_END.fullmatch(service[: guesses.LONGEST])
    return guesses.env_word((match[1] or match[2]).lower()) if match else ""
