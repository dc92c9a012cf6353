"""Chooses among the words of a title the service that SOPs or the catalogue name. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from bot.incidents.model import GUESS, Alert

_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")
_READ = 200  # characters of a title
_TITLE_VALUES = "value_"
"""The beginning of the labels that hold the values of Alertmanager's default title."""


def with_known_service(alert: Alert, known: Collection[str]) -> Alert:
    """Return the alert with the one known service that its title names, if its own is a guess.

    `known` are names in lower case. A single plain word (`search`, `web`) counts only where it
    stands as a value of its own, because in a sentence it may mean anything. Two known services
    in one title say nothing.
    """
    if not known or (alert.service and alert.read_from.get("service") != GUESS):
        return alert
    values = [text for name, text in alert.labels.items() if name.startswith(_TITLE_VALUES)]
    dashed = [word for word in _WORD.findall(alert.title[:_READ]) if "-" in word or "_" in word]
    named = {word.lower(): word for word in (alert.service, *values, *dashed)}
    services = [word for lower, word in named.items() if lower in known]
    if len(services) != 1:
        return alert
    read_from = {**alert.read_from, "service": "title"}
    return replace(alert, service=services[0], read_from=read_from)
