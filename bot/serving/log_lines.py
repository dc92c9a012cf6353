"""Cleans log lines: removes secrets, and characters that move a cursor or forge a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

_INDENT = "    "
_SECRET = re.compile(
    r"\b(?:xox[a-z]-[\w-]{6,}|xapp-[\w-]{6,})"  # Slack's tokens
    r"|(?<=ticket=)[\w-]+"
    r"|(?<=Bearer )\S+|(?<=Basic )[\w+/=-]{8,}"
    r"|(?<=[Aa]uthorization: )(?!Bearer |Basic )\S+"
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"  # the user and password of an address
)
_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:token|secret|password|passwd|authorization|audit_key|api[_-]?key|signature)$",
    re.IGNORECASE,
)
_HINTS = ("xox", "xapp-", "ticket=", "Bearer ", "Basic ", "uthorization", "://")
"""Every match of _SECRET contains one of these."""
_PLAIN = (str, int, float, bool, type(None))
HIDDEN = "[secret]"
_SHORTEST = 6  # a shorter secret would match ordinary words


def one_line(text: str) -> str:
    """Return the text with every line end, control and invisible character escaped (`\n`,
    `\x1b`).
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def indented(text: str) -> str:
    """Indent a traceback below its log line: none of its lines may look like a new log line."""
    return "".join(f"\n{_INDENT}{one_line(line)}" for line in text.split("\n"))


def redact(text: str) -> str:
    """Return the text without Slack tokens, tickets, Authorization and passwords of addresses."""
    return _SECRET.sub(HIDDEN, text)


@lru_cache(maxsize=256)  # the lines of one event have the same fields
def _secret_names(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(filter(is_secret_name, names))


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Return True if a field of that name holds a secret, by its name alone."""
    return _SECRET_NAME.search(name) is not None


class Redactor:
    """The only structlog processor that hides secrets: by form, by field name, and known values."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted(
            {secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True
        )
        self._known = re.compile("|".join(map(re.escape, known))) if known else None
        self._hints = (*_HINTS, *known)

    def __call__(
        self, _log: Any, _method: str, fields: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Redact the fields of one line."""
        # Nearly every line holds no secret, and a burst logs thousands: a plain search excludes
        # them first.
        secret_names = _secret_names(tuple(fields))
        may_hold = self._may_hold_secrets("\0".join(map(str, fields.values())))
        for name, value in fields.items():
            if value and name in secret_names:
                fields[name] = HIDDEN
            elif may_hold or not isinstance(value, _PLAIN):
                fields[name] = self._clean(value)
        return fields

    def _may_hold_secrets(self, text: str) -> bool:
        for hint in self._hints:  # noqa: SIM110 - a generator for `any` takes three times as long
            if hint in text:
                return True
        return False

    def _clean(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {
                str(name): HIDDEN if is_secret_name(str(name)) else self._clean(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(inner) for inner in value]
        text = redact(str(value))
        return self._known.sub(HIDDEN, text) if self._known else text
