"""Reads the SOPs that are loaded, and links an incident to one."""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import InputError, NotFound
from bot.incidents.sop_search import search_sops
from bot.incidents.sops import Sop
from bot.language import deferred
from handlers.listeners.commands.call import INCIDENT_NUMBER, Call
from handlers.views import learning, sop_lists
from handlers.views.text import typed


async def list_sops(call: Call, _rest: str) -> str:
    """One line an SOP, the most used first."""
    library = call.service.sops
    uses = await _uses(call, library.sops)
    return sop_lists.sop_list(library.sops, len(library.problems), uses)


async def show(call: Call, rest: str) -> str:
    """One SOP, and the incidents that used it last."""
    known = _known(call, rest)
    recent = await call.store.incidents_of_sop(known.sop_id)
    shown = sop_lists.sop_details(known, recent, call.now, await _uses(call, [known]))
    ledger = learning.ledger(await call.store.outcomes(known.sop_id, call.now))
    opinions = learning.opinions(*await call.store.feedback_under(known.sop_id))
    return "\n".join(part for part in (shown, ledger, opinions) if part)


async def search(call: Call, rest: str) -> str:
    """The SOPs that have every word."""
    if not rest.strip():
        raise InputError(
            deferred("Search for what?"),
            remedy=deferred("For example `/sop search checkout restart`."),
        )
    hits = search_sops(call.service.sops.sops, rest)
    return sop_lists.sop_hits(hits, rest.strip(), await _uses(call, hits[: sop_lists.SHOWN]))


async def runs(call: Call, rest: str) -> str:
    """The actions that ran under one SOP. It need not be loaded any more."""
    sop_id = rest.strip("` ")
    newest, counts = await call.store.sop_runs(sop_id)
    if not newest:
        sop_id = _known(call, sop_id).sop_id
    opinions = learning.opinions(*await call.store.feedback_under(sop_id))
    rows = [(run.incident_id, run.title, run.target, run.state, run.at) for run in newest]
    shown = sop_lists.runs(sop_id, rows, counts)
    return f"{shown}\n{opinions}" if opinions else shown


async def link(call: Call, rest: str) -> str:
    """Let an incident use an SOP."""
    number, _sep, name = rest.partition(" ")
    if not INCIDENT_NUMBER.fullmatch(number) or not name.strip():
        raise InputError(
            deferred("Link which incident to which SOP?"),
            remedy=deferred("Name both: `/sop link INC-7 sop_…`. `/sop list` shows the SOPs."),
        )
    incident, _rest = await call.subject(number)
    known = _known(call, name)
    return sop_lists.linked(await call.service.link_sop(incident, known.sop_id, call.user))


def _known(call: Call, name: str) -> Sop:
    name = name.strip("` ")
    if not name:
        raise InputError(
            deferred("Which SOP?"),
            remedy=deferred("Name it: `{line} sop_…`. `/sop list` shows the SOPs.", line=call.line),
        )
    known = call.service.sops.get(name)
    if known is None:
        raise NotFound(
            deferred("There is no SOP {name}.", name=typed(name)),
            remedy=deferred("`/sop list` shows them."),
        )
    return known


async def _uses(call: Call, sops: Sequence[Sop]) -> sop_lists.Uses:
    usage = await call.store.sop_usage([sop.sop_id for sop in sops])
    return {
        sop_id: (use.incidents, use.last.incident_id, use.last.channel, use.last.ts)
        for sop_id, use in usage.items()
    }
