"""Maps free text of the older wire shape to a catalogue action, by fixed rules.

A rule must match the whole sentence: words around a known phrase could reverse its meaning.
"""

from __future__ import annotations

import re
from typing import Any

from bot.gateway.errors import Invalid

_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (action, re.compile(pattern))
    for action, pattern in (
        ("service.restart", r"(gracefully )?(restart|reboot|bounce)( the| this)?( service)?"),
        ("service.restart", r"restart( the| this)? container"),
        ("service.stop", r"(gracefully )?stop( the| this)?( service| container)?"),
        ("service.start", r"start( the| this)?( service| container)?"),
        (
            "service.stats",
            r"(check|show|get)( the)? (memory and cpu|cpu and memory|resource) usage",
        ),
        (
            "service.status",
            r"(check|show|get)( the)? (container|service) (status|health)( and (status|health))?",
        ),
        (
            "service.status",
            r"check (if|whether)( the)? (service|container) is (healthy|running|up)",
        ),
        ("service.logs", r"(show|get)( the)? (recent|latest|last)( error)? logs"),
        (
            "service.logs",
            r"(show|get)( the)? last (?P<lines>\d{1,3}) (log )?lines( of( the)? logs?)?",
        ),
    )
)
_LINES = re.compile(r"Requesting (?P<lines>[0-9]{1,3}) lines\b")
EXAMPLES = (
    "restart the service",
    "stop the service",
    "start the service",
    "check container status",
    "show recent logs",
    "show memory and CPU usage",
)


def read_intent(intent: str, context: str, target: str) -> tuple[str, dict[str, Any]]:
    """Return (action id, parameters). Invalid UNSUPPORTED_INTENT lists the sentences that match.

    The target's own name may stand at the end of the sentence. Only a number of log lines is read
    from the context.
    """
    sentence = " ".join(intent.split()).rstrip(".!").strip()
    sentence = sentence.removesuffix(" " + target).lower()
    for action, pattern in _RULES:
        if match := pattern.fullmatch(sentence):
            if action != "service.logs":
                return action, {}
            lines = match.groupdict().get("lines")
            if lines is None and (context_match := _LINES.match(context)):
                lines = context_match["lines"]
            return action, {"lines": int(lines)} if lines else {}
    known = ", ".join(f'"{example}"' for example in EXAMPLES)
    raise Invalid(
        "UNSUPPORTED_INTENT",
        f"No fixed rule matches this intent. Understood are: {known}. "
        "Or send action_request.action with an id from GET /actions.",
    )
