"""The services, stores, nodes and clusters of an invented company, and their calls."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import yaml

_WORDS = (
    "checkout cart catalog search pricing invoice billing shipping refund ledger payout loyalty"
    " profile session login mailer notify webhook gateway geo route fleet depot parcel label quote"
    " tariff customs voucher coupon review rating media image video upload export import report"
    " audit consent survey chat inbox calendar booking seat ticket fare offer basket wallet"
)
_LAST = ("api", "service", "worker", "web", "backend", "processor", "")
_SECOND = ("admin", "sync", "cron")
_STORES = ("db", "postgres", "redis", "kafka", "mongo")
_NAMESPACES = ("shop", "payments", "logistics", "accounts", "content")
_REGIONS = {"eu1": "eu-west-1", "us1": "us-east-1"}
_GROUP = 6  # services around a store: four call it, two call it through another one
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
APART = timedelta(hours=3)  # between two scenarios about one service, or about services that call


class EveryServiceTaken(Exception):
    """Other scenarios of these hours are about every service or store."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service or a store: its name, the name that another sender uses, its namespace."""

    name: str
    alias: str
    namespace: str
    is_store: bool = False

    def pod(self, random: Random) -> str:
        """Return the name of a new pod."""
        if self.is_store:
            return f"{self.name}-{random.randrange(3)}"
        replica_set = "".join(random.choices(_LETTERS, k=random.choice((9, 10))))
        return f"{self.name}-{replica_set}-{''.join(random.choices(_LETTERS, k=5))}"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a service. `env` is the plain word; each sender spells it in its own way."""

    env: str = "production"
    short_region: str = "eu1"

    @property
    def region(self) -> str:
        """Return the provider's name of the region."""
        return _REGIONS[self.short_region]

    @property
    def short_env(self) -> str:
        """Return the word in names of clusters."""
        return {"production": "prod", "staging": "staging"}[self.env]

    @property
    def cluster(self) -> str:
        """Return the cluster's name."""
        return f"{self.short_env}-{self.short_region}"


@dataclass(slots=True)
class World:
    """A scenario takes services that no scenario of the last hours has taken, nor called."""

    services: deque[Service]
    stores: deque[Service]
    calls: dict[str, list[str]]
    random: Random
    free_from: dict[str, datetime] = field(default_factory=dict)
    nodes: int = 0

    def take(self, at: datetime) -> Service:
        """Return a free service; the one that was taken longest ago comes first."""
        for _ in range(len(self.services)):
            self.services.rotate(-1)
            service = self.services[-1]
            if self._is_free([service.name], at):
                self._reserve({service.name, *self._neighbours(service.name)}, at)
                return service
        raise EveryServiceTaken

    def take_store(self, at: datetime) -> tuple[Service, list[Service]]:
        """Return a free store, and the services that call it, directly or through another one."""
        for _ in range(len(self.stores)):
            self.stores.rotate(-1)
            store = self.stores[-1]
            direct = self.callers(store)
            indirect = [far for near in direct for far in self.callers(near)]
            callers = list(dict.fromkeys([*direct, *indirect]))
            names = {store.name, *(service.name for service in callers)}
            if self._is_free(names, at):
                self._reserve(names, at)
                return store, callers
        raise EveryServiceTaken

    def callers(self, service: Service) -> list[Service]:
        """Return the services that call this one."""
        return [item for item in self.services if service.name in self.calls.get(item.name, ())]

    def node(self) -> str:
        """Return the name of a node that no scenario has used."""
        self.nodes += 1
        number = self.nodes
        return self.random.choice(
            (
                f"ip-10-20-{number // 200}-{number % 200 + 10}.eu-west-1.compute.internal",
                f"worker-{number + 20}",
                f"k8s-node-{number + 100}",
            )
        )

    def catalogue(self, undeclared: float) -> str:
        """Return services.yaml, without that share of the calls."""
        random = Random(self.random.random())
        entries: dict[str, dict[str, object]] = {}
        for service in sorted((*self.services, *self.stores), key=lambda item: item.name):
            entry: dict[str, object] = {"namespaces": [service.namespace]}
            if service.alias != service.name:
                entry["aliases"] = [service.alias]
            called = self.calls.get(service.name, ())
            if declared := [name for name in called if random.random() >= undeclared]:
                entry["depends_on"] = declared
            entries[service.name] = entry
        return yaml.safe_dump({"services": entries}, sort_keys=True)

    def _neighbours(self, name: str) -> set[str]:
        called = self.calls.get(name, [])
        callers = {caller for caller, names in self.calls.items() if name in names}
        return {*called, *callers}

    def _is_free(self, names: list[str] | set[str], at: datetime) -> bool:
        return all(self.free_from.get(name, at) <= at for name in names)

    def _reserve(self, names: set[str], at: datetime) -> None:
        self.free_from |= dict.fromkeys(names, at + APART)


def world_of(random: Random) -> World:
    """Build a world of some eighty services, most of them in groups around a store."""
    nouns = _WORDS.split()
    random.shuffle(nouns)
    services = [_service(word, random.choice(_LAST), random) for word in nouns]
    # A second service about the same thing, as a company has.
    services += [_service(word, random.choice(_SECOND), random) for word in nouns[:30]]
    random.shuffle(services)
    stores: list[Service] = []
    calls: dict[str, list[str]] = {}
    for start in range(0, 9 * _GROUP, _GROUP):
        group = services[start : start + _GROUP]
        store = f"{nouns[start]}-{random.choice(_STORES)}"
        stores.append(Service(store, store, group[0].namespace, is_store=True))
        direct = group[:4]
        for near, other in zip(direct, [*direct[1:], direct[0]], strict=True):
            calls[near.name] = [store, other.name] if random.random() < 0.5 else [store]
        for far in group[4:]:
            calls[far.name] = [near.name for near in random.sample(direct, 2)]
    random.shuffle(services)
    return World(deque(services), deque(stores), calls, random)


def _service(word: str, last: str, random: Random) -> Service:
    name = f"{word}-{last}" if last else word
    alias = random.choice((name, name, name.replace("-", "_"), f"{word}-{last or 'app'}-svc"))
    return Service(name, alias, random.choice(_NAMESPACES))
