from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.remediation import contract
from bot.remediation.contract import Answer, ExecuteRequest, Plan, sign

VECTOR = {
    "method": "POST",
    "path": "/execute",
    "timestamp": "2026-11-21T03:04:05.000Z",
    "nonce": "0123456789abcdef0123456789abcdef",
    "body": b'{"source_id":"sopbot"}',
}


def test_the_signature_of_the_test_vectors():
    # Computed with openssl: printf of the five lines | openssl dgst -sha256 -hmac secret
    assert sign(b"secret", **VECTOR) == (
        "befde46678838035679eaf6dcfbc37281603fa0eb68a2ce17d1ca1b92435219b"
    )
    nothing = VECTOR | {"method": "get", "path": "/executions/k1?x=%20", "body": b""}
    assert sign(b"secret", **nothing) == (
        "26d389139e97284051b7abfbc736257c0c017965680da128bee789e82f983867"
    )


@pytest.mark.parametrize("part", ["method", "path", "timestamp", "nonce", "body"])
def test_every_part_changes_the_signature(part):
    changed = VECTOR | {part: VECTOR[part] + (b"x" if part == "body" else "x")}
    assert sign(b"secret", **changed) != sign(b"secret", **VECTOR)
    assert sign(b"other", **VECTOR) != sign(b"secret", **VECTOR)


def test_null_means_absent_everywhere_in_an_answer():
    answer = Answer.model_validate_json(
        b'{"request_id":null,"timestamp_processed_utc":null,"overall_status":"COMPLETED_SUCCESS",'
        b'"execution_details":{"command":null,"execution_result":{"status":null,"exit_code":null,'
        b'"stdout":null,"stderr":null}},"error_details":{"error_code":null,"error_message":null},'
        b'"more":1}'
    )
    assert answer.execution_details.execution_result.stdout == ""
    assert answer.error_details.error_message == ""


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"overall_status":null}',
        b'{"overall_status":7}',
        b'{"overall_status":"COMPLETED_SUCCESS","execution_details":"done"}',
        b'{"overall_status":"EXECUTION_ERROR","execution_details":{"execution_result":7}}',
        b'{"overall_status":"A","execution_details":{"execution_result":{"exit_code":"0"}}}',
    ],
)
def test_an_answer_of_other_types_is_not_guessed_at(body):
    with pytest.raises(ValidationError):
        Answer.model_validate_json(body)


def test_a_request_takes_unknown_fields_and_null_but_no_other_priority():
    base = {"source_id": "s", "target_resource": {"name": "t"}, "action_request": {}}
    text = contract.canonical_json(
        base | {"extra": 1, "action_request": {"intent": None, "context": None, "priority": None}}
    )
    request = ExecuteRequest.model_validate_json(text)
    assert request.action_request.priority == "NORMAL"
    assert request.action_request.intent == ""
    for priority in ("HIGH", "BANANA"):
        text = contract.canonical_json(base | {"action_request": {"priority": priority}})
        if priority == "HIGH":
            assert ExecuteRequest.model_validate_json(text).action_request.priority == "HIGH"
        else:
            with pytest.raises(ValidationError):
                ExecuteRequest.model_validate_json(text)


PLAN = Plan(action="service.restart", target="web", executor="docker", display="docker restart web")


def test_the_digest_covers_what_runs_and_not_what_is_so_now():
    digest = PLAN.expected_digest()
    assert digest == PLAN.model_copy(update={"current": {"pid": 1}}).expected_digest()
    assert digest == PLAN.model_copy(update={"touches": ("web",)}).expected_digest()
    for change in (
        {"target": "api"},
        {"command": ("x",)},
        {"parameters": {"grace_seconds": 5}},
        {"binding": {"id": "2"}},
        {"steps": ("a",)},
        {"display": "other"},
    ):
        assert PLAN.model_copy(update=change).expected_digest() != digest


def test_a_plan_survives_the_wire_with_its_digest():
    sent = PLAN.model_copy(update={"command": ("a", "b c"), "parameters": {"x": [1, None, 2.5]}})
    got = Plan.model_validate_json(sent.model_dump_json())
    assert got == sent
    assert got.expected_digest() == sent.expected_digest()


def test_canonical_json_has_one_form():
    assert contract.canonical_json({"b": "é", "a": [1, None]}) == '{"a":[1,null],"b":"é"}'.encode()
    with pytest.raises(ValueError, match="JSON"):
        contract.canonical_json({"a": float("nan")})


@given(st.text())
def test_printable_text_holds_no_control_characters_and_is_stable(text):
    clean = contract.printable(text)
    assert not any(ord(c) < 32 and c not in "\n\t" for c in clean)
    assert not any(0x7F <= ord(c) <= 0x9F or 0xD800 <= ord(c) <= 0xDFFF for c in clean)
    assert contract.printable(clean) == clean
    clean.encode()


def test_terminal_escapes_go_as_a_whole():
    assert contract.printable("\x1b[31mred\x1b[0m \x1b]0;title\x07a\u202eb\r\nc\x00") == "red ab\nc"


@given(st.text(max_size=300), st.integers(1, 100), st.booleans())
def test_capped_text_says_what_was_left_out(text, limit, tail):
    got = contract.capped(text, limit, tail=tail)
    if len(text) <= limit:
        assert got == text
    else:
        assert f"{len(text)} total characters" in got
        assert got.endswith(text[-limit:]) if tail else got.startswith(text[:limit])


def test_times_are_written_in_utc_and_naive_ones_read_as_utc():
    east = datetime(2026, 11, 21, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert contract.rfc3339(east) == "2026-11-21T03:04:05.000Z"
    assert contract.read_time("2026-11-21T03:04:05.123456") == datetime(
        2026, 11, 21, 3, 4, 5, 123456, tzinfo=UTC
    )
    assert contract.read_time("2026-11-21T05:04:05+02:00") == east
    assert contract.read_time("soon") is None
