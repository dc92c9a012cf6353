"""Addresses of messages in Slack."""

from __future__ import annotations

from bot.language import _
from handlers.views.text import Block

PERMALINK = "https://slack.com/archives"  # Slack leads from there to the reader's workspace


def thread_link(channel: str, ts: str) -> str:
    """The address of a message, or of the thread below it."""
    return f"{PERMALINK}/{channel}/p{ts.replace('.', '')}"


def reply_link(channel: str, ts: str, thread_ts: str) -> str:
    """The address of a message in a thread."""
    return f"{thread_link(channel, ts)}?thread_ts={thread_ts}&cid={channel}"


def open_thread(channel: str, ts: str) -> str:
    """The link that opens an incident's thread."""
    return f"<{thread_link(channel, ts)}|{_('Open thread')}>"


def thread_button(channel: str, ts: str, incident_id: int) -> Block:
    """The button that opens an incident's thread. Its address is ours, so it shows no host."""
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": _("Open thread"), "emoji": True},
        "action_id": "sopbot.link.thread",
        "url": thread_link(channel, ts),
        "value": str(incident_id),
    }
