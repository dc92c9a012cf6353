"""Asks the advisor, proposes actions, and freezes them."""

from __future__ import annotations

from difflib import get_close_matches

from bot.approvals import freeze_scopes
from bot.errors import InputError
from bot.language import _, deferred
from bot.response.gateway_targets import possible
from bot.response.readers import check_member
from handlers.listeners.commands.call import INCIDENT_NUMBER, Call
from handlers.views import gateway_output, lists, possible_actions, scoped_freezes
from handlers.views.text import untrusted_line
from handlers.views.words import word

LONGEST_TARGET = 200


async def ask(call: Call, rest: str) -> str:
    """Enqueue a question to the advisor."""
    incident, question = await call.subject(rest)
    await call.service.advice_queue.ask(incident, question, call.user, once=call.key)
    return _("Question sent; the answer will be posted in the thread of {number}.").format(
        number=incident.number
    )


async def fix(call: Call, rest: str) -> str:
    """Propose an action of the catalogue; without one, show what can be done to what."""
    if not rest and (answer := await _possible(call, "")):
        return answer
    incident, action = await call.subject(rest)
    if not action and (answer := await _possible(call, incident.service)):
        return answer
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


async def _possible(call: Call, first: str) -> str:
    """Return the gateway's targets with their actions, '' if it lists none."""
    await call.service.decisions.check_person(call.user, "fix")  # the list names targets
    rows = possible(call.service.config, first)
    return possible_actions.summary(rows, first) if rows else ""


async def run(call: Call, rest: str) -> str:
    """Run an action that changes nothing, and show its output to the person."""
    incident, text = await call.subject(rest)
    reading = await call.service.gateway_reads.run(incident, text, call.user, call.channel)
    return gateway_output.shown(reading.action.id, reading.target, reading.outcome, reading.id)


async def cancel(call: Call, rest: str) -> str:
    """Cancel what the gateway runs for the incident."""
    incident, _rest = await call.subject(rest)
    cancelled = await call.service.cancellations.cancel(incident, call.user)
    return "\n".join(gateway_output.cancelling(*item) for item in cancelled)


async def freeze(call: Call, rest: str) -> str:
    """Block all actions or those of an incident or a target, or show what is blocked."""
    scope, why = await _scope_in(call, rest)
    if scope:
        freeze, is_new = await call.service.decisions.freeze_scope(scope, call.user, why[:200])
        blocked = await _waiting_in(call, scope)
        answer = scoped_freezes.answer(scope, freeze, blocked, is_new=is_new)
        return "\n".join([answer, *_unknown_target(call, scope)])
    word, _sep, reason = rest.partition(" ")
    if word == "on":
        everything, is_new = await call.service.decisions.freeze(
            call.user, reason.strip()[:200], channel=call.outbox.ops_channel
        )
        if is_new:
            return lists.frozen_now()
        return f"{_('It was frozen already.')} {lists.freeze(everything)}"
    if word == "off":
        return await unfreeze(call, "")
    if word:
        raise InputError(
            deferred("On or off?"),
            remedy=deferred(
                "`/incident freeze on [why]` blocks all actions, `off` unblocks; `/incident freeze"
                " INC-7 [why]` and `/incident freeze target web [why]` block some."
            ),
        )
    return await what_is_frozen(call)


async def what_is_frozen(call: Call) -> str:
    """The freezes in force; they name targets, so guests do not read them."""
    check_member(call.channels)
    lines = scoped_freezes.frozen_lines(await call.store.frozen_scopes())
    return "\n".join([lists.freeze(await call.store.frozen()), *lines])


async def unfreeze(call: Call, rest: str) -> str:
    """Let all actions run again, or those of an incident or a target."""
    scope, _why = await _scope_in(call, rest)
    if scope:
        over = await call.service.decisions.unfreeze_scope(scope, call.user)
        return scoped_freezes.ended(scope, over, call.now)
    ended = await call.service.decisions.unfreeze(call.user, channel=call.outbox.ops_channel)
    return lists.unfrozen(ended, call.now)


async def _scope_in(call: Call, text: str) -> tuple[str, str]:
    """The incident or the target that the text begins with, and the rest; '' without one."""
    word, _sep, rest = text.partition(" ")
    if INCIDENT_NUMBER.fullmatch(word):
        incident = await call.incident(word)
        return freeze_scopes.of_incident(incident.id), rest.strip()
    if word.lower() != "target":
        return "", text
    name, _sep, reason = rest.strip().partition(" ")
    name = name.strip("`")
    if not name or len(name) > LONGEST_TARGET:
        raise InputError(
            deferred("Which target?"),
            remedy=deferred("Its card names it: `/incident freeze target checkout-api [why]`."),
        )
    return freeze_scopes.of_target(name), reason.strip()


def _unknown_target(call: Call, scope: str) -> list[str]:
    """A warning if the scope is a target that no gateway lists: a typo would freeze nothing."""
    known = call.service.config.offers.targets
    name = freeze_scopes.target_of(scope)
    if not known or name is None or name in known:
        return []
    return [scoped_freezes.unknown_target(name, get_close_matches(name, known, 3, 0.5))]


async def _waiting_in(call: Call, scope: str) -> int:
    """The number of approvals that wait for a vote and that the freeze of the scope blocks."""
    count = 0
    for approval in await call.store.approvals_waiting():
        incident = await call.store.incident(approval.incident_id)
        count += scope in freeze_scopes.scopes_of(approval, incident)
    return count
