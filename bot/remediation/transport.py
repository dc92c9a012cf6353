"""One request to the gateway: signed, sent once, never redirected, its answer limited in size."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from yarl import URL

from bot.incidents.keys import is_tracking_id, new_tracking_id
from bot.incidents.traced_step import StepKind
from bot.language import N_, Deferred, deferred
from bot.remediation import contract
from bot.serving.traces import TRACEPARENT, traceparent_of

_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it arrived."""

    status: int
    body: bytes


_UNTRUSTED = N_("has no certificate that is trusted ({error})")
_BROKEN = N_("broke the connection ({error})")


class NotSent(Exception):
    """The connection was not established."""


class NoAnswer(Exception):
    """The connection was established, but no complete answer arrived."""


class Transport:
    """Sends requests to one address; each takes at most `timeout` seconds.

    An empty `secret` means unsigned; then `token` is sent as a bearer token, if there is one. With
    `traced` a dispatch names its span (`traceparent`). The caller closes the session.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: URL,
        *,
        timeout: float,
        secret: str,
        token: str = "",
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], datetime],
        traced: bool = False,
    ) -> None:
        self.base = base
        self._session = session
        self._timeout = timeout
        self._secret = secret.encode()
        self._token = token
        self._tls: ssl.SSLContext | bool = tls or True
        self._clock = clock
        self._traced = traced

    @property
    def address(self) -> str:
        """Return the address without a possible password."""
        return str(self.base.with_user(None))

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, key: str = "", tracking_id: str = ""
    ) -> Reply:
        """Send one request. A request without an incident gets its own tracking id."""
        url = URL(f"{self.base}{path}")
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            contract.TRACKING_ID: tracking_id
            if is_tracking_id(tracking_id)
            else new_tracking_id(self._clock()),
        }
        if body:
            headers["Content-Type"] = "application/json"
        if key:
            headers[contract.IDEMPOTENCY_KEY] = key
        if key and self._traced:
            headers[TRACEPARENT] = traceparent_of(tracking_id, StepKind.DISPATCH, key)
        headers |= self._signature(method, url.raw_path_qs, body)
        limits = aiohttp.ClientTimeout(
            total=self._timeout, sock_connect=min(_CONNECT_SECONDS, self._timeout / 2)
        )
        try:
            async with self._session.request(
                method,
                url,
                data=body or None,
                headers=headers,
                timeout=limits,
                ssl=self._tls,
                allow_redirects=False,  # a redirected POST could run the action twice
            ) as response:
                return Reply(response.status, await _read_capped(response))
        except aiohttp.ClientSSLError as error:
            raise NotSent(_because(_UNTRUSTED, error)) from error
        except aiohttp.ClientConnectorError as error:
            raise NotSent(
                deferred("cannot be reached ({error})", error=error.strerror or error.os_error)
            ) from error
        except aiohttp.ConnectionTimeoutError as error:
            raise NotSent(deferred("did not accept a connection in time")) from error
        except aiohttp.InvalidURL as error:
            raise NotSent(deferred("has an address that is not a URL")) from error
        except TimeoutError as error:
            raise NoAnswer(
                deferred("did not answer in {seconds:g} s", seconds=self._timeout)
            ) from error
        except (aiohttp.ClientError, asyncio.IncompleteReadError, OSError) as error:
            raise NoAnswer(_because(_BROKEN, error)) from error

    def _signature(self, method: str, path: str, body: bytes) -> dict[str, str]:
        if not self._secret:
            return {"Authorization": f"Bearer {self._token}"} if self._token else {}
        timestamp, nonce = contract.rfc3339(self._clock()), secrets.token_hex(16)
        return {
            contract.TIMESTAMP: timestamp,
            contract.NONCE: nonce,
            contract.SIGNATURE: contract.sign(
                self._secret,
                method=method,
                path=path,
                timestamp=timestamp,
                nonce=nonce,
                body=body,
            ),
        }


async def _read_capped(response: aiohttp.ClientResponse) -> bytes:
    """Return the body; raise NoAnswer if it is over the limit, because a part is no answer."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > contract.BODY_LIMIT_BYTES:
            response.close()
            raise NoAnswer(deferred("sent an answer over 1 MiB"))
        chunks.append(chunk)
    return b"".join(chunks)


def _because(message: str, error: Exception) -> Deferred:
    """The message with the kind of the error."""
    return deferred(message, error=type(error).__name__)
