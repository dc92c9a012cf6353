"""What nobody else listens to: answered, so that Slack does not show a broken button."""

from __future__ import annotations

import logging
import re
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from handlers.outbox import Outbox

log = logging.getLogger(__name__)

ANYTHING = re.compile(".*")


def register(app: AsyncApp) -> None:
    """After everything else: the first listener that fits is taken."""
    app.action(ANYTHING)(pressed)
    app.view(ANYTHING)(submitted)
    app.shortcut(ANYTHING)(acknowledged)
    app.options(ANYTHING)(acknowledged)
    app.event(ANYTHING)(heard)


async def pressed(
    ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], outbox: Outbox
) -> None:
    """A button of another app, or of an older version of ours: nothing happens, and we say so."""
    await ack()
    name = str(action.get("action_id", ""))
    if not name.startswith("sopbot."):
        log.warning("a press that is not ours was delivered to us")
        return
    await outbox.whisper(
        body,
        "This button is not known here; it may be of an older version. Nothing was done."
        " `/incident help` shows what can be done.",
    )


async def submitted(ack: AsyncAck) -> None:
    """A modal that is not ours closes."""
    log.warning("a modal that is not ours was submitted to us")
    await ack()


async def acknowledged(ack: AsyncAck) -> None:
    """Nothing follows."""
    log.warning("a shortcut or menu that is not ours was delivered to us")
    await ack()


async def heard() -> None:
    """An event of a subscription that we do not use: acknowledged, else Slack tells it again."""
