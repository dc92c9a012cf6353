"""While Slack is unreachable, critical incidents go out by e-mail and webhook, once, with facts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.configuration import Configuration, LiveConfiguration
from bot.incidents.model import Severity
from bot.notify.email import EmailTarget, SmtpOptions
from bot.notify.model import NoticeKind, NotTaken, OutsideMessage
from bot.notify.outside import OutsideNotices
from bot.notify.webhooks import Ntfy, PagerDuty, Webhook
from bot.observability.metrics import Metrics
from bot.policy import Policy
from store import Store, open_store
from tests.helpers.builders import (
    ANA,
    AUDIT_KEY,
    BEN,
    CAT,
    NOW,
    later,
    open_incident,
    pending_approval,
)
from tests.helpers.http_servers import served
from tests.helpers.smtp_server import PASSWORD, USER, SmtpServer, smtp_server

POLICY = Policy.model_validate({"notify": {"outside": {"after_seconds": 120}}})
CHANNEL_TS = "1700000000.000100"
NASTY = "5xx\r\nBcc: eve@evil.example\r\n\r\n<b>hello</b>"


@dataclass(slots=True)
class Hooks:
    """The HTTP targets: what they were sent, and what they answer."""

    url: str = ""
    status: int = 200
    requests: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        self.requests.append((request.path, body, request.headers.get("Authorization", "")))
        return web.Response(status=self.status)

    def of(self, path: str) -> list[dict[str, Any]]:
        return [body for to, body, _ in self.requests if to == path]


@dataclass(slots=True)
class World:
    store: Store
    mail: SmtpServer
    hooks: Hooks
    notices: OutsideNotices
    options: SmtpOptions
    metrics: Metrics
    now: datetime = NOW

    async def run(self, seconds: float) -> None:
        self.now = later(seconds)
        await self.notices.send_due()

    async def slack_shows(self, key: str) -> None:
        message = await self.store.outbox_message(key)
        assert message is not None
        assert await self.store.outbox_sent(message, CHANNEL_TS)

    async def notes(self, incident_id: int) -> list[str]:
        timeline = await self.store.timeline(incident_id)
        return [entry.text for entry in timeline if entry.kind == "note"]


async def names_of(users: Collection[str]) -> dict[str, str]:
    """The directory knows one person, whose name is hostile."""
    return {user: "@everyone Ben\r\nBcc: x" for user in users if user == BEN}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
async def world(certificates: Path) -> AsyncIterator[World]:
    store = await open_store("sqlite://", owner="bot-a", audit_key=AUDIT_KEY)
    hooks, metrics = Hooks(), Metrics()
    async with (
        smtp_server(certificates) as mail,
        served(hooks.answer) as hooks.url,
        aiohttp.ClientSession() as session,
    ):
        options = SmtpOptions(
            host="127.0.0.1",
            port=mail.port,
            tls="starttls",
            user=USER,
            password=PASSWORD,
            sender="bot@example.org",
            recipients=("ana@example.org", "ops@example.org"),
            ca_file=certificates / "cert.pem",
        )
        targets = [
            EmailTarget(options),
            Ntfy(session, f"{hooks.url}/secret-topic", "ntfy-token"),
            PagerDuty(session, hooks.url, "routing-key"),
            Webhook(session, f"{hooks.url}/hook", "hook-token"),
        ]
        config = LiveConfiguration(Configuration(policy=POLICY))
        world = World(store, mail, hooks, None, options, metrics)  # type: ignore[arg-type]
        world.notices = OutsideNotices(
            store, config, lambda: world.now, metrics, targets, names_of=names_of
        )
        yield world
    await store.close()


async def test_a_critical_incident_goes_out_once_to_each_target_and_so_does_the_return_of_slack(
    world: World,
) -> None:
    incident = await open_incident(
        world.store,
        severity=Severity.CRITICAL,
        title="checkout error rate above 5 %",
        service="checkout-api",
        text="7.8 % of requests fail",
        value="7.8 %",
    )
    await world.run(119)
    assert not world.mail.mails
    for seconds in (121, 126, 131):
        await world.run(seconds)
    (mail,) = world.mail.mails
    assert mail["Subject"] == f"CRITICAL: checkout error rate above 5 % ({incident.number})"
    text = mail.get_content()
    for fact in ("checkout-api", "7.8 %", incident.tracking_id, "> 7.8 % of requests fail"):
        assert fact in text
    assert world.mail.was_encrypted == [True]
    assert world.mail.logins == [f"\0{USER}\0{PASSWORD}"]
    assert len(world.mail.recipients) == 2
    (ntfy,) = world.hooks.of("/")
    assert (ntfy["topic"], ntfy["priority"]) == ("secret-topic", 5)
    (event,) = world.hooks.of("/v2/enqueue")
    assert (event["event_action"], event["routing_key"]) == ("trigger", "routing-key")
    assert event["dedup_key"] == f"sopbot/{incident.number}"
    assert event["payload"]["custom_details"]["service"] == "checkout-api"
    (hook,) = world.hooks.of("/hook")
    assert (hook["event"], hook["incidents"]) == ("trigger", [incident.number])
    assert ("/hook", hook, "Bearer hook-token") in world.hooks.requests
    notes = await world.notes(incident.id)
    assert len(notes) == 4, "the thread says where it went, once Slack is back"
    assert "Slack did not show this in time, so it was sent by email." in notes

    await world.slack_shows(f"card:{incident.id}")
    for seconds in (200, 205):
        await world.run(seconds)
    assert [m["Subject"] for m in world.mail.mails[1:]] == [f"Slack is back: {incident.number}"]
    assert [e["event_action"] for e in world.hooks.of("/v2/enqueue")] == ["trigger", "acknowledge"]
    assert [h["event"] for h in world.hooks.of("/hook")] == ["trigger", "returned"]
    assert b'outside_notices_total{outcome="sent",target="email"} 2.0' in world.metrics.text()


async def test_a_waiting_approval_goes_out_with_its_approvers_and_where_to_approve(
    world: World,
) -> None:
    incident = await open_incident(world.store, severity=Severity.HIGH)
    await world.slack_shows(f"card:{incident.id}")
    approval = await pending_approval(world.store, incident.id, expires_at=later(900))
    await world.run(300)
    (mail,) = world.mail.mails
    assert mail["Subject"].startswith(f"Awaiting approval: {approval.proposal.title}")
    assert approval.approvers == (ANA, BEN, CAT)
    assert f"of {ANA}, everyone Ben Bcc: x ({BEN}), {CAT}, until" in mail.get_content()
    assert "in Slack only" in mail.get_content()
    assert approval.proposal.parameters, "there is something to show"
    for parameter in approval.proposal.parameters:
        assert f"{parameter.name}: {parameter.shown}" in mail.get_content()
    assert f"> {approval.preview.command.splitlines()[0]}" in mail.get_content()


async def test_a_target_that_refuses_gets_it_later_and_the_others_get_it_once(
    world: World,
) -> None:
    incident = await open_incident(world.store, severity=Severity.CRITICAL)
    world.mail.refuses = "RCPT"
    world.hooks.status = 503
    await world.run(121)
    assert not world.mail.mails
    world.mail.refuses, world.hooks.status = "", 200
    await world.run(130)
    assert not world.mail.mails, "it waits before it tries again"
    await world.run(152)
    assert len(world.mail.mails) == 1
    assert len(world.hooks.of("/hook")) == 2
    assert len(await world.notes(incident.id)) == 4


async def test_a_mail_server_that_breaks_off_after_the_mail_is_not_sent_a_second_one(
    world: World,
) -> None:
    incident = await open_incident(world.store, severity=Severity.CRITICAL)
    world.mail.hangs_up_after_data = True
    for seconds in (121, 400, 4000):
        await world.run(seconds)
    assert len(world.mail.mails) == 1
    (note,) = [text for text in await world.notes(incident.id) if "email" in text]
    assert "may have been sent by email" in note


@pytest.mark.attack("ASI01")
async def test_a_stranger_adds_no_header_recipient_or_markup_to_a_mail(world: World) -> None:
    await open_incident(world.store, severity=Severity.CRITICAL, title=NASTY, text=NASTY)
    await world.run(121)
    (mail,) = world.mail.mails
    assert "Bcc" not in mail
    assert mail.get_content_type() == "text/plain"
    assert "> Bcc: eve@evil.example" in mail.get_content()
    assert not [rcpt for rcpt in world.mail.recipients if "evil" in rcpt]


@pytest.mark.attack("ASI01")
async def test_an_encoded_word_in_a_title_is_shown_as_it_is_written(world: World) -> None:
    encoded = ("utf-8?q?=0aBcc:_eve@evil.example", "utf-8?q?=0a=0a<b>all_good</b>", "utf-8?q?fine")
    titles = [*(f"=?{text}?=" for text in encoded), "=?unicode_escape?q?=5Cud800?="]
    for title in titles:
        message = OutsideMessage(NoticeKind.TRIGGER, "card:1", title, "It burns.", ("INC-1",))
        await EmailTarget(world.options).send(message)
    for title, mail in zip(titles, world.mail.mails, strict=True):
        assert mail["Subject"] == title.replace("=?", "= ?")
        assert "Bcc" not in mail
        assert mail.get_content().strip() == "It burns."


@pytest.mark.attack("ASI08")
async def test_a_mail_that_cannot_be_written_is_refused_before_the_server_is_asked(
    world: World,
) -> None:
    broken = OutsideMessage(NoticeKind.TRIGGER, "card:1", "5xx", "\ud800", ("INC-1",))
    with pytest.raises(NotTaken, match="cannot be written"):
        await EmailTarget(world.options).send(broken)
    assert world.mail.mails == []


@pytest.mark.attack("ASI03")
async def test_a_mail_server_without_a_trusted_certificate_gets_neither_password_nor_mail(
    world: World,
) -> None:
    stranger = EmailTarget(replace(world.options, ca_file=None))
    with pytest.raises(NotTaken, match="SSLCertVerificationError"):
        await stranger.check()
    assert world.mail.logins == []
    await EmailTarget(world.options).check()
    assert len(world.mail.logins) == 1
    assert world.mail.mails == []
