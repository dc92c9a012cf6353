"""The JSON that Claude Code and Gemini put around an answer when asked for JSON output."""

from __future__ import annotations

import json


def unwrap(text: str) -> tuple[str, str]:
    """(answer, complaint). `text` comes back as it is when it is no such envelope.

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
        said = result.strip() if isinstance(result, str) else ""
        return ("", said or "error without a text") if outer["is_error"] else (said, "")
    if outer.get("error") and "root_cause" not in outer:
        return "", json.dumps(outer["error"], ensure_ascii=False)
    if isinstance(outer.get("response"), str) and "stats" in outer:
        return outer["response"].strip(), ""
    return text, ""
