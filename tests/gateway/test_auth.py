from __future__ import annotations

import asyncio
import json
from itertools import count
from urllib.parse import urlsplit

import pytest

from bot.errors import GatewayRejected
from bot.gateway.config import Source
from bot.gateway.journal import Journal
from bot.gateway.secret_values import source_secrets
from bot.remediation import contract
from bot.remediation.client import ActionCall, GatewayClient, NeverSeen
from bot.serving.arrivals import HELD_BYTES

from .conftest import SECRET, legacy

pytestmark = pytest.mark.attack("ASI07")

PATH = "/execute-docker-command"
STATUS = ActionCall(action_id="service.status", target="checkout-api")


def signed(
    desk, body: bytes, *, secret: str = SECRET, method: str = "POST", path: str = PATH, **other
):
    values = {
        "timestamp": contract.rfc3339(desk.clock()),
        "nonce": "nonce-0123456789",
    } | other
    signature = contract.sign(secret.encode(), method=method, path=path, body=body, **values)
    return {
        contract.TIMESTAMP: values["timestamp"],
        contract.NONCE: values["nonce"],
        contract.SIGNATURE: signature,
    }


BODY = json.dumps(legacy("checkout-api", "check container status")).encode()


@pytest.fixture
async def desk(start, service):
    return await start({"checkout-api": service(autostart=False)}, signed=True)


async def test_a_signed_request_is_accepted_once_and_its_replay_refused(desk):
    headers = signed(desk, BODY)
    assert (await desk.post(PATH, BODY, **headers))[0] == 200
    status, answer = await desk.post(PATH, BODY, **headers)
    assert (status, answer["error"]["code"]) == (401, "nonce_replayed")


async def test_a_replay_is_refused_for_as_long_as_its_time_is_accepted(desk):
    ahead = contract.rfc3339(desk.clock())
    desk.clock.forward(-299)
    headers = signed(desk, BODY, timestamp=ahead)
    assert (await desk.post(PATH, BODY, **headers))[0] == 200
    desk.clock.forward(598)
    other = signed(desk, BODY, nonce="another-nonce-1234")  # lets the journal forget
    assert (await desk.post(PATH, BODY, **other))[0] == 200
    status, answer = await desk.post(PATH, BODY, **headers)
    assert (status, answer["error"]["code"]) == (401, "nonce_replayed")


async def test_a_nonce_is_remembered_by_the_gateway_started_after(tmp_path, clock):
    first = await Journal.open(tmp_path)
    assert await first.claim_nonce("sopbot", "nonce-0123456789", clock())
    await first.close()
    second = await Journal.open(tmp_path)
    assert not await second.claim_nonce("sopbot", "nonce-0123456789", clock())
    await second.close()


@pytest.mark.parametrize("seconds", [-301, 301])
async def test_a_time_too_far_away_is_refused(desk, seconds):
    headers = signed(desk, BODY)
    desk.clock.forward(seconds)
    status, answer = await desk.post(PATH, BODY, **headers)
    assert (status, answer["error"]["code"]) == (401, "timestamp_stale")


@pytest.mark.parametrize("seconds", [-299, 299])
async def test_a_time_within_the_window_is_accepted(desk, seconds):
    headers = signed(desk, BODY)
    desk.clock.forward(seconds)
    assert (await desk.post(PATH, BODY, **headers))[0] == 200


async def test_a_tampered_body_is_refused(desk):
    tampered = BODY.replace(b"check container status", b"restart the service")
    status, answer = await desk.post(PATH, tampered, **signed(desk, BODY))
    assert (status, answer["error"]["code"]) == (401, "signature_wrong")


async def test_a_signature_for_another_path_is_refused(desk):
    headers = signed(desk, BODY, path="/plan")
    status, answer = await desk.post(PATH, BODY, **headers)
    assert (status, answer["error"]["code"]) == (401, "signature_wrong")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({contract.SIGNATURE: ""}, "signature_missing"),
        ({contract.SIGNATURE: "0" * 64}, "signature_wrong"),
        ({contract.SIGNATURE: "é"}, "signature_wrong"),
        ({contract.TIMESTAMP: "yesterday"}, "timestamp_invalid"),
        ({contract.NONCE: "short"}, "nonce_invalid"),
        ({contract.NONCE: "another-nonce-1234"}, "signature_wrong"),
    ],
)
async def test_each_part_of_a_signature_is_checked(desk, change, code):
    status, answer = await desk.post(PATH, BODY, **(signed(desk, BODY) | change))
    assert (status, answer["error"]["code"]) == (401, code)


async def test_an_unsigned_request_is_refused_on_every_endpoint_with_data_or_effects(desk):
    for path in ("/plan", "/execute", PATH):
        assert (await desk.post(path, BODY))[0] == 401
    for path in ("/actions", "/executions/k1"):
        assert (await desk.get(path))[0] == 401
    for path in ("/health",):
        assert (await desk.get(path))[0] == 200


async def test_a_source_cannot_speak_for_another(desk):
    body = BODY.replace(b'"sopbot"', b'"other-bot"')
    status, answer = await desk.post(PATH, body, **signed(desk, body))
    assert (status, answer["error"]["code"]) == (401, "source_mismatch")


async def test_a_changed_key_header_is_refused_for_the_signed_body_holds_it(desk):
    body = json.dumps(
        legacy("checkout-api", "check container status") | {"idempotency_key": "k1"}
    ).encode()
    headers = signed(desk, body) | {contract.IDEMPOTENCY_KEY: "k2"}
    status, answer = await desk.post(PATH, body, **headers)
    assert (status, answer["error"]["code"]) == (422, "key_mismatch")


async def test_the_client_signs_everything_it_sends(desk):
    assert await desk.client.offers() is not None
    assert (await desk.client.plan(STATUS)).target == "checkout-api"
    assert (await desk.client.execute(STATUS, key="k1")).state == "succeeded"
    assert (await desk.client.lookup("k1")).state == "succeeded"
    assert await desk.client.lookup("k2") == NeverSeen()


async def test_a_secret_is_exchanged_while_requests_arrive(tmp_path, start, service):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text(SECRET)
    new.write_text(other := "the next secret of the tests")
    source = {"secret_file": str(old)}
    desk = await start({"checkout-api": service(autostart=False)}, sources={"sopbot": source})
    nonces = (f"nonce-0123456789-{number}" for number in count())

    async def answered(secret: str) -> int:
        headers = signed(desk, BODY, secret=secret, nonce=next(nonces))
        return (await desk.post(PATH, BODY, **headers))[0]

    assert [await answered(SECRET), await answered(other)] == [200, 401]
    both = Source(secret_file=new, previous_secret_file=old)
    for sources, statuses in (
        ({"sopbot": both}, [200, 200]),
        ({"sopbot": Source(secret_file=new)}, [401, 200]),
    ):
        callers, _ = source_secrets(sources, {})
        config = desk.config.model_copy(update={"sources": sources, "callers": callers})
        await desk.gateway.reload(config)
        assert [await answered(SECRET), await answered(other)] == statuses


async def test_a_bearer_token_stands_in_for_a_signature(start, service):
    environ = {"S": SECRET, "T": "a token of the tests, long", "P": "the token before it, long"}
    sources = {
        "sopbot": {"secret_env": "S"},
        "cron": {"token_env": "T", "previous_token_env": "P"},
    }
    desk = await start({"checkout-api": service(autostart=False)}, sources=sources, secrets=environ)
    body = BODY.replace(b"sopbot", b"cron")
    for authorization, expected in (
        (f"Bearer {environ['T']}", 200),
        (f"bearer {environ['P']}", 200),
        (f"Bearer {SECRET}", 401),  # the key of a signature is never sent
        ("Bearer ", 401),
        (environ["T"], 401),
    ):
        assert (await desk.post(PATH, body, Authorization=authorization))[0] == expected
    authorization = f"Bearer {environ['T']}"
    status, answer = await desk.post(PATH, BODY, Authorization=authorization)
    assert (status, answer["error"]["code"]) == (401, "source_mismatch")
    for secret, token, source in (("", environ["T"], "cron"), (SECRET, "", "sopbot")):
        client = GatewayClient(
            desk.session,
            url=desk.url,
            timeout=5,
            source_id=source,
            secret=secret,
            token=token,
            clock=desk.clock,
        )
        assert (await client.execute(STATUS, key=f"key-{source}")).state == "succeeded"


async def test_the_client_of_a_wrong_secret_is_told_so(desk):
    client = GatewayClient(
        desk.session,
        url=desk.url,
        timeout=5,
        source_id="sopbot",
        secret="another secret, long enough",
        clock=desk.clock,
    )
    with pytest.raises(GatewayRejected, match="signature does not match") as caught:
        await client.execute(STATUS, key="k1")
    assert caught.value.status == 401


@pytest.mark.parametrize(
    "timestamp", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-02-30T00:00:00Z"]
)
async def test_a_time_that_no_calendar_holds_is_refused(desk, timestamp):
    status, answer = await desk.post(PATH, BODY, **signed(desk, BODY, timestamp=timestamp))
    assert (status, answer["error"]["code"]) == (401, "timestamp_invalid")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({contract.TIMESTAMP: ""}, "signature_missing"),
        ({contract.TIMESTAMP: "2001-01-01T00:00:00Z"}, "timestamp_stale"),
        ({contract.NONCE: "short"}, "nonce_invalid"),
        ({contract.SIGNATURE: "x"}, "signature_wrong"),
        ({"Origin": "http://example.com"}, "browser"),
    ],
)
async def test_a_request_without_good_headers_is_refused_before_its_body_is_read(
    desk, change, code
):
    headers = signed(desk, BODY) | change | {"Content-Length": "1000000"}
    lines = [f"POST {PATH} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    parts = urlsplit(desk.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        head = "\r\n".join([*lines, "", ""]).encode()
        # Of a request that is not whole the server holds so much before anything looks at it.
        writer.write(head + b"x" * HELD_BYTES)
        await reader.readuntil(b"\r\n\r\n")
        assert f'"{code}"'.encode() in await reader.readuntil(b'"detail"')
    finally:
        writer.close()
