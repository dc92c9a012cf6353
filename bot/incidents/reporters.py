"""The sender of an alert that a person reported. Nobody else's sender has this form."""

from __future__ import annotations

SOURCE = "person"
_PREFIX = f"{SOURCE}:"


def sender_of(user: str) -> str:
    """Return the sender of what this person reports."""
    return f"{_PREFIX}{user}"


def reporter_of(sender: str) -> str:
    """Return the person who reported; '' for any other sender."""
    return sender.removeprefix(_PREFIX) if sender.startswith(_PREFIX) else ""
