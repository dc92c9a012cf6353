"""The modals for a question, for the reason of an approval, and for edited values."""

from __future__ import annotations

from typing import Any

from bot.approvals.model import Approval
from bot.incidents.model import Incident
from bot.language import N_, _
from bot.remediation.catalogue import editable
from handlers.views.text import Block, context, section, sendable, untrusted_line


def answer_modal(text: str) -> Block:
    """A modal that only shows an answer to its person."""
    return {
        "type": "modal",
        "callback_id": "sopbot.answer_modal",
        "title": {"type": "plain_text", "text": "sopbot"},
        "close": {"type": "plain_text", "text": _("Close")},
        "blocks": [section(text)],
    }


def ask_modal(incident: Incident) -> Block:
    """The modal for a question about one incident."""
    return {
        "type": "modal",
        "callback_id": "sopbot.ask_modal",
        "private_metadata": str(incident.id),
        "title": {
            "type": "plain_text",
            "text": _("Ask about {number}").format(number=incident.number)[:24],
        },
        "submit": {"type": "plain_text", "text": _("Ask")},
        "close": {"type": "plain_text", "text": _("Cancel")},
        "blocks": [
            context(untrusted_line(incident.title, 200)),
            {
                "type": "input",
                "block_id": "question",
                "label": {"type": "plain_text", "text": _("Question")},
                "element": {
                    "type": "plain_text_input",
                    "action_id": "sopbot.question",
                    "multiline": True,
                    "max_length": 2000,
                },
                "hint": {
                    "type": "plain_text",
                    "text": _(
                        "The bot asks its sources again; then the advisor answers in the thread."
                    ),
                },
            },
        ],
    }


def question_of(view: dict[str, Any]) -> str:
    """The question that the person typed."""
    return _typed(view, "question", "sopbot.question")


def reason_modal(approval: Approval) -> Block:
    """The modal for the reason of an approval; the vote counts when it is submitted."""
    return _modal(
        "sopbot.reason_modal",
        approval,
        _("Approve"),
        [_input("reason", _("Why?"), "sopbot.reason", multiline=True, max_length=500)],
    )


def reason_of(view: dict[str, Any]) -> str:
    """The reason that the person typed."""
    return _typed(view, "reason", "sopbot.reason")


def edit_modal(approval: Approval) -> Block:
    """The modal with an input for each value that a person may change."""
    names = editable(approval.proposal)
    inputs = [
        _input(p.name, p.name, "sopbot.value", initial_value=value, max_length=max(200, len(value)))
        for p in approval.proposal.parameters
        if p.name in names
        for value in [sendable(str(p.value))]
    ]
    note = context(
        _("This action has no value that people can change.") if not inputs else _(_EDIT_NOTE)
    )
    return _modal("sopbot.edit_modal", approval, _("Propose"), [note, *inputs], title=_("Edit"))


_EDIT_NOTE = N_("A new card takes this one's place, without its votes. You cannot approve it.")


def values_of(view: dict[str, Any]) -> dict[str, str]:
    """The values that the person typed, by the name of the parameter."""
    values = view.get("state", {}).get("values", {})
    return {str(name): _typed(view, name, "sopbot.value") for name in values}


def _modal(
    callback_id: str, approval: Approval, submit: str, blocks: list[Block], title: str = ""
) -> Block:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": approval.id,
        "title": {
            "type": "plain_text",
            "text": f"{title or submit} INC-{approval.incident_id}"[:24],
        },
        "submit": {"type": "plain_text", "text": submit},
        "close": {"type": "plain_text", "text": _("Cancel")},
        "blocks": [context(untrusted_line(approval.proposal.title, 200)), *blocks],
    }


def _input(block_id: str, label: str, action_id: str, **element: Any) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": {"type": "plain_text", "text": label},
        "element": {"type": "plain_text_input", "action_id": action_id, **element},
    }


def _typed(view: dict[str, Any], block_id: str, action_id: str) -> str:
    values = view.get("state", {}).get("values", {})
    return str(values.get(block_id, {}).get(action_id, {}).get("value") or "")
