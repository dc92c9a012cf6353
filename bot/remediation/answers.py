"""The gateway's answers, read for people. Every text in them is hostile data."""

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
    ExecutionResult,
    HealthReport,
    OverallStatus,
    capped,
    printable,
    read_time,
)
from bot.serving.log_lines import redact
from bot.validation import reason_of

OutcomeState = Literal["succeeded", "failed", "unknown", "escalate"]

_DETAIL_CHARS = 600
# Room for the note of a gateway that has capped the output itself.
_STREAM_CHARS = OUTPUT_LIMIT_CHARS + 500


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """What a gateway says of itself while it can run something: `healthy` or `degraded`."""

    status: str
    version: str
    checks: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an execution ended, as far as the gateway says.

    `state` escalate: the gateway itself failed, so that people have to look; with `error_code`
    OUTCOME_UNKNOWN it says that it does not know. `unknown`: the command began, or may have, and
    nobody saw how it ended. `nothing_ran`: the gateway says so of what failed. `finished_at` is the
    gateway's own clock.
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


@dataclass(frozen=True, slots=True)
class Running:
    """The gateway is still at it, since then."""

    since: datetime | None


@dataclass(frozen=True, slots=True)
class NeverSeen:
    """The gateway has never run anything under that key; where it is `barred` it never will."""

    barred: bool = False


_NOTHING_RAN = re.compile(
    r"\b(?:nothing|no command) (?:was |has been |is )?(?:run|ran|executed|sent|started)\b"
    r"|\b(?:was|were) (?:not|never) (?:run|executed|sent|started)\b",
    re.IGNORECASE,
)
_NO_ANSWER = frozenset({"TIMEOUT", "ERROR", "SSH_ERROR"})  # the command may go on, or be done
_REFUSED = frozenset({OverallStatus.VALIDATION_ERROR, OverallStatus.LLM_GENERATION_FAILED})
# Of our own gateway, which knows that the executor refused; another one's EXECUTION_ERROR may be a
# connection that broke while the command ran.
_KNOWN_TO_HAVE_FAILED = frozenset({"DOCKER_REFUSED", "NO_CONTAINER", "START_FAILED"})


def decide(answer: Answer) -> tuple[OutcomeState, bool]:
    """(what became of the request, whether the gateway says that nothing ran).

    The first row that fits, from the top:

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
    """Whether the gateway says in words that nothing of the request was carried out."""
    fault, details = answer.error_details, answer.execution_details
    result = details.execution_result if details else None
    said = (fault.error_message if fault else "", result.stderr if result else "")
    return any(_NOTHING_RAN.search(text[:_DETAIL_CHARS]) for text in said)


def outcome(answer: Answer) -> Outcome:
    """The answer, as `decide` reads it."""
    state, nothing_ran = decide(answer)
    details = answer.execution_details or ExecutionDetails()
    result = details.execution_result or ExecutionResult()
    fault = answer.error_details
    stderr = capped(_safe(result.stderr), _STREAM_CHARS)
    error = ""
    if state != "succeeded":
        said = _safe(fault.error_message) if fault else ""
        error = capped(said or stderr or f"the gateway says {words(answer.overall_status)}", 2_000)
    return Outcome(
        state=state,
        nothing_ran=nothing_ran,
        overall_status=words(answer.overall_status),
        request_id=words(answer.request_id),
        command=capped(_safe(details.command), 4_000),
        exit_code=result.exit_code,
        stdout=capped(_safe(result.stdout), _STREAM_CHARS),
        stderr=stderr,
        error=error,
        error_code=words(fault.error_code) if fault else "",
        finished_at=read_time(answer.timestamp_processed_utc),
    )


def escalated(status: int, body: bytes) -> Outcome:
    """A 5xx: whatever its body says, people decide."""
    try:
        said = outcome(Answer.model_validate_json(body))
    except ValidationError:
        said = Outcome(state="escalate", overall_status=OverallStatus.INTERNAL_ERROR)
    return Outcome(
        state="escalate",
        overall_status=OverallStatus.INTERNAL_ERROR,
        request_id=said.request_id,
        command=said.command,
        exit_code=said.exit_code,
        stdout=said.stdout,
        stderr=said.stderr,
        error=said.error or rejection(status, body),
        error_code=said.error_code or error_code(body),
        finished_at=said.finished_at,
    )


def rejection(status: int, body: bytes) -> str:
    """One line for people: `422: action_request.intent: required`."""
    return f"The gateway answered {status}: {_detail(_json(body), body)}"


def error_code(body: bytes) -> str:
    """`error.code` of a JSON error, or ''."""
    value = _json(body)
    error = value.get("error") if isinstance(value, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""


def is_barred(body: bytes) -> bool:
    """Whether the gateway says that it refuses the key from now on."""
    value = _json(body)
    return isinstance(value, dict) and value.get("barred") is True


def unhealthy(address: str, status: int, report: HealthReport) -> str:
    """Why a gateway is not healthy, with the checks that are not ok."""
    bad = [
        f"{words(name)}: {words(str(value))}"
        for name, value in report.checks.items()
        if not str(value).startswith("ok")
    ]
    said = f"The gateway at {address} is {words(report.status) or 'silent'} (HTTP {status})"
    return said + (f": {'; '.join(bad[:5])}." if bad and report.status != "healthy" else ".")


def _safe(text: str) -> str:
    """What may be shown and kept: printable, and without tokens that a command let slip."""
    # In this order: an invisible mark inside a token must not save it.
    return redact(printable(text))


def words(text: str) -> str:
    """One short printable line."""
    return " ".join(_safe(text).split())[:200]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _detail(value: Any, body: bytes) -> str:
    """What is wrong, from the shapes in use: FastAPI's `detail` (text or list), our `error`."""
    said = ""
    if isinstance(value, dict):
        detail, error = value.get("detail"), value.get("error")
        if isinstance(detail, list):
            said = "; ".join(_one(item) for item in detail[:5])
        elif isinstance(detail, str):
            said = detail
        if isinstance(error, dict) and isinstance(error.get("message"), str):
            said = said or error["message"]
        elif isinstance(error, str):
            said = f"{said}: {error}" if said else error
    said = said or body.decode(errors="replace") or "an empty answer"
    line = " ".join(_safe(said).split())
    return line if len(line) <= _DETAIL_CHARS else line[:_DETAIL_CHARS] + " …"


def _one(item: Any) -> str:
    """One entry of pydantic's list: where, and what."""
    if not isinstance(item, dict):
        return str(item)
    loc = item.get("loc")
    where = ".".join(str(part) for part in loc if part != "body") if isinstance(loc, list) else ""
    # Of pydantic's own kinds we have better words; what a gateway of another make says stays.
    context = item.get("ctx")
    reason = reason_of(str(item.get("type")), context if isinstance(context, dict) else {})
    said = reason or str(item.get("msg"))
    return f"{where}: {said}" if where else said
