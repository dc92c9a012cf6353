"""Identifies the caller: the secret that verifies a request names its source."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.gateway.errors import Refusal
from bot.gateway.journal import Journal
from bot.gateway.secret_values import Callers
from bot.remediation import contract

_NONCE = re.compile(contract.NONCE_PATTERN)
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_BEARER = "bearer "


class Gatekeeper:
    """Verifies signatures and bearer tokens of `callers`; without any it accepts every request.

    Running without secrets is for loopback only; the config refuses it on other addresses.
    """

    def __init__(self, callers: Callers, journal: Journal, clock: Callable[[], datetime]) -> None:
        self.callers = callers
        self._journal = journal
        self._clock = clock

    @property
    def open(self) -> bool:
        """Return True if unsigned requests are accepted."""
        return not self.callers

    async def check(
        self, *, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> str | None:
        """Return the source id that signed the request; None when signatures are not in use.

        Raises Refusal 401 otherwise. The nonce is claimed only for a good signature, so that a
        stranger cannot fill the journal.
        """
        if self.open:
            return None
        self.check_headers(headers)
        if token := self._token(headers):
            return self._bearer(token)
        timestamp = headers[contract.TIMESTAMP]
        nonce, signature = headers[contract.NONCE], headers[contract.SIGNATURE]
        source = self._signer(
            signature, method=method, path=path, timestamp=timestamp, nonce=nonce, body=body
        )
        if source is None:
            raise _unsigned("signature_wrong", "The signature does not match the request.")
        if not await self._journal.claim_nonce(source, nonce, self._clock()):
            raise _unsigned("nonce_replayed", "This request has been seen before.")
        return source

    def check_headers(self, headers: Mapping[str, str]) -> None:
        """Check everything that the headers alone can show, so that a bad body is never read.

        Raises Refusal 401.
        """
        if self.open:
            return
        if token := self._token(headers):
            self._bearer(token)
            return
        timestamp = headers.get(contract.TIMESTAMP, "")
        nonce = headers.get(contract.NONCE, "")
        signature = headers.get(contract.SIGNATURE, "")
        if not (timestamp and nonce and signature):
            raise _unsigned("signature_missing", "This gateway takes signed requests only.")
        sent_at, now = contract.read_time(timestamp), self._clock()
        if sent_at is None:
            raise _unsigned("timestamp_invalid", f"{contract.TIMESTAMP} is not an RFC 3339 time.")
        if abs((now - sent_at).total_seconds()) > contract.SIGNATURE_WINDOW_SECONDS:
            raise _unsigned(
                "timestamp_stale",
                f"The request's time is more than {contract.SIGNATURE_WINDOW_SECONDS} s away from "
                "this gateway's clock. Compare the two clocks.",
            )
        if not _NONCE.fullmatch(nonce):
            raise _unsigned("nonce_invalid", f"{contract.NONCE} is 16 to 128 of A-Za-z0-9._-")
        if not _SIGNATURE.fullmatch(signature):
            raise _unsigned("signature_wrong", "The signature does not match the request.")

    def _token(self, headers: Mapping[str, str]) -> str:
        """Return the request's bearer token if this gateway takes any; a signature comes first."""
        if not self.callers.tokens or contract.SIGNATURE in headers:
            return ""
        authorization = headers.get("Authorization", "")
        is_bearer = authorization[: len(_BEARER)].lower() == _BEARER
        return authorization[len(_BEARER) :].strip() if is_bearer else ""

    def _bearer(self, token: str) -> str:
        presented, bearer = token.encode(errors="replace"), None
        # Compares with all of them, so that timing reveals nothing.
        for source, secret in self.callers.tokens:
            if hmac.compare_digest(secret.get_secret_value().encode(), presented):
                bearer = source
        if bearer is None:
            raise _unsigned("token_wrong", "The bearer token is not one of this gateway's.")
        return bearer

    def _signer(
        self, signature: str, *, method: str, path: str, timestamp: str, nonce: str, body: bytes
    ) -> str | None:
        signer = None
        # Compares with all of them, so that timing reveals nothing.
        for source, secret in self.callers.signing:
            key = secret.get_secret_value().encode()
            expected = contract.sign(
                key, method=method, path=path, timestamp=timestamp, nonce=nonce, body=body
            )
            if hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
                signer = source
        return signer


def _unsigned(code: str, message: str) -> Refusal:
    return Refusal(401, code, message)
