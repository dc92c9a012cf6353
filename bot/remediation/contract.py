"""The wire format of the gateway: requests, answers and the signature of a request.

Both ends import this file; it imports nothing of ours. Incoming data is parsed strictly (types are
not guessed), unknown fields are ignored, and `null` means absent.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

IDEMPOTENCY_KEY = "Idempotency-Key"
TIMESTAMP = "X-Sopbot-Timestamp"
NONCE = "X-Sopbot-Nonce"
SIGNATURE = "X-Sopbot-Signature"
TRACKING_ID = "X-Tracking-Id"

# The greatest allowed difference of the two clocks. A nonce is kept while its time is accepted.
SIGNATURE_WINDOW_SECONDS = 300
BODY_LIMIT_BYTES = 1_048_576
OUTPUT_LIMIT_CHARS = 10_000
INTENT_LIMIT_CHARS = 2_000
CONTEXT_LIMIT_CHARS = 20_000

# Characters that need no escaping in a header or in a URL path.
KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$"
TRACKING_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{3,79}$"
NONCE_PATTERN = r"^[A-Za-z0-9._-]{16,128}$"

OURSELVES = frozenset({"sopbot", "sopbot-gateway", "ai-command-gateway"})
"""The bot and its gateway by name, in lower case: nothing ever acts on them."""

UNKNOWN_KEY = "unknown_key"
PLAN_DRIFT = "plan_drift"
SHUTTING_DOWN = "shutting_down"
AUDIT_UNWRITABLE = "audit_unwritable"
NOT_TAKEN = frozenset({SHUTTING_DOWN, AUDIT_UNWRITABLE, "busy"})  # "busy": bot.serving.gate.BUSY
"""`error.code` of a 503 that says: the request was not taken, nothing was run."""
OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
CANCELLED = "CANCELLED"
"""`status` of the result of an execution that ended half-way because a person cancelled it."""
NOT_CANCELLABLE = "not_cancellable"


class OverallStatus(StrEnum):
    """Values of `overall_status`. Only COMPLETED_SUCCESS is success."""

    COMPLETED_SUCCESS = "COMPLETED_SUCCESS"
    COMPLETED_FAILURE = "COMPLETED_FAILURE"
    EXECUTION_ERROR = "EXECUTION_ERROR"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    # Our gateway, which calls no model, sends it for words that could mean several actions.
    LLM_GENERATION_FAILED = "LLM_GENERATION_FAILED"
    INTERNAL_ERROR = "INTERNAL_ERROR"


NOTHING_WAS_RUN = "Nothing was run."
"""Ends the message of an answer to a request of which nothing was carried out."""


class Priority(StrEnum):
    """The four priorities: labels for people, which do not change the execution."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    URGENT = "URGENT"


# A JSON null is the same as a missing field, whatever the field's default is.
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
_Strings = Annotated[tuple[str, ...], BeforeValidator(lambda value: tuple(value or ()))]
_Dict = Annotated[dict[str, JsonValue], BeforeValidator(lambda value: value or {})]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class TargetResource(_Wire):
    """The logical name of a service. Only the gateway knows the container or process behind it."""

    name: str = Field(min_length=1, max_length=200)


class TypedAction(_Wire):
    """An entry of the gateway's catalogue with its parameters."""

    id: str = Field(min_length=1, max_length=100)
    parameters: _Dict = Field(default_factory=dict)


class ActionRequest(_Wire):
    """The requested action. Beside `action`, the texts `intent` and `context` are only labels."""

    intent: Text = Field(default="", max_length=INTENT_LIMIT_CHARS)
    context: Text = Field(default="", max_length=CONTEXT_LIMIT_CHARS)
    # Lax on purpose: JSON has no enums, and strict mode would require one.
    priority: Annotated[
        Priority, Field(strict=False), BeforeValidator(lambda value: value or Priority.NORMAL)
    ] = Priority.NORMAL
    action: TypedAction | None = None


class ExecuteRequest(_Wire):
    """The body of /execute-docker-command, /plan and /execute.

    `idempotency_key` repeats the header, because the signature covers the body and not the header.
    `plan_digest` is the digest from /plan that a person approved; /execute requires it.
    """

    source_id: str = Field(min_length=1, max_length=100)
    target_resource: TargetResource
    action_request: ActionRequest
    plan_digest: Text = Field(default="", max_length=100)
    idempotency_key: Text = Field(default="", max_length=200)


class ExecutionResult(_Wire):
    """Result of the command. `exit_code` is -1 if there is none."""

    status: Text = ""
    exit_code: int | None = None
    stdout: Text = ""
    stderr: Text = ""


class ExecutionDetails(_Wire):
    """The executed command as readable text, and its result."""

    command: Text = ""
    execution_result: ExecutionResult | None = None


class ErrorDetails(_Wire):
    """The reason of a failure."""

    error_code: Text = ""
    error_message: Text = ""


class Answer(_Wire):
    """The gateway's answer. `answers.decide` interprets it.

    `inverse` is the action that takes a finished one back, for the state before it; only /execute
    and /executions/{key} have it.
    """

    request_id: Text = ""
    timestamp_processed_utc: Text = ""
    overall_status: str = Field(min_length=1, max_length=100)
    execution_details: ExecutionDetails | None = None
    error_details: ErrorDetails | None = None
    inverse: TypedAction | None = None


class PlannedRequest(_Wire):
    """One exact call of another system's API."""

    method: str
    path: str


class Plan(_Wire):
    """The exact plan. `digest` covers all of it except `touches` and `current`.

    `command` is the argv of the process, `request` the API call; one of them may be absent.
    `display` is the one line for people, `steps` are the others, in order. `binding` names the
    object that the plan is bound to (such as a container's id): when that changes, the digest
    changes. `environment` is the one that the gateway's operator declared for the target, ''
    without one. `inverse` is the action that undoes it, with its parameters; None: it cannot be
    undone. `verified_by` names the check that the gateway makes after it. `touches` has a line for
    each thing that it would change, with counts. A `cancellable` one can be ended half-way.
    `deadline_seconds` is the longest possible duration of the execution.
    """

    action: str
    target: str
    environment: Text = Field(default="", max_length=100)
    executor: str
    parameters: _Dict = Field(default_factory=dict)
    display: str
    command: _Strings = ()
    request: PlannedRequest | None = None
    steps: _Strings = ()
    binding: _Dict = Field(default_factory=dict)
    mutating: bool = True
    reversible: bool = False
    inverse: TypedAction | None = None
    verified_by: Text = ""
    cancellable: bool = False
    deadline_seconds: int = 0
    touches: _Strings = ()
    current: _Dict = Field(default_factory=dict)
    digest: Text = ""

    def expected_digest(self) -> str:
        """Return `sha256:` and the hex digest of the canonical JSON of all covered fields."""
        covered = self.model_dump(mode="json", exclude={"touches", "current", "digest"})
        return "sha256:" + hashlib.sha256(canonical_json(covered)).hexdigest()


class ActionInfo(_Wire):
    """One entry of GET /actions. `parameters` is a JSON schema, `targets` their logical names."""

    id: str
    verb: Text = ""
    title: Text = ""
    mutating: bool = True
    reversible: bool = False
    inverse: Text = ""
    risk: Text = ""
    blast: Text = ""
    verified_by: Text = ""
    cancellable: bool = False
    parameters: _Dict = Field(default_factory=dict)
    targets: _Strings = ()


class TargetInfo(_Wire):
    """One target of GET /actions: its kind of system, and the ids of the actions it offers."""

    name: str
    system: Text = ""
    environment: Text = ""
    owner: Text = ""
    actions: _Strings = ()


class ActionList(_Wire):
    """The body of GET /actions. `environments` holds the declared environment of each target.

    A `read_only` gateway lists its changing actions and refuses them.
    """

    actions: Annotated[tuple[ActionInfo, ...], Field(strict=False)]
    environments: _Dict = Field(default_factory=dict)
    targets: Annotated[tuple[TargetInfo, ...], Field(strict=False)] = ()
    read_only: bool = False


class Progress(_Wire):
    """The latest word of a running execution: a line for people, and how much of it is done."""

    text: Text = ""
    done: int | None = None
    total: int | None = None


class ExecutionRecord(_Wire):
    """The body of GET /executions/{key}. `answer` is absent while `state` is `running`, and
    `progress` is present only then. A `cancellable` one can be cancelled now.
    """

    idempotency_key: str
    state: Literal["running", "finished", "unknown"]
    received_at: Text = ""
    finished_at: Text = ""
    answer: Answer | None = None
    progress: Progress | None = None
    cancellable: bool = False


class TargetHealth(_Wire):
    """The latest probe of one target; `age_seconds` is absent before the first one has ended."""

    ok: bool
    text: Text = ""
    age_seconds: float | None = None


class HealthReport(_Wire):
    """The body of GET /health: healthy, degraded (a part of it works) or unhealthy."""

    status: str
    timestamp: Text = ""
    version: Text = ""
    checks: _Dict = Field(default_factory=dict)
    targets: dict[str, TargetHealth] = Field(default_factory=dict)


def canonical_json(value: Any) -> bytes:
    """Return the canonical JSON: keys sorted, no white space, UTF-8. ValueError for NaN."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def sign(secret: bytes, *, method: str, path: str, timestamp: str, nonce: str, body: bytes) -> str:
    """Return X-Sopbot-Signature: hex HMAC-SHA256 over five lines joined by a newline.

    The lines: method in upper case, path with its query as sent, timestamp, nonce, hex SHA-256 of
    the body (of the empty body for a GET).
    """
    lines = (method.upper(), path, timestamp, nonce, hashlib.sha256(body).hexdigest())
    # surrogateescape: a path that is not UTF-8 is signed as the bytes that were sent
    message = "\n".join(lines).encode(errors="surrogateescape")
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


def rfc3339(time: datetime) -> str:
    """Format as UTC with milliseconds and Z. A naive time is read as UTC."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_time(text: str) -> datetime | None:
    """Parse a gateway's time, naive ones as UTC; return None for anything else."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):  # year 9999 with an offset ends after the last year
        return None


_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# Control characters except tab and newline, lone surrogates, and characters that reorder or hide
# text.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def printable(text: str) -> str:
    """Return output without terminal escapes, control characters and invisible characters."""
    return _UNPRINTABLE.sub("", _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n"))


def capped(text: str, limit: int = OUTPUT_LIMIT_CHARS, *, tail: bool = False) -> str:
    """Return at most `limit` characters of `text`; if it was cut, a note says so."""
    if len(text) <= limit:
        return text
    which, kept = ("last", text[-limit:]) if tail else ("first", text[:limit])
    note = f"[OUTPUT TRUNCATED - {len(text)} total characters, showing {which} {limit}]"
    return f"{note}\n\n{kept}" if tail else f"{kept}\n\n{note}"
