"""How a command asks a running process of ours for its diagnostic dump."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

SECONDS = 10.0  # that a dump may take


class NoDumpError(Exception):
    """Why there is no dump, as a sentence for the person who asked."""


async def fetch(url: str, headers: Mapping[str, str]) -> Any:
    """The dump that the process at `url` gives, as JSON. NoDumpError when it gives none."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                said = (await answer.content.read(2_000)).decode(errors="replace")
                raise NoDumpError(f"{url} answered {answer.status}: {said}")
            return json.loads(await answer.read())
    except TimeoutError:
        raise NoDumpError(f"{url} did not answer in {SECONDS:g} s.") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NoDumpError(f"{url} gives no dump: {error}. Is it running there?") from error


def local_url(host: str, port: int) -> str:
    """Where this machine reaches a server that listens there."""
    if not port:
        raise NoDumpError("The address has port 0: send SIGUSR1 instead, the dump is in the log.")
    near = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not bound
    return f"http://[{near}]:{port}" if ":" in near else f"http://{near}:{port}"
