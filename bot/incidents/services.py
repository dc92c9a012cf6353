"""The catalogue of services that an operator declares: names, other spellings, calls, owners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Self

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
    namespaces: tuple[str, ...] = ()


def spelling(name: str) -> str:
    """Return a service's name in the form for comparison: `CheckoutApi` is `checkout_api`."""
    return normalise("-".join(parts_of(name)))


@dataclass(frozen=True, slots=True, eq=False)  # equal to itself only, so that it can be cached by
class Catalogue:
    """The declared services, with who calls whom. Build it with `of`."""

    services: Mapping[str, Service] = field(default_factory=dict)
    _exact: Mapping[str, Service] = field(default_factory=dict, repr=False)
    _globs: tuple[tuple[str, Service], ...] = field(default=(), repr=False)
    _by_namespace: Mapping[str, Service] = field(default_factory=dict, repr=False)
    _calls: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    _callers: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, services: Iterable[Service]) -> Self:
        """Build from declared services; ValueError if a spelling names two of them."""
        by_name: dict[str, Service] = {}
        exact: dict[str, Service] = {}
        globs: list[tuple[str, Service]] = []
        owners: dict[str, list[Service]] = {}
        for service in services:
            by_name[service.name] = service
            for alias in (service.name, *service.aliases):
                if "*" in alias or "?" in alias:
                    globs.append((spelling(alias), service))
                elif exact.setdefault(spelling(alias), service) is not service:
                    raise ValueError(f"{alias!r} is the name of two services")
            for namespace in service.namespaces:
                owners.setdefault(namespace.lower(), []).append(service)
        globs.sort(key=lambda pair: -len(pair[0]))
        of_one = {name: owned[0] for name, owned in owners.items() if len(owned) == 1}
        catalogue = cls(by_name, exact, tuple(globs), of_one)
        calls = {
            service.name: frozenset(map(catalogue.name_of, service.depends_on))
            for service in by_name.values()
        }
        callers: dict[str, set[str]] = {}
        for caller, called in calls.items():
            for name in called:
                callers.setdefault(name, set()).add(caller)
        frozen = {name: frozenset(names) for name, names in callers.items()}
        return cls(by_name, exact, tuple(globs), of_one, calls, frozen)

    def find(self, name: str) -> Service | None:
        """Return the service of that name or spelling; None if none is declared."""
        word = spelling(name)
        if service := self._exact.get(word):
            return service
        return next((service for glob, service in self._globs if fnmatchcase(word, glob)), None)

    def of_namespace(self, namespace: str) -> Service | None:
        """Return the service that alone runs in that Kubernetes namespace."""
        return self._by_namespace.get(namespace.lower())

    def name_of(self, name: str) -> str:
        """Return the declared name of a spelling; any other name as it is."""
        service = self.find(name)
        return service.name if service else name

    def calls_of(self, name: str) -> frozenset[str]:
        """Return the services that this one is declared to call."""
        return self._calls.get(self.name_of(name), frozenset())

    def callers_of(self, name: str) -> frozenset[str]:
        """Return the services that are declared to call this one."""
        return self._callers.get(self.name_of(name), frozenset())


NO_SERVICES = Catalogue()
