"""Unwraps the JSON that Claude Code and Gemini put around an answer in JSON mode."""

from __future__ import annotations

import json


def unwrap(text: str) -> tuple[str, str]:
    """Return (answer, complaint). Any other text is returned unchanged.

    Claude Code: `{"type":"result","is_error":…,"result":…}`; `is_error` decides, not `subtype`.
    Gemini: `{"response":…,"stats":…,"error":…}`.
    """
    if not text.startswith("{"):
        return text, ""
    try:
        outer = json.loads(text)
    except (ValueError, RecursionError):
        return text, ""
    if not isinstance(outer, dict):
        return text, ""
    if outer.get("type") == "result" and "is_error" in outer:
        result = outer.get("result")
        text_of_result = result.strip() if isinstance(result, str) else ""
        return (
            ("", text_of_result or "error without a text")
            if outer["is_error"]
            else (text_of_result, "")
        )
    if outer.get("error") and "root_cause" not in outer:
        return "", json.dumps(outer["error"], ensure_ascii=False)
    if isinstance(outer.get("response"), str) and "stats" in outer:
        return outer["response"].strip(), ""
    return text, ""
