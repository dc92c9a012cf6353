"""Kills a bot at chosen moments, which are seen from outside, and starts it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.helpers.bot_processes import BotProcess
from tests.helpers.slack_faults import HttpProxy, SlackHooks, kind_of
from tests.scenarios.starting import StartProcess

TAKEN, ANSWERED = "before it is taken", "before its answer"
WORKING = "while it is worked on"

Point = tuple[str, str, str]  # where, what, when
NameOf = Callable[[dict[str, Any]], str]


class Trap:
    """Kills the bot at each of its points, one after the other, and starts it again."""

    def __init__(self, *points: Point) -> None:
        self._points = list(points)
        self._start: StartProcess | None = None
        self._bot: BotProcess | None = None
        self._killed = asyncio.Event()

    @property
    def points_left(self) -> int:
        """The number of kills that are still to come."""
        return len(self._points)

    def kills_at(self, where: str, what: str, when: str) -> bool:
        """Kill the bot if this is the next point; returns True if it was."""
        due = bool(self._points) and not self._killed.is_set() and self._bot is not None
        if not due or (where, what, when) != self._points[0]:
            return False
        assert self._bot is not None
        self._bot.kill()
        self._points.pop(0)
        self._killed.set()
        return True

    async def keep_running(self, start: StartProcess) -> None:
        """Run the bot, as a supervisor does, until it was killed at every point."""
        self._bot = await start(fork=True)
        while self._points:
            await self._killed.wait()
            assert await self._bot.ended() == -9
            self._bot = await start(fork=True, ready=False)
            self._killed.clear()

    def watch_slack(self, slack_hooks: SlackHooks, name_of: NameOf) -> None:
        """Kill at calls to Slack, and at envelopes by the name that `name_of` gives them."""

        async def on_call(method: str, args: dict[str, Any]) -> web.Response | None:
            sprung = self.kills_at("slack", f"{method} {kind_of(args)}", TAKEN)
            return web.Response(status=503) if sprung else None

        async def on_answer(method: str, args: dict[str, Any]) -> bool:
            return not self.kills_at("slack", f"{method} {kind_of(args)}", ANSWERED)

        async def on_envelope(envelope: dict[str, Any]) -> bool:
            # It goes into a socket that nobody reads any more, as it would.
            self.kills_at("envelope", name_of(envelope), TAKEN)
            return True

        slack_hooks.on_call, slack_hooks.on_answer, slack_hooks.on_envelope = (
            on_call,
            on_answer,
            on_envelope,
        )

    def watch_proxy(self, where: str, proxy: HttpProxy) -> None:
        """Kill at requests that pass through the proxy."""

        async def on_request(request: web.Request) -> bool:
            name = "/executions" if request.path.startswith("/executions/") else request.path
            self.kills_at(where, name, WORKING)
            return not self.kills_at(where, name, TAKEN)

        async def on_answer(request: web.Request) -> bool:
            return not self.kills_at(where, request.path, ANSWERED)

        proxy.on_request, proxy.on_answer = on_request, on_answer
