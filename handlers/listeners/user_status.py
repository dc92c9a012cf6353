"""A person's status and user groups, as Slack says: asked again every minute.

Fails closed: of whom Slack does not tell, nobody's yes counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.approvals.model import GUEST, INCOMPLETE, UNKNOWN, Standing
from bot.errors import OutcomeUnknown, SlackRefused
from handlers.outbound.slack_client import SlackClient

log = logging.getLogger(__name__)

KEPT = timedelta(seconds=60)
SILENT = timedelta(seconds=5)  # for so long a Slack that did not answer is not asked again
PATIENCE = 2.0  # seconds: Slack waits three for the answer to a press
MOST = 1000  # people and groups remembered; a workspace's approvers are far fewer

T = TypeVar("T")


class People:
    """Asks Slack, at most once a minute about each person and each group."""

    def __init__(self, slack: SlackClient, home_team: str, clock: Callable[[], datetime]) -> None:
        self._call = slack.call
        self._home_team = home_team
        self._clock = clock
        self._known: dict[str, tuple[datetime, Any]] = {}
        self._asking: dict[str, asyncio.Task[Any]] = {}

    async def standing(self, user: str, groups: Collection[str]) -> Standing:
        """The person's status. Never raises: an unknown fact is `unread`, or a problem."""
        problem, members = await asyncio.gather(
            self._kept(user, self._problem),
            asyncio.gather(*(self._kept(one, self._members) for one in groups)),
        )
        by_group = dict(zip(groups, members, strict=True))
        return Standing(
            problem=UNKNOWN.problem if problem is None else problem,
            groups=frozenset(name for name, found in by_group.items() if found and user in found),
            unread=frozenset(name for name, found in by_group.items() if found is None),
        )

    async def _kept(self, name: str, ask: Callable[[str], Awaitable[T]]) -> T | None:
        """The answer of the last minute, or a new one; None when Slack gives none in PATIENCE.

        Whoever comes while Slack is being asked gets that answer, so that nobody waits longer.
        """
        at, answer = self._known.get(name, (None, None))
        # A clock that was moved back makes nothing younger than it is.
        kept = SILENT if answer is None else KEPT
        if at is not None and timedelta() <= self._clock() - at < kept:
            return answer
        asking = self._asking.get(name)
        if asking is None:
            asking = asyncio.create_task(self._fresh(name, ask), name=f"who is {name}")
            self._asking[name] = asking
            asking.add_done_callback(lambda _: self._asking.pop(name, None))
        # Shielded: others wait for it too.
        return await asyncio.shield(asking)

    async def _fresh(self, name: str, ask: Callable[[str], Awaitable[T]]) -> T | None:
        fresh = None
        try:
            async with asyncio.timeout(PATIENCE):
                fresh = await ask(name)
        except (SlackRefused, OutcomeUnknown, TimeoutError) as error:
            log.warning("Slack does not tell about %s: %s", name, error or "no answer in time")
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[name] = (self._clock(), fresh)
        return fresh

    async def _problem(self, user: str) -> str:
        answer = await self._call("users_info", user=user)
        return problem_of(answer.get("user"), self._home_team)

    async def _members(self, group: str) -> frozenset[str]:
        answer = await self._call("usergroups_users_list", usergroup=group)
        users = answer.get("users")
        return frozenset(map(str, users)) if isinstance(users, list) else frozenset()


def problem_of(user: Any, home_team: str) -> str:
    """Why this user never counts, from Slack's user object; '' for a person of this workspace."""
    if not isinstance(user, dict):
        return UNKNOWN.problem
    told = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted")
    if user.get("deleted") is True:
        return "this account is deactivated"
    if user.get("is_bot") is True or user.get("id") == "USLACKBOT":
        return "a bot never counts"
    if user.get("is_stranger") or user.get("team_id") not in (None, home_team):
        return "only people of this workspace count"
    if user.get("is_restricted") is True or user.get("is_ultra_restricted") is True:
        return GUEST
    if user.get("team_id") is None or any(user.get(name) is not False for name in told):
        return INCOMPLETE
    return ""
