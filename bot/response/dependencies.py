"""The objects that the incident service uses; the composition root builds them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from bot.advice.advisor import Advisor
from bot.approvals.model import UserStatus
from bot.configuration import LiveConfiguration
from bot.errors import NotFound
from bot.language import deferred
from bot.observability.metrics import Metrics
from bot.remediation.gateways import Gateways
from bot.response.conversation_files import ConversationFiles
from bot.response.verify import Probe
from bot.retrieval.library import RunbookLibrary
from store import Store

AskUserStatus = Callable[[str, Collection[str]], Awaitable[UserStatus]]
"""Asks Slack who a user is now, and which of these user groups they are in."""

ExportIncident = Callable[[int], Mapping[str, Any]]
"""Reads one incident with its proof from the database, and blocks its thread meanwhile."""


class Directory:
    """Asks Slack about people and channels. This one knows nothing; `People` asks."""

    async def names(self, users: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002 - `People` asks for it
        """The display names of users; a user whom Slack does not return is left out."""
        return {}

    async def channels_of(self, user: str) -> frozenset[str] | None:  # noqa: ARG002 - `People` asks for it
        """The channels that a user is in; None if Slack does not say."""
        return None

    async def is_private(self, channel: str) -> bool | None:  # noqa: ARG002 - `People` asks for it
        """True if the channel is private; None if Slack does not say."""
        return None


def _no_export(incident_id: int) -> Mapping[str, Any]:
    raise NotFound(deferred("INC-{incident_id} cannot be exported here.", incident_id=incident_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Each part of the incident service takes the objects that it needs.

    `home_team` is our workspace's id. `ops_channel` gets the bot's own notices; the first of the
    `alert_channels` gets the incidents of people who report one elsewhere. A dispatch
    without an outcome is looked up after `dispatch_timeout` seconds, which must be more than the
    gateway's timeout. `session` asks the policy's sources of evidence; without one none is asked.
    `conversations` are the files of QPROXY_CONV_ROOT.
    """

    store: Store
    config: LiveConfiguration
    advisor: Advisor
    gateways: Gateways
    probe: Probe
    user_status: AskUserStatus
    clock: Callable[[], datetime]
    metrics: Metrics
    ops_channel: str
    alert_channels: tuple[str, ...] = ()
    home_team: str = ""
    dispatch_timeout: float = 120.0
    session: aiohttp.ClientSession | None = None
    directory: Directory = field(default_factory=Directory)
    export_incident: ExportIncident = _no_export
    conversations: ConversationFiles | None = None
    runbooks: RunbookLibrary = field(default_factory=RunbookLibrary)
