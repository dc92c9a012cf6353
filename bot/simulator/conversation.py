"""A person at the keyboard, for tests and demos: reads, types and clicks."""

from typing import Any

from . import reading
from .actions import Actions, Outcome
from .core import Core
from .message import Message
from .people import User
from .watching import Watching

JSON = dict[str, Any]

BUTTONS = {"button", "workflow_button", "icon_button"}


class Answered:
    """A slash command and the answers that the person saw."""

    def __init__(self, outcome: Outcome, slack: Watching, user: User, mark: str) -> None:
        self.outcome = outcome
        self._slack = slack
        self._user = user
        self._mark = mark

    @property
    def acked(self) -> bool:
        """True if the app acknowledged in time."""
        return self.outcome.acked

    @property
    def seconds(self) -> float | None:
        """The seconds until the acknowledgement."""
        return self.outcome.seconds

    @property
    def responses(self) -> list[Message]:
        """The ephemeral messages to this person since the command, oldest first."""
        return [m for m in self._slack.ephemerals(self._user.name) if m.ts > self._mark]

    @property
    def text(self) -> str:
        """All responses together, as read."""
        return "\n".join(m.text for m in self.responses)

    async def response(self, *, timeout: float = 30.0) -> Message:
        """The first response, waited for."""
        wait = await self._slack.wait_for(
            lambda: self.responses, timeout=timeout, why="a response to the command"
        )
        return wait[0]


class Person:
    """One user. Messages may be given as Message or as Slack's dict with a `channel`."""

    def __init__(self, slack: Watching, core: Core, actions: Actions, user: User) -> None:
        self.user = user
        self._slack = slack
        self._core = core
        self._actions = actions

    async def say(self, channel: str, text: str, *, thread: str | Message | None = None) -> Message:
        """Post a message; `thread` is a root's ts or any message of the thread."""
        where = self._core.workspace.channel(channel)
        root = thread.thread_ts if isinstance(thread, Message) else thread
        return self._slack.seen(where.id, self._actions.say(self.user, where, text, root))

    async def edit(self, message: Message, text: str) -> Message:
        """Change an own message."""
        where = self._core.workspace.channel(message.channel)
        changed = self._actions.edit(self.user, where, message.ts, text)
        return self._slack.seen(where.id, changed)

    async def delete(self, message: Message) -> None:
        """Delete an own message."""
        where = self._core.workspace.channel(message.channel)
        self._actions.delete(self.user, where, message.ts)

    async def react(self, message: Message, name: str, *, add: bool = True) -> None:
        """Add or take back a reaction."""
        where = self._core.workspace.channel(message.channel)
        self._core.workspace.react(where, message.ts, name, self.user.id, add=add)

    async def command(self, line: str, channel: str = "alerts") -> Answered:
        """Type a slash command; comes back when the app acknowledged it or failed to."""
        where = self._core.workspace.channel(channel)
        mark = self._core.workspace.next_ts()
        outcome = await self._actions.command(self.user, where, line)
        return Answered(outcome, self._slack, self.user, mark)

    async def press(self, on: Message | JSON, button: str, *, stale: bool = False) -> Outcome:
        """Press a button by its visible text or action_id, on a message, modal or Home tab.

        An entry of an overflow menu is pressed by its text too: the person opens the menu first.
        The message is looked at again first, as a person would; with `stale` the press is on what
        was read before. Raises NotThereError when there is no such button.
        """
        return await self._act(on, button, None, BUTTONS, stale=stale)

    async def select(self, on: Message | JSON, menu: str, value: Any) -> Outcome:
        """Choose in a menu (named by placeholder, label or action_id) by visible text or value."""
        return await self._act(on, menu, value, set(reading.STATEFUL), stale=False)

    async def submit(
        self, view: JSON | None = None, values: dict[str, Any] | None = None
    ) -> Outcome:
        """Fill in and submit a modal, the open one by default."""
        return await self._actions.submit(self.user, view or self._modal(), values or {})

    async def close(self, view: JSON | None = None) -> Outcome | None:
        """Close a modal, the open one by default."""
        return await self._actions.close(self.user, view or self._modal())

    async def shortcut(self, callback_id: str, message: Message | None = None) -> Outcome:
        """Start a global shortcut, or one from a message's menu."""
        if message is None:
            return await self._actions.shortcut(self.user, callback_id)
        where = self._core.workspace.channel(message.channel)
        return await self._actions.shortcut(
            self.user, callback_id, where, self._core.workspace.message(where, message.ts)
        )

    async def open_home(self) -> None:
        """Open the app's Home tab; what it then holds is `slack.home(user)`."""
        self._actions.open_home(self.user)

    async def _act(
        self, on: Message | JSON, name: str, value: Any, kinds: set[str], *, stale: bool
    ) -> Outcome:
        if isinstance(on, Message):
            where = self._core.workspace.channel(on.channel)
            data = on.data
            if not stale:
                current = self._core.workspace.ephemerals.get(self.user.id, {}).get(on.ts)
                data = current[1] if current else self._core.workspace.message(where, on.ts)
            block, element, value = _pressed(data, name, kinds, value)
            return await self._actions.act_on_message(self.user, where, data, block, element, value)
        block, element, value = _pressed(on, name, kinds, value)
        return await self._actions.act_in_view(self.user, on, block, element, value)

    def _modal(self) -> JSON:
        view = self._core.views.modal(self.user.id)
        if view is None:
            raise reading.NotThereError(f"{self.user.name} has no modal open")
        return view


def _pressed(holder: JSON, name: str, kinds: set[str], value: Any) -> tuple[JSON, JSON, Any]:
    """The block and the element of this name, and its value: for a button, also a menu's entry."""
    if kinds is BUTTONS and (entry := reading.menu_entry(holder, name)):
        return entry
    return *reading.find(holder, name, kinds), value
