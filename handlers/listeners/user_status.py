"""Asks Slack who a person is, and what a channel is, at most once a minute.

Fails closed: if Slack does not return the user, the vote is not counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.approvals.model import UserStatus
from bot.approvals.reasons import VoteProblem
from bot.errors import OutcomeUnknown, SlackRefused
from bot.response.dependencies import Directory
from handlers.outbound.slack_client import SlackClient

log = logging.getLogger(__name__)

CACHE = timedelta(seconds=60)
SILENCE = timedelta(seconds=5)  # after a call without an answer, before the next one
TIMEOUT = 2.0  # seconds: Slack waits three for the answer to a press
MOST_NAMES = 60  # that one post-mortem asks Slack for
MOST = 1000  # cached people and groups; a workspace's approvers are far fewer

T = TypeVar("T")


class People(Directory):
    """Asks Slack, at most once a minute about each person and each group."""

    def __init__(self, slack: SlackClient, home_team: str, clock: Callable[[], datetime]) -> None:
        self._call = slack.call
        self._home_team = home_team
        self._clock = clock
        self._known: dict[str, tuple[datetime, Any]] = {}
        self._in_progress: dict[str, asyncio.Task[Any]] = {}
        self._last_names: dict[str, str] = {}

    async def user_status(self, user: str, groups: Collection[str]) -> UserStatus:
        """The person's status. Never raises: an unknown fact is `unread`, or a problem."""
        answer, members = await asyncio.gather(
            self._cached(user, self._problem),
            asyncio.gather(*(self._cached(group, self._members) for group in groups)),
        )
        by_group = dict(zip(groups, members, strict=True))
        return UserStatus(
            problem=VoteProblem.USER_UNREAD if answer is None else answer[0],
            groups=frozenset(name for name, users in by_group.items() if users and user in users),
            unread=frozenset(name for name, users in by_group.items() if users is None),
        )

    async def names(self, users: Collection[str]) -> dict[str, str]:
        """The display names of these people; those whom Slack never returned are left out.

        If Slack does not answer now, a name is the last one that it returned.
        """
        few = list(users)[:MOST_NAMES]
        await asyncio.gather(*(self._cached(user, self._problem) for user in few))
        return {user: name for user in few if (name := self._last_names.get(user))}

    async def channels_of(self, user: str) -> frozenset[str] | None:
        """The channels that this person is in, of those that the bot can see; None if unknown."""
        return await self._cached(f"channels/{user}", lambda _: self._channels(user))

    async def is_private(self, channel: str) -> bool | None:
        """True if the channel is private; None if Slack does not say."""
        return await self._cached(channel, self._privacy)

    async def _cached(self, name: str, fetch: Callable[[str], Awaitable[T]]) -> T | None:
        """The answer of the last minute, or a new one; None if Slack gives none within TIMEOUT.

        Callers during a call to Slack share its answer, so that nobody waits longer.
        """
        at, answer = self._known.get(name, (None, None))
        # If the clock was set back, an answer seems to be of the future and is not used.
        kept = SILENCE if answer is None else CACHE
        if at is not None and timedelta() <= self._clock() - at < kept:
            return answer
        request = self._in_progress.get(name)
        if request is None:
            request = asyncio.create_task(self._fetch(name, fetch), name=f"who is {name}")
            self._in_progress[name] = request
            request.add_done_callback(lambda _: self._in_progress.pop(name, None))
        # Shielded: other callers wait for it too.
        return await asyncio.shield(request)

    async def _fetch(self, name: str, fetch: Callable[[str], Awaitable[T]]) -> T | None:
        fresh = None
        try:
            async with asyncio.timeout(TIMEOUT):
                fresh = await fetch(name)
        except (SlackRefused, OutcomeUnknown, TimeoutError) as error:
            log.warning("Slack does not return %s: %s", name, error or "no answer in time")
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[name] = (self._clock(), fresh)
        return fresh

    async def _problem(self, user: str) -> tuple[VoteProblem | None, str]:
        """Return the reason why the user's vote never counts, and their display name."""
        answer = await self._call("users_info", user=user)
        person = answer.get("user")
        name = name_of(person)
        self._last_names.pop(user, None)  # the dictionary's order is that of their age
        if len(self._last_names) >= MOST:
            del self._last_names[next(iter(self._last_names))]
        self._last_names[user] = name
        return problem_of(person, self._home_team), name

    async def _channels(self, user: str) -> frozenset[str]:
        kinds = "public_channel,private_channel"
        answer = await self._call("users_conversations", user=user, types=kinds, limit=MOST - 1)
        channels = answer.get("channels")
        if not isinstance(channels, list):
            return frozenset()
        return frozenset(str(item.get("id")) for item in channels if isinstance(item, dict))

    async def _privacy(self, channel: str) -> bool:
        answer = (await self._call("conversations_info", channel=channel)).get("channel")
        # What Slack does not call public counts as private.
        return not isinstance(answer, dict) or answer.get("is_private") is not False

    async def _members(self, group: str) -> frozenset[str]:
        answer = await self._call("usergroups_users_list", usergroup=group)
        users = answer.get("users")
        return frozenset(map(str, users)) if isinstance(users, list) else frozenset()


def name_of(user: Any) -> str:
    """The user's display name by Slack's user object; '' if it has none."""
    if not isinstance(user, dict):
        return ""
    profile = user.get("profile")
    shown = profile.get("display_name") if isinstance(profile, dict) else ""
    return str(shown or user.get("real_name") or user.get("name") or "")


def problem_of(user: Any, home_team: str) -> VoteProblem | None:
    """Return the reason, read from Slack's user object, why the vote never counts.

    None for people of our own workspace.
    """
    if not isinstance(user, dict):
        return VoteProblem.USER_UNREAD
    flags = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted")
    if user.get("deleted") is True:
        return VoteProblem.DEACTIVATED
    if user.get("is_bot") is True or user.get("id") == "USLACKBOT":
        return VoteProblem.BOT
    if user.get("is_stranger") or user.get("team_id") not in (None, home_team):
        return VoteProblem.STRANGER
    if user.get("is_restricted") is True or user.get("is_ultra_restricted") is True:
        return VoteProblem.GUEST
    if user.get("team_id") is None or any(user.get(name) is not False for name in flags):
        return VoteProblem.GUEST_UNREAD
    return None
