"""Drafts services.yaml from what was seen of services. Pure: the caller reads and prints."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from bot.incidents.environments import UNKNOWN, Environments
from bot.incidents.model import Alert
from bot.incidents.services import Catalogue, spelling
from bot.incidents.subject import GUESS
from bot.incidents.subject_reader import subject_of
from bot.intake.cleaning import one_line

SURE_ENVIRONMENT = 10  # alerts that name one environment, and none that names another
ALIKE = 0.86  # of difflib, from 0 to 1
_ENDINGS = ("_service", "_svc", "_app", "_server", "_deployment")
_SHOWN = 5  # examples in a comment


@dataclass(slots=True)
class SeenService:
    """A service, and how often each of its words was seen."""

    names: Counter[str] = field(default_factory=Counter)
    spellings: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    environments: Counter[str] = field(default_factory=Counter)
    namespaces: Counter[str] = field(default_factory=Counter)
    calls: set[str] = field(default_factory=set)
    owner: str = ""
    own_name: str = ""

    @property
    def name(self) -> str:
        """Its own name where that is known, else the word that was seen most often."""
        return self.own_name or self.names.most_common(1)[0][0]

    @property
    def count(self) -> int:
        """Return how often it was seen."""
        return self.names.total()


Seen = dict[str, SeenService]
"""The services by `spelling`."""


def look_at(seen: Seen, alert: Alert, environments: Environments, services: Catalogue) -> bool:
    """Count the service of an alert. False if it surely names none, or a declared one."""
    subject = subject_of(alert, environments, services)
    if not subject.service or subject.is_declared or subject.read_from["service"] == GUESS:
        return False
    service = seen.setdefault(spelling(subject.service), SeenService())
    service.names[subject.service] += 1
    if spelling(subject.service) in spelling(alert.service):  # else it names what measured it
        service.spellings[alert.service] += 1
    service.sources[alert.source] += 1
    if subject.env:
        name = environments.name_of(subject.env)
        service.environments[subject.env if name == UNKNOWN else name] += 1
    if subject.namespace:
        service.namespaces[subject.namespace] += 1
    return True


def yaml_of(seen: Seen, heading: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a services.yaml, the services in the order of their names."""
    yield from (f"# {one_line(line)}" for line in heading)
    if not seen:
        yield "services: {}"
        return
    yield "services:"
    shared = Counter(name for service in seen.values() for name in service.namespaces)
    for key, service in sorted(seen.items()):
        for comment in _comments(key, service, seen):
            yield f"  # {one_line(comment, 300)}"
        alone = [name for name in sorted(service.namespaces) if shared[name] == 1]
        yield from _entry(service.name, _fields(service, alone))


def _entry(name: str, fields: Mapping[str, Any]) -> Iterator[str]:
    text = yaml.safe_dump({name: fields or None}, sort_keys=False, allow_unicode=True, width=1000)
    for line in text.replace(": null\n", ":\n").splitlines():
        yield f"  {line}"


def _fields(service: SeenService, namespaces: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    aliases = [word for word in sorted(service.names) if spelling(word) != spelling(service.name)]
    if aliases:
        fields["aliases"] = aliases
    if _is_in_one_environment(service):
        fields["environment"] = next(iter(service.environments))
    if service.owner:
        fields["owner"] = service.owner
    if service.calls:
        fields["depends_on"] = sorted(service.calls)
    if namespaces:
        fields["namespaces"] = namespaces
    return fields


def _is_in_one_environment(service: SeenService) -> bool:
    return len(service.environments) == 1 and service.environments.total() >= SURE_ENVIRONMENT


def _comments(key: str, service: SeenService, seen: Seen) -> Iterator[str]:
    if service.sources:
        alerts = "1 alert" if service.count == 1 else f"{service.count:,} alerts"
        yield f"{alerts}, from {_counts(service.sources)}"
    if len(service.environments) > 1 or (
        service.environments and not _is_in_one_environment(service)
    ):
        yield f"environments: {_counts(service.environments)}"
    others = {word: n for word, n in service.spellings.items() if word != service.name}
    if others:
        yield f"also written {_counts(Counter(others))}, which the bot reads as the same"
    for other in sorted(seen):
        if other != key and are_alike(key, other):
            similar = seen[other]
            yield (
                f"looks like {similar.name} (seen {similar.count:,} ×): if it is the same service,"
                " make one of them an alias of the other"
            )


def _counts(counter: Counter[str]) -> str:
    shown = [f"{word} ({n:,})" for word, n in counter.most_common(_SHOWN)]
    more = len(counter) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def are_alike(first: str, second: str) -> bool:
    """Return True if two spellings may be of one service: a person decides.

    web-1 and web-2 differ in a number only, and are two.
    """
    if first.replace("_", "") == second.replace("_", ""):
        return True
    bare = [_without_ending(word) for word in (first, second)]
    if bare[0] == bare[1]:
        return True
    letters = ["".join(char for char in word if not char.isdigit()) for word in (first, second)]
    if letters[0] == letters[1]:
        return False
    matcher = difflib.SequenceMatcher(None, first, second)
    bounds = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)  # ever dearer
    return all(bound() >= ALIKE for bound in bounds)


def _without_ending(word: str) -> str:
    for ending in _ENDINGS:
        word = word.removesuffix(ending)
    return word
