"""The stored facts that a person's Home tab in Slack shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.incidents.model import Incident, Severity
from bot.incidents.records import Handover


@dataclass(frozen=True, slots=True)
class ListedIncidents:
    """The first incidents of a list; `total` counts all of them."""

    incidents: Sequence[Incident] = ()
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeFacts:
    """The facts of one person's Home tab.

    `others` are open incidents of nobody or of other people, the most severe first, without the
    children of cascades; `severities` counts all open incidents. `opened` counts those of the last
    hours, `resolved` their resolves, the newest first. `places` has the channel and the ts of each
    card that Slack shows, by the id of its incident. `handovers` are those of
    this person that wait to be accepted. `notice` is the answer to the last press in
    the tab.
    """

    mine: ListedIncidents = ListedIncidents()
    others: Sequence[Incident] = ()
    muted: ListedIncidents = ListedIncidents()
    resolved: ListedIncidents = ListedIncidents()
    severities: Mapping[Severity, int]
    opened: int = 0
    places: Mapping[int, tuple[str, str]]
    handovers: Sequence[Handover] = ()
    notice: str = ""
