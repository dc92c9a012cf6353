"""Calls a cluster manager's own HTTP API, and sorts its failures: not sent, refused, unknown."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import quote, urlencode

import aiohttp
from pydantic import AfterValidator, Field, model_validator
from yarl import URL

from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors.bodies import begin_of
from bot.gateway.executors.http_sending import without
from bot.gateway.executors.remote import REFUSED, TOO_MUCH, UNREACHABLE, label
from bot.gateway.ourselves import OWN_CALLS
from bot.gateway.parts import EnvName, Target
from bot.serving.hosts import is_loopback

_BODY_BYTES = 8_388_608
_MESSAGE_KEYS = ("message", "RemoteException")
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)

Object = dict[str, Any]


@contextmanager
def form_of(what: str) -> Iterator[None]:
    """Read an answer inside. ExecutorError: it has another form than the documents say."""
    try:
        yield
    except _UNREADABLE as error:
        raise ExecutorError(UNREACHABLE, f"{what} cannot be read") from error


def _origin(value: str) -> str:
    url = URL(value)
    if not url.absolute or url.scheme not in ("http", "https") or url != url.origin():
        raise ValueError("must be http(s)://host:port, without a path or user")
    return value


Origin = Annotated[str, AfterValidator(_origin)]


class ManagerTarget(Target):
    """Fields of every cluster manager that is reached by HTTP."""

    secret_names: ClassVar[tuple[str, ...]] = ("token",)

    url: Origin
    token_env: EnvName | None = None
    token_file: Path | None = None
    auth_scheme: Literal["Bearer", "Basic"] = "Bearer"
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=10, gt=0, le=120)
    kill_seconds: float = Field(default=60, gt=0, le=3600)

    def addresses(self) -> tuple[str, ...]:
        """Return every address to which the token is sent."""
        return (self.url,)

    @model_validator(mode="after")
    def _token_is_encrypted(self) -> Self:
        plain = (URL(a) for a in self.addresses() if a.startswith("http:"))
        if (self.token_env or self.token_file) and any(
            not is_loopback(url.host or "") for url in plain
        ):
            raise ValueError("a token is sent by https:// only, or to this machine")
        return self


class JsonApi:
    """Connections to one cluster manager. Use it as a context."""

    def __init__(self, target: ManagerTarget, token: str, headers: dict[str, str]) -> None:
        self._target, self._token = target, token
        self._headers = headers | {
            "User-Agent": OWN_CALLS,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        if token:
            self._headers["Authorization"] = f"{target.auth_scheme} {token}"

    async def __aenter__(self) -> Self:
        seconds = self._target.timeout_seconds
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=_tls(self._target.ca_file)),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=seconds / 2),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def read(self, base: str, *segments: str, **query: str) -> Object:
        """GET one object. ExecutorError: it cannot be had."""
        try:
            return await self._ask("GET", base, segments, query, None)
        except OutcomeLost as error:
            raise ExecutorError(UNREACHABLE, str(error)) from error

    async def change(
        self,
        method: Literal["POST", "PUT"],
        base: str,
        *segments: str,
        body: Object | None = None,
        **query: str,
    ) -> Object:
        """Send a change; an answer without a JSON object is {}.

        ExecutorError: it was refused or not sent. OutcomeLost: it was sent and not answered.
        """
        return await self._ask(method, base, segments, query, body)

    async def _ask(
        self,
        method: str,
        base: str,
        segments: tuple[str, ...],
        query: dict[str, str],
        body: Object | None,
    ) -> Object:
        path = path_of(*segments, **query)
        try:
            async with self._session.request(
                method,
                URL(base).join(URL(path, encoded=True)),
                json=body,
                allow_redirects=False,
            ) as response:
                content, is_cut = await begin_of(response, _BODY_BYTES)
                if is_cut:
                    raise _too_much(method, path, response.status)
                return self._answer(method, path, response, content)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            where = URL(base).authority
            raise ExecutorError(
                UNREACHABLE, f"{where} cannot be reached ({type(error).__name__})"
            ) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OutcomeLost(
                f"{method} {path} was not answered ({type(error).__name__})"
            ) from error

    def _answer(
        self, method: str, path: str, response: aiohttp.ClientResponse, body: bytes
    ) -> Object:
        status = response.status
        if method != "GET" and status in (302, 303):  # a web page that goes on to another page
            return {}
        value = _parsed(body)
        if 200 <= status < 300 and isinstance(value, dict):
            return value
        if 200 <= status < 300 and method != "GET":
            return {}
        reason = _reason(without(self._token, body.decode(errors="replace")), response)
        text = without(self._token, f"{method} {path}: {status} {reason}".strip())
        if status in (401, 403):
            raise ExecutorError(UNREACHABLE if status == 401 else REFUSED, text)
        if status >= 500 and method != "GET":
            raise OutcomeLost(f"{text}; it may have been done")
        raise ExecutorError(REFUSED if 400 <= status < 500 else UNREACHABLE, text)


def path_of(*segments: str, **query: str) -> str:
    """Return the path of these segments and this query, each encoded."""
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    return f"{path}?{urlencode(query)}" if query else path


def _reason(body: str, response: aiohttp.ClientResponse) -> str:
    if location := response.headers.get("Location"):
        return f"leads to {label(location)}, which is not followed: a standby?"
    value = _parsed(body)
    for key in _MESSAGE_KEYS if isinstance(value, dict) else ():
        inner = value.get(key)
        text = inner.get("message") if isinstance(inner, dict) else inner
        if isinstance(text, str) and text:
            return label(text.splitlines()[0], 300)  # a stack trace follows
    return "no JSON object" if response.status < 300 else label(body, 200)


def _too_much(method: str, path: str, status: int) -> ExecutorError | OutcomeLost:
    """Return the error of an answer that is too large: a change was sent before it came."""
    text = f"An answer is over {_BODY_BYTES >> 20} MiB"
    if method == "GET" or 400 <= status < 500:
        return ExecutorError(TOO_MUCH, text)
    return OutcomeLost(f"{method} {path}: {text}; it may have been done")


def _parsed(body: bytes | str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _tls(ca_file: Path | None) -> ssl.SSLContext | bool:
    try:
        return ssl.create_default_context(cafile=str(ca_file)) if ca_file else True
    except OSError as error:
        raise ExecutorError(REFUSED, f"ca_file cannot be used ({type(error).__name__})") from error
