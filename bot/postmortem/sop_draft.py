"""Drafts an SOP from an incident, as a line of a *.jsonl file that a person reads and commits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.approvals.model import Approval, Execution
from bot.incidents.keys import is_sop_id
from bot.incidents.lessons import Lesson
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from bot.incidents.sops import SopLibrary
from bot.language import _

WORKED = frozenset({RemediationStatus.SUCCEEDED, RemediationStatus.VERIFIED})
_STEPS = 3
_STEP_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SopFacts:
    """The parts of the draft. `taken` are the ids of the loaded SOPs."""

    incident: Incident
    remedies: Sequence[tuple[Approval, Execution | None]]
    lessons: Sequence[Lesson]
    taken: frozenset[str]


def sop_draft(facts: SopFacts) -> str:
    """Return the file: comments, and one line that `python -m bot check` accepts.

    What would make it a bad line (a key that no alert has, a parameter that an SOP may not hold)
    is left out.
    """
    incident = facts.incident
    head = [
        _("A draft of an SOP from {number}. It does nothing by itself: read it, change it,").format(
            number=incident.number
        ),
        _("run `python -m bot check`, and commit it as a *.jsonl file below SOP_DIR."),
    ]
    line: dict[str, Any] = {
        "sop_id": _free_id(incident.sop_id, facts.taken),
        "incident_key": incident.incident_key,
        "title": " ".join(incident.title.split())[:120],
        "keys": [],
        "priority": "MIDDLE",
        "fix_action": list(_steps(facts))[:_STEPS],
        "actions": [],
    }
    for name, value in (("svc", incident.service), ("cat", incident.category)):
        if value:
            _add(line, "keys", f"{name}:{value}")
    for approval, execution in facts.remedies:
        if execution is not None and execution.state in WORKED:
            proposal = approval.proposal
            parameters = {each.name: each.value for each in proposal.parameters}
            action = {"action": proposal.action_id, "parameters": parameters}
            if action not in line["actions"]:
                _add(line, "actions", action)
    kept = {name: value for name, value in line.items() if value}
    return "\n".join([*(f"# {text}" for text in head), json.dumps(kept, ensure_ascii=True), ""])


def _add(line: dict[str, Any], name: str, item: object) -> None:
    """Add the item unless the line would be a bad one with it."""
    tried = line | {name: [*line[name], item]}
    if not SopLibrary.load([("draft.jsonl", json.dumps(tried))]).problems:
        line[name].append(item)


def _free_id(sop_id: str, taken: frozenset[str]) -> str:
    base = sop_id if is_sop_id(sop_id) else "sop_draft"
    if base not in taken:
        return base
    numbered = (f"{base[:60]}_{number}" for number in range(2, len(taken) + 3))
    return next(name for name in numbered if name not in taken)


def _steps(facts: SopFacts) -> Iterator[str]:
    for lesson in facts.lessons:
        yield " ".join(lesson.text.split())[:_STEP_CHARS]
    for approval, execution in facts.remedies:
        if execution is not None and execution.state in WORKED:
            yield " ".join(approval.proposal.title.split())[:_STEP_CHARS]
