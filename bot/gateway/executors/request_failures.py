"""Sorts the failures of an HTTP request to a system: not sent, or sent and not answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors.remote import UNREACHABLE


@contextmanager
def request_failures(system: str, request: str, *, changes: bool) -> Iterator[None]:
    """Send a request inside, such as `GET /path`; `changes` says that it may change something.

    ExecutorError: it was not sent, or changes nothing. OutcomeLost: a change was not answered.
    """
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        message = f"{system} cannot be reached ({type(error).__name__})"
        raise ExecutorError(UNREACHABLE, message) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        message = f"{system} did not answer {request} ({type(error).__name__})"
        if changes:
            raise OutcomeLost(f"{message}; it may have been done") from error
        raise ExecutorError(UNREACHABLE, message) from error
