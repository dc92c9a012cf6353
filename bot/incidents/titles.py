"""Finds the service in the title of an alert that names it nowhere else. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.incidents.environments import Environments
from bot.incidents.names import LONGEST, is_service_name
from bot.incidents.services import Catalogue

MOST_WORDS = 40
_LONGEST_NAME = 3  # words of a declared name
_PREFIX_WORDS = 5
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_IS_DOWN = re.compile(
    r"(?<![\w.-])([A-Za-z][A-Za-z0-9_-]*) (?:is|are) (?:now )?"
    r"(?:down|unreachable|unavailable|unhealthy|failing|offline|not (?:responding|reachable|ready"
    r"|available|healthy|up))\b",
    re.IGNORECASE,
)
_DASHED = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)+")


def service_in(title: str, environments: Environments, catalogue: Catalogue) -> str:
    """Return the words that surely name the service, perhaps with its environment; else ''.

    They stand before a colon (`checkout-api prod: CPU high`) and are a declared service, or a word
    with a dash beside an environment. Or the title has exactly one declared name of several words,
    or says that a declared service is down.
    """
    prefix, colon, _ = title[:LONGEST].partition(": ")
    tokens = _WORD.findall(prefix)
    if colon and 0 < len(tokens) <= _PREFIX_WORDS:
        others = [word for word in tokens if not environments.declared(word)]
        if others and catalogue.find(" ".join(others)):
            return prefix
        if len(others) == 1 < len(tokens) and _DASHED.fullmatch(others[0]):
            return prefix if is_service_name(others[0]) else ""
    declared = set(_services_in(title[:LONGEST], catalogue))
    if not declared and (match := _IS_DOWN.search(title[:LONGEST])):
        service = catalogue.exactly(match[1])
        return service.name if service is not None else ""
    return declared.pop() if len(declared) == 1 else ""


def _services_in(title: str, catalogue: Catalogue) -> Iterator[str]:
    """Yield the declared services that the title names in several words, or in one with dashes.

    A single plain word (`search`, `web`) may mean anything.
    """
    if not catalogue.services:
        return
    tokens = _WORD.findall(title)[:MOST_WORDS]
    for size in range(1, _LONGEST_NAME + 1):
        for start in range(len(tokens) - size + 1):
            name = " ".join(tokens[start : start + size])
            if size > 1 or "-" in name or "_" in name:
                service = catalogue.exactly(name)
                if service is not None:
                    yield service.name
