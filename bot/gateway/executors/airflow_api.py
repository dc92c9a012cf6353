"""The few calls of Airflow's REST API that the gateway makes, and their errors.

Airflow 2 has /api/v1 with a user and a password in each request. Airflow 3 has /api/v2 with a
token, which /auth/token gives for a user and a password.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors.airflow_target import AirflowTarget
from bot.gateway.executors.bodies import begin_of
from bot.gateway.executors.http_sending import pinned_session, without
from bot.gateway.executors.remote import REFUSED, TOO_MUCH, UNREACHABLE, label
from bot.gateway.executors.request_failures import request_failures

_BODY_BYTES = 4_194_304
_LOG_BYTES = 262_144
_PAGE = 100  # the most that Airflow gives at once, unless its operator allows more
NO_OBJECT = "NO_OBJECT"
CONFLICT = "CONFLICT"

Object = dict[str, Any]
Method = Literal["GET", "POST", "PATCH"]


class _Unusable(ExecutorError):
    """An answer of success that is too large, or no JSON object."""


class Api:
    """One connection to one Airflow, logged in. Made by `connected`."""

    def __init__(
        self, session: aiohttp.ClientSession, target: AirflowTarget, secrets: Sequence[str]
    ) -> None:
        self._session = session
        self._target = target
        self._secrets = secrets

    def path(self, *segments: str) -> str:
        """Return the path below the target's DAG: each segment is encoded, and none is a step."""
        parts = ("dags", self._target.dag, *segments)
        if any(part.strip(".") == "" for part in parts):
            raise ExecutorError(REFUSED, "Airflow has an id that is no segment of a path")
        return f"{self._target.api}/" + "/".join(quote(part, safe="") for part in parts)

    async def get(self, path: str, **query: str | int) -> Object:
        """Return one object."""
        return _object(await self._whole("GET", path, query))

    async def change(self, method: Method, path: str, body: Object, **query: str) -> Object:
        """Send a change and return the answer's object.

        ExecutorError: it was refused or not sent. OutcomeLost: it was sent and not answered.
        """
        try:
            return _object(await self._whole(method, path, query, body, changes=True))
        except _Unusable as error:
            raise OutcomeLost(f"{error.message}; it may have been done") from error

    async def ask(self, path: str, body: Object) -> Object:
        """Post a question that changes nothing, such as a dry run."""
        return _object(await self._whole("POST", path, {}, body))

    async def items(self, path: str, key: str, most: int) -> list[Object]:
        """Return the whole list, page by page. ExecutorError TOO_MUCH: it has more than `most`."""
        rows: list[Object] = []
        while True:
            page = await self.get(path, limit=_PAGE, offset=len(rows))
            batch, total = objects(page, key), int(page.get("total_entries") or 0)
            rows += batch
            if max(total, len(rows)) > most:
                raise ExecutorError(TOO_MUCH, f"{path} has more than {most} entries")
            if not batch or len(rows) >= total:
                return rows

    async def log(self, path: str, accept: str, **query: str | int) -> str:
        """Return the end of a log, at most 256 KiB."""
        body, _ = await self._answered("GET", path, query, keep_end=True, accept=accept)
        return self._clean(body.decode(errors="replace"))

    async def _whole(
        self,
        method: Method,
        path: str,
        query: Mapping[str, str | int],
        body: Object | None = None,
        *,
        changes: bool = False,
    ) -> bytes:
        answer, cut = await self._answered(method, path, query, body, changes=changes)
        if cut:
            raise _Unusable(TOO_MUCH, f"An answer is over {_BODY_BYTES >> 20} MiB")
        return answer

    async def _answered(
        self,
        method: Method,
        path: str,
        query: Mapping[str, str | int],
        body: Object | None = None,
        *,
        changes: bool = False,
        keep_end: bool = False,
        accept: str = "application/json",
    ) -> tuple[bytes, bool]:
        where = f"{path}?{urlencode(query)}" if query else path
        with request_failures("Airflow", f"{method} {path}", changes=changes):
            async with self._session.request(
                method,
                URL(self._target.url).join(URL(where, encoded=True)),
                data=None if body is None else json.dumps(body).encode(),
                headers={"Accept": accept, "Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                if keep_end:
                    answer, cut = await _end_of(response)
                else:
                    answer, cut = await begin_of(response, _BODY_BYTES)
                if 200 <= response.status < 300:
                    return answer, cut
                refusal = self._refusal(response.status, answer)
                if changes and response.status >= 500:
                    raise OutcomeLost(f"{refusal.message}; it may have been done")
                raise refusal

    def _refusal(self, status: int, body: bytes) -> ExecutorError:
        """Return the error of an answer: `detail` says why, in both versions."""
        if status == 401:
            return ExecutorError(UNREACHABLE, "Airflow answered 401: the credentials are refused")
        try:
            problem = json.loads(body)
            reason = problem.get("detail") or problem["title"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            reason = "without a reason"
        text = f"Airflow answered {status}: {label(self._clean(str(reason)), 300)}"
        if status == 404:
            known = f"{text}. Is it Airflow {self._target.version}, and may the login see the DAG?"
            return ExecutorError(NO_OBJECT, known)
        if status in (502, 503, 504):
            return ExecutorError(UNREACHABLE, text)
        return ExecutorError(CONFLICT if status == 409 else REFUSED, text)

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = without(secret, text)
        return text


@asynccontextmanager
async def connected(target: AirflowTarget, *, password: str, token: str) -> AsyncIterator[Api]:
    """Give a connection to the target's Airflow, and close it at the end of the block."""
    if not all(value.isprintable() for value in (password, token, target.user)):
        raise ExecutorError(REFUSED, "The user, password or token has an unprintable character")
    if password and target.version == 3:
        token = await _token(target, password)
    if token:
        login = f"Bearer {token}"
    else:
        login = "Basic " + base64.b64encode(f"{target.user}:{password}".encode()).decode()
    async with await pinned_session(target, {"Authorization": login}) as session:
        yield Api(session, target, (password, token))


async def _token(target: AirflowTarget, password: str) -> str:
    """Log in to Airflow 3. ExecutorError: it cannot be reached, or refuses the password."""
    async with await pinned_session(target, {}) as session:
        body = {"username": target.user, "password": password}
        answer = await Api(session, target, (password,)).ask(f"{target.base_path}/auth/token", body)
    token = answer.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise ExecutorError(UNREACHABLE, "Airflow's /auth/token gave no token")
    return token


async def _end_of(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """Return the end of a body, from its first whole line on, and whether it was cut."""
    data, cut = bytearray(), False
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > 2 * _LOG_BYTES:
            cut, data = True, data[-_LOG_BYTES:]
    if cut or len(data) > _LOG_BYTES:
        return bytes(data[-_LOG_BYTES:].partition(b"\n")[2]), True
    return bytes(data), False


def objects(answer: Object, key: str) -> list[Object]:
    """Return the list of objects at this key. ExecutorError: there is none."""
    items = answer.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _unreadable()
    return items


def _object(body: bytes) -> Object:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _unreadable()
    return value


def _unreadable() -> ExecutorError:
    return _Unusable(UNREACHABLE, "Airflow answered with something unreadable")
