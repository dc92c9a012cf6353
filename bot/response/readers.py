"""Decides who may read what: guests read of their own channels, private channels keep theirs."""

from __future__ import annotations

from bot.approvals.reasons import VoteProblem
from bot.errors import Refused
from bot.incidents.model import Incident
from bot.language import deferred
from bot.response.dependencies import Dependencies


class Readers:
    """Members read every incident; a guest those of the channels that Slack says they are in.

    While Slack does not say whether a person is a guest, they read as a member: a command reaches
    the bot from people of this workspace only, and a night on call must not end with Slack's
    directory.
    """

    def __init__(self, dependencies: Dependencies) -> None:
        self._store = dependencies.store
        self._user_status = dependencies.user_status
        self._directory = dependencies.directory

    async def channels_of(self, user: str) -> frozenset[str] | None:
        """The channels whose incidents this guest may read; None for everybody who is no guest.

        Refused if Slack does not say which channels the guest is in.
        """
        user_status = await self._user_status(user, ())
        if user_status.problem is not VoteProblem.GUEST:
            return None
        channels = await self._directory.channels_of(user)
        if channels is None:
            raise Refused(
                deferred("Not shown: Slack did not say which channels you are in."),
                remedy=deferred("Try again in a minute."),
            )
        return channels

    async def check(self, user: str, incident: Incident) -> None:
        """Raise Refused for a guest who is not in the channel of the incident."""
        check_channels(await self.channels_of(user), incident)

    async def may_cite(self, channel: str, incident_id: int) -> bool:
        """True if a message in `channel` may quote what people wrote of the incident.

        What is written in a private channel stays there. So does what Slack says nothing of.
        """
        other = (await self._store.incident(incident_id)).channel
        return channel == other or await self._directory.is_private(other) is False


def check_channels(channels: frozenset[str] | None, incident: Incident) -> None:
    """Raise Refused if these are a guest's channels, and the incident's is none of them."""
    if channels is not None and incident.channel not in channels:
        raise Refused(
            deferred(
                "Not shown: guests read of the channels that they are in, and {number} is in"
                " another one.",
                number=incident.number,
            ),
            remedy=deferred("Ask a member of this workspace."),
        )


def check_member(channels: frozenset[str] | None) -> None:
    """Raise Refused if these are a guest's channels: what is asked for belongs to all of them."""
    if channels is not None:
        raise Refused(
            deferred("Not shown: this is about all channels, and guests read of their own."),
            remedy=deferred("`/incident list` shows the incidents of your channels."),
        )
