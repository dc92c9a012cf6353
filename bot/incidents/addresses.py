"""Addresses that an operator wrote: what may stand in one, and how much of it is shown."""

from __future__ import annotations

import re

NO_USERINFO = (
    "must not hold a user or a password before the @: everybody would read it on the card."
    " Probe an address that needs none, or put a token into the query, whose values are not shown"
)

# As browsers and pydantic read it, a backslash ends the host as a slash does.
_AUTHORITY = re.compile(r"^[^/\\?#]*[/\\]{2}([^/\\?#]*)")


def has_userinfo(url: str) -> bool:
    """Whether a user, or a user and a password, stands before the host."""
    found = _AUTHORITY.match(url.strip())
    return found is not None and "@" in found[1]


def without_values(url: str) -> str:
    """The address with `…` for each value of its query, and for its fragment: they may be secret.

    `http://a/health?token=s3cret&full` is `http://a/health?token=…&…`.
    """
    rest, hash_, _ = url.partition("#")
    rest, mark, query = rest.partition("?")
    parts = [_name_of(part) for part in query.split("&") if part]
    return rest + (mark and mark + "&".join(parts)) + (hash_ and "#…")


def _name_of(part: str) -> str:
    name, equals, _ = part.partition("=")
    return f"{name}=…" if equals else "…"
