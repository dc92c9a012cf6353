"""The events that the gateway logs, in the bot's format. docs/logs.md lists them all."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any

from bot.serving import logs

log = logging.getLogger("bot.gateway.events")


class Event(StrEnum):
    """The name of a step. The comment names the time at which it is logged."""

    READY = "gateway.ready"
    EXECUTION_STARTED = "execution.started"  # an action is about to run on its target
    EXECUTION_FINISHED = "execution.finished"  # see `status`


def emit(event: Event, **fields: Any) -> None:
    """Log a step. `fields` are ids, targets and states: never a secret, never output."""
    logs.emit(log, logging.INFO, event, fields)
