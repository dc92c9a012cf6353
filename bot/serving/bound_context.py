"""structlog's bound context, imported without rich.

structlog loads rich and pygments where they are installed, for tracebacks that we do not draw: that
takes longer than structlog itself.
"""

from __future__ import annotations

import sys

_IS_LOADED = "rich" in sys.modules
if not _IS_LOADED:
    sys.modules["rich"] = None  # type: ignore[assignment]  # for Python: there is no such module
try:
    from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars
    from structlog.typing import Processor
finally:
    if not _IS_LOADED:
        del sys.modules["rich"]

__all__ = ["Processor", "bind_contextvars", "bound_contextvars", "get_contextvars"]
