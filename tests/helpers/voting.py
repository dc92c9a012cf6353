"""Votes on approvals as people do."""

from __future__ import annotations

from bot.approvals.model import Approval, Choice
from store import Store
from tests.helpers.builders import (
    TEAM,
    later,
    voter,
)

YES, NO = Choice.APPROVE, Choice.REJECT


async def say(
    store: Store,
    item: Approval,
    user: str,
    choice: Choice = YES,
    *,
    at: float = 1,
    team: str = TEAM,
) -> Approval:
    return await store.vote(item.id, voter(user, team), choice, TEAM, later(at))
