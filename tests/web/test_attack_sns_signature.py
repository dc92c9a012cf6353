"""SNS messages: the signatures that count as verified, and the certificates that are fetched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.intake.senders.sns import Signature
from bot.web import sns
from bot.web.sns import SnsVerifier, certificate_fetcher
from store.engines.clocks import system_clock
from tests.helpers.amazon_sns import ACCOUNT, CERTIFICATE_URL, HOST, Sns
from tests.helpers.clocks import RunningClock

pytestmark = pytest.mark.attack("ASI07")


@pytest.fixture
def amazon() -> Sns:
    return Sns()


@pytest.fixture
def clock() -> RunningClock:
    return RunningClock(system_clock)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def verifier(amazon: Sns, clock: RunningClock) -> SnsVerifier:
    return SnsVerifier(amazon.fetch, clock)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["subject", "no subject", "Subscription", "Unsubscribe"])
async def test_each_type_of_message_is_verified(
    kind: str, version: str, amazon: Sns, verifier: SnsVerifier
) -> None:
    if kind == "subject":
        body = amazon.alarm(version=version, Subject="ALARM: cart")
    elif kind == "no subject":
        body = amazon.alarm(version=version)
    else:
        body = amazon.confirmation(f"{kind}Confirmation")
    check = await verifier.check(body)
    assert (check.signature, check.why) == (Signature.VERIFIED, "")
    assert check.account == ACCOUNT


@pytest.mark.parametrize(
    "change",
    [
        {"Message": "{}"},
        {"Subject": "another"},
        {"Subject": None},
        {"MessageId": "m-2"},
        {"MessageId": "m-ALARM\nSubject\nALARM: cart", "Subject": None},
        {"Timestamp": "2026-11-26T00:00:00Z"},
        {"Timestamp": "soon"},
        {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:harbour-alarms"},
        {"TopicArn": ["arn:aws:sns:eu-west-1:000011112222:harbour-alarms"]},
        {"Type": "SubscriptionConfirmation"},
        {"Type": {}},
        {"SignatureVersion": "1"},
        {"SignatureVersion": 3},
        {"Signature": "bm8="},
        {"Signature": "?"},
        {"Signature": 7},
        {"Message": "\ud800"},
    ],
    ids=lambda change: json.dumps(change)[:40],
)
async def test_a_message_that_was_tampered_with_is_invalid(
    change: dict[str, Any], amazon: Sns, verifier: SnsVerifier
) -> None:
    body = amazon.alarm(Subject="ALARM: cart") | change
    check = await verifier.check(body)
    assert (check.signature, check.account) == (Signature.INVALID, "")
    assert check.sender == "http:cloudwatch-unverified"


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.evil.com/SimpleNotificationService-0.pem",
        "https://sns.evil.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.us-east-1.amazonaws.com.evil.com/SimpleNotificationService-0.pem",
        "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.us-east-1.amazonaws.com@evil.com/SimpleNotificationService-0.pem",
        "https://evil@sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-0.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem?x=1",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem#x",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem\n",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-/../x.pem",
        "https://sns.us-east-1.amazonaws.com/other.pem",
        "https://bucket.s3.us-east-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://169.254.169.254/SimpleNotificationService-0.pem",
        "",
        None,
        7,
    ],
)
async def test_a_certificate_of_another_host_is_never_fetched(
    url: object, amazon: Sns, verifier: SnsVerifier
) -> None:
    amazon.certificates[str(url)] = amazon.certificate()
    check = await verifier.check(amazon.alarm() | {"SigningCertURL": url})
    assert check.signature is Signature.INVALID
    assert amazon.fetched == []


async def test_the_certificate_of_another_key_verifies_nothing(
    amazon: Sns, verifier: SnsVerifier
) -> None:
    amazon.certificates[CERTIFICATE_URL] = Sns().certificate()
    assert (await verifier.check(amazon.alarm())).signature is Signature.INVALID


async def test_an_expired_certificate_verifies_nothing(amazon: Sns, verifier: SnsVerifier) -> None:
    amazon.certificates[CERTIFICATE_URL] = amazon.certificate(ends=-timedelta(days=1))
    check = await verifier.check(amazon.alarm())
    assert (check.signature, check.why) == (Signature.INVALID, "the certificate is not valid now")


@pytest.mark.parametrize("seconds", [3700, -3700])
async def test_a_message_that_is_replayed_after_an_hour_is_not_verified(
    seconds: int, amazon: Sns, verifier: SnsVerifier, clock: RunningClock
) -> None:
    body = amazon.alarm()
    assert (await verifier.check(body)).signature is Signature.VERIFIED
    clock.forward(seconds)
    check = await verifier.check(body)
    assert (check.signature, "last hour" in check.why) == (Signature.INVALID, True)


async def test_many_messages_at_once_share_one_fetch(amazon: Sns, verifier: SnsVerifier) -> None:
    checks = await asyncio.gather(*(verifier.check(amazon.alarm()) for _ in range(20)))
    assert {check.signature for check in checks} == {Signature.VERIFIED}
    assert amazon.fetched == [CERTIFICATE_URL]


async def test_an_invalid_certificate_is_not_cached(amazon: Sns, verifier: SnsVerifier) -> None:
    certificate = amazon.certificates[CERTIFICATE_URL]
    amazon.certificates[CERTIFICATE_URL] = b"<html>Sign in to the network</html>"
    assert (await verifier.check(amazon.alarm())).signature is Signature.UNCHECKED
    amazon.certificates[CERTIFICATE_URL] = certificate
    assert (await verifier.check(amazon.alarm())).signature is Signature.VERIFIED


async def test_the_certificates_that_are_kept_are_few(amazon: Sns, verifier: SnsVerifier) -> None:
    urls = [f"{HOST}/SimpleNotificationService-{i}.pem" for i in range(sns.CACHED + 1)]
    amazon.certificates = dict.fromkeys(urls, amazon.certificate())
    for url in [*urls, urls[-1], urls[0]]:
        await verifier.check(amazon.alarm() | {"SigningCertURL": url})
    assert amazon.fetched == [*urls, urls[0]], "the oldest made room"


async def test_a_fetch_that_hangs_ends_with_an_unchecked_signature(
    amazon: Sns, clock: RunningClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sns, "FETCH_TIMEOUT", 0.01)

    async def hangs(url: str) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError(url)

    check = await SnsVerifier(hangs, clock).check(amazon.alarm())
    assert check.signature is Signature.UNCHECKED


@pytest.mark.parametrize("answer", ["a redirect", "an endless body", "an error", "the certificate"])
async def test_the_fetcher_follows_no_redirect_and_reads_no_endless_body(
    answer: str, amazon: Sns, clock: RunningClock, http: aiohttp.ClientSession
) -> None:
    paths: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        paths.append(request.path)
        if answer == "a redirect" and request.path == "/first":
            raise web.HTTPFound("/second")
        if answer == "an error":
            raise web.HTTPForbidden
        filler = b"\n" * sns.CERTIFICATE_LIMIT if answer == "an endless body" else b""
        return web.Response(body=amazon.certificate() + filler)

    app = web.Application()
    app.router.add_get("/{any}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        fetch = certificate_fetcher(http)
        verifier = SnsVerifier(lambda _url: fetch(f"http://127.0.0.1:{port}/first"), clock)
        check = await verifier.check(amazon.alarm())
    finally:
        await runner.cleanup()
    genuine = answer == "the certificate"
    assert check.signature is (Signature.VERIFIED if genuine else Signature.UNCHECKED)
    assert paths == ["/first"]
