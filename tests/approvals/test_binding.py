"""A yes is for what was shown, in the world it was shown in: whatever differs makes it void."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from bot.approvals.binding import digest_of
from bot.approvals.model import Approval, Binding
from bot.incidents.remediation import Parameter, Preview
from tests.helpers import models

CHANGES: dict[str, Callable[[Approval], Approval]] = {
    "id": lambda approval: replace(approval, id="1" * 32),
    "incident": lambda approval: replace(approval, incident_id=7),
    "action": lambda approval: replace(
        approval, proposal=replace(approval.proposal, action_id="service.stop")
    ),
    "target": lambda approval: replace(
        approval, proposal=replace(approval.proposal, target="other")
    ),
    "a value": lambda approval: _with(
        approval, Parameter("target", "other", "alert label container")
    ),
    "an origin": lambda approval: _with(
        approval, Parameter("target", "checkout-api-3", "asked by @U1")
    ),
    "risk": lambda approval: replace(approval, proposal=replace(approval.proposal, risk="low")),
    "title": lambda approval: replace(
        approval, proposal=replace(approval.proposal, title="Test it")
    ),
    "whether it can be undone": lambda approval: replace(
        approval, proposal=replace(approval.proposal, reversible="yes!")
    ),
    "intent": lambda approval: replace(
        approval, proposal=replace(approval.proposal, intent="delete the volume")
    ),
    "what it touches": lambda approval: replace(
        approval, preview=replace(approval.preview, touches="nothing!")
    ),
    "when it was asked": lambda approval: replace(
        approval, requested_at=approval.requested_at - timedelta(seconds=1)
    ),
    "command": lambda approval: replace(approval, preview=replace(approval.preview, command="rm")),
    "plan": lambda approval: replace(
        approval, preview=Preview(approval.preview.command, "sha256:2", "")
    ),
    "needed": lambda approval: replace(approval, needed=1),
    "approvers": lambda approval: replace(approval, approvers=(*approval.approvers, "U0EVE")),
    "who asked": lambda approval: replace(approval, requested_by=""),
    "a reason": lambda approval: replace(
        approval, terms=replace(approval.terms, reason_required=True)
    ),
    "editors": lambda approval: replace(
        approval, terms=replace(approval.terms, editors=("U0EVE",))
    ),
    "the world": lambda approval: replace(
        approval, terms=replace(approval.terms, bound=Binding(sop="x"))
    ),
    "undo": lambda approval: replace(approval, undoes="exec-1"),
    "expiry": lambda approval: replace(
        approval, expires_at=approval.expires_at + timedelta(seconds=1)
    ),
}


def _with(approval: Approval, parameter: Parameter) -> Approval:
    rest = approval.proposal.parameters[1:]
    return replace(approval, proposal=replace(approval.proposal, parameters=(parameter, *rest)))


@pytest.mark.parametrize("change", CHANGES)
def test_the_digest_covers(change: str) -> None:
    approval = models.approval()
    assert (
        digest_of(CHANGES[change](approval)) != digest_of(approval) == digest_of(replace(approval))
    )


def test_all_changes_have_digests_of_their_own() -> None:
    approval = models.approval()
    assert len({digest_of(change(approval)) for change in CHANGES.values()}) == len(CHANGES)


def test_every_field_that_is_added_has_to_be_looked_at() -> None:
    """The digest covers everything shown; these are the fields that it leaves out."""
    decided_later = {"state", "digest", "decided_by", "decided_at", "reason", "votes"}
    approval = models.approval()
    for field in fields(Approval):
        if field.name not in decided_later:
            other = replace(approval, **{field.name: OTHERS[field.name](approval)})
            assert digest_of(other) != digest_of(approval), field.name


OTHERS: dict[str, Callable[[Approval], object]] = {
    "id": lambda _: "1" * 32,
    "incident_id": lambda _: 7,
    "proposal": lambda approval: replace(approval.proposal, title="other"),
    "preview": lambda _: Preview("other"),
    "requested_by": lambda _: "U0EVE",
    "requested_at": lambda approval: approval.requested_at + timedelta(microseconds=1),
    "expires_at": lambda approval: approval.expires_at + timedelta(microseconds=1),
    "needed": lambda _: 99,
    "approvers": lambda _: ("U0EVE",),
    "terms": lambda approval: replace(approval.terms, targets=99),
    "undoes": lambda _: "exec-99",
}


def test_votes_do_not_change_it() -> None:
    approval = models.approval()
    assert digest_of(replace(approval, votes=(models.vote("U0ANA"),))) == digest_of(approval)
