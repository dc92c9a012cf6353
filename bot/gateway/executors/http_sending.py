"""Sends one declared HTTP request: to an address that was resolved once and may be called.

A name can lead to another address at each resolution, and a redirect or a proxy leads to another
host. So the name is resolved here, every address is checked, and the connection goes to the one
that was checked. Redirects are not followed; a proxy of the environment is not used.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import quote

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic import AfterValidator, Field, JsonValue, model_validator
from yarl import URL

from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors.bodies import begin_of
from bot.gateway.executors.remote import REFUSED, UNREACHABLE
from bot.gateway.ourselves import OWN_CALLS
from bot.gateway.parts import EnvName, Part, Target
from bot.remediation.contract import canonical_json
from bot.validation import form

_BODY_BYTES = 65_536
_RETRY_SECONDS = 0.2
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_TRY_AGAIN = frozenset({502, 503, 504})
# What clouds tell a machine about itself, outside of the link-local addresses.
_MACHINE_DATA = tuple(
    map(ipaddress.ip_network, ("fd00:ec2::/32", "168.63.129.16/32", "192.0.0.192/32"))
)
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _base(value: str) -> str:
    url = URL(value)
    plain = url == url.origin() if url.absolute else False
    if url.scheme not in ("http", "https") or not url.host or not plain:
        raise ValueError("must be http(s)://host or http(s)://host:port, without a path or user")
    return value


def _path(value: str) -> str:
    parts = value.partition("?")[0].split("/")
    if ".." in parts or "." in parts or value.startswith("//"):
        raise ValueError("must be a path without . and ..")
    return value


HttpPath = Annotated[
    str,
    form(r"/[!-\"$-~]{0,1999}", "must be a path that begins with /, in printable ASCII, without #"),
    AfterValidator(_path),
]
HeaderName = Annotated[str, form(r"[A-Za-z][A-Za-z0-9-]{0,99}", "must be the name of a header")]


class HttpCall(Part):
    """One request that may be sent. `idempotent`: sending it twice does no more than once."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    path: HttpPath
    body: JsonValue = None
    expect: list[int] = Field(default_factory=lambda: [200, 201, 202, 204], max_length=20)
    idempotent: bool | None = None

    @property
    def repeatable(self) -> bool:
        """Return True if it may be sent again after an answer was lost."""
        return self.method in _REPEATABLE if self.idempotent is None else self.idempotent

    @property
    def reads(self) -> bool:
        """Return True if it changes nothing."""
        return self.method in ("GET", "HEAD")


class WebHost(Target):
    """Fields of every target that is reached by HTTP: the address, and what may be called."""

    url: Annotated[str, AfterValidator(_base)]
    private: bool = False
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=10, gt=0, le=120)

    def acts_on_us(self, names: Collection[str]) -> str:
        """Refuse a host of one of these names."""
        ours = (URL(self.url).host or "").lower() in names
        return "url: is the bot, its gateway or a caller" if ours else ""

    @model_validator(mode="after")
    def _secrets_are_encrypted(self) -> Self:
        for name in self.secret_names:
            is_set = getattr(self, f"{name}_env") or getattr(self, f"{name}_file")
            if is_set and not self.private and URL(self.url).scheme != "https":
                raise ValueError(f"a {name} is sent by https:// only, or to a private address")
        return self


class HttpHost(WebHost):
    """A service whose token, if it has one, is sent in `auth_header`."""

    secret_names: ClassVar[tuple[str, ...]] = ("token",)

    token_env: EnvName | None = None
    token_file: Path | None = None
    auth_header: HeaderName = "Authorization"
    auth_scheme: Annotated[str, form(r"[A-Za-z]{0,20}", "must be a word")] = "Bearer"
    retries: int = Field(default=2, ge=0, le=5)


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer of the server; `text` is cut and has no token in it."""

    status: int
    text: str
    location: str


class _Pinned(AbstractResolver):
    """Answers every name with the one address that was checked."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - the address has one
    ) -> list[ResolveResult]:
        of = socket.AF_INET6 if self._address.version == 6 else socket.AF_INET
        return [
            ResolveResult(
                hostname=host,
                host=str(self._address),
                port=port,
                family=of,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is kept."""


def meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address.teredo:
            inner = address.teredo[1]
        if inner is None and any(address in network for network in _NAT64):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is None and int(address) >> 32 == 0 and int(address) > 1:
            inner = ipaddress.IPv4Address(int(address))  # ::a.b.c.d, the old compatible form
        return inner or address
    return address


def may_be_called(address: Address, *, private: bool) -> bool:
    """Return True for a public address, or a private one where that is declared.

    Link-local addresses are never called: cloud machines find their credentials at one.
    """
    real = meant(address)
    if real.is_multicast or real.is_unspecified or real.is_link_local:
        return False
    if any(real in network for network in _MACHINE_DATA):
        return False
    return real.is_global or (private and (real.is_private or real.is_loopback))


async def resolved(target: WebHost) -> Address:
    """Resolve the target's name once, and return the first address if all may be called."""
    url = URL(target.url)
    host = str(url.host)
    try:
        rows = await asyncio.get_running_loop().getaddrinfo(host, url.port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in rows]
    except (OSError, ValueError) as error:
        raise ExecutorError(UNREACHABLE, f"{host} cannot be resolved") from error
    for address in addresses:
        if not may_be_called(address, private=target.private):
            raise ExecutorError(
                REFUSED, f"{host} leads to {address}, which is not a public address"
            )
    if not addresses:
        raise ExecutorError(UNREACHABLE, f"{host} has no address")
    return addresses[0]


async def pinned_session(target: WebHost, headers: Mapping[str, str]) -> aiohttp.ClientSession:
    """Return a session that reaches only the address to which the target's name leads now.

    It sends these headers with each request, keeps no cookie and unpacks nothing. ExecutorError:
    the address may not be called, or the authority cannot be read.
    """
    address = await resolved(target)
    tls = await asyncio.to_thread(_tls, target) if URL(target.url).scheme == "https" else True
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=_Pinned(address), ssl=tls, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"User-Agent": OWN_CALLS, "Accept-Encoding": "identity", **headers},
        timeout=aiohttp.ClientTimeout(
            total=target.timeout_seconds, sock_connect=target.timeout_seconds / 2
        ),
    )


async def send(target: HttpHost, call: HttpCall, token: str) -> Reply:
    """Send the call; again only if it was not sent, or may be sent twice.

    ExecutorError: it was not sent. OutcomeLost: it was sent and not answered.
    """
    headers: dict[str, str] = {}
    if token:
        if not token.isprintable():
            raise ExecutorError(REFUSED, "The token has an unprintable character")
        headers[target.auth_header] = f"{target.auth_scheme} {token}".strip()
    data = None if call.body is None else canonical_json(call.body)
    if data is not None:
        headers["Content-Type"] = "application/json"
    async with await pinned_session(target, headers) as session:
        for attempt in range(target.retries + 1):
            last = attempt == target.retries
            try:
                reply = await _once(session, target, call, data, token)
            except ExecutorError:
                if last:
                    raise
            except OutcomeLost:
                if last or not call.repeatable:
                    raise
            else:
                if last or not call.repeatable or reply.status not in _TRY_AGAIN:
                    return reply
            await asyncio.sleep(_RETRY_SECONDS * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


async def _once(
    session: aiohttp.ClientSession,
    target: HttpHost,
    call: HttpCall,
    data: bytes | None,
    token: str,
) -> Reply:
    url = URL(target.url).join(URL(call.path, encoded=True))
    shown = f"{call.method} {url}"
    try:
        async with session.request(call.method, url, data=data, allow_redirects=False) as response:
            body, _is_cut = await begin_of(response, _BODY_BYTES)
            text = body.decode(errors="replace")
            location = response.headers.get("Location", "")
            return Reply(response.status, without(token, text), without(token, location))
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise ExecutorError(UNREACHABLE, f"{url.host} cannot be reached: {error}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        if call.reads:
            raise ExecutorError(UNREACHABLE, f"{shown} was not answered") from error
        raise OutcomeLost(f"{shown} was sent, then: {type(error).__name__}") from error


def without(token: str, text: str) -> str:
    """Return the text without the token, also as JSON writes it, or cut at the end."""
    if not token:
        return text
    for written in {token, json.dumps(token)[1:-1], quote(token, safe="")}:
        text = text.replace(written, "…")
        cut = next((n for n in range(len(written) - 1, 3, -1) if text.endswith(written[:n])), 0)
        text = text[: len(text) - cut]
    return text


def _tls(target: WebHost) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(target.ca_file) if target.ca_file else None)
    except OSError as error:
        raise ExecutorError(REFUSED, f"ca_file cannot be used ({type(error).__name__})") from error


def body_text(body: Any) -> str:
    """Return the body of a declared call for people."""
    return "" if body is None else canonical_json(body).decode()[:300]
