"""Shows what an action of the gateway printed, to the person who ran it."""

from __future__ import annotations

from bot.approvals.model import Approval
from bot.language import _
from bot.remediation.answers import Outcome
from handlers.views.full_text import add_button
from handlers.views.pages import Page
from handlers.views.text import code, inline_code, section, untrusted_line

OUTPUT_LIMIT = 2_600  # characters of an ephemeral answer, with its heading
OF_OUTPUT = "output"
"""Before a reading's id in the value of the button "Full text"."""


def shown(action_id: str, target: str, outcome: Outcome, reading_id: str) -> str:
    """Return the output; of a long one its end, and a button that shows the whole of it."""
    heading = _("*{action}* on *{target}*").format(
        action=untrusted_line(action_id, 100), target=untrusted_line(target, 100)
    )
    if outcome.state != "succeeded":
        return f"{heading}: {untrusted_line(outcome.error, 600)}"
    output = (outcome.stdout or outcome.stderr).strip()
    if not output:
        return f"{heading}: {_('it printed nothing')}"
    if len(output) > OUTPUT_LIMIT:
        note = _("The last {shown:,} of {all:,} characters.").format(
            shown=OUTPUT_LIMIT, all=len(output)
        )
        text = f"{heading}. {note}\n{code(output[-OUTPUT_LIMIT:], OUTPUT_LIMIT)}"
        blocks = add_button([section(text)], f"{OF_OUTPUT} {reading_id}")
        return Page(text, blocks, blocks)
    return f"{heading}\n{code(output, OUTPUT_LIMIT)}"


def cancelling(approval: Approval, progress: str) -> str:
    """Say that the gateway ends it, and how far it was."""
    text = _("Cancelling {title}: its result in the thread says what was done by then.").format(
        title=untrusted_line(approval.proposal.title, 140)
    )
    return f"{text} {inline_code(progress, 200)}" if progress else text
