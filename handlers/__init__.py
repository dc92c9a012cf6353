"""Everything that knows Slack. `register` lists every listener."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from slack_bolt.async_app import AsyncApp

from bot.response import IncidentService
from handlers.listeners import (
    approvals,
    cascades,
    changes,
    commands,
    context,
    errors,
    feedback,
    follow_up,
    full_texts,
    gateway_reads,
    handovers,
    home,
    incidents,
    lessons,
    mentions,
    readings,
    runbooks,
    shortcuts,
    silences,
    suggestions,
    unknown,
)
from handlers.listeners.registration import Listeners
from handlers.outbound.home_tabs import HomeTabs
from handlers.outbound.outbox import Outbox


def register(
    app: AsyncApp,
    service: IncidentService,
    outbox: Outbox,
    home_tabs: HomeTabs,
    *,
    clock: Callable[[], datetime],
) -> None:
    """Register every listener with the app, in the order in which they see a payload."""
    context.register(app, service, outbox, home_tabs, clock)
    failures = errors.Failures(service)
    errors.register(app, outbox, failures)
    listeners = Listeners(app, outbox, home_tabs, failures)
    approvals.register(listeners)
    incidents.register(listeners)
    silences.register(listeners)
    cascades.register(listeners)
    changes.register(listeners)
    readings.register(listeners)
    runbooks.register(listeners)
    gateway_reads.register(listeners)
    shortcuts.register(listeners)
    home.register(listeners)
    mentions.register(listeners)
    follow_up.register(listeners)
    full_texts.register(listeners)
    feedback.register(listeners)
    suggestions.register(listeners)
    lessons.register(listeners)
    handovers.register(listeners)
    commands.register(listeners)
    unknown.register(listeners)
