"""The catalogue of services that an operator declares: names, other spellings, calls, owners."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from bot.incidents.globs import glob_pattern
from bot.incidents.keys import normalise
from bot.incidents.names import parts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One declared service. `aliases` are its other spellings, which may be globs."""

    name: str
    aliases: tuple[str, ...] = ()
    environment: str = ""
    owner: str = ""
    channel: str = ""
    depends_on: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


MOST_REMEMBERED = 4096  # words of strangers that were looked up


def spelling(name: str) -> str:
    """Return a service's name in the form for comparison: `CheckoutApi` is `checkout_api`."""
    return normalise("-".join(parts_of(name)))


def literal_letters(glob: str) -> int:
    """Return how many letters and digits a glob has."""
    return sum(char.isalnum() for char in glob)


class ServiceConflict(ValueError):
    """A spelling is declared for two services; `service` is the later one."""

    def __init__(self, spelling: str, service: str, other: str) -> None:
        self.service = service
        super().__init__(f"services.{service}: {spelling!r} is also a name of {other}")


@dataclass(frozen=True, slots=True, eq=False)  # equal to itself only, so that it can be cached by
class Catalogue:
    """The declared services. Build it with `of`."""

    services: Mapping[str, Service] = field(default_factory=dict)
    _exact: Mapping[str, Service] = field(default_factory=dict, repr=False)
    _globs: tuple[tuple[re.Pattern[str], Service], ...] = field(default=(), repr=False)
    _by_namespace: Mapping[str, Service] = field(default_factory=dict, repr=False)
    _looked_up: dict[str, Service | None] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, services: Iterable[Service]) -> Self:
        """Build from declared services. ServiceConflict if a spelling names two of them."""
        by_name = {service.name: service for service in services}
        exact: dict[str, Service] = {}
        globs: list[tuple[str, Service]] = []
        in_namespace: dict[str, list[Service]] = {}
        for service in by_name.values():
            for alias in (service.name, *service.aliases):
                word = spelling(alias)
                if "*" in alias:
                    globs.append((word, service))
                elif (other := exact.setdefault(word, service)) is not service:
                    raise ServiceConflict(alias, service.name, other.name)
            for namespace in service.namespaces:
                in_namespace.setdefault(namespace.strip().lower(), []).append(service)
        globs.sort(key=lambda pair: -literal_letters(pair[0]))  # the narrower one decides
        patterns = tuple((glob_pattern(glob), service) for glob, service in globs)
        alone = {name: owners[0] for name, owners in in_namespace.items() if len(owners) == 1}
        return cls(by_name, exact, patterns, alone)

    def find(self, name: str) -> Service | None:
        """Return the service of that name or spelling; None if none is declared."""
        if not self.services:
            return None
        word = spelling(name)
        if word not in self._looked_up:
            if len(self._looked_up) >= MOST_REMEMBERED:
                self._looked_up.clear()
            self._looked_up[word] = self._exact.get(word) or next(
                (service for glob, service in self._globs if glob.fullmatch(word)), None
            )
        return self._looked_up[word]

    def exactly(self, name: str) -> Service | None:
        """Return the service of that name or spelling, not by a glob."""
        return self._exact.get(spelling(name)) if self._exact else None

    def of_namespace(self, namespace: str) -> Service | None:
        """Return the service that alone runs in that Kubernetes namespace."""
        return self._by_namespace.get(namespace.strip().lower())

    def name_of(self, name: str) -> str:
        """Return the declared name of a spelling; any other name as it is."""
        service = self.find(name)
        return service.name if service else name

    def with_called(self, depends_on: Mapping[str, Iterable[str]]) -> Self:
        """Return the catalogue with every service that a declared call names and nothing else does.

        `depends_on` are the calls that the policy declares. Who declares a call to a service has
        declared that there is one.
        """
        calls = [(service.name, service.depends_on) for service in self.services.values()]
        named = [
            name for caller, called in (*calls, *depends_on.items()) for name in (caller, *called)
        ]
        new = {
            spelling(name): Service(name=name) for name in reversed(named) if not self.find(name)
        }
        return self.of((*self.services.values(), *new.values())) if new else self

    def calls(self, depends_on: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
        """Return the services that each service calls, by their declared names.

        `depends_on` are the calls that the policy declares.
        """
        calls: dict[str, set[str]] = {}
        declared = [(service.name, service.depends_on) for service in self.services.values()]
        for caller, called in (*declared, *depends_on.items()):
            calls.setdefault(self.name_of(caller), set()).update(map(self.name_of, called))
        return calls

    def apart(self) -> dict[str, set[str]]:
        """Return the services that each service is declared to be apart from."""
        return {
            service.name: set(map(self.name_of, service.apart))
            for service in self.services.values()
            if service.apart
        }


NO_SERVICES = Catalogue()
