"""Shows the steps of an answer, with a button beside each that names an action of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.approvals.model import Approval
from bot.incidents.model import Incident
from bot.incidents.remediation import FROM_MODEL
from bot.language import _
from bot.remediation.suggestions import Suggestion
from handlers.views.approval import waiting_line
from handlers.views.text import Block, button, context, section, untrusted_line
from handlers.views.words import word


def steps(
    lines: Sequence[str], suggestions: Mapping[int, Suggestion], advice_id: int
) -> Iterator[Block]:
    """The lines of the list; the first is its title, each other one a step.

    A step with an action stands in a block of its own, beside its button.
    """
    waiting = [lines[0]]
    for number, text in enumerate(lines[1:]):
        suggestion = suggestions.get(number)
        if suggestion is None:
            waiting.append(text)
            continue
        if len(waiting) > 1 or number == 0:
            yield section("\n".join(waiting), expand=True)
        waiting = []
        # The dots say that a modal opens: a person has to name the target.
        text_of_button = _("Propose") if suggestion.target else _("Propose…")
        propose = button(text_of_button, "sopbot.propose", f"{advice_id} {number}")
        yield section(f"{text}\n{_target(suggestion)}", expand=True) | {"accessory": propose}
    if waiting:
        yield section("\n".join(waiting), expand=True)


def _target(suggestion: Suggestion) -> str:
    """The target and where it is from: never from the model."""
    verb = suggestion.action.verb
    if suggestion.target:
        target = untrusted_line(suggestion.target, 100)
        return f"{verb} {target} ← {untrusted_line(suggestion.origin, 60)}{_so_far(suggestion)}"
    if suggestion.named:
        return f"{verb} {untrusted_line(suggestion.named, 100)} ← {FROM_MODEL}"
    return _("{verb}: name the target").format(verb=verb)


def _so_far(suggestion: Suggestion) -> str:
    """The share of runs in which the action helped, if any of its runs was decided."""
    if not suggestion.decided:
        return ""
    return _(" · helped {helped} of {decided} times").format(
        helped=suggestion.helped, decided=suggestion.decided
    )


def target_modal(incident: Incident, suggestion: Suggestion, place: str) -> Block:
    """The modal in which a person names the target; what the model named is not filled in."""
    named = untrusted_line(suggestion.named, 100)
    note = _("{mark}: {name}. Neither the alert nor the SOP names it. Type the target yourself.")
    unnamed = _("Neither the alert nor the SOP names a target.")
    text = note.format(mark=FROM_MODEL, name=named) if named else unnamed
    return {
        "type": "modal",
        "callback_id": "sopbot.propose_modal",
        "private_metadata": place,
        "title": {
            "type": "plain_text",
            "text": f"{suggestion.action.verb} · {incident.number}"[:24],
        },
        "submit": {"type": "plain_text", "text": _("Propose")},
        "close": {"type": "plain_text", "text": _("Cancel")},
        "blocks": [
            context(untrusted_line(incident.title, 200)),
            section(text),
            {
                "type": "input",
                "block_id": "target",
                "label": {"type": "plain_text", "text": _("Target")},
                "element": {
                    "type": "plain_text_input",
                    "action_id": "sopbot.value",
                    "max_length": 100,
                },
            },
        ],
    }


def proposed(approval: Approval, is_new: bool) -> str:
    """The answer to the person who pressed Propose; the card of the approval follows."""
    if not is_new:
        title = untrusted_line(approval.proposal.title, 100)
        return _("Nothing new: {title} is {state} already.").format(
            title=title, state=word(approval.state)
        )
    if approval.decided:
        title = untrusted_line(approval.proposal.title, 100)
        text = _("🔐 Proposed: {title}. It is {state}; its card follows in this thread.")
        return text.format(title=title, state=word(approval.state))
    text = _("🔐 Proposed: {approval}. Its approval card follows in this thread.")
    return text.format(approval=waiting_line(approval))


def target_of(view: dict[str, Any]) -> str:
    """The target that the person typed."""
    values = view.get("state", {}).get("values", {})
    return str(values.get("target", {}).get("sopbot.value", {}).get("value") or "")
