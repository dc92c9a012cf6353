"""The policy for reaching people outside of Slack, and for the heartbeat of the bot."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.incidents.follow_up import WebhookUrl

_FORM = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class OutsideOfSlack(BaseModel):
    """The seconds for which Slack may not show a critical incident or a waiting approval.

    After them it goes out by e-mail and webhook, to the targets that the settings name.
    """

    model_config = _FORM

    after_seconds: float = Field(default=180, ge=10, le=86_400)


class Heartbeat(BaseModel):
    """The address that is asked each `seconds` while the bot is ready: a dead man's switch."""

    model_config = _FORM

    url: Annotated[WebhookUrl, Field(min_length=1)]
    seconds: float = Field(default=60, ge=10, le=3600)
