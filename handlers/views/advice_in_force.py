"""Shows which advice is in force, and that the advisors are asked for the next one."""

from __future__ import annotations

from bot.advice.model import Advice, Asking
from bot.language import _
from handlers.views.advice import advice_message
from handlers.views.newer_blocks import details
from handlers.views.text import Block, clock, line, section, untrusted_line

MOST = 10  # blocks that Slack takes in one container


def former_advice(
    advice: Advice, question: str, asked_by: str, link: str
) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of advice that a later answer replaced; `link` leads to that.

    It is folded away and has no buttons any more. `link` is '' until the later one is posted.
    """
    _text, blocks = advice_message(advice, question, asked_by)
    newer = _("a newer answer")
    where = f"<{link}|{newer}>" if link else newer
    head = _("💡 *Advice* · {label} · ↪ replaced by {newer} further down")
    label = untrusted_line(advice.label, 80)
    shown = [section(head.format(label=label, newer=where))]
    folded = blocks[1:]
    for start in range(0, len(folded), MOST):
        title = _("What it said") if start == 0 else _("The rest of what it said")
        shown += details(title, folded[start : start + MOST])
    text = _("Advice · {label}: replaced by a newer answer")
    return text.format(label=line(advice.label, 120)), shown


def asking_line(asking: Asking | None) -> str:
    """Say on the card which advisors are asked, since when and by whom; '' if none is asked."""
    if asking is None:
        return ""
    advisors = untrusted_line(asking.advisors.replace(", ", " → "), 80)
    if asking.user:
        return _("💭 asking {advisors} since {at}, for <@{user}>").format(
            advisors=advisors, at=clock(asking.since), user=asking.user
        )
    return _("💭 asking {advisors} since {at}").format(advisors=advisors, at=clock(asking.since))
