"""The answer to `help`: the commands by topic, one phone screen each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class Topic(StrEnum):
    """A page of `/incident help`, by the word that a person types."""

    FIND = "find"
    OWNER = "owner"
    INCIDENT = "incident"
    QUIET = "quiet"
    ACTIONS = "actions"
    RECORDS = "records"
    SOPS = "sops"


TITLES = {
    Topic.FIND: "Find an incident",
    Topic.OWNER: "Who owns an incident",
    Topic.INCIDENT: "What becomes of an incident",
    Topic.QUIET: "Less noise",
    Topic.ACTIONS: "Advice and actions",
    Topic.RECORDS: "What happened",
    Topic.SOPS: "Procedures",
}


class Documented(Protocol):
    """A command: an example to type, what it does in one line, and its topic."""

    @property
    def usage(self) -> str:
        """The example, without the name of the command."""

    @property
    def help(self) -> str:
        """Its explanation, in one line."""

    @property
    def topic(self) -> Topic:
        """The page that it stands on."""


_NUMBERS = ("You can omit the number of an incident if only one is open. Procedures: `/sop help`.",)


def overview(command: str, verbs: Mapping[str, Documented]) -> str:
    """Every verb under its topic, and how to read more."""
    lines = ["*sopbot*: One thread per incident, advice, and no action without approval."]
    for topic in dict.fromkeys(verb.topic for verb in verbs.values()):
        names = " ".join(f"`{name}`" for name, verb in verbs.items() if verb.topic is topic)
        lines.append(f"*{topic}*   {names}")
    last = list(verbs.values())[-1].topic
    return "\n".join(
        [
            *lines,
            (
                f"For example `{command} list`. `{command} help {last}` explains a topic,"
                f" `{command} help list` a command."
            ),
            *(_NUMBERS if "ack" in verbs else ()),
        ]
    )


def details(command: str, title: str, verbs: Mapping[str, Documented]) -> str:
    """One line a verb: what to type, and what it does."""
    return "\n".join(
        [f"*{title}*"] + [f"`{command} {verb.usage}`   {verb.help}" for verb in verbs.values()]
    )
