"""Before every listener: who may ask at all, and what listeners may ask for by name.

A test checks that none asks for anything else: Bolt hands None to a misspelt name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.errors import Refused
from bot.response import IncidentService
from handlers.outbound.outbox import Outbox

SERVICES = ("service", "outbox", "clock")


class HomeOnly(AsyncMiddleware):
    """Refuses presses, modals, shortcuts and commands of people of another workspace.

    A shared channel shows our buttons to them too. Who does not say where they are from is one of
    them. A copy of our button on another app's message is refused as well. Events pass: an alert
    has no person, and a mention is looked at where it is read.
    """

    def __init__(self, service: IncidentService) -> None:
        self._service = service

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - Bolt's signature
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt's name
    ) -> BoltResponse | None:
        """Refused, which goes to that person alone, or on to the listeners."""
        if req.body.get("type") != "event_callback":
            team = team_of(req.body)
            if not team or team != self._service.home_team:
                raise Refused("Not done: only people of this workspace can do anything here.")
            if _is_stolen(req.body, req.context.bot_id):
                raise Refused("Not done: that button is not on a message of this bot.")
        return await next()


def _is_stolen(body: dict[str, Any], own_bot_id: str | None) -> bool:
    """Whether it is a press of our button on a message that is not ours."""
    message, actions = body.get("message"), body.get("actions")
    if not isinstance(message, dict) or not isinstance(actions, list):
        return False
    ids = [str(one.get("action_id", "")) for one in actions if isinstance(one, dict)]
    ours = any(one.startswith("sopbot.") for one in ids)
    return ours and message.get("bot_id") != own_bot_id


def team_of(body: dict[str, Any]) -> str:
    """The workspace of the person who did it, or ''.

    Never the payload's own `team`: that is where it happened, and null for an organisation.
    """
    if "command" in body:
        return str(body.get("team_id") or "")
    user = body.get("user")
    return str(user.get("team_id") or "") if isinstance(user, dict) else ""


class Provide(AsyncMiddleware):
    """Puts the services into Bolt's context."""

    def __init__(
        self, service: IncidentService, outbox: Outbox, clock: Callable[[], datetime]
    ) -> None:
        self._services = dict(zip(SERVICES, (service, outbox, clock), strict=True))

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - Bolt's signature
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt's name
    ) -> BoltResponse | None:
        """Before every listener."""
        req.context.update(self._services)
        return await next()


def register(
    app: AsyncApp, service: IncidentService, outbox: Outbox, clock: Callable[[], datetime]
) -> None:
    """Let only our own people in, and put the services into Bolt's context."""
    app.middleware(HomeOnly(service))
    app.middleware(Provide(service, outbox, clock))
