"""Interprets the gateway's answers for people. Every text in them is hostile data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import JsonValue, ValidationError

from bot.remediation.contract import (
    OUTPUT_LIMIT_CHARS,
    Answer,
    ExecutionDetails,
    ExecutionRecord,
    ExecutionResult,
    HealthReport,
    OverallStatus,
    TypedAction,
    capped,
    printable,
    read_time,
)
from bot.remediation.schemas import MOST_PARAMETERS
from bot.serving.log_lines import redact
from bot.validation import reason_of

OutcomeState = Literal["succeeded", "failed", "unknown", "escalate"]

_DETAIL_CHARS = 600
# Space for the note of a gateway that has capped the output itself.
_STREAM_CHARS = OUTPUT_LIMIT_CHARS + 500


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """The health of a gateway that can run something: `healthy` or `degraded`."""

    status: str
    version: str
    checks: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of an execution, as the gateway reports it.

    `state` escalate: the gateway itself failed, so people have to check; with `error_code`
    OUTCOME_UNKNOWN the gateway does not know the outcome. `unknown`: the command began, or may have
    begun, and its end was not observed. `nothing_ran`: the gateway reports that a failed request
    ran nothing. `finished_at` is the gateway's own time.
    """

    state: OutcomeState
    overall_status: str
    nothing_ran: bool = False
    request_id: str = ""
    command: str = ""
    exit_code: int | None = None
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    error_code: str = ""
    finished_at: datetime | None = None
    inverse: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """The gateway has been running it since then; `progress` is its latest word, one line."""

    since: datetime | None
    progress: str = ""
    cancellable: bool = False


def running_of(record: ExecutionRecord) -> Running:
    """Return what the gateway says of an execution that runs."""
    line, progress = "", record.progress
    if progress is not None:
        line = short_line(progress.text)
        if progress.done is not None and progress.total:
            line = f"{line} ({progress.done:,} of {progress.total:,})".strip()
    return Running(read_time(record.received_at), line, record.cancellable)


@dataclass(frozen=True, slots=True)
class NeverSeen:
    """The gateway has never run anything under that key; if it is `barred`, it never will.

    `gateway` is the name of the one that says so.
    """

    barred: bool = False
    gateway: str = ""


_NOTHING_RAN = re.compile(
    r"\b(?:nothing|no command) (?:was |has been |is )?(?:run|ran|executed|sent|started)\b"
    r"|\b(?:was|were) (?:not|never) (?:run|executed|sent|started)\b",
    re.IGNORECASE,
)
# The command may still run, or be finished.
_NO_ANSWER = frozenset({"TIMEOUT", "ERROR", "SSH_ERROR"})
_REFUSED = frozenset({OverallStatus.VALIDATION_ERROR, OverallStatus.LLM_GENERATION_FAILED})
# Codes of our own gateway, which knows that the executor refused. Another gateway's EXECUTION_ERROR
# may be a connection that broke while the command ran.
_KNOWN_TO_HAVE_FAILED = frozenset({"DOCKER_REFUSED", "NO_CONTAINER", "START_FAILED"})
# A restart may have stopped the container, and Docker's reason quotes the container's own words.
_MAY_HAVE_BEGUN = "DOCKER_REFUSED"


def decide(answer: Answer) -> tuple[OutcomeState, bool]:
    """Return (state of the request, True if the gateway states that nothing ran).

    The first matching row, from the top:

    | overall_status | execution_result | the answer says | outcome |
    |---|---|---|---|
    | COMPLETED_SUCCESS | none, or exit 0 or none and no other status | | succeeded |
    | COMPLETED_SUCCESS | anything else | | unknown: it contradicts itself |
    | INTERNAL_ERROR, an unknown word | | | escalate |
    | any other | SUCCESS, or exit 0 | | unknown: it contradicts itself |
    | any other | none, or without a real exit code | nothing was run | failed, nothing ran |
    | VALIDATION_ERROR, LLM_GENERATION_FAILED | none | | failed, nothing ran |
    | any other | TIMEOUT, ERROR, SSH_ERROR, or exit -1 | | unknown |
    | COMPLETED_FAILURE | none, or with its exit code | | failed |
    | EXECUTION_ERROR | | an error code of ours | failed |
    | EXECUTION_ERROR, the two above with a result | | | unknown |
    """
    details, status = answer.execution_details, answer.overall_status
    result = details.execution_result if details else None
    word = result.status.strip().upper() if result else ""
    code = result.exit_code if result else None
    if status == OverallStatus.COMPLETED_SUCCESS:
        good = word in ("", "SUCCESS") and code in (None, 0)
        return ("succeeded" if good else "unknown"), False
    if status not in set(OverallStatus) or status == OverallStatus.INTERNAL_ERROR:
        return "escalate", False
    if word == "SUCCESS" or code == 0:
        return "unknown", False
    if code in (None, -1) and says_nothing_ran(answer):
        return "failed", True
    if status in _REFUSED and result is None:
        return "failed", True
    if word in _NO_ANSWER or code == -1:
        return "unknown", False
    if status == OverallStatus.COMPLETED_FAILURE:
        return "failed", False
    fault = answer.error_details
    known = fault is not None and fault.error_code in _KNOWN_TO_HAVE_FAILED
    return ("failed" if known else "unknown"), False


def says_nothing_ran(answer: Answer) -> bool:
    """Return True if the gateway's text states that no part of the request ran."""
    fault, details = answer.error_details, answer.execution_details
    if fault and fault.error_code == _MAY_HAVE_BEGUN:
        return False
    result = details.execution_result if details else None
    texts = (fault.error_message if fault else "", result.stderr if result else "")
    return any(_NOTHING_RAN.search(text[:_DETAIL_CHARS]) for text in texts)


def outcome(answer: Answer) -> Outcome:
    """Return the outcome of an answer, by `decide`."""
    state, nothing_ran = decide(answer)
    details = answer.execution_details or ExecutionDetails()
    result = details.execution_result or ExecutionResult()
    fault = answer.error_details
    stderr = capped(_safe(result.stderr), _STREAM_CHARS)
    error = ""
    if state != "succeeded":
        message = _safe(fault.error_message) if fault else ""
        error = capped(
            message or stderr or f"the gateway says {short_line(answer.overall_status)}", 2_000
        )
    return Outcome(
        state=state,
        nothing_ran=nothing_ran,
        overall_status=short_line(answer.overall_status),
        request_id=short_line(answer.request_id),
        command=capped(_safe(details.command), 4_000),
        exit_code=result.exit_code,
        stdout=capped(_safe(result.stdout), _STREAM_CHARS),
        stderr=stderr,
        error=error,
        error_code=short_line(fault.error_code) if fault else "",
        finished_at=read_time(answer.timestamp_processed_utc),
        inverse=_inverse(answer.inverse),
    )


def _inverse(action: TypedAction | None) -> dict[str, Any] | None:
    """Return the action that takes it back: plain values, as few as an action may have."""
    if action is None or len(action.parameters) > MOST_PARAMETERS:
        return None
    if not all(isinstance(value, str | int | float) for value in action.parameters.values()):
        return None
    return {"id": action.id, "parameters": dict(action.parameters)}


def escalated(status: int, body: bytes) -> Outcome:
    """Return the outcome of a 5xx: whatever its body contains, people decide."""
    try:
        reported = outcome(Answer.model_validate_json(body))
    except ValidationError:
        reported = Outcome(state="escalate", overall_status=OverallStatus.INTERNAL_ERROR)
    return Outcome(
        state="escalate",
        overall_status=OverallStatus.INTERNAL_ERROR,
        request_id=reported.request_id,
        command=reported.command,
        exit_code=reported.exit_code,
        stdout=reported.stdout,
        stderr=reported.stderr,
        error=reported.error or rejection(status, body),
        error_code=reported.error_code or error_code(body),
        finished_at=reported.finished_at,
    )


def rejection(status: int, body: bytes) -> str:
    """Return one line for people: `422: action_request.intent: required`."""
    return f"The gateway answered {status}: {_detail(_json(body), body)}"


def error_code(body: bytes) -> str:
    """Return `error.code` of a JSON error, or ''."""
    value = _json(body)
    error = value.get("error") if isinstance(value, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""


def is_barred(body: bytes) -> bool:
    """Return True if the gateway confirms that it refuses the key from now on."""
    value = _json(body)
    return isinstance(value, dict) and value.get("barred") is True


def unhealthy(address: str, status: int, report: HealthReport) -> str:
    """Return the reason why a gateway is not healthy, with its failed checks."""
    bad = [
        f"{short_line(name)}: {short_line(str(value))}"
        for name, value in report.checks.items()
        if not str(value).startswith("ok")
    ]
    line = f"The gateway at {address} is {short_line(report.status) or 'silent'} (HTTP {status})"
    return line + (f": {'; '.join(bad[:5])}." if bad and report.status != "healthy" else ".")


def _safe(text: str) -> str:
    """Make text safe to show and to store: printable, without tokens that a command printed."""
    # In this order: an invisible character inside a token must not hide it.
    return redact(printable(text))


def short_line(text: str) -> str:
    """Return one short printable line."""
    return " ".join(_safe(text).split())[:200]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _detail(value: Any, body: bytes) -> str:
    """Return the error text, from the known shapes: FastAPI's `detail` (text or list),
    our `error`.
    """
    message = ""
    if isinstance(value, dict):
        detail, error = value.get("detail"), value.get("error")
        if isinstance(detail, list):
            message = "; ".join(_entry(item) for item in detail[:5])
        elif isinstance(detail, str):
            message = detail
        if isinstance(error, dict) and isinstance(error.get("message"), str):
            message = message or error["message"]
        elif isinstance(error, str):
            message = f"{message}: {error}" if message else error
    message = message or body.decode(errors="replace") or "an empty answer"
    line = " ".join(_safe(message).split())
    return line if len(line) <= _DETAIL_CHARS else line[:_DETAIL_CHARS] + " …"


def _entry(item: Any) -> str:
    """Format one entry of pydantic's list: its field and the problem."""
    if not isinstance(item, dict):
        return str(item)
    loc = item.get("loc")
    where = ".".join(str(part) for part in loc if part != "body") if isinstance(loc, list) else ""
    # We reword pydantic's own kinds; the text of another gateway stays.
    context = item.get("ctx")
    reason = reason_of(str(item.get("type")), context if isinstance(context, dict) else {})
    problem = reason or str(item.get("msg"))
    return f"{where}: {problem}" if where else problem
