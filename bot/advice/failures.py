"""Names the failures of advisors, with their remedies; classifies an ended command.

The exit code alone says little: Q 1.19 ends with 0 and an empty stdout when it is throttled, out of
quota or logged out. The text of stderr decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bot.advice.cleaning import strip_terminal
from bot.errors import AdvisorError


class FailureKind(StrEnum):
    """One word for each kind of failure; metrics and health use it."""

    NOT_FOUND = "not_found"
    TIMEOUT = "timeout"
    TOO_LONG = "too_long"
    EMPTY = "empty"
    THROTTLED = "throttled"
    QUOTA = "quota"
    LOGIN = "login"
    TRANSIENT = "transient"
    LOCKED = "locked"
    APPROVAL_REQUIRED = "approval_required"
    AGENT_MISSING = "agent_missing"
    TOOL_RAN = "tool_ran"
    TOOL_SHOWN = "tool_shown"
    USAGE = "usage"
    UNREACHABLE = "unreachable"
    MODEL_MISSING = "model_missing"
    GARBLED = "garbled"
    REFUSED = "refused"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class _Explanation:
    what: str
    remedy: str


_EXPLANATIONS: dict[FailureKind, _Explanation] = {
    FailureKind.NOT_FOUND: _Explanation(
        "could not be started",
        "Install it, or set ADVISOR_COMMAND (or Q_BIN) to a program that is on PATH.",
    ),
    FailureKind.TIMEOUT: _Explanation(
        "did not answer in time",
        "Raise QCHAT_TIMEOUT, or look at the network and the login on this host.",
    ),
    FailureKind.TOO_LONG: _Explanation(
        "wrote more than the output limit and was ended",
        "A tool is printing its output: use an agent without tools, or raise "
        "QCHAT_MAX_OUTPUT_SIZE.",
    ),
    FailureKind.EMPTY: _Explanation(
        "ended without an answer",
        "Run the command by hand on this host; its error text goes to stderr.",
    ),
    FailureKind.THROTTLED: _Explanation(
        "is throttled by its service",
        "Wait a moment, or lower QCHAT_MAX_CONCURRENT.",
    ),
    FailureKind.QUOTA: _Explanation(
        "has used up its monthly limit",
        "Wait for the new month, or use another plan or another ADVISOR_COMMAND.",
    ),
    FailureKind.LOGIN: _Explanation(
        "needs a login",
        "Log in on this host as the bot's user (q login, kiro-cli login, or KIRO_API_KEY).",
    ),
    FailureKind.TRANSIENT: _Explanation(
        "could not reach its model",
        "It usually passes; if not, look at the network and the status page of the service.",
    ),
    FailureKind.LOCKED: _Explanation(
        "found its own database locked",
        "Lower QCHAT_MAX_CONCURRENT; two runs start at the same moment.",
    ),
    FailureKind.APPROVAL_REQUIRED: _Explanation(
        "wanted to run a tool and was refused",
        "Use an agent without tools (--agent sopbot-advisor); never trust all tools.",
    ),
    FailureKind.AGENT_MISSING: _Explanation(
        "did not find its agent, fell back to one with all tools, and was ended",
        "Check that HOME of the bot is writable, so that the agent file can be put there.",
    ),
    FailureKind.TOOL_RAN: _Explanation(
        "trusted its tools or ran one, so its answer is not used",
        "Look at what ran on this host, and use an agent without tools (--agent sopbot-advisor).",
    ),
    # Without a pause: an alert could make a model print these lines.
    FailureKind.TOOL_SHOWN: _Explanation(
        "printed that it used a tool, so its answer is not used",
        "Look at what ran on this host, and use an agent without tools (--agent sopbot-advisor).",
    ),
    FailureKind.USAGE: _Explanation(
        "did not understand its arguments",
        "Correct ADVISOR_COMMAND; compare it with docs/advice.md.",
    ),
    FailureKind.UNREACHABLE: _Explanation(
        "could not be reached", "Look at the network and at the server."
    ),
    FailureKind.MODEL_MISSING: _Explanation(
        "does not have the model",
        "Install the model there (ollama pull), or correct the setting that names it.",
    ),
    FailureKind.GARBLED: _Explanation(
        "did not speak its protocol",
        "Look at what answers there; compare the setting with docs/advice.md.",
    ),
    FailureKind.REFUSED: _Explanation(
        "refused to answer", "Its rules do not allow the question; another model may."
    ),
    FailureKind.EXIT: _Explanation(
        "ended with an error",
        "Run the command by hand on this host.",
    ),
}

# Retried: the cause may disappear by itself within seconds.
RETRIED = frozenset(
    {
        FailureKind.THROTTLED,
        FailureKind.TRANSIENT,
        FailureKind.UNREACHABLE,
        FailureKind.LOCKED,
    }
)
# Only a person can fix these. A retry cannot help, and may harm an account.
PAUSED_SECONDS = {
    FailureKind.LOGIN: 300.0,
    FailureKind.AGENT_MISSING: 300.0,
    FailureKind.TOOL_RAN: 300.0,
    FailureKind.QUOTA: 3600.0,
}
# Without an excerpt: our sentence is complete, or (the last two) the CLI's hint is to trust all
# tools.
_SAYS_ALL = frozenset(
    {
        FailureKind.TIMEOUT,
        FailureKind.TOO_LONG,
        FailureKind.QUOTA,
        FailureKind.LOGIN,
        FailureKind.AGENT_MISSING,
        FailureKind.APPROVAL_REQUIRED,
        FailureKind.TOOL_RAN,
        FailureKind.TOOL_SHOWN,
    }
)

_AGENT_MISSING = "no agent with name|is malformed|Falling back"
_TOOLS_TRUSTED = "tools are (?:now )?trusted|trusting all tools"
# Text on stderr during the run: the run must end before the model can use a tool.
AT_ONCE = re.compile(f"{_AGENT_MISSING}|{_TOOLS_TRUSTED}".encode(), re.IGNORECASE)

_LOGIN = (
    "not logged in|login session has expired|bearer token|AccessDenied|Authentication"
    "|invalid api key|Please run /login"
)
# The order matters: after a tool round Q adds the misleading "Tool approval required" to an API
# error.
_SIGNS = (
    ("Monthly request limit|monthly usage limit|used all your free requests", FailureKind.QUOTA),
    (r"rate limit reached|quota exceeded|Too Many Requests|\b429\b", FailureKind.THROTTLED),
    (_LOGIN, FailureKind.LOGIN),
    ("database is locked", FailureKind.LOCKED),
    ("temporarily unavailable|having trouble responding|overloaded", FailureKind.TRANSIENT),
    ("Tool approval required", FailureKind.APPROVAL_REQUIRED),
)

# These decide whatever the exit code and the answer are.
_HOWEVER_IT_ENDED = (
    (_AGENT_MISSING, FailureKind.AGENT_MISSING),
    (_TOOLS_TRUSTED, FailureKind.TOOL_RAN),
)

_SECRETS = re.compile(
    r"(?i:bearer)\s+\S+|://[^\s/@]+@|\b(?:xox[a-z]|xapp|sk|ghp|gho)[-_][\w-]+"
    r"|\b[A-Z]{4}[A-Z0-9]{16}\b|[A-Za-z0-9+_=-]{32,}"
)
_EXCERPT_CHARS = 160


def classify(exit_code: int | None, stderr: bytes, *, blank: bool) -> FailureKind | None:
    """Return the failure of an ended run, or None if its answer may be used.

    `blank` means that cleaning left nothing of stdout. A run that fell back to another agent, or
    trusted tools, has failed whatever its answer. Model text never decides: only stderr is read.
    """
    text = strip_terminal(stderr)
    for sign, kind in _HOWEVER_IT_ENDED:
        if re.search(sign, text, re.IGNORECASE) or re.search(sign.encode(), stderr, re.IGNORECASE):
            return kind
    if exit_code == 0 and not blank:
        return None
    for sign, kind in _SIGNS:
        if re.search(sign, text, re.IGNORECASE):
            return kind
    if exit_code == 0:
        return FailureKind.EMPTY
    if exit_code == 4:  # Kiro's code for "requested agent not found"
        return FailureKind.AGENT_MISSING
    if exit_code == 2:  # clap's and argparse's code for wrong arguments
        return FailureKind.USAGE
    return FailureKind.EXIT


def failure_of(
    kind: FailureKind,
    name: str,
    *,
    stderr: bytes = b"",
    detail: str = "",
    retry_after: float | None = None,
    remedy: str = "",
) -> AdvisorError:
    """Build the caller's error: the event, the remedy (the kind's own without one), at most 160
    characters of stderr.
    """
    explanation = _EXPLANATIONS[kind]
    excerpt_text = detail or ("" if kind in _SAYS_ALL else excerpt(stderr))
    message = f"{name} {explanation.what}" + (f" ({excerpt_text})." if excerpt_text else ".")
    return AdvisorError(
        kind.value,
        message,
        permanent=kind not in RETRIED,
        retry_after=retry_after,
        remedy=remedy or explanation.remedy,
    )


def start_failure(name: str, program: str, error: OSError) -> AdvisorError:
    """Build the error of a program that cannot be started."""
    # BlockingIOError: the host has no free process.
    transient = isinstance(error, BlockingIOError)
    kind = FailureKind.TRANSIENT if transient else FailureKind.NOT_FOUND
    detail = f"{Path(program).name}: {error.strerror or type(error).__name__}"
    return failure_of(kind, name, detail=detail)


def excerpt(stderr: bytes) -> str:
    """Return the informative lines of stderr on one line, without escape codes and likely secrets.

    They begin at the last line with "error", or else at the end.
    """
    # Only the end is read: a regex over a megabyte of stderr would cost too much.
    lines = [line.strip() for line in strip_terminal(stderr[-8192:]).splitlines()]
    errors = [number for number, line in enumerate(lines) if line.lower().startswith("error")]
    text = " / ".join(line for line in lines[errors[-1] if errors else 0 :] if line)
    text = _SECRETS.sub("…", text)
    if len(text) <= _EXCERPT_CHARS:
        return text
    if errors:
        return text[: _EXCERPT_CHARS - 1].rstrip() + "…"
    return "…" + text[1 - _EXCERPT_CHARS :].lstrip()
