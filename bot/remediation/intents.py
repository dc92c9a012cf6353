"""`/incident fix <words>`: a person's words to a catalogue action, by fixed rules."""

from __future__ import annotations

import re
from typing import Any

from bot.errors import InputError
from bot.remediation.catalogue import CATALOGUE

_OPTION = re.compile(r"(?<![a-z_])([a-z_]+)=(\S+)")


def read_fix(
    words: str, *, user: str, default_target: str
) -> tuple[str, dict[str, tuple[Any, str]]]:
    """`restart checkout-api grace_seconds=5` as (action id, {parameter: (value, origin)}).

    Without a target the incident's own service is meant. InputError says what can be asked.
    """
    options = dict(_OPTION.findall(words))
    verb, *rest = _OPTION.sub("", words).split() or [""]
    for action in CATALOGUE.values():
        if verb.lower() in action.words or verb == action.id:
            break
    else:
        known = ", ".join(f"`{action.words[0]} [target]`" for action in CATALOGUE.values())
        raise InputError(
            f"No action is called {verb[:40]!r}." if verb else "Which action?",
            field="action",
            remedy=f"Try: {known}.",
        )
    if len(rest) > 1:
        raise InputError("One target at a time.", field="target", remedy="Name one service.")
    origin = f"asked by @{user}"
    given: dict[str, tuple[Any, str]] = {name: (value, origin) for name, value in options.items()}
    if rest:
        given["target"] = (rest[0], origin)
    elif default_target:
        given.setdefault("target", (default_target, "alert: service"))
    return action.id, given
