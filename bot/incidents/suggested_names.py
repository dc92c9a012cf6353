"""Finds the name of a service that an alert only suggests. Pure.

A probe names a host (`https://checkout-api.example.com`), and a title without the names of its
labels holds a word that may be a service. Alone neither is sure enough. But if an alert that does
name its service has that very name at that time, the two are about one thing.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.incidents import names
from bot.incidents import subject_labels as table
from bot.incidents.environments import DEFAULT
from bot.incidents.services import spelling
from bot.incidents.subject import Scope

_HOST = "host "
_SHORTEST = 4  # letters of a name of one word: `db`, `www` and `web` are many things


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The services of scopes that suggest one name: of its host, and the begin of its guesses."""

    host: str
    guess: str


def suggested_name(scope: Scope) -> str:
    """Return the service that the scope's host or guess may name, as in `Scope.service`; else ''.

    A guess has several parts (`checkout-api`), and no other word of the title may be a service:
    `subject.scope_of` marks any other guess. A host of a domain that names another environment than
    the alert's suggests nothing.
    """
    if scope.service.startswith(_HOST):
        host = scope.service.removeprefix(_HOST)
        return spelling(host) if _is_name(host) and not _is_elsewhere(scope) else ""
    name, mark, sender = scope.service.partition("?")
    is_sure = bool(mark) and not sender.startswith("?")
    return name if is_sure and " " not in name and "_" in name else ""


def suggesting(scope: Scope) -> Suggestions | None:
    """Return which scopes may suggest the service of this one; None if it names none itself."""
    name = scope.service
    if " " in name or "?" in name:
        return None
    return Suggestions(_HOST + name.replace("_", "-"), f"{name}?")


def _is_name(host: str) -> bool:
    """Return True if it may be a service's name: no address, and no word of many hosts."""
    if names.is_address(host) or names.is_software(host):
        return False
    is_short = "-" not in host and len(host) < _SHORTEST
    return not is_short and names.is_service_name(host, "container")


def _is_elsewhere(scope: Scope) -> bool:
    """Return True if the host's domain names an environment that is not known to be the alert's."""
    domain = scope.place.split("|")[2] if scope.place else ""
    spellings = _ENVIRONMENTS.intersection(names.parts_of(domain))
    return any(DEFAULT.name_of(spelling) != scope.env for spelling in spellings)


_ENVIRONMENTS = table.STRONG_ENVS | table.WEAK_ENVS
