"""A whole bot while Slack is away: people are told by e-mail and ntfy, once, and of its return."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.notify.texts import SECOND_TIME
from tests.helpers.clocks import RunningClock
from tests.helpers.http_servers import served
from tests.helpers.smtp_server import PASSWORD, USER, smtp_server
from tests.helpers.waiting import until
from tests.scenarios.http_caller import TOKEN, HttpCaller, StartWithHttp, firing, webhook
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import BEN, NOTHING_LISTENS, Gateway, World

pytestmark = pytest.mark.one_engine


@dataclass
class Topic:
    """The HTTP target: what it got. `on_request` is called before it answers."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    on_request: Callable[[], None] = lambda: None

    async def answer(self, request: web.Request) -> web.Response:
        self.bodies.append(json.loads(await request.text()))
        self.on_request()
        return web.Response()

    @property
    def titles(self) -> list[str]:
        return [str(body["title"]) for body in self.bodies]


def write_policy(world: World, after_seconds: int) -> None:
    outside = {"after_seconds": after_seconds}
    world.write_policy(BEN, segments={"notify": {"post_interval_seconds": 0, "outside": outside}})


async def test_while_slack_is_away_a_critical_and_its_approval_go_out_once_and_so_does_its_return(
    world: World, start_with_http: StartWithHttp, gateway: Gateway, clock: RunningClock
) -> None:
    write_policy(world, 60)
    topic, folder = Topic(), world.folder / "certificates"
    folder.mkdir()
    async with smtp_server(folder) as mail, served(topic.answer) as url:
        caller = await start_with_http(
            SMTP_HOST="127.0.0.1",
            SMTP_PORT=str(mail.port),
            SMTP_USER=USER,
            SMTP_PASSWORD=PASSWORD,
            SMTP_CA_FILE=str(folder / "cert.pem"),
            SMTP_FROM="bot@example.org",
            SMTP_TO="ana@example.org",
            NTFY_URL=f"{url}/topic",
        )
        await world.slack.go_away()
        await _alert(caller, "checkout-api")
        await _alert(caller, "web", severity="warning")
        await until(
            lambda: world.rows("SELECT 1 FROM approvals WHERE state = 'awaiting approval'"),
            why="an approval waits",
        )
        assert not mail.mails, "Slack may still show it in time"
        clock.forward(61)
        await until(lambda: len(mail.mails) == len(topic.bodies) == 2, why="both are sent")
        subjects = [str(item["Subject"]) for item in mail.mails]
        assert sorted(subjects) == sorted(topic.titles)
        approval, critical = sorted(subjects)
        assert approval.startswith("Awaiting approval: Restart checkout-api (INC-1)")
        assert critical.startswith("CRITICAL: ")

        await world.slack.come_back()
        await world.card("checkout-api")
        await until(lambda: len(mail.mails) == len(topic.bodies) == 3, why="it says: Slack is back")
        assert mail.mails[2]["Subject"] == topic.titles[2] == "Slack is back: INC-1"
        await world.quiet()
        notes = {note.text for number in (1, 2) for note in world.replies("note", number=number)}
        assert any("so it was sent by ntfy" in text for text in notes), notes
    assert len(mail.mails) == len(topic.bodies) == 3


async def test_a_notice_whose_bot_was_killed_goes_out_once_more_and_says_so(
    world: World,
    bot_process: StartProcess,
    bot: StartBot,
    clock: RunningClock,
    free_port: Callable[[], int],
) -> None:
    write_policy(world, 10)
    world.gateway_url, port = NOTHING_LISTENS, free_port()
    topic = Topic()
    async with served(topic.answer) as url, aiohttp.ClientSession() as session:
        settings = {
            "NTFY_URL": f"{url}/topic",
            "AI_COMMAND_GATEWAY_REQUIRED": "false",
            "HTTP_TOKEN": TOKEN,
        }
        first = await bot_process(fork=True, HTTP_ADDR=f"127.0.0.1:{port}", **settings)
        topic.on_request = first.kill
        await world.slack.go_away()
        async with session.post(
            f"http://127.0.0.1:{port}/alerts/alertmanager",
            json=webhook(firing()),
            headers={"Authorization": f"Bearer {TOKEN}"},
        ) as answer:
            assert answer.status == 202
        assert await first.ended() == -9
        assert len(topic.bodies) == 1, "the target took it, and the bot does not know"
        assert SECOND_TIME not in topic.bodies[0]["message"]

        topic.on_request = lambda: None
        await world.slack.come_back()
        world.slack_hooks.on_call = _posts_nothing
        clock.forward(400)  # longer than any sender takes
        await bot(**settings)
        await until(lambda: len(topic.bodies) == 2, why="it is sent once more")
        assert topic.titles[0] == topic.titles[1]
        assert topic.bodies[1]["message"].startswith(SECOND_TIME)
        world.slack_hooks.on_call = None
        await world.card("checkout-api")
        await until(lambda: len(topic.bodies) == 3, why="it says that Slack is back")
        await world.quiet()
        assert topic.titles[2] == "Slack is back: INC-1"
        notes = " ".join(note.text for note in world.replies("note"))
        assert "It may have been sent by ntfy: the bot was stopped" in notes
        assert "It was sent by ntfy once more" in notes


async def _posts_nothing(method: str, args: dict[str, Any]) -> web.Response | None:
    return web.Response(status=503) if method == "chat.postMessage" else None


async def _alert(caller: HttpCaller, service: str, **labels: str) -> None:
    status, _ = await caller.post("/alerts/alertmanager", webhook(firing(service, **labels)))
    assert status == 202
