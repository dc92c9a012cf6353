"""A post-mortem as its thread shows it, and the actions that follow from an incident."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.records import ActionItem, Postmortem
from handlers.views.approval import with_mentions
from handlers.views.text import Block, button, clock, context, line, plural, quote, section


def posted(version: Postmortem) -> str:
    """The text above the file in the thread."""
    again = " It replaces none: earlier versions stay above." if version.version > 1 else ""
    return (
        f"📄 Post-mortem of INC-{version.incident_id}, version {version.version}, drafted for"
        f" <@{version.made_by}> from the timeline. Lines with ✍️ are for people.{again}"
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
        context(
            f"Added by <@{item.made_by}> {clock(item.made_at)}. Reminded of once a working day."
        ),
        {"type": "actions", "elements": [done]},
    ]


def action_added(item: ActionItem, user: str) -> str:
    """The answer to the person who added it."""
    whose = "yours" if item.owner == user else f"<@{item.owner}>'s"
    return (
        f"📌 The action is {whose} and stands in the thread of INC-{item.incident_id}."
        " **Done** there ends its reminders."
    ).replace("**", "*")


def action_done(item: ActionItem, *, by_this: bool) -> str:
    """The answer to the person who pressed Done."""
    if by_this:
        return f"☑️ Done: {line(item.text, 200)}"
    return f"Nothing changed: <@{item.done_by}> did it already."


def action_list(items: Sequence[ActionItem], whose: str, most: int) -> str:
    """The open actions, oldest first; `whose` says of whom or of which incident."""
    if not items:
        return f"No open actions{whose}."
    more = f", the oldest {most}" if len(items) >= most else ""
    lines = [f"*{plural(len(items), 'open action')}*{whose}{more}"]
    lines += [
        f"📌 `INC-{item.incident_id}` <@{item.owner}> {with_mentions(line(item.text, 150))}"
        f" · since {clock(item.made_at)}"
        for item in items
    ]
    lines.append("*Done* in the incident's thread ends an action.")
    return "\n".join(lines)
