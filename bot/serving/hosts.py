"""Names of this machine that need no DNS."""

from __future__ import annotations

import ipaddress
import re

# Any other name that resolves to this machine is a web page's attack (DNS rebinding).
_LOCAL = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE)


def is_local_name(host: str) -> bool:
    """Return True if a Host header names this machine: 127.0.0.1, [::1] or localhost, and
    a port.
    """
    return _LOCAL.fullmatch(host) is not None


def is_loopback(host: str) -> bool:
    """Return True if only this machine can reach a listener on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
