"""The stage of the fault run: a local Slack, the gateway and the bot as processes, the probes."""

from __future__ import annotations

import asyncio
import functools
import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from aiohttp import web

from bot.demo.children import Child
from bot.simulator import LocalSlack
from handlers.outbound.metadata import kind_of
from tests.faults import alerts
from tests.faults.fault import Fault, State, System
from tests.helpers.databases import read_rows
from tests.helpers.http_servers import served, vector
from tests.helpers.waiting import until

CHANNEL = "alerts"
APPROVER = "ben"
_PROMQL = re.compile(r'probe_success\{service="([^"]+)"')
_SECRET = "a secret of the fault run, long enough"


@dataclass(frozen=True)
class Stage:
    """The running parts, and what people and monitoring do there."""

    systems: tuple[System, ...]
    slack: LocalSlack
    session: aiohttp.ClientSession
    bot_url: str
    folder: Path
    settings: dict[str, str]
    children: tuple[Child, ...]

    async def state(self) -> State:
        """Return the state of every system."""
        states = await asyncio.gather(*[asyncio.to_thread(s.state) for s in self.systems])
        return {
            f"{system.name} {key}": value
            for system, state in zip(self.systems, states, strict=True)
            for key, value in state.items()
        }

    async def send_alert(self, fault: Fault, *, is_over: bool = False) -> None:
        """Send the alert as its sender does."""
        name = "".join(word.capitalize() for word in fault.id.split("-"))
        if fault.sender == alerts.SLACK:
            attachment = alerts.slack_message(fault.target, name, fault.what, is_over)
            await self.slack.post_as_app("Alertmanager", CHANNEL, attachments=[attachment])
            return
        body = alerts.HTTP[fault.sender](fault.target, name, fault.what, is_over)
        async with self.session.post(f"{self.bot_url}/alerts/{fault.sender}", json=body) as answer:
            if answer.status != 202:
                raise RuntimeError(f"{fault.id}: {answer.status} {await answer.text()}")

    def cards(self) -> list[Any]:
        return [m for m in self.slack.messages(CHANNEL) if kind(m) == "card"]

    def replies(self, card: Any, kind_name: str) -> list[Any]:
        """Return the replies of one kind in the thread of a card."""
        return [m for m in self.slack.thread(CHANNEL, card.ts) if kind(m) == kind_name]

    def executions(self) -> list[tuple[str, str, str, str]]:
        """Return (action, target, received, finished) of every action, of the gateway's journal."""
        rows = read_rows(
            self.folder / "gateway" / "journal.db",
            "SELECT action, target, received_at, finished_at FROM executions ORDER BY received_at",
        )
        return [(row[0], row[1], row[2], row[3] or "") for row in rows]

    def log(self) -> str:
        return "\n".join(
            f"The end of the {child.name}'s log:\n{child.tail()}" for child in self.children
        )


def kind(message: Any) -> str:
    return kind_of(message.metadata.get("event_type"))


@asynccontextmanager
async def stage(systems: Sequence[System]) -> AsyncIterator[Stage]:
    """Start everything around the systems, until the block ends."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="sopbot-faults-")))
        slack = await stack.enter_async_context(LocalSlack.start())
        probes = await stack.enter_async_context(served(_probe(systems)))
        environment: dict[str, str] = {"FAULTS_SECRET": _SECRET}
        for system in systems:
            environment |= system.environment
        _write(folder, systems, slack.users[APPROVER], probes)
        gateway = Child(
            "gateway",
            [sys.executable, "-m", "bot.gateway", "--config", str(folder / "gateway.yaml")],
            settings=environment,
            folder=folder,
        )
        stack.push_async_callback(gateway.end)
        gateway_url = await gateway.wait_for_output(r'(?m)^\{"url": "(http[^"]+)"\}')
        settings = _settings(slack, folder, gateway_url)
        bot = Child("bot", [sys.executable, "-m", "bot"], settings=settings, folder=folder)
        stack.push_async_callback(bot.end)
        bot_url = await bot.wait_for_output(r"bot\.ready\b.*?\burl\W+(http[^\s\"]+)")
        for system in systems:
            await until(functools.partial(asyncio.to_thread, system.is_ready), why=system.name)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Stage(tuple(systems), slack, session, bot_url, folder, settings, (gateway, bot))


def _probe(systems: Sequence[System]) -> Any:
    """Answer /<id of a fault> with 200 if the real system is healthy now, else with 503.

    /api/v1/… answers the same as Prometheus does, for the evidence in the thread.
    """
    faults = {fault.id: fault for system in systems for fault in system.faults}
    by_target = {fault.target: fault for fault in faults.values()}

    async def answer(request: web.Request) -> web.Response:
        if target := _PROMQL.search(request.query.get("query", "")):
            healthy = await asyncio.to_thread(by_target[target[1]].probe)
            return web.json_response(vector(({"service": target[1]}, str(int(healthy)))))
        fault = faults[request.path.strip("/")]
        healthy = await asyncio.to_thread(fault.probe)
        return web.Response(status=200 if healthy else 503)

    return answer


def _write(folder: Path, systems: Sequence[System], approver: str, probes: str) -> None:
    targets: dict[str, Any] = {}
    gateway: dict[str, Any] = {
        "listen": {"port": 0},
        "state_dir": str(folder / "gateway"),
        "sources": {"faults": {"secret_env": "FAULTS_SECRET"}},
        "targets": targets,
        "commands": {},
    }
    for system in systems:
        gateway |= system.sections
        gateway["commands"] |= system.commands
        targets |= {name: {"environment": "production"} | t for name, t in system.targets.items()}
    faults = [fault for system in systems for fault in system.faults]
    (folder / "gateway.yaml").write_text(json.dumps(gateway))
    (folder / "policy.yaml").write_text(json.dumps(_policy(faults, approver, probes)))
    (folder / "sops").mkdir()
    lines = [json.dumps(_sop(fault, probes)) + "\n" for fault in faults]
    (folder / "sops" / "faults.jsonl").write_text("".join(lines))


def _policy(faults: Sequence[Fault], approver: str, probes: str) -> dict[str, Any]:
    monitoring = {
        "name": "monitoring",
        "kind": "prometheus",
        "url": probes,
        "queries": {"probe": 'probe_success{service="{{service}}"}'},
    }
    return {
        "llm": {
            "sources": [{"name": "live", "kind": "gateway"}, monitoring],
            "source_timeout_ms": 5000,  # a machine that runs all tests may need more than usual
        },
        "correlate": {"card_update_seconds": 0},
        "notify": {"post_interval_seconds": 0},
        "remediate": {
            "approvers": [approver],
            "verify_deadline_seconds": 60,
            # About fifty faults in some minutes, more than an operator would allow.
            "hourly_budget": 1000,
            "actions": {fault.action: {"cooldown_seconds": 0} for fault in faults},
        },
    }


def _sop(fault: Fault, probes: str) -> dict[str, Any]:
    """The target comes from the alert: the SOP names only the service that it is for."""
    return {
        "sop_id": fault.id.replace("-", "_"),
        "keys": [f"svc:{fault.target}"],
        "priority": "HIGH",
        "title": fault.what,
        "fix_action": [f"Run {fault.action} on {{{{service_name}}}}"],
        "actions": [
            {
                "action": fault.action,
                "parameters": {
                    "target": "{{service_name}}",
                    "probe_url": f"{probes}/{fault.id}",
                    **fault.parameters,
                },
            }
        ],
    }


def _settings(slack: LocalSlack, folder: Path, gateway_url: str) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "SLACK_ALERT_CHANNELS": slack.channels[CHANNEL],
        "AI_COMMAND_GATEWAY_URL": gateway_url,
        "AI_COMMAND_GATEWAY_TIMEOUT": "75",
        "AI_COMMAND_GATEWAY_SOURCE_ID": "faults",
        "AI_COMMAND_GATEWAY_SECRET": _SECRET,
        "AUDIT_KEY": "an audit key of the fault run",
        "ADVISOR_COMMAND": "",
        "STORE_URL": f"sqlite:///{folder / 'sopbot.db'}",
        "HTTP_ADDR": "127.0.0.1:0",
        "POLICY_FILE": str(folder / "policy.yaml"),
        "SOP_DIR": str(folder / "sops"),
        "LOG_FORMAT": "json",
    }
