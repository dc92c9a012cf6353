"""A post-mortem as its thread shows it, and the actions that follow from an incident."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.incidents.model import Incident
from bot.incidents.records import ActionItem, Postmortem
from handlers.views.approval import with_mentions
from handlers.views.text import (
    Block,
    button,
    clock,
    context,
    line,
    plural,
    quote,
    section,
    untrusted_line,
)


def posted(version: Postmortem) -> str:
    """The text above the file in the thread."""
    earlier = " Earlier versions stay in this thread." if version.version > 1 else ""
    return (
        f"📄 Post-mortem of INC-{version.incident_id}, version {version.version}, drafted for"
        f" <@{version.made_by}> from the timeline. People complete the lines with ✍️.{earlier}"
    )


def exported(incident_id: int) -> str:
    """The text above the file of an incident's export."""
    return (
        f"🗄️ The export of INC-{incident_id}: its alerts as they came, its thread, advice,"
        " approvals and their proof. Anybody who has it can read them. `python -m bot audit verify"
        " --bundle FILE` proves that it is unchanged."
    )


def export_requested(number: str, file_name: str) -> str:
    """The answer to the person who asked for an export."""
    return (
        f"🗄️ The export of {number} comes as the file `{file_name}` in your direct messages with"
        " the bot."
    )


def drafted(version: Postmortem) -> str:
    """The answer to the person who asked for it."""
    return (
        f"📄 Version {version.version} of the post-mortem of INC-{version.incident_id} is drafted;"
        " its thread gets it as a file. Complete the lines with ✍️, and add what follows:"
        f" `/incident action INC-{version.incident_id} @owner what to do`."
    )


def action(item: ActionItem, *, is_reminder: bool) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of an action in its thread, or of a reminder of it."""
    task = with_mentions(quote(item.text, 1500))
    if item.done_at:
        text = f"☑️ Done by <@{item.done_by}> {clock(item.done_at)}"
        return f"{text}: {line(item.text, 300)}", [section(f"{text}\n{task}")]
    head = "⏰ Still open" if is_reminder else "📌 Action"
    text = f"{head} for <@{item.owner}>, INC-{item.incident_id}"
    done = button("Done", "sopbot.action_done", str(item.id))
    return f"{text}: {line(item.text, 300)}", [
        section(f"*{text}*\n{task}"),
        context(f"Added by <@{item.made_by}> {clock(item.made_at)}. *Done* ends its reminders."),
        {"type": "actions", "elements": [done]},
    ]


def action_added(item: ActionItem, user: str) -> str:
    """The answer to the person who added it."""
    whose = "yours" if item.owner == user else f"<@{item.owner}>'s"
    return (
        f"📌 The action is {whose} and stands in the thread of INC-{item.incident_id}."
        " *Done* there ends its reminders."
    )


def action_done(item: ActionItem) -> str:
    """The answer to a person who pressed Done after another person."""
    return f"Nothing changed: <@{item.done_by}> did it already: {line(item.text, 200)}"


def action_list(items: Sequence[ActionItem], whose: str, most: int) -> str:
    """The open actions, oldest first; `whose` says whose they are."""
    if not items:
        return f"No open actions{whose}."
    more = f", the oldest {most}" if len(items) >= most else ""
    lines = [f"*{plural(len(items), 'open action')}*{whose}{more}"]
    lines += [f"`INC-{item.incident_id}` {_action_line(item)}" for item in items]
    return "\n".join([*lines, "*Done* in the incident's thread ends an action."])


def actions_of_incident(items: Sequence[ActionItem], number: str) -> str:
    """Every action of one incident."""
    if not items:
        return f"{number} has no actions. `/incident action {number} @owner what to do` adds one."
    lines = [f"*{plural(len(items), 'action')} of {number}*"]
    return "\n".join([*lines, *map(_action_line, items)])


def _action_line(item: ActionItem) -> str:
    text = f"<@{item.owner}> {with_mentions(line(item.text, 150))}"
    if item.done_at:
        return f"☑️ {text} · done by <@{item.done_by}> {clock(item.done_at)}"
    return f"📌 {text} · since {clock(item.made_at)}"


def action_modal(incident: Incident, owner: str) -> Block:
    """The modal for an action that follows from one incident."""
    return {
        "type": "modal",
        "callback_id": "sopbot.action_modal",
        "private_metadata": str(incident.id),
        "title": {"type": "plain_text", "text": f"Action for {incident.number}"[:24]},
        "submit": {"type": "plain_text", "text": "Add"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [
            context(untrusted_line(incident.title, 200)),
            {
                "type": "input",
                "block_id": "task",
                "label": {"type": "plain_text", "text": "What is to be done?"},
                "element": {
                    "type": "plain_text_input",
                    "action_id": "sopbot.task",
                    "multiline": True,
                    "max_length": 1000,
                },
            },
            {
                "type": "input",
                "block_id": "owner",
                "label": {"type": "plain_text", "text": "Who does it?"},
                "element": {
                    "type": "users_select",
                    "action_id": "sopbot.owner",
                    "initial_user": owner,
                },
            },
        ],
    }


def action_of(view: dict[str, Any]) -> tuple[str, str]:
    """The owner and the text of the modal; '' for an input without a value."""
    values = view.get("state", {}).get("values", {})
    owner = values.get("owner", {}).get("sopbot.owner", {}).get("selected_user")
    return str(owner or ""), str(values.get("task", {}).get("sopbot.task", {}).get("value") or "")
