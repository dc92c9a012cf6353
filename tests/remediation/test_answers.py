"""Interprets answers of any gateway: a command that may have run to its end never "failed"."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.incidents.remediation import RemediationStatus
from bot.remediation import answers
from bot.remediation.contract import Answer, OverallStatus
from bot.response import gateway_results

JSON = dict[str, Any]
NOT_RUN = "Connection refused. Nothing was run."


def result(status: str | None = None, code: int | None = None, stderr: str = "") -> JSON:
    return {"status": status, "exit_code": code, "stdout": "", "stderr": stderr}


def read(
    overall: str, result: JSON | None = None, code: str | None = None, text: str | None = None
) -> answers.Outcome:
    body = {
        "overall_status": overall,
        "execution_details": {"command": "docker restart x", "execution_result": result},
        "error_details": {"error_code": code, "error_message": text},
    }
    return answers.outcome(Answer.model_validate_json(json.dumps(body)))


ROWS: list[tuple[tuple[Any, ...], str, bool]] = [
    # What the gateways of facts/seeds.md answer, and ours.
    (("COMPLETED_SUCCESS", result("SUCCESS", 0)), "succeeded", False),
    (("COMPLETED_SUCCESS", None), "succeeded", False),
    (("COMPLETED_FAILURE", result("FAILURE", 1)), "failed", False),
    (("COMPLETED_FAILURE", result("FAILURE", 137)), "failed", False),
    (("COMPLETED_FAILURE", result("FAILURE", -9)), "failed", False),
    (("COMPLETED_FAILURE", None), "failed", False),
    (
        ("COMPLETED_FAILURE", result("TIMEOUT", -1, "timed out after 30 s")),
        "unknown",
        False,
    ),
    (("COMPLETED_FAILURE", result("TIMEOUT", None)), "unknown", False),
    (("COMPLETED_FAILURE", result("timeout", 124)), "unknown", False),
    (("COMPLETED_FAILURE", result("ERROR", -1, "broken pipe")), "unknown", False),
    (("COMPLETED_FAILURE", result("ERROR", -1, NOT_RUN)), "failed", True),
    (("COMPLETED_FAILURE", result("FAILURE", -1)), "unknown", False),
    (("COMPLETED_FAILURE", result(None, -1)), "unknown", False),
    (("EXECUTION_ERROR", result("SSH_ERROR", -1, "banner")), "unknown", False),
    (("EXECUTION_ERROR", result("SSH_ERROR", -1, NOT_RUN)), "failed", True),
    (("EXECUTION_ERROR", None), "unknown", False),
    (("EXECUTION_ERROR", None, "TARGET_BUSY", "web is held. Nothing was run."), "failed", True),
    (
        ("EXECUTION_ERROR", None, "DOCKER_UNREACHABLE", "Away. Nothing was run."),
        "failed",
        True,
    ),
    (("EXECUTION_ERROR", None, "DOCKER_REFUSED", "Docker answered 500"), "failed", False),
    (("EXECUTION_ERROR", None, "DOCKER_REFUSED", 'exec: "/nothing was run"'), "failed", False),
    (("EXECUTION_ERROR", None, "SOMETHING", "the connection broke"), "unknown", False),
    (("VALIDATION_ERROR", None, "UNKNOWN_SERVICE", "Unknown: X"), "failed", True),
    (("LLM_GENERATION_FAILED", None, "LLM_ERROR", "no answer"), "failed", True),
    (("INTERNAL_ERROR", None, "GATEWAY_ERROR", "boom"), "escalate", False),
    (("INTERNAL_ERROR", None, "OUTCOME_UNKNOWN", "nothing was run"), "escalate", False),
    (("FOUNDATION_READY", None), "escalate", False),
    (("completed_success", result("SUCCESS", 0)), "escalate", False),
    # What contradicts itself.
    (("COMPLETED_SUCCESS", result("TIMEOUT", -1)), "unknown", False),
    (("COMPLETED_SUCCESS", result("SUCCESS", 3)), "unknown", False),
    (("COMPLETED_FAILURE", result("SUCCESS", 0)), "unknown", False),
    (("EXECUTION_ERROR", result("SUCCESS", 0, NOT_RUN)), "unknown", False),
    (("VALIDATION_ERROR", result("FAILURE", 1)), "unknown", False),
    (("COMPLETED_FAILURE", result("FAILURE", 1, NOT_RUN)), "failed", False),
]


@pytest.mark.parametrize(("row", "state", "nothing_ran"), ROWS)
def test_each_row_of_the_table(row: tuple[Any, ...], state: str, nothing_ran: bool) -> None:
    outcome = read(*row)
    assert (outcome.state, outcome.nothing_ran) == (state, nothing_ran)
    status = gateway_results.read(outcome).state
    assert (status is RemediationStatus.FAILED) == (state == "failed")
    assert (status is RemediationStatus.SUCCEEDED) == (state == "succeeded")


@pytest.mark.parametrize(
    ("text", "nothing_ran"),
    [
        ("Nothing was run.", True),
        ("NOTHING RAN", True),
        ("the command was not executed", True),
        ("nothing has been started", True),
        ("something was run", False),
        ("nothing is wrong with it", False),
        ("the service was not running", False),
        ("", False),
        ("x" * 700 + "Nothing was run.", False),
    ],
)
def test_only_words_that_say_so_say_that_nothing_ran(text: str, nothing_ran: bool) -> None:
    assert read("EXECUTION_ERROR", None, None, text).nothing_ran is nothing_ran


ODD = st.none() | st.integers() | st.text(max_size=20) | st.booleans() | st.just("x" * 100_000)
WORDS = st.sampled_from([*OverallStatus, "success", "", "COMPLETED", None])
RESULTS = ODD | st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["SUCCESS", "FAILURE", "TIMEOUT", "ERROR", "SSH_ERROR"]) | ODD,
        "exit_code": st.integers(-2, 2) | ODD,
        "stdout": ODD,
        "stderr": ODD | st.just(NOT_RUN),
    },
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "overall_status": WORDS | ODD,
        "execution_details": ODD | st.fixed_dictionaries({"execution_result": RESULTS}),
        "error_details": ODD
        | st.fixed_dictionaries({"error_code": ODD, "error_message": ODD | st.just(NOT_RUN)}),
    },
)


@given(BODIES)
def test_an_odd_answer_is_never_taken_for_success_nor_for_what_surely_did_not_run(
    body: JSON,
) -> None:
    try:
        answer = Answer.model_validate_json(json.dumps(body))
    except ValidationError:
        return  # the client calls that an unknown outcome
    outcome = answers.outcome(answer)
    execution_result = (body.get("execution_details") or {}).get("execution_result") or {}
    ended_well = execution_result.get("status") in (None, "", "SUCCESS") and execution_result.get(
        "exit_code"
    ) in (
        None,
        0,
    )
    if outcome.state == "succeeded":
        assert body["overall_status"] == "COMPLETED_SUCCESS"
        assert ended_well
    if outcome.nothing_ran:
        assert outcome.state == "failed"
        assert execution_result.get("exit_code") in (None, -1)
        refused = body["overall_status"] in ("VALIDATION_ERROR", "LLM_GENERATION_FAILED")
        assert refused or NOT_RUN in json.dumps(body)
    if outcome.state == "failed":
        assert execution_result.get("status") != "SUCCESS"
        assert execution_result.get("exit_code") != 0
    assert len(outcome.error) < 2_200
