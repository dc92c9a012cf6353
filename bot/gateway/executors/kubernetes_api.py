"""The few calls of the Kubernetes API that the gateway makes, and their errors.

It is plain aiohttp: the official client brings hundreds of generated models and a thread pool, and
does not bound an answer. https://kubernetes.io/docs/reference/using-api/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors.bodies import begin_of
from bot.gateway.executors.kubernetes_access import Access
from bot.gateway.executors.remote import REFUSED, TOO_MUCH, UNREACHABLE, label
from bot.gateway.executors.request_failures import request_failures
from bot.gateway.ourselves import OWN_CALLS

_BODY_BYTES = 8_388_608
_LARGEST_LIST = 500
JSON_PATCH = "application/json-patch+json"
NO_OBJECT = "NO_OBJECT"
BAD_REQUEST = "BAD_REQUEST"

Operation = dict[str, Any]
Object = dict[str, Any]


def path_of(*segments: str) -> str:
    """Return the path of these segments, each encoded."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


class Api:
    """One connection to one cluster. Use it as a context."""

    def __init__(self, access: Access, *, timeout_seconds: float) -> None:
        self._access = access
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_seconds, sock_connect=timeout_seconds / 2
        )

    async def __aenter__(self) -> Self:
        headers = {"User-Agent": OWN_CALLS, "Accept": "application/json"}
        if self._access.token:
            headers["Authorization"] = f"Bearer {self._access.token}"
        connector = aiohttp.TCPConnector(ssl=self._access.tls or True)
        self._session = aiohttp.ClientSession(
            connector=connector, headers=headers, timeout=self._timeout
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def get(self, path: str) -> Object:
        """Return one object."""
        return _object(await self._ask("GET", path))

    async def items(self, path: str, **selectors: str) -> list[Object]:
        """Return a list of objects; ExecutorError TOO_MUCH for more than 500."""
        query = urlencode({"limit": _LARGEST_LIST, **selectors})
        answer = _object(await self._ask("GET", f"{path}?{query}"))
        if (answer.get("metadata") or {}).get("continue"):
            raise ExecutorError(TOO_MUCH, f"{path} has more than {_LARGEST_LIST} objects")
        items = answer.get("items")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise _unreadable()
        return items

    async def text(self, path: str) -> str:
        """Return a text, such as a log."""
        return (await self._ask("GET", path)).decode(errors="replace")

    async def patch(
        self, path: str, operations: Sequence[Operation], *, dry_run: bool = False
    ) -> None:
        """Send a JSON patch. Its `test` operations are the state that it relies on.

        With `dry_run` the server checks the rights, the patch and its admission, and keeps nothing.
        """
        query = "?dryRun=All" if dry_run else ""
        body = json.dumps(list(operations)).encode()
        await self._ask("PATCH", path + query, body, JSON_PATCH, dry_run=dry_run)

    async def post(self, path: str, body: Object, *, dry_run: bool = False) -> None:
        """Create an object; a dry run keeps nothing."""
        query = "?dryRun=All" if dry_run else ""
        data = json.dumps(body).encode()
        await self._ask("POST", path + query, data, "application/json", dry_run=dry_run)

    async def _ask(
        self,
        method: Literal["GET", "PATCH", "POST"],
        path: str,
        body: bytes | None = None,
        content_type: str = "",
        *,
        dry_run: bool = False,
    ) -> bytes:
        """Return the body of a 2xx answer, at most 8 MiB.

        ExecutorError: it was refused or not sent. OutcomeLost: a change was sent and not answered.
        """
        changes = method != "GET" and not dry_run
        headers = {"Content-Type": content_type} if content_type else {}
        with request_failures("The cluster", f"{method} {path}", changes=changes):
            async with self._session.request(
                method,
                self._access.server.join(URL(path, encoded=True)),
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as response:
                answer, cut = await begin_of(response, _BODY_BYTES)
                if 200 <= response.status < 300 and (changes or not cut):
                    return answer
                refusal = _refusal(response.status, answer)
                if changes and response.status >= 500:
                    raise OutcomeLost(f"{refusal.message}; it may have been done")
                if cut:
                    raise ExecutorError(TOO_MUCH, f"An answer is over {_BODY_BYTES >> 20} MiB")
                raise refusal


def _refusal(status: int, body: bytes) -> ExecutorError:
    """Return the error of an answer; its body is a `Status` object."""
    try:
        reason = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        reason = body.decode(errors="replace")
    text = f"Kubernetes answered {status}: {label(reason, 300)}"
    if status == 401:
        return ExecutorError(UNREACHABLE, "Kubernetes answered 401: the credentials are refused")
    if status == 404:
        return ExecutorError(NO_OBJECT, text)
    if status in (409, 422):
        return ExecutorError("PLAN_DRIFT", f"{text}. The object has changed since it was read")
    return ExecutorError(BAD_REQUEST if status == 400 else REFUSED, text)


def _object(body: bytes) -> Object:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _unreadable()
    return value


def _unreadable() -> ExecutorError:
    return ExecutorError(UNREACHABLE, "Kubernetes answered with something unreadable")
