"""Builds the targets that the settings name."""

from __future__ import annotations

import aiohttp

from bot.notify.email import EmailTarget, SmtpOptions
from bot.notify.model import Target
from bot.notify.webhooks import Ntfy, PagerDuty, Webhook
from bot.setting_outside import OutsideGroup


def email_target(settings: OutsideGroup) -> EmailTarget | None:
    """The mail server; None without one."""
    if not settings.smtp_host:
        return None
    return EmailTarget(
        SmtpOptions(
            host=settings.smtp_host,
            port=settings.smtp_port,
            tls=settings.smtp_tls,
            user=settings.smtp_user,
            password=settings.smtp_password.get_secret_value(),
            sender=settings.smtp_from,
            recipients=tuple(settings.smtp_to),
            ca_file=settings.smtp_ca_file,
        )
    )


def outside_targets(settings: OutsideGroup, session: aiohttp.ClientSession) -> list[Target]:
    """Every target, in the order in which `check` names them."""
    targets: list[Target] = []
    if email := email_target(settings):
        targets.append(email)
    if url := settings.ntfy_url.get_secret_value():
        targets.append(Ntfy(session, url, settings.ntfy_token.get_secret_value()))
    if key := settings.pagerduty_routing_key.get_secret_value():
        targets.append(PagerDuty(session, settings.pagerduty_events_url.rstrip("/"), key))
    if url := settings.outside_webhook_url:
        targets.append(Webhook(session, url, settings.outside_webhook_token.get_secret_value()))
    return targets
