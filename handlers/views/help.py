"""The answer to `help`: the commands by topic, one phone screen each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from bot.language import N_, _


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
    Topic.FIND: N_("Find an incident"),
    Topic.OWNER: N_("Who owns an incident"),
    Topic.INCIDENT: N_("What becomes of an incident"),
    Topic.QUIET: N_("Less noise"),
    Topic.ACTIONS: N_("Advice and actions"),
    Topic.RECORDS: N_("What happened"),
    Topic.SOPS: N_("Procedures"),
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


_NUMBERS = (
    N_("You can omit the number of an incident if only one is open. Procedures: `/sop help`."),
)


def overview(command: str, verbs: Mapping[str, Documented]) -> str:
    """Every verb under its topic, and how to read more."""
    lines = [_("*sopbot*: One thread per incident, advice, and no action without approval.")]
    for topic in dict.fromkeys(verb.topic for verb in verbs.values()):
        names = " ".join(f"`{name}`" for name, verb in verbs.items() if verb.topic is topic)
        lines.append(f"*{topic}*   {names}")
    last = list(verbs.values())[-1].topic
    return "\n".join(
        [
            *lines,
            _(
                "For example `{command} list`. `{command} help {topic}` explains a topic,"
                " `{command} help list` a command."
            ).format(command=command, topic=last),
            *(map(_, _NUMBERS) if "ack" in verbs else ()),
        ]
    )


def details(command: str, title: str, verbs: Mapping[str, Documented]) -> str:
    """One line a verb: what to type, and what it does."""
    return "\n".join(
        [f"*{_(title)}*"]
        + [f"`{command} {verb.usage}`   {_(verb.help)}" for verb in verbs.values()]
    )


def synonym(typed: str, command: str, name: str, verb: Documented) -> str:
    """The help of the verb that a word of another tool means; `typed` is that word, as code."""
    head = _("{typed} is `{name}` here:").format(typed=typed, name=name)
    return "\n".join([head, details(command, name, {name: verb})])
