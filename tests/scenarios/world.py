"""The surroundings of the bot under test: what people do there, and what they see."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot.simulator import Answered, LocalSlack, Message, Outcome
from handlers.outbound.metadata import kind_of
from tests.helpers.databases import Database, read_rows
from tests.helpers.slack_faults import SlackHooks
from tests.helpers.waiting import until

JSON = dict[str, Any]

ALERTS = "C0ALERTS01"
ANA, BEN, CHLOE = "U0ANA00001", "U0BEN00001", "U0CHLOE001"
SERVICE = "checkout-api"
SECRET = "a gateway secret of the tests"
AUDIT_KEY = "an audit key of the tests"
NOTHING_LISTENS = "http://127.0.0.1:9/health"
PROGRAM = Path(__file__).with_name("leaking_service.py")


@dataclass
class LeakyService:
    """The leaking service. The gateway starts it; `starts` counts how often."""

    port: int
    starts_file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pids(self) -> list[int]:
        """The ids of every process of the service, oldest first."""
        if not self.starts_file.exists():
            return []
        return [int(line) for line in self.starts_file.read_text().split()]

    @property
    def restarts(self) -> int:
        return max(0, len(self.pids) - 1)

    def target(self) -> JSON:
        """Its entry in the gateway's config."""
        argv = [sys.executable, "-S", "-E", str(PROGRAM), str(self.port), str(self.starts_file)]
        return {
            "executor": "process",
            "environment": "production",
            "argv": argv,
            "health_url": f"{self.url}/health",
            "start_seconds": 20,
        }

    async def healthy(self) -> bool:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/health") as answer,
        ):
            return answer.status == 200

    async def make_unhealthy(self) -> None:
        """Work until the health check fails."""
        await until(lambda: self.pids, why="the service is up")
        async with aiohttp.ClientSession() as session:
            for _ in range(5):
                async with session.get(f"{self.url}/work"):
                    pass
        assert not await self.healthy()


@dataclass
class Gateway:
    """The real gateway: where it answers, and its journal on disk."""

    url: str
    state_dir: Path

    def executions(self) -> list[tuple[str, str, str]]:
        """(action, target, state) of every execution, oldest first."""
        rows = read_rows(
            self.state_dir / "journal.db",
            "SELECT action, target, state FROM executions ORDER BY received_at",
        )
        return [(row["action"], row["target"], row["state"]) for row in rows]


def policy_text(*approvers: str, segments: JSON | None = None, **remediate: Any) -> str:
    """A policy.yaml; JSON is YAML too. `segments` adds or replaces whole ones."""
    rules: JSON = {"approvers": list(approvers), "verify_good_probes": 1} | remediate
    return json.dumps(
        {
            "correlate": {"card_update_seconds": 0},
            "notify": {"post_interval_seconds": 0},
            "remediate": rules,
        }
        | (segments or {})
    )


def restart_sop(probe_url: str, **more: Any) -> JSON:
    """An SOP that proposes to restart the leaky service."""
    return {
        "sop_id": "sop_checkout_down",
        "keys": [f"svc:{SERVICE}"],
        "priority": "HIGH",
        "title": "Checkout is down",
        "command": ["GET {{service_name}}/health"],
        "fix_action": ["Restart {{service_name}}"],
        "actions": [
            {
                "action": "service.restart",
                "parameters": {
                    "target": "{{service_name}}",
                    "grace_seconds": 1,
                    "probe_url": probe_url,
                },
            }
        ],
    } | more


def stop_sop() -> JSON:
    """An SOP that stops the service, and probes an address where nothing answers."""
    sop = restart_sop(NOTHING_LISTENS)
    sop["actions"][0]["action"] = "service.stop"
    return sop


@dataclass
class World:
    """A workspace, a gateway, a service, and a folder of operator's files; no bot yet."""

    slack: LocalSlack
    slack_hooks: SlackHooks
    leaky_service: LeakyService
    store: Database
    folder: Path
    gateway_url: str
    probe_url: str

    # Operator's files and settings

    def settings(self, **other: str) -> dict[str, str]:
        """Settings of a bot in this world."""
        fields = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_ALERT_CHANNELS": ALERTS,
            "AI_COMMAND_GATEWAY_URL": self.gateway_url,
            "AI_COMMAND_GATEWAY_TIMEOUT": "15",
            "AI_COMMAND_GATEWAY_SOURCE_ID": "sopbot",
            "AI_COMMAND_GATEWAY_SECRET": SECRET,
            "AUDIT_KEY": AUDIT_KEY,
            "ADVISOR_COMMAND": "",
            "STORE_URL": self.store.url,
            "STORE_LEASE_SECONDS": "2",
            "HTTP_ADDR": "127.0.0.1:0",
            "POLICY_FILE": str(self.folder / "policy.yaml"),
            "SOP_DIR": str(self.folder / "sops"),
            "SOURCES_DIR": str(self.folder / "sources"),
        }
        return fields | other

    def write_policy(self, *approvers: str, segments: JSON | None = None, **remediate: Any) -> None:
        text = policy_text(*approvers, segments=segments, **remediate)
        (self.folder / "policy.yaml").write_text(text)

    def write_sops(self, *lines: JSON | str) -> None:
        folder = self.folder / "sops"
        folder.mkdir(exist_ok=True)
        (self.folder / "sources").mkdir(exist_ok=True)
        text = [item if isinstance(item, str) else json.dumps(item) for item in lines]
        (folder / "all.jsonl").write_text("".join(f"{line}\n" for line in text))

    def rows(self, query: str) -> list[Any]:
        """The rows of a query of the bot's store."""
        return self.store.rows(query)

    # What monitoring does

    async def alert(
        self,
        service: str = SERVICE,
        *,
        name: str = "HealthCheckFailing",
        severity: str = "critical",
        status: str = "FIRING",
        channel: str = ALERTS,
        app: str = "Alertmanager",
        env: str = "prod",
    ) -> Message:
        """An alert in Alertmanager's own message shape."""
        return await self.slack.post_as_app(
            app, channel, attachments=[alertmanager(service, name, severity, status, env)]
        )

    async def resolves(self, service: str = SERVICE, **how: Any) -> Message:
        """Alertmanager's resolve notification."""
        return await self.alert(service, status="RESOLVED", **how)

    # What people see

    def cards(self, channel: str = ALERTS) -> list[Message]:
        return [m for m in self.slack.messages(channel) if kind(m) == "card"]

    async def card(self, says: str = "", *, number: int = 1, channel: str = ALERTS) -> Message:
        """The n-th card, once it contains that text."""
        return await self.slack.wait_for(
            lambda: self._nth(self.cards(channel), number, says),
            why=f"card {number} saying {says!r}",
            channel=channel,
        )

    def replies(self, kind_name: str, *, number: int = 1, channel: str = ALERTS) -> list[Message]:
        """The replies of one kind in the thread of the n-th card."""
        cards = self.cards(channel)
        if len(cards) < number:
            return []
        thread = self.slack.thread(channel, cards[number - 1].ts)
        return [m for m in thread if kind(m) == kind_name]

    async def reply(
        self, kind_name: str, says: str = "", *, number: int = 1, which: int = 1
    ) -> Message:
        return await self.slack.wait_for(
            lambda: self._nth(self.replies(kind_name, number=number), which, says),
            why=f"a reply of kind {kind_name} saying {says!r}",
        )

    async def advice(self, says: str = "", **which: int) -> Message:
        return await self.reply("advice", says, **which)

    async def approval_card(self, says: str = "", **which: int) -> Message:
        return await self.reply("approval", says, **which)

    async def result(self, says: str = "", **which: int) -> Message:
        return await self.reply("result", says, **which)

    async def resolved(self, says: str = "", **which: int) -> Message:
        return await self.reply("resolved", says, **which)

    def ephemerals(self, user: str) -> list[str]:
        """The texts that only this person reads."""
        return [message.text for message in self.slack.ephemerals(user)]

    async def ephemeral(self, user: str, says: str) -> str:
        return await self.slack.wait_for(
            lambda: next((text for text in self.ephemerals(user) if says in text), ""),
            why=f"{user} reads {says!r}",
        )

    @staticmethod
    def _nth(messages: Sequence[Message], number: int, says: str) -> Message | None:
        if len(messages) < number or says not in messages[number - 1].text:
            return None
        return messages[number - 1]

    # What people do

    async def press(
        self, on: Message, button: str, who: str = "ben", *, stale: bool = False
    ) -> Outcome:
        if button == "Approve":  # else a restart could end a service that is not yet counted
            await until(lambda: self.leaky_service.pids, why="the service is up")
        return await self.slack.as_user(who).press(on, button, stale=stale)

    async def types(self, line: str, who: str = "ana", channel: str = ALERTS) -> Answered:
        """A slash command."""
        return await self.slack.as_user(who).command(line, channel)

    async def quiet(self) -> None:
        """Wait until the bot has nothing left to do: no envelope, no advice, nothing unsent."""
        await until(self._is_quiet, why="the bot is done with everything")

    def _is_quiet(self) -> bool:
        if self.slack.core.links.unacknowledged():
            return False
        waiting = self.rows(
            "SELECT (SELECT COUNT(*) FROM outbox"
            " WHERE sent_version < desired_version AND given_up_at IS NULL)"
            " + (SELECT COUNT(*) FROM advice WHERE state != 'done')"
            " + (SELECT COUNT(*) FROM executions WHERE state IN ('approved', 'dispatching')) AS n"
        )
        return not waiting[0]["n"]


def kind(message: Message) -> str:
    """The kind of the bot's message; '' if the bot did not post it."""
    return kind_of(message.metadata.get("event_type"))


def alertmanager(service: str, name: str, severity: str, status: str, env: str = "prod") -> JSON:
    """An attachment as its default template writes it, grouped by alertname, env and service."""
    count = ":1" if status == "FIRING" else ""
    title = f"[{status}{count}] {name} {env} {service} (availability {severity})"
    link = "http://alertmanager.example/#/alerts?receiver=slack"
    return {
        "title": title,
        "title_link": link,
        "fallback": f"{title} | {link}",
        "color": "danger" if status == "FIRING" else "good",
        "text": "",
    }


def environ(settings: Mapping[str, str], **changes: str | None) -> dict[str, str]:
    """The settings with changes; None removes a name."""
    merged = {**settings, **changes}
    return {name: value for name, value in merged.items() if value is not None}
