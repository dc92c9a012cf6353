"""Verifies the signature of an AWS SNS message.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html

SNS signed a verified message for the topic that it names, within the last hour. The certificate is
trusted because TLS authenticates the SNS host that serves it; no chain of the certificate itself is
built.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp

from bot.intake.senders.sns import SNS_HOST, Signature, SignatureCheck
from bot.intake.times import read_time

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

FetchCertificate = Callable[[str], Awaitable[bytes]]
"""The bytes behind the address; raises ValueError, OSError or ClientError if there are none."""

FETCH_TIMEOUT = 5.0  # seconds for one certificate; SNS waits 15 for the answer to its request
FETCHES_AT_ONCE = 4
CERTIFICATE_LIMIT = 65_536  # bytes; a real certificate has about 2,000
CACHED = 8  # certificates; SNS uses one for each region at a time
MAX_AGE = timedelta(hours=1)  # SNS repeats a delivery for an hour at most
MIN_KEY_BITS = 2048

_CERTIFICATE_URL = re.compile(
    rf"https://{SNS_HOST}/SimpleNotificationService-[A-Za-z0-9_-]{{1,80}}\.pem"
)
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]{1,40}:([0-9]{12}):[A-Za-z0-9_.-]{1,256}")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
# The signed keys of each type, in the order in which SNS signs them.
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}


class _Unverified(Exception):
    """The signature is not valid; the text names the reason."""


class _Unchecked(_Unverified):
    """The signature could not be checked; it may be valid."""


class SnsVerifier:
    """Verifies messages, and caches the certificates that it fetches."""

    def __init__(self, fetch: FetchCertificate, clock: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._slots = asyncio.Semaphore(FETCHES_AT_ONCE)
        self._cached: OrderedDict[str, Certificate] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[Certificate | None]] = {}

    async def check(self, body: Mapping[str, Any]) -> SignatureCheck:
        """Check the signature of a body that claims to come from SNS. Never raises."""
        try:
            return await self._checked(body)
        except _Unchecked as error:
            return SignatureCheck(Signature.UNCHECKED, str(error))
        except _Unverified as error:
            return SignatureCheck(Signature.INVALID, str(error))

    async def _checked(self, body: Mapping[str, Any]) -> SignatureCheck:
        if "Signature" not in body:
            raise _Unchecked("the request has none")
        signed = canonical_string(body)
        topic = _TOPIC.fullmatch(body["TopicArn"])
        if topic is None:
            raise _Unverified("TopicArn is not a topic of SNS")
        now = self._clock()
        sent_at = read_time(body["Timestamp"])
        if sent_at is None or abs(now - sent_at) > MAX_AGE:
            raise _Unverified("the message was not sent within the last hour")
        version = body.get("SignatureVersion")
        if version not in ("1", "2"):
            raise _Unverified("SignatureVersion is neither 1 nor 2")
        try:
            signature = base64.b64decode(body["Signature"], validate=True)
        except (ValueError, TypeError):
            raise _Unverified("Signature is not base64") from None
        url = body.get("SigningCertURL")
        if not isinstance(url, str) or _CERTIFICATE_URL.fullmatch(url) is None:
            raise _Unverified("SigningCertURL is not a certificate of SNS")
        certificate = await self._certificate(url)
        if certificate is None:
            raise _Unchecked("the certificate of SNS could not be fetched")
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise _Unverified("the certificate is not valid now")
        if not await asyncio.to_thread(_is_signed_by, certificate, version, signature, signed):
            raise _Unverified("the signature does not fit the message")
        return SignatureCheck(
            Signature.VERIFIED, account=topic[1], message_id=str(body["MessageId"])
        )

    async def _certificate(self, url: str) -> Certificate | None:
        """Return the certificate, from the cache or fetched; None if both fail.

        Callers that need the same certificate at the same time share one fetch.
        """
        if url in self._cached:
            self._cached.move_to_end(url)
            return self._cached[url]
        fetching = self._fetching.get(url)
        if fetching is None:
            fetching = asyncio.create_task(self._fetched(url), name="fetch the certificate of SNS")
            self._fetching[url] = fetching
            fetching.add_done_callback(lambda _done: self._fetching.pop(url))
        # A cancelled caller does not cancel the fetch for the others.
        return await asyncio.shield(fetching)

    async def _fetched(self, url: str) -> Certificate | None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT), self._slots:
                pem = await self._fetch(url)
            certificate = await asyncio.to_thread(_read_certificate, pem)
        except (aiohttp.ClientError, OSError, ValueError):
            return None
        self._cached[url] = certificate
        while len(self._cached) > CACHED:
            self._cached.popitem(last=False)
        return certificate


def certificate_fetcher(session: aiohttp.ClientSession) -> FetchCertificate:
    """Fetch with this session: no redirect is followed, and the answer is bounded."""

    async def fetch(url: str) -> bytes:
        async with session.get(
            url, allow_redirects=False, headers={"Accept-Encoding": "identity"}
        ) as answer:
            if answer.status != 200:
                raise ValueError(f"answered {answer.status}")
            pem = b""
            async for chunk in answer.content.iter_chunked(8192):
                pem += chunk
                if len(pem) > CERTIFICATE_LIMIT:
                    raise ValueError("larger than any certificate")
            return pem

    return fetch


def canonical_string(body: Mapping[str, Any]) -> bytes:
    """Return the bytes that SNS signs: each signed key and its value, each on its own line."""
    kind = body.get("Type")
    if not isinstance(kind, str) or kind not in _SIGNED:
        raise _Unverified("Type is none of SNS")
    lines = []
    for key in _SIGNED[kind]:
        value = body.get(key)
        if value is None and key == "Subject":
            continue
        # A line break elsewhere than in Message would allow the same signed text to be split into
        # other keys and values: into another MessageId, which identifies a repeated message.
        if not isinstance(value, str) or (key != "Message" and "\n" in value):
            raise _Unverified(f"{key} is missing or is not one line of text")
        lines += [key, value]
    try:
        return ("\n".join(lines) + "\n").encode()
    except UnicodeEncodeError:
        raise _Unverified("the message is not Unicode text") from None


def _read_certificate(pem: bytes) -> Certificate:
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(pem)


def _is_signed_by(certificate: Certificate, version: str, signature: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - SNS signs version 1 so
    try:
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey) or key.key_size < MIN_KEY_BITS:
            return False
        key.verify(signature, signed, PKCS1v15(), algorithm)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
