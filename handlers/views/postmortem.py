"""A post-mortem as its thread shows it, and the actions that follow from an incident."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.incidents.model import Incident
from bot.incidents.records import ActionItem, Postmortem
from bot.language import _, plural
from handlers.views.approval import with_mentions
from handlers.views.text import Block, button, clock, context, line, quote, section, untrusted_line


def posted(version: Postmortem) -> str:
    """The text above the file in the thread."""
    text = _(
        "📄 Post-mortem of INC-{incident_id}, version {version}, drafted for <@{made_by}> from the"
        " timeline. People complete the lines with ✍️."
    ).format(incident_id=version.incident_id, version=version.version, made_by=version.made_by)
    return f"{text} {_('Earlier versions stay in this thread.')}" if version.version > 1 else text


def exported(incident_id: int) -> str:
    """The text above the file of an incident's export."""
    return _(
        "🗄️ The export of INC-{incident_id}: its alerts as they came, its thread, "
        "advice, approvals and their proof. Anybody who has it can read them. `python -m "
        "bot audit verify --bundle FILE` proves that it is unchanged."
    ).format(incident_id=incident_id)


def export_requested(number: str, file_name: str) -> str:
    """The answer to the person who asked for an export."""
    return _(
        "🗄️ The export of {number} comes as the file `{file_name}` in your direct "
        "messages with the bot."
    ).format(number=number, file_name=file_name)


def drafted(version: Postmortem) -> str:
    """The answer to the person who asked for it."""
    return _(
        "📄 Version {version} of the post-mortem of INC-{incident_id} is drafted; its "
        "thread gets it as a file. Complete the lines with ✍️, and add what is to be done: "
        "`/incident action INC-{incident_id} @owner what to do`."
    ).format(version=version.version, incident_id=version.incident_id)


def action(item: ActionItem, *, is_reminder: bool) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of an action in its thread, or of a reminder of it."""
    task = with_mentions(quote(item.text, 1500))
    if item.done_at:
        text = _("☑️ Done by <@{done_by}> {at}").format(done_by=item.done_by, at=clock(item.done_at))
        return f"{text}: {line(item.text, 300)}", [section(f"{text}\n{task}")]
    head = (
        _("⏰ Still open for <@{owner}>, INC-{incident_id}")
        if is_reminder
        else _("📌 Action for <@{owner}>, INC-{incident_id}")
    )
    text = head.format(owner=item.owner, incident_id=item.incident_id)
    done = button(_("Done"), "sopbot.action_done", str(item.id))
    return f"{text}: {line(item.text, 300)}", [
        section(f"*{text}*\n{task}"),
        context(
            _("Added by <@{made_by}> {at}. *Done* ends its reminders.").format(
                made_by=item.made_by, at=clock(item.made_at)
            )
        ),
        {"type": "actions", "elements": [done]},
    ]


def action_added(item: ActionItem, user: str) -> str:
    """The answer to the person who added it."""
    text = (
        _(
            "📌 The action is yours and stands in the thread of INC-{incident_id}. *Done* "
            "there ends"
            " its reminders."
        )
        if item.owner == user
        else _(
            "📌 The action is <@{owner}>'s and stands in the thread of INC-{incident_id}. *Done*"
            " there ends its reminders."
        )
    )
    return text.format(owner=item.owner, incident_id=item.incident_id)


def action_done(item: ActionItem) -> str:
    """The answer to a person who pressed Done after another person."""
    return _("Nothing changed: <@{done_by}> did it already: {text}").format(
        done_by=item.done_by, text=untrusted_line(item.text, 200)
    )


def action_list(items: Sequence[ActionItem], most: int, *, mine: bool) -> str:
    """The open actions, oldest first: the reader's own, or everybody's."""
    if not items:
        none = _("No open actions of yours.") if mine else _("No open actions.")
        return " ".join(
            [
                none,
                _(
                    "`/incident action INC-7 @owner what to do` adds one. What waits for your"
                    " approval is on the bot's Home tab."
                ),
            ]
        )
    more = _(", the oldest {most}").format(most=most) if len(items) >= most else ""
    if mine:
        head = plural(
            len(items), "*{count} open action* of yours", "*{count} open actions* of yours"
        )
    else:
        head = plural(len(items), "*{count} open action*", "*{count} open actions*")
    lines = [f"{head}{more}"]
    lines += [f"`INC-{item.incident_id}` {_action_line(item)}" for item in items]
    return "\n".join([*lines, _("*Done* in the incident's thread ends an action.")])


def actions_of_incident(items: Sequence[ActionItem], number: str) -> str:
    """Every action of one incident."""
    if not items:
        return _(
            "{number} has no actions. `/incident action {number} @owner what to do` adds one."
        ).format(number=number)
    lines = [
        _("*{actions} of {number}*").format(
            actions=plural(len(items), "{count} action", "{count} actions"), number=number
        )
    ]
    return "\n".join([*lines, *map(_action_line, items)])


def _action_line(item: ActionItem) -> str:
    text = f"<@{item.owner}> {with_mentions(untrusted_line(item.text, 150))}"
    if item.done_at:
        return _("☑️ {text} · done by <@{done_by}> {at}").format(
            text=text, done_by=item.done_by, at=clock(item.done_at)
        )
    return _("📌 {text} · since {at}").format(text=text, at=clock(item.made_at))


def action_modal(incident: Incident, owner: str) -> Block:
    """The modal for an action that follows from one incident."""
    return {
        "type": "modal",
        "callback_id": "sopbot.action_modal",
        "private_metadata": str(incident.id),
        "title": {
            "type": "plain_text",
            "text": _("Action for {number}").format(number=incident.number)[:24],
        },
        "submit": {"type": "plain_text", "text": _("Add")},
        "close": {"type": "plain_text", "text": _("Cancel")},
        "blocks": [
            context(untrusted_line(incident.title, 200)),
            {
                "type": "input",
                "block_id": "task",
                "label": {"type": "plain_text", "text": _("What is to be done?")},
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
                "label": {"type": "plain_text", "text": _("Who does it?")},
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
