"""Everything that knows Slack. The list below is all that listens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from slack_bolt.async_app import AsyncApp

from bot.response import Response
from handlers import alerts, approvals, commands, context, errors, incidents, unknown
from handlers.outbox import Outbox


def register(
    app: AsyncApp,
    *,
    response: Response,
    outbox: Outbox,
    clock: Callable[[], datetime],
) -> None:
    """Hang every listener on the app, in the order in which they see a payload."""
    alerts.register(app)
    context.register(app, response, outbox, clock)
    errors.register(app, response, outbox)
    approvals.register(app)
    incidents.register(app)
    commands.register(app)
    unknown.register(app)
