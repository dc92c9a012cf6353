"""Runs before every listener: refuses strangers, and provides the services by name.

A test checks that no listener has another parameter, because Bolt passes None to a misspelt name.
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
from bot.language import deferred
from bot.response import IncidentService
from handlers.outbound.home_tabs import HomeTabs
from handlers.outbound.outbox import Outbox

SERVICES = ("service", "outbox", "home_tabs", "clock")


class HomeOnly(AsyncMiddleware):
    """Refuses presses, modals, shortcuts and commands of people of another workspace.

    A shared channel shows our buttons to them too. A payload without a workspace counts as theirs.
    A press of our button on another app's message is refused as well. Events pass: an alert has no
    person, and the listener of mentions checks the author itself.
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
        """Raise Refused, which only that person reads, or call the listeners."""
        if req.body.get("type") != "event_callback":
            team = team_of(req.body)
            if not team or team != self._service.home_team:
                raise Refused(
                    deferred("Not done: only people of this workspace can do anything here.")
                )
            if _is_stolen(req.body, req.context.bot_id):
                raise Refused(deferred("Not done: that button is not on a message of this bot."))
        return await next()


def _is_stolen(body: dict[str, Any], own_bot_id: str | None) -> bool:
    """True for a press of our button on a message that is not ours."""
    message, actions = body.get("message"), body.get("actions")
    if not isinstance(message, dict) or not isinstance(actions, list):
        return False
    ids = [str(action.get("action_id", "")) for action in actions if isinstance(action, dict)]
    ours = any(action_id.startswith("sopbot.") for action_id in ids)
    return ours and message.get("bot_id") != own_bot_id


def is_on_home(body: dict[str, Any]) -> bool:
    """True for a press in the bot's Home tab."""
    view = body.get("view")
    return isinstance(view, dict) and view.get("type") == "home"


def holds_button(view: dict[str, Any], action: dict[str, Any]) -> bool:
    """True if this message or view has the button that was pressed, with its value.

    The value of an entry of an overflow menu is a word and the value.
    """
    elements = (
        element for block in view.get("blocks") or [] for element in block.get("elements") or []
    )
    pressed = (action.get("action_id"), action.get("value"))
    return any(
        (item.get("action_id"), value) == pressed for item in elements for value in _values(item)
    )


def _values(element: dict[str, Any]) -> list[str | None]:
    entries = element.get("options") or []
    if element.get("type") == "overflow":
        return [str(entry.get("value", "")).partition(" ")[2] for entry in entries]
    return [element.get("value")]


def team_of(body: dict[str, Any]) -> str:
    """The workspace of the person who acted, or ''.

    It is never the payload's own `team`, which is the place of the action and null for an
    organisation.
    """
    if "command" in body:
        return str(body.get("team_id") or "")
    user = body.get("user")
    return str(user.get("team_id") or "") if isinstance(user, dict) else ""


class Provide(AsyncMiddleware):
    """Puts the services into Bolt's context."""

    def __init__(
        self,
        service: IncidentService,
        outbox: Outbox,
        home_tabs: HomeTabs,
        clock: Callable[[], datetime],
    ) -> None:
        self._services = dict(zip(SERVICES, (service, outbox, home_tabs, clock), strict=True))

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - Bolt's signature
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt's name
    ) -> BoltResponse | None:
        """Add the services to the context of every listener."""
        req.context.update(self._services)
        return await next()


def register(
    app: AsyncApp,
    service: IncidentService,
    outbox: Outbox,
    home_tabs: HomeTabs,
    clock: Callable[[], datetime],
) -> None:
    """Register both middlewares."""
    app.middleware(HomeOnly(service))
    app.middleware(Provide(service, outbox, home_tabs, clock))
