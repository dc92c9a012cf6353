"""Names that lead to this machine without DNS."""

from __future__ import annotations

import re

# Another name that leads here is a web page's trick (DNS rebinding).
_LOCAL = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE)


def is_local_name(host: str) -> bool:
    """Whether a Host header names this machine: 127.0.0.1, [::1] or localhost, and a port."""
    return _LOCAL.fullmatch(host) is not None
