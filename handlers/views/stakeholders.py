"""An update to stakeholders: the modal that previews it, the message, the note in the thread."""

from __future__ import annotations

from typing import Any

from bot.incidents.model import Incident
from bot.incidents.records import StakeholderUpdate
from bot.language import _
from handlers.views.text import (
    Block,
    button,
    clock,
    context,
    line,
    plain,
    quote,
    section,
    untrusted_line,
)


def update_modal(
    incident: Incident, channel: str, draft: str, posted: StakeholderUpdate | None
) -> Block:
    """The modal with the draft, or with the posted update and a new draft below it."""
    where = _("It is posted to <#{channel}> as you leave it here.").format(channel=channel)
    if posted:
        where = _("<#{channel}> has version {version}; it is corrected in place.").format(
            channel=channel, version=posted.version
        )
    blocks: list[Block] = [
        context(untrusted_line(incident.title, 200)),
        {
            "type": "input",
            "block_id": "update",
            "label": {"type": "plain_text", "text": _("What the stakeholders read")},
            "element": {
                "type": "plain_text_input",
                "action_id": "sopbot.update",
                "multiline": True,
                "max_length": 2500,
                "initial_value": _lines(posted.text if posted else draft),
            },
        },
        context(where),
    ]
    if posted:
        blocks.append(section(f"{_('A draft from the facts of now:')}\n{quote(draft, 2500)}"))
    return {
        "type": "modal",
        "callback_id": "sopbot.update_modal",
        "private_metadata": f"{incident.id}/{posted.version if posted else 0}",
        "title": {
            "type": "plain_text",
            "text": _("Update on {number}").format(number=incident.number)[:24],
        },
        "submit": {"type": "plain_text", "text": _("Correct") if posted else _("Post")},
        "close": {"type": "plain_text", "text": _("Cancel")},
        "blocks": blocks,
    }


def _lines(text: str) -> str:
    """The text for a plain input, line by line."""
    return "\n".join(plain(part, 2000) for part in text.split("\n"))[:2500] or "…"


def posted_meanwhile(text: str, posted: StakeholderUpdate | None) -> str:
    """Say what another person posted, for the person whose own text stays in the modal."""
    return f"{text}\n{quote(posted.text, 2000)}\n" if posted else text


def update_of(view: dict[str, Any]) -> str:
    """The text that the person typed."""
    values = view.get("state", {}).get("values", {})
    return str(values.get("update", {}).get("sopbot.update", {}).get("value") or "")


def message(update: StakeholderUpdate) -> tuple[str, list[Block]]:
    """(fallback text, blocks) in the channel of the stakeholders.

    The head has no status: only a person changes this message, so it would be out of date.
    """
    head = _("📣 Update on INC-{incident_id}").format(incident_id=update.incident_id)
    version = _("version {version}, ").format(version=update.version) if update.version > 1 else ""
    return f"{head}: {line(update.text, 300)}", [
        section(f"*{head}*\n{quote(update.text, 2700)}", expand=True),
        context(f"{version}<@{update.posted_by}> {clock(update.posted_at)}"),
    ]


def note(update: StakeholderUpdate) -> tuple[str, list[Block]]:
    """(fallback text, blocks) in the incident's thread, with the button that corrects it."""
    text = _("📣 Stakeholder update {version} in <#{channel}> by <@{posted_by}> {at}").format(
        version=update.version,
        channel=update.channel,
        posted_by=update.posted_by,
        at=clock(update.posted_at),
    )
    correct = button(_("Correct the update"), "sopbot.stakeholders", str(update.incident_id))
    return text, [
        section(f"{text}\n{quote(update.text, 2700)}"),
        {"type": "actions", "elements": [correct]},
    ]
