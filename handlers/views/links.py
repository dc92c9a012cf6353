"""The buttons that open an address elsewhere."""

from __future__ import annotations

import re

from handlers.views.addresses import host_of
from handlers.views.text import Block, imitates_bot

LONGEST_LABEL = 18  # a button takes 75 characters, of which the host may have 48
# Latin letters only: a sign that looks like a dot makes a host, and other letters run to the left.
_LABEL = re.compile(r"[A-Za-z0-9À-ÿ]+(?:[ -][A-Za-z0-9À-ÿ]+)*")


def link_label(label: str) -> str:
    """A sender's name for a link, if it is plain words that imitate neither the bot nor a host."""
    shown = label.strip()
    is_plain = len(shown) <= LONGEST_LABEL and _LABEL.fullmatch(shown)
    return shown if is_plain and not imitates_bot(shown) else ""


def link_button(
    url: str, action: str, what: str = "", *, label: str = "", number: int = 1
) -> Block:
    """A button that opens an address and shows its host, before any word of the sender's.

    `what` is a word of ours, `label` the result of `link_label`; `number` distinguishes two
    addresses of one host that have the same label.
    """
    host = host_of(url)
    # The end of a long name says whose it is.
    host = host if len(host) <= 48 else "…" + host[-47:]
    suffix = (f" ({number})" if number > 1 else "") + (f" · {label}" if label else "")
    return {
        "type": "button",
        "text": {
            "type": "plain_text",
            "text": f"{what}: {host}{suffix} ↗" if what else f"{host}{suffix} ↗",
            "emoji": False,
        },
        "action_id": action,
        "url": url,
    }
