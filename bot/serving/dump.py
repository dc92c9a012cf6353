"""Fetches the diagnostic dump of one of our running processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

SECONDS = 10.0  # time limit of a dump


class NoDumpError(Exception):
    """The process returns no dump; the message is a sentence for the user."""


async def fetch(url: str, headers: Mapping[str, str]) -> Any:
    """Return the dump of the process at `url`, as JSON. Raises NoDumpError without one."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                body = (await answer.content.read(2_000)).decode(errors="replace")
                raise NoDumpError(f"{url} answered {answer.status}: {body}")
            return json.loads(await answer.read())
    except TimeoutError:
        raise NoDumpError(f"{url} did not answer in {SECONDS:g} s.") from None
    except aiohttp.ClientConnectorError as error:
        why = error.os_error.strerror or error.os_error
        raise NoDumpError(f"{url} cannot be reached: {why}. Is it running there?") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NoDumpError(f"{url} gives no dump: {error}.") from error


def local_url(host: str, port: int) -> str:
    """Return the URL at which this machine reaches a server that listens on `host` and `port`."""
    if not port:
        raise NoDumpError("The address has port 0: send SIGUSR1 instead, the dump is in the log.")
    near = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not bound
    return f"http://[{near}]:{port}" if ":" in near else f"http://{near}:{port}"
