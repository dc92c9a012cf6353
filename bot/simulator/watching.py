"""Reads the local Slack for a test, a demo or a bench, and waits for conditions."""

from collections.abc import Callable
from typing import Any, TypeVar

from .addresses import Addresses
from .message import Message
from .mrkdwn import Names
from .transcript import names_of, transcript
from .waiting import Pulse

JSON = dict[str, Any]
T = TypeVar("T")


class Watching(Addresses):
    """Reads messages; one that did not change is not read again."""

    _pulse: Pulse
    _began: float
    _seen: dict[tuple[str, str], Message]
    _named: tuple[tuple[int, int, int], Names] | None

    def seen(self, channel_id: str, data: JSON) -> Message:
        """A message dict as a Message; the same object as before while nothing changed."""
        names = self._names()
        key = (channel_id, str(data["ts"]))
        known = self._seen.get(key)
        if known is None or known.data is not data or known.names is not names:
            self._seen[key] = known = Message(channel_id, data, names)
        return known

    def messages(self, channel: str) -> list[Message]:
        """The messages of a channel, oldest first, without the threads."""
        where = self._core.workspace.channel(channel)
        return [self.seen(where.id, where.messages[ts]) for ts in where.timeline]

    def thread(self, channel: str, ts: str) -> list[Message]:
        """A thread's replies, oldest first, without its root."""
        where = self._core.workspace.channel(channel)
        return [self.seen(where.id, where.messages[reply]) for reply in where.threads.get(ts, ())]

    def message(self, channel: str, ts: str) -> Message:
        """One message as it stands now."""
        where = self._core.workspace.channel(channel)
        return self.seen(where.id, self._core.workspace.message(where, ts))

    def ephemerals(self, user: str) -> list[Message]:
        """The ephemeral messages to this user, oldest first."""
        ephemeral = self._core.workspace.ephemerals.get(self._core.workspace.user(user).id, {})
        return [self.seen(channel, data) for channel, data in ephemeral.values()]

    def modal(self, user: str) -> JSON | None:
        """The modal a user has open."""
        return self._core.views.modal(self._core.workspace.user(user).id)

    def home(self, user: str) -> JSON | None:
        """A user's Home tab as published."""
        return self._core.views.home(self._core.workspace.user(user).id)

    def transcript(self, channel: str, *, since: float | None = None) -> str:
        """A channel and its threads as text; times count from `since`, or from the start."""
        where = self._core.workspace.channel(channel)
        start = self._began if since is None else since
        return transcript(self._core.workspace, where, since=start)

    async def wait_for(
        self,
        predicate: Callable[[], T],
        *,
        timeout: float = 30.0,
        why: str = "something",
        channel: str = "alerts",
    ) -> T:
        """The first true answer of `predicate`, asked again after each change.

        Raises NeverHappenedError with the channel's transcript after `timeout` real seconds.
        """
        return await self._pulse.wait_for(
            predicate,
            timeout=timeout,
            on_timeout=lambda: (
                f"waited {timeout:g} s in vain for: {why}\n{self.transcript(channel)}"
            ),
        )

    def _names(self) -> Names:
        workspace = self._core.workspace
        # Users, groups and channels are only ever added.
        known = (len(workspace.users), len(workspace.groups), len(workspace.channels))
        if self._named is None or self._named[0] != known:
            self._named = (known, names_of(workspace))
        return self._named[1]
