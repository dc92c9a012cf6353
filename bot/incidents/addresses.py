"""Checks and redacts addresses that an operator wrote."""

from __future__ import annotations

import re

NO_USERINFO = (
    "must not hold a user or a password before the @: everybody would read it on the card."
    " Probe an address that needs none, or put a token into the query, whose values are not shown"
)

# Browsers and pydantic end the host at a backslash as at a slash.
_AUTHORITY = re.compile(r"^[^/\\?#]*[/\\]{2}([^/\\?#]*)")


def has_userinfo(url: str) -> bool:
    """Return True if a user, or a user and a password, precedes the host."""
    match = _AUTHORITY.match(url.strip())
    return match is not None and "@" in match[1]


def without_values(url: str) -> str:
    """Replace each value of the address's query, and its fragment, by `…`: they may be secret.

    `http://a/health?token=s3cret&full` is `http://a/health?token=…&…`.
    """
    rest, hash_, _ = url.partition("#")
    rest, mark, query = rest.partition("?")
    parts = [_name_of(part) for part in query.split("&") if part]
    return rest + (mark and mark + "&".join(parts)) + (hash_ and "#…")


def _name_of(part: str) -> str:
    name, equals, _ = part.partition("=")
    return f"{name}=…" if equals else "…"
