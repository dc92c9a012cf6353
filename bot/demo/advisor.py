"""A replacement of an advisor CLI: fixed rules, no model, and its name says so.

It reads the bot's prompt on stdin and answers on stdout like Q: escape codes, `> `, then the
requested JSON. It uses only the content of the prompt. It is run by its path, with the standard
library only, because an advisor's directory and environment are nearly empty.
"""

import json
import re
import sys
from typing import Any

NAME = "demo advisor (rules, no model)"
_DATA = re.compile(r"^<<< (data-\w+)\n(.*)\n\1 >>>$", re.DOTALL | re.MULTILINE)
_USUAL = "Usual cause:"
_START, _END = "\x1b[38;5;10m> \x1b[0m", "\x1b[0m\x1b[0m\n"


def main() -> int:
    """Answer the prompt; return 1 if it holds no data."""
    match = _DATA.search(sys.stdin.read())
    if match is None:
        print("error: the prompt holds no data", file=sys.stderr)
        return 1
    data = json.loads(match[2])
    text = reply(data) if data.get("question") else json.dumps(answer(data), ensure_ascii=False)
    sys.stdout.write(f"{_START}{text}{_END}")
    return 0


def answer(data: dict[str, Any]) -> dict[str, Any]:
    """Return the structured answer about an alert."""
    alert, sop = data.get("alert", {}), data.get("sop", {})
    steps = [*sop.get("commands", []), *sop.get("fix_actions", [])]
    earlier = data.get("history_of_earlier_incidents", [])
    evidence = []
    if alert.get("value") and alert.get("threshold"):
        numbers = f"The alert says {alert['value']}; its threshold is {alert['threshold']}."
        evidence.append(f"[{alert['id']}] {numbers}")
    if _usual(sop):
        evidence.append(f"[{sop['id']}] {sop['sop_id']} names it as the usual cause.")
    if earlier:
        first = earlier[0]["id"]
        evidence.append(f"[{first}] It is not the first time: earlier incidents are on record.")
    return {
        "root_cause": _cause(alert, sop),
        "confidence": "medium" if sop and alert.get("value") else "low",
        "evidence": evidence,
        "suggested_actions": steps[:4]
        or ["Measure first: look at the service's log and its last deploy."],
        "summary": "",
    }


def reply(data: dict[str, Any]) -> str:
    """Return the plain answer to a person's question."""
    alert, sop = data.get("alert", {}), data.get("sop", {})
    lines = [
        "The demo has no model, so this is all it can say.",
        f"The incident: {alert.get('title', 'unknown')}.",
        f"Likely cause: {_cause(alert, sop)}",
        *(f"- {step}" for step in sop.get("fix_actions", [])),
    ]
    return "\n".join(lines)


def _cause(alert: dict[str, Any], sop: dict[str, Any]) -> str:
    usual = _usual(sop)
    return f"{usual} in {alert.get('service') or 'the service'}." if usual else "Undetermined"


def _usual(sop: dict[str, Any]) -> str:
    lines = (str(line) for line in sop.get("parameters", []))
    usual_line = next((line for line in lines if line.startswith(_USUAL)), "")
    return usual_line.removeprefix(_USUAL).strip().capitalize()


if __name__ == "__main__":
    sys.exit(main())
