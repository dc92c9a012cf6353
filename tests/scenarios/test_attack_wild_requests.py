"""Malformed requests get a 4xx with a sentence in JSON, never a 5xx."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.intake import PARSERS
from tests.helpers.seeds import SEED
from tests.scenarios.starting import StartBot
from tests.scenarios.world import World

pytestmark = [pytest.mark.attack("ASI02"), pytest.mark.one_engine]

SOURCES = [parser.name for parser in PARSERS]
DEEP = 60_000
TIMES = (
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "1971-01-01T00:00:00Z",
    "-1",
    "999999999999999999",
    "2026-02-30T00:00:00Z",
    1e308,
    -1,
    253402300799,
    253402300800,
    99999999999999,
    True,
    [],
)
VALUES = (
    *(None, True, 0, -1, 10**400, 1e308, "", " ", "\x00", "\ud800", "\u202e", "a" * 70_000, "%s{}"),
    *([], {}, [[]], [None], {"": ""}, {"a": {"b": {"c": []}}}, ["\ud800"], {"\x00": "\x00"}),
)
FIELDS = (
    *("alerts", "labels", "annotations", "status", "startsAt", "endsAt", "fingerprint", "values"),
    *("name", "title", "text", "env", "service", "severity", "tags", "links", "metadata", "value"),
    *("incident_key", "prompt", "sop_id", "tracking_id", "timestamp", "Message", "Type", "Trigger"),
    *("AlarmName", "StateChangeTime", "NewStateValue", "data", "action", "monitor", "heartbeat"),
    *("dag_id", "task_id", "start_date", "context", "detail", "source", "idempotency_key"),
    *("source_id", "target_resource", "action_request", "plan_digest", "TopicArn", "SubscribeURL"),
)


def good(path: str) -> dict[str, Any]:
    """A body that the path takes."""
    if path.endswith(("/alertmanager", "/grafana", "/webhook/alerts")):
        return {"alerts": [{"labels": {"alertname": "A"}, "startsAt": "2026-11-26T00:00:00Z"}]}
    if path == "/incident":
        return {"incident_key": "k", "prompt": "why"}
    if path in ("/plan", "/execute", "/execute-docker-command"):
        request = {"intent": "status", "action": {"id": "service.status", "parameters": {}}}
        return {
            "source_id": "sopbot",
            "target_resource": {"name": "checkout-api"},
            "action_request": request,
        }
    return {"name": "A", "dag_id": "d", "AlarmName": "A", "NewStateValue": "ALARM", "text": "t"}


def bodies(path: str, dice: random.Random, count: int) -> Iterator[bytes]:
    """Bodies that are not JSON, that nearly are, and that hold odd values in known fields."""
    yield from (
        b"",
        b"\xff\xfe",
        b"nul",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b'"a"',
        b"1",
        b"\xef\xbb\xbf{}",
    )
    yield b"[" * DEEP
    yield b'{"a":' * DEEP + b"1" + b"}" * DEEP
    yield b'{"alerts":' + b"[" * 900 + b"]" * 900 + b"}"
    yield b'{"name": NaN, "value": Infinity, "alerts": [{"labels": {"a": -Infinity}}]}'
    yield b'{"name": ' + b"9" * 6_000 + b"}"
    yield b'{"name": "\\ud800", "text": "\\udfff\\u0000"}'
    yield b'{"name": 1e400}'
    for time in TIMES:
        entry = {"labels": {"alertname": "A"}, "startsAt": time, "endsAt": time}
        times = dict.fromkeys(("starts_at", "ends_at", "timestamp", "ts", "start_date"), time)
        yield json.dumps(good(path) | times | {"StateChangeTime": time}).encode()
        yield json.dumps({"alerts": [entry], "metadata": {"start_time": time}}).encode()
    for _ in range(count):
        body = good(path)
        for field in dice.sample(FIELDS, 3):
            holder = body
            if (
                dice.random() < 0.5
                and isinstance(body.get("alerts"), list)
                and body["alerts"]
                and isinstance(body["alerts"][0], dict)
            ):
                holder = body["alerts"][0]
            elif dice.random() < 0.3 and isinstance(body.get("action_request"), dict):
                holder = body["action_request"]
            holder[field] = dice.choice(VALUES)
        yield json.dumps(body).encode()


HEADERS = (
    "Content-Encoding: gzip",
    "Content-Encoding: deflate",
    "Content-Encoding: br",
    "Content-Encoding: zstd",
    "Content-Encoding: nonsense",
    "Content-Type: application/json; charset=nonsense",
    "Content-Type: application/json; charset=utf-16",
    "Content-Type: \xff\xfe",
    "Content-Type: multipart/form-data",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: chunked",
    "Idempotency-Key: \xff\x80",
    "Idempotency-Key: " + "k" * 5_000,
    "Expect: nonsense",
    "Expect: 100-continue",
    "Content-Length: -1",
    "Content-Length: 1e3",
    "Content-Length: 99999999999999999999",
    "Range: bytes=0-",
    "Upgrade: websocket\r\nConnection: Upgrade",
    "Cookie: a=\xff",
    "X-Sopbot-Timestamp: 9999-12-31T23:59:59-14:00\r\nX-Sopbot-Nonce: "
    + "n" * 20
    + "\r\nX-Sopbot-Signature: \xff",
    "Authorization: Bearer \xff",
    "Accept: \xff",
)
PATHS = (
    *("/", "/%00", "/%0a", "/%ff%fe", "/%zz", "/alerts/%00", "/alerts/%ff", "/alerts/a%2fb", "//"),
    *("/alerts/" + "a" * 7_000, "/alerts/..%2f..", "/api/v3/trace/%00", "/api/v3/trace/%ed%a0%80"),
    *("/api/v3/trace/" + "é", "/executions/%00", "/executions/" + "k" * 300, "/metrics?name[]=%ff"),
    *("/healthz?%00=%00", "/readyz#x", "/health/detailed?x=%ed%a0%80", "*", "http://[", "/a b"),
)


async def status_of(url: str, data: bytes) -> tuple[int, bytes, bytes]:
    """(status, head, body) of what comes back for these very bytes; 0 for a closed connection."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(data)
        await writer.drain()
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status >= 200:
                break
        length = next(
            (
                int(line[15:])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ),
            0,
        )
        return status, head, await reader.readexactly(length)
    except (ConnectionError, asyncio.IncompleteReadError):
        return 0, b"", b""
    finally:
        writer.close()


def request(method: str, path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    named = {header.partition(":")[0].lower() for header in headers}
    if "content-type" not in named:
        lines.append("Content-Type: application/json")
    if not named & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1", "replace") + body


async def fault(url: str, data: bytes) -> str:
    """The fault of the answer; '' if there is none."""
    status, _, body = await status_of(url, data)
    if status >= 500:
        return f"{status} for {data[:200]!r}: {body[:200]!r}"
    if status < 400 or data[:4] == b"HEAD":
        return ""
    try:
        error = json.loads(body)["error"]
        return "" if error["code"] and error["message"] else f"no sentence for {data[:200]!r}"
    except (ValueError, KeyError, TypeError):
        return f"{status} without JSON for {data[:200]!r}: {body[:200]!r}"


async def wild(url: str, posts: list[str], gets: list[str], count: int) -> list[str]:
    """The faults after every odd body, header, path and method at every endpoint."""
    dice = random.Random(27)
    sent = [request("POST", path, body) for path in posts for body in bodies(path, dice, count)]
    for path, header in itertools.product((posts[0], posts[-1]), HEADERS):
        odd = (json.dumps(good(path)).encode(), gzip.compress(b"{}")[:-3])
        sent += [request("POST", path, body, header) for body in odd]
    methods = ("GET", "POST", "HEAD", "DELETE", "X\xff", "CONNECT")
    sent += [request(way, path, b"{}") for way, path in itertools.product(methods, PATHS)]
    sent += [request("GET", path, b"", head) for path, head in itertools.product(gets, HEADERS)]
    sent += [
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n" * 20 + b"x",
    ]
    return [result for data in sent if (result := await fault(url, data))]


SOME = random.Random(SEED).sample(SOURCES, 8)  # the property tests of intake read any body of each


@pytest.mark.parametrize(
    "sources",
    [
        pytest.param(SOME, id="some-sources"),
        pytest.param(SOURCES, id="all-sources", marks=pytest.mark.chaos),
    ],
)
async def test_no_request_makes_the_bot_answer_5xx(
    bot: StartBot, world: World, caplog: pytest.LogCaptureFixture, sources: list[str]
) -> None:
    running = await bot(HTTP_TOKEN="")
    posts = ["/incident", "/webhook/alerts", *(f"/alerts/{source}" for source in sources)]
    gets = ["/healthz", "/readyz", "/health", "/health/detailed", "/metrics", "/api/v3/trace/x"]
    assert await wild(running.http_url, posts, gets, 25) == []
    failed = [record for record in caplog.records if record.exc_info]
    assert failed == [], failed[0].getMessage()


async def test_no_request_makes_the_gateway_answer_5xx(
    unsigned_gateway: str, caplog: pytest.LogCaptureFixture
) -> None:
    posts = ["/plan", "/execute", "/execute-docker-command"]
    gets = ["/health", "/metrics", "/actions", "/executions/x"]
    assert await wild(unsigned_gateway, posts, gets, 60) == []
    failed = [record for record in caplog.records if record.exc_info]
    assert failed == [], failed[0].getMessage()


async def test_an_unsigned_gateway_answers_to_this_machines_names_alone(
    unsigned_gateway: str,
) -> None:
    for host, expected in (
        ("evil.example", 421),
        ("127.0.0.1:1", 200),
        ("localhost", 200),
        ("", 421),
    ):
        data = f"GET /actions HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        status, _, _ = await status_of(unsigned_gateway, data)
        assert status == expected, host


async def test_readyz_tells_a_stranger_no_reason_and_each_of_two_tokens_all(bot: StartBot) -> None:
    running = await bot(
        HTTP_TOKEN="a token of the tests", HTTP_TOKEN_PREVIOUS="the token before it"
    )
    for header, value in (
        ("X: y", False),
        ("Authorization: Bearer ", False),
        ("Authorization: Bearer a token of the tests", True),
        ("Authorization: Bearer the token before it", True),
    ):
        _, _, body = await status_of(running.http_url, request("GET", "/readyz", b"", header))
        checks = json.loads(body)["checks"]
        assert {"gateway", "store", "slack"} <= set(checks)
        assert all(("reason" in check) is value for check in checks.values())
