"""Asks the advisor, proposes actions, and freezes them."""

from __future__ import annotations

from bot.errors import InputError
from bot.language import _, deferred
from handlers.listeners.commands.call import Call
from handlers.views import lists
from handlers.views.text import untrusted_line
from handlers.views.words import word


async def ask(call: Call, rest: str) -> str:
    """Enqueue a question to the advisor."""
    incident, question = await call.subject(rest)
    await call.service.ask(incident, question, call.user, once=call.key)
    return _("Question sent; the answer will be posted in the thread of {number}.").format(
        number=incident.number
    )


async def fix(call: Call, rest: str) -> str:
    """Propose an action of the catalogue."""
    incident, action = await call.subject(rest)
    approval, is_new = await call.service.proposals.fix(incident, action, call.user, call.key)
    title = untrusted_line(approval.proposal.title, 100)
    if not is_new:
        return _("Nothing new: {title} is {state} already, see the thread of {number}.").format(
            title=title, state=word(approval.state), number=incident.number
        )
    answer = _(
        "Proposed in the thread of {number}: {title}. Somebody else must approve it."
    ).format(number=incident.number, title=title)
    frozen = await call.store.frozen()
    return f"{answer} {lists.freeze(frozen)}" if frozen else answer


async def freeze(call: Call, rest: str) -> str:
    """Block all actions, or show whether they are blocked."""
    word, _sep, reason = rest.partition(" ")
    if word == "on":
        freeze, is_new = await call.service.decisions.freeze(
            call.user, reason.strip()[:200], channel=call.outbox.ops_channel
        )
        if is_new:
            return lists.frozen_now()
        return f"{_('It was frozen already.')} {lists.freeze(freeze)}"
    if word == "off":
        return await unfreeze(call, "")
    if word:
        raise InputError(
            deferred("On or off?"),
            remedy=deferred("`/incident freeze on [why]` blocks all actions, `off` unblocks."),
        )
    return lists.freeze(await call.store.frozen())


async def unfreeze(call: Call, _rest: str) -> str:
    """Let actions run again."""
    ended = await call.service.decisions.unfreeze(call.user, channel=call.outbox.ops_channel)
    return lists.unfrozen(ended, call.now)
