"""The JSON schema of a structured answer, for advisors whose server can hold a model to it."""

from __future__ import annotations

from typing import Any, Final

from bot.advice.kinds.contract import Schema
from bot.advice.model import CONFIDENCE_LEVELS

_TEXTS: Final[dict[str, Any]] = {"type": "array", "items": {"type": "string"}}
ANSWER_SCHEMA: Final[Schema] = {
    "type": "object",
    "properties": {
        "root_cause": {"type": "string"},
        "confidence": {"type": "string", "enum": list(CONFIDENCE_LEVELS)},
        "evidence": _TEXTS,
        "contrary_evidence": _TEXTS,
        "suggested_actions": _TEXTS,
        "questions": _TEXTS,
        "summary": {"type": "string"},
    },
    "required": ["root_cause", "confidence", "evidence", "suggested_actions", "summary"],
    "additionalProperties": False,
}
