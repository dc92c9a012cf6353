"""Addresses in messages: which ones Slack takes, and the host that a reader sees of one."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"https?://[^\s/?#<>|\"\\`][^\s<>|\"\\`]*", re.IGNORECASE)


def is_address(url: str) -> bool:
    """True if Slack takes this as the address of a button or a link."""
    return len(url) <= 3000 and _ADDRESS.fullmatch(url) is not None and bool(host_of(url))


@lru_cache(maxsize=256)  # a card asks twice for each link, and those of a burst share theirs
def host_of(url: str) -> str:
    """The host of an address in letters that cannot be mistaken; '' for an address without one.

    A name in other letters is written as in DNS (`xn--…`).
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # UnicodeError too
        return ""
    return f"[{host}]{port}" if ":" in host else host and host + port
