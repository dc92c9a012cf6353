"""An advisor that gives a structured answer, with steps that can be proposed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.scenarios.world import SERVICE

ANSWER = {
    "root_cause": "the heap is full",
    "confidence": "high",
    "evidence": ["[A1] the health check fails"],
    "contrary_evidence": [],
    "suggested_actions": [
        "Look at the heap.",
        f"Restart {SERVICE}.",
        "Restart payments-db.",
        "Do not stop the service.",
    ],
    "questions": ["Is the load higher than yesterday?"],
    "summary": "It leaks since the release. Check that the pods are scheduled.",
}


def advisor(folder: Path, answer: dict[str, Any], before_the_answer: str = "") -> str:
    """A command that keeps each prompt, and gives this answer."""
    program = folder / "answers.py"
    text = json.dumps(answer)
    keep = f"open({str(folder / 'prompt.txt')!r}, 'w', encoding='utf-8').write(sys.stdin.read())"
    program.write_text(f"import sys\n{keep}\n{before_the_answer}print({text!r})\n")
    return json.dumps([sys.executable, str(program)])
