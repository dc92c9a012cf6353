"""The client against gateways that answer as told, over real sockets."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import GatewayRejected, GatewayUnavailable, InputError, OutcomeUnknown
from bot.remediation import contract
from bot.remediation.client import ActionCall
from bot.serving.gate import BUSY
from tests.helpers.scripted_gateway import (
    CALL,
    SUCCESS,
    ScriptedGateway,
    answer,
    make,
)


async def test_every_request_carries_a_tracking_id_the_incidents_where_there_is_one(
    gateway, client
):
    about = replace(CALL, tracking_id="req-20260101-000000-0123abcd")
    gateway.replies = [(404, {})]
    await client.plan(about)
    await client.lookup("k1", tracking_id=about.tracking_id)
    with pytest.raises(GatewayRejected):
        await client.execute(about, key="k1")
    with pytest.raises(GatewayUnavailable):
        await client.health()
    await client.offers()
    await client.plan(replace(CALL, tracking_id="forged\r\nX-Evil: 1"))
    ids = [headers["X-Tracking-Id"] for _, _, headers, _ in gateway.requests]
    assert ids[:3] == [about.tracking_id] * 3
    assert all(
        re.fullmatch(r"req-20260101-000000-[0-9a-f]{8}", tracking_id) for tracking_id in ids[3:]
    )
    assert len(ids) == 6


async def test_the_older_shape_is_spoken_exactly(gateway, client):
    gateway.replies = [(200, SUCCESS)]
    outcome = await client.execute(CALL, key="inc-1.a")
    assert (outcome.state, outcome.stdout, outcome.exit_code) == ("succeeded", "c\n", 0)
    assert outcome.finished_at == datetime(2025, 6, 3, 10, 0, 0, 500_000, tzinfo=UTC)
    method, path, headers, body = gateway.requests[0]
    assert (method, path) == ("POST", "/execute-docker-command")
    assert headers["Idempotency-Key"] == "inc-1.a"
    assert contract.SIGNATURE not in headers
    assert json.loads(body) == {
        "source_id": "sopbot",
        "target_resource": {"name": "checkout-api"},
        "action_request": {
            "intent": "restart the service",
            "context": "",
            "priority": "NORMAL",
            "action": {"id": "service.restart", "parameters": {"grace_seconds": 10}},
        },
        "idempotency_key": "inc-1.a",
    }


async def test_an_approved_digest_goes_to_the_typed_endpoint(gateway, client):
    gateway.replies = [(200, SUCCESS)]
    await client.execute(CALL, key="k", digest="sha256:1")
    assert gateway.requests[0][1] == "/execute"
    assert json.loads(gateway.requests[0][3])["plan_digest"] == "sha256:1"


@pytest.mark.parametrize(
    ("body", "state", "error"),
    [
        (answer("COMPLETED_FAILURE"), "failed", "the gateway says COMPLETED_FAILURE"),
        (
            answer("VALIDATION_ERROR", error_details={"error_code": "UNKNOWN_SERVICE",
                                                      "error_message": "Unknown: X"}),
            "failed",
            "Unknown: X",
        ),
        (
            answer("LLM_GENERATION_FAILED", error_details={"error_code": "LLM_ERROR",
                                                           "error_message": None}),
            "failed",
            "the gateway says LLM_GENERATION_FAILED",
        ),
        (
            answer(
                "EXECUTION_ERROR",
                execution_details={"command": "x", "execution_result": {"stderr": "no key"}},
            ),
            "unknown",
            "no key",
        ),
        (answer("INTERNAL_ERROR"), "escalate", "the gateway says INTERNAL_ERROR"),
        (answer("success"), "escalate", "the gateway says success"),
    ],
)  # fmt: skip
async def test_the_body_decides_whatever_the_http_status_says(gateway, client, body, state, error):
    gateway.replies = [(200, body)]
    outcome = await client.execute(CALL, key="k")
    assert (outcome.state, outcome.error) == (state, error)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, b'{"detail":"Internal server error","error":"boom"}', "Internal server error: boom"),
        (502, b"<html>Bad gateway</html>", "The gateway answered 502: <html>"),
        (503, b"", "an empty answer"),
        (503, {"error": {"code": "down", "message": "Nothing was run."}}, "Nothing was run."),
        (500, {"error": {"code": "shutting_down", "message": "Oh."}}, "Oh."),
        (500, SUCCESS, "The gateway answered 500"),
        (500, answer("INTERNAL_ERROR", error_details={"error_message": "disk"}), "disk"),
    ],
)
async def test_a_5xx_escalates_even_when_its_body_claims_success(
    gateway, client, status, body, error
):
    gateway.replies = [(status, body)]
    outcome = await client.execute(CALL, key="k")
    assert (outcome.state, outcome.overall_status) == ("escalate", "INTERNAL_ERROR")
    assert error in outcome.error


@pytest.mark.parametrize("code", [contract.SHUTTING_DOWN, BUSY])
async def test_a_503_that_says_the_request_was_not_taken_may_be_sent_again(gateway, client, code):
    gateway.replies = [(503, {"error": {"code": code, "message": "Come later."}})]
    with pytest.raises(GatewayUnavailable, match="503: Come later"):
        await client.execute(CALL, key="k")


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (400, {"detail": "no such thing"}, "400: no such thing"),
        (401, {"error": {"code": "x", "message": "sign it"}}, "401: sign it"),
        (
            422,
            {
                "detail": [
                    {"type": "missing", "loc": ["body", "action_request"], "msg": "Field required"},
                    {"loc": ["source_id"], "msg": "too long"},
                    "odd",
                ]
            },
            "422: action_request: required; source_id: too long; odd",
        ),
        (409, {"error": {"code": "plan_drift", "message": "Plan it again."}}, "Plan it again."),
        (403, b"go away\x1b[31m", "403: go away"),
        (404, {"detail": "Not Found"}, "404: Not Found"),
        (302, b"", "302"),
    ],
)
async def test_a_4xx_is_our_fault_and_its_detail_is_readable(gateway, client, status, body, says):
    gateway.replies = [(status, body)]
    with pytest.raises(GatewayRejected) as caught:
        await client.execute(CALL, key="k")
    assert says in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert caught.value.status == status
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        (200, b"<html>"),
        (200, b"{}"),
        (200, b'{"overall_status":'),
        (202, b""),
        (200, b"[" * 100_000),
        (200, b'{"overall_status":"COMPLETED_SUCCESS","x":"' + b"x" * 1_048_576 + b'"}'),
        "break",
        "cut",
    ],
)
async def test_no_whole_readable_answer_after_sending_is_unknown_and_not_retried(
    gateway, client, reply
):
    gateway.replies = [reply]
    with pytest.raises(OutcomeUnknown):
        await client.execute(CALL, key="k")
    assert len(gateway.requests) == 1


async def test_a_gateway_that_does_not_answer_in_time_leaves_an_unknown_outcome(gateway):
    gateway.replies = ["silence"]
    async with aiohttp.ClientSession() as session:
        with pytest.raises(OutcomeUnknown, match=r"did not answer in 0\.2 s") as caught:
            await make(session, gateway.url, timeout=0.2).execute(CALL, key="k")
    assert len(gateway.requests) == 1
    assert "Outcome unknown" in str(caught.value)


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("url", [None, "http://no-such-host.invalid:8003"])
async def test_a_gateway_that_cannot_be_reached_was_sent_nothing(url):
    async with aiohttp.ClientSession() as session:
        url = url or f"http://u:pass@127.0.0.1:{_closed_port()}"
        client = make(session, url)
        with pytest.raises(GatewayUnavailable, match="Nothing was sent") as caught:
            await client.execute(CALL, key="k")
        assert "pass" not in str(caught.value)
        with pytest.raises(GatewayUnavailable):
            await client.health()
        with pytest.raises(GatewayUnavailable):
            await client.plan(CALL)
        with pytest.raises(GatewayUnavailable):
            await client.lookup("k")


async def test_a_secret_signs_the_request_that_travels(gateway):
    gateway.replies = [(200, SUCCESS)]
    async with aiohttp.ClientSession() as session:
        client = make(session, gateway.url + "/behind/a proxy/", secret="s3cret")
        await client.execute(CALL, key="k")
        await client.execute(CALL, key="k")
    assert len({headers[contract.NONCE] for _, _, headers, _ in gateway.requests}) == 2
    method, path, headers, body = gateway.requests[0]
    assert path == "/behind/a%20proxy/execute-docker-command"
    assert headers[contract.TIMESTAMP] == "2026-01-01T00:00:00.000Z"
    assert headers[contract.SIGNATURE] == contract.sign(
        b"s3cret",
        method=method,
        path=path,
        timestamp=headers[contract.TIMESTAMP],
        nonce=headers[contract.NONCE],
        body=body,
    )
    assert "s3cret" not in repr(client)


async def test_hostile_output_is_made_printable_and_capped(gateway, client):
    result = {"stdout": "\x1b[2Jok\x00" + "x" * 50_000, "stderr": "\u202etxt", "exit_code": 1}
    details = {"command": "a\x07b", "execution_result": result}
    gateway.replies = [(200, answer("COMPLETED_FAILURE", execution_details=details))]
    outcome = await client.execute(CALL, key="k")
    assert outcome.stdout.startswith("okx")
    assert len(outcome.stdout) < 11_000
    assert outcome.stdout.endswith("showing first 10500]")
    assert (outcome.stderr, outcome.command, outcome.error) == ("txt", "ab", "txt")


@pytest.mark.parametrize("status", [200, 500])
async def test_a_token_in_the_output_is_blotted_out(gateway, client, status):
    # The invisible mark is taken out first, and the cut comes last: neither saves a token.
    token = "xoxb-1234\u200b567890-abcdef"
    result = {"stdout": f"env: {token}", "stderr": "x" * 10_490 + " Bearer eyJhbGciOi.J9.x"}
    body = answer(
        "COMPLETED_FAILURE",
        execution_details={"command": f"run --token {token}", "execution_result": result},
        error_details={"error_code": "X", "error_message": f"no such token: {token}"},
    )
    gateway.replies = [(status, body)]
    outcome = await client.execute(CALL, key="k")
    assert outcome.stdout == "env: [secret]"
    assert outcome.command == "run --token [secret]"
    assert outcome.error == "no such token: [secret]"
    assert "eyJ" not in outcome.stderr


@pytest.mark.parametrize("key", ["", "a\r\nX-Evil: 1", "../health", "é", "a" * 201, " "])
async def test_a_key_that_is_no_key_is_refused_before_anything_is_sent(gateway, client, key):
    with pytest.raises(InputError):
        await client.execute(CALL, key=key)
    with pytest.raises(InputError):
        await client.lookup(key)
    assert gateway.requests == []


async def test_values_that_are_no_json_are_refused_before_anything_is_sent(gateway, client):
    for value in (float("nan"), {1, 2}, "\ud800"):
        call = ActionCall(action_id="a", target="t", parameters={"x": value})
        with pytest.raises(InputError, match="JSON"):
            await client.execute(call, key="k")
    assert gateway.requests == []


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    status=st.sampled_from([200, 200, 200, 400, 422, 500]),
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["overall_status", "detail", "error", "error_details", "execution_details",
                     "execution_result", "stdout", "exit_code", "code", "message", "loc", "msg"]
                ),
                inner,
                max_size=4,
            ),
            max_leaves=10,
        ).map(lambda value: json.dumps(value).encode()),
    ),
)  # fmt: skip
async def test_whatever_a_gateway_answers_only_its_own_word_makes_a_success(status, body):
    """One gateway an example: hypothesis calls this many times in one loop."""
    scripted = ScriptedGateway()
    scripted.replies = [(status, body)]
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", scripted.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession() as session:
            outcome = await make(session, url).execute(CALL, key="k")
        if outcome.state == "succeeded":
            assert status == 200
            assert json.loads(body)["overall_status"] == "COMPLETED_SUCCESS"
    except (GatewayRejected, OutcomeUnknown):
        pass
    finally:
        await runner.cleanup()
