"""`python -m bot check`: tests the installation, one line per check, with the remedy.

It posts nothing and writes nothing: it only reads the store, which the first start creates. A check
that depends on an earlier problem is reported as skipped and is not counted again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.check.advisors import check_advisors
from bot.check.files import (
    check_mappings,
    check_policy,
    check_pollers,
    check_runbooks,
    check_services,
    check_sops,
)
from bot.check.gateway import check_gateways, check_targets
from bot.check.machine import check_audit, check_port, check_store
from bot.check.nats import check_nats
from bot.check.outside import check_outside
from bot.check.report import Report
from bot.check.slack import SlackCheck
from bot.check.traces import check_traces
from bot.check.vectors import check_vectors
from bot.errors import SettingsError
from bot.hardening import hide_memory
from bot.incidents.environments import DEFAULT
from bot.settings import Settings, forget_secrets, load


async def check(environ: Mapping[str, str] | None = None, env_file: Path | None = None) -> int:
    """Run every check; return 0 if all pass, else 1."""
    if environ is None:
        hide_memory()  # the advisor is a child of this process too
    report = Report()
    try:
        settings = load(environ, env_file)
    except SettingsError as error:
        for problem in error.problems:
            report.problem("settings", problem)
        print("Set these in the environment or in .env; docs/settings.md explains each.")
        return report.end()
    if environ is None:
        forget_secrets()
    report.good("settings", "all there")
    for warning in settings.warnings:
        report.note("settings", warning)
    await _check_all(report, settings, os.environ if environ is None else environ)
    return report.end()


async def _check_all(report: Report, settings: Settings, environ: Mapping[str, str]) -> None:
    policy = check_policy(report, settings)
    services = check_services(report, settings, policy)
    sops = check_sops(report, settings, policy)
    check_runbooks(report, settings)
    check_mappings(report, settings)
    check_pollers(report, policy)
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url,
            session=session,
            retry_handlers=[],
        )
        slack = SlackCheck(report, settings, client)
        await slack.run(policy, services)
        declared = policy.remediate.declared if policy else DEFAULT
        offered = await check_gateways(report, settings, session, declared)
        check_targets(report, sops, policy, offered)
        await check_advisors(report, settings, environ, session)
        await check_nats(report, settings)
        await check_outside(report, settings, policy, session)
        await check_traces(report, settings, session)
        await check_vectors(report, settings)
        if await check_store(report, settings):
            await check_audit(report, settings)
        await check_port(report, settings, session)
