"""Every listener is acknowledged and answers its person once, also when it fails at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

import handlers
from bot.errors import InputError, Refused, StoreError
from bot.incidents.listing import IncidentPage
from handlers.listeners import registration
from handlers.listeners.errors import BUG
from tests.handlers.payloads import ACTING, BOT, CHANNEL, PASSIVE, TEAM, USER, action, command, view
from tests.helpers.waiting import until


class Broken:
    """An incident service whose every method fails at once, before the loop has a turn."""

    home_team = TEAM

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error


class DirectCalls:
    """Records the ephemeral messages, each with the payload that it answers."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], str]] = []

    async def send_ephemeral(self, body: dict[str, Any], text: str) -> None:
        self.sent.append((body, text))

    async def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        place = {"channel": {"id": CHANNEL}, "user": {"id": USER}}
        self.sent.append((place, view["blocks"][0]["text"]["text"]))

    def send_ephemeral_soon(self, body: dict[str, Any], text: str) -> None:
        self.sent.append((body, text))


@dataclass
class Outbox:
    """Replaces the outbox where only its direct calls and its ops channel are used."""

    direct: DirectCalls = field(default_factory=DirectCalls)
    ops_channel: str = "COPS"


@dataclass
class Desk:
    app: AsyncApp
    outbox: Outbox
    responses: list[dict[str, Any]]
    response_url: str

    async def dispatch(self, payload: dict[str, Any]) -> BoltResponse:
        """The answer to Slack, after every task that the payload started has ended."""
        before = asyncio.all_tasks()
        request = AsyncBoltRequest(body=payload, mode="socket_mode")
        response = await self.app.async_dispatch(request)
        assert response is not None
        left = {
            task
            for task in asyncio.all_tasks() - before
            if "listener" in repr(task) or "run_ack" in repr(task)
        }
        if left:
            await asyncio.wait(left, timeout=20)
        return response


@pytest.fixture
async def response_url() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """The response URL of a command: a real server that records late answers."""
    got: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/respond", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}/respond", got
    await runner.cleanup()


@pytest.fixture
def desk_of(response_url: tuple[str, list[dict[str, Any]]]) -> Callable[[Any], Desk]:
    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=TEAM, bot_token="xoxb-1", bot_id=BOT, bot_user_id="U0BOT"
        )

    def make(service: Any) -> Desk:
        app = AsyncApp(
            client=AsyncWebClient(token="xoxb-1", base_url="http://127.0.0.1:9/"),
            authorize=authorize,
            request_verification_enabled=False,
        )
        outbox: Any = Outbox()
        handlers.register(
            app,
            service=service,
            outbox=outbox,
            home_tabs=service,
            clock=lambda: datetime.now(UTC),
        )
        return Desk(app, outbox, response_url[1], response_url[0])

    return make


async def test_every_listener_is_in_one_of_the_two_tables(desk_of: Callable[[Any], Desk]) -> None:
    registered = [
        listener.ack_function.handler.__name__  # type: ignore[attr-defined]
        for listener in desk_of(Broken(Refused())).app._async_listeners
    ]
    assert sorted(registered) == sorted([*ACTING, *PASSIVE])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("a bug"), BUG),
        (Refused("Not done: not now."), "Not done: not now."),
        (InputError("That is no number.", remedy="Give one."), "That is no number. Give one."),
        (StoreError("The store does not answer."), "The store does not answer. Part of"),
    ],
    ids=["bug", "refused", "input", "store"],
)
@pytest.mark.parametrize("name", ACTING)
async def test_a_listener_that_fails_at_once_is_acknowledged_and_tells_its_person_once(
    desk_of: Callable[[Any], Desk], name: str, error: Exception, expected: str
) -> None:
    desk = desk_of(Broken(error))
    payload = dict(ACTING[name])
    if "response_url" in payload:
        payload["response_url"] = desk.response_url
    response = await desk.dispatch(payload)
    assert response.status == 200, "Slack would show a warning sign, or deliver it again"
    answers = [text for _, text in desk.outbox.direct.sent]
    answers += [response["text"] for response in desk.responses]
    if "command" in payload:
        answers.append(response.body)
    elif payload["type"] == "view_submission":
        body = json.loads(response.body)
        assert body["response_action"] == "errors"
        answers.append(body["errors"]["question"])
    assert len(answers) == 1, answers
    assert answers[0].startswith(expected)
    assert "nothing was changed" not in answers[0].lower()
    for place, _ in desk.outbox.direct.sent:
        assert place["channel"]["id"] == CHANNEL
        assert place["user"]["id"] == USER


@pytest.mark.parametrize("name", PASSIVE)
async def test_a_listener_that_does_nothing_is_acknowledged_whatever_fails(
    desk_of: Callable[[Any], Desk], name: str
) -> None:
    desk = desk_of(Broken(RuntimeError("a bug")))
    assert (await desk.dispatch(PASSIVE[name])).status == 200
    answers = [text for _, text in desk.outbox.direct.sent]
    assert len(answers) == (1 if name == "pressed" else 0)
    assert all("no longer works" in text for text in answers)


class Slow:
    """An incident service whose list of incidents comes when the test says so."""

    home_team = TEAM

    def __init__(self, outcome: Exception | None = None) -> None:
        self.goes_on = asyncio.Event()
        self._outcome = outcome
        self.store = self.readers = self

    async def channels_of(self, _user: str) -> None:
        return None

    async def listed_incidents(self, *_: Any) -> IncidentPage:
        await self.goes_on.wait()
        if self._outcome:
            raise self._outcome
        return IncidentPage([], {}, False, {})

    async def incident(self, _number: int) -> Any:
        await self.goes_on.wait()
        raise self._outcome or Refused("Not done.")

    async def outbox_message(self, _key: str) -> None:
        return None


@pytest.mark.parametrize(
    ("outcome", "expected"), [(None, "No open incidents."), (RuntimeError("late bug"), BUG)]
)
async def test_a_command_that_takes_longer_than_slack_waits_is_answered_afterwards(
    desk_of: Callable[[Any], Desk],
    monkeypatch: pytest.MonkeyPatch,
    outcome: Exception | None,
    expected: str,
) -> None:
    monkeypatch.setattr(registration, "ANSWER_WITHIN", 0.01)
    service = Slow(outcome)
    desk = desk_of(service)
    request = AsyncBoltRequest(
        body=command("/incident", "list", desk.response_url), mode="socket_mode"
    )
    response = await desk.app.async_dispatch(request)
    assert (response.status, response.body) == (200, registration.WORKING)
    service.goes_on.set()
    await until(lambda: desk.responses, why="the answer")
    assert [task["text"] for task in desk.responses] == [expected]


async def test_a_modal_that_fails_after_slacks_deadline_tells_its_person_alone(
    desk_of: Callable[[Any], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "ANSWER_WITHIN", 0.01)
    service = Slow(Refused("Not done: too late."))
    desk = desk_of(service)
    request = AsyncBoltRequest(body=view("sopbot.ask_modal"), mode="socket_mode")
    response = await desk.app.async_dispatch(request)
    assert response.status == 200
    assert not response.body, "the box closes"
    service.goes_on.set()
    await until(lambda: desk.outbox.direct.sent, why="the answer")
    assert [text for _, text in desk.outbox.direct.sent] == ["Not done: too late."]


async def test_a_press_of_another_workspace_is_acknowledged_and_refused_once(
    desk_of: Callable[[Any], Desk],
) -> None:
    desk = desk_of(Broken(RuntimeError("a bug")))
    payload = action("sopbot.approve") | {"user": {"id": USER, "team_id": "T2"}}
    assert (await desk.dispatch(payload)).status == 200
    assert [text for _, text in desk.outbox.direct.sent] == [
        "Not done: only people of this workspace can do anything here."
    ]
