"""Ports for programs that cannot ask the system for one themselves."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_port() -> Iterator[int]:
    """A port that nobody else is given until the block ends, and that nothing listens on.

    It stays bound and is not listened on: whoever asks the system for any port gets another,
    while a server that is told this one and sets SO_REUSEADDR, as all do, may listen on it.
    """
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        yield int(kept.getsockname()[1])
