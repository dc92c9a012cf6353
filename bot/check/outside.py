"""Checks the targets of notices while Slack is unreachable; sends nothing to them."""

from __future__ import annotations

import aiohttp

from bot.check.report import Report
from bot.notify.model import NotTaken
from bot.outside_targets import email_target, outside_targets
from bot.policy import Policy
from bot.settings import Settings

_SETTINGS = "SMTP_HOST, NTFY_URL, PAGERDUTY_ROUTING_KEY or OUTSIDE_WEBHOOK_URL"


async def check_outside(
    report: Report, settings: Settings, policy: Policy | None, session: aiohttp.ClientSession
) -> None:
    """Check that policy and settings fit, and log in at the mail server."""
    outside = policy.notify.outside if policy else None
    targets = outside_targets(settings, session)
    if policy and targets and outside is None:
        report.problem(
            "outside", "a target is set, and the policy sends nothing", "set notify.outside"
        )
    if outside and not targets:
        report.problem("outside", "notify.outside has no target", f"set {_SETTINGS}")
    if not targets:
        return
    if email := email_target(settings):
        try:
            await email.check()
        except NotTaken as error:
            where = f"{settings.smtp_host}:{settings.smtp_port}"
            report.problem(
                "outside", f"SMTP_HOST: {where}: {error.message}", "correct the SMTP_ settings"
            )
            return
    if outside:
        names = ", ".join(target.name for target in targets)
        report.good("outside", f"{names}, {outside.after_seconds:g} s after Slack fails")
