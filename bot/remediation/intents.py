"""`/incident fix <text>`: maps a person's text to a catalogue action, by fixed rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.errors import InputError
from bot.language import deferred
from bot.remediation.catalogue import CATALOGUE, MOST_NAMED, Action

_OPTION = re.compile(r"(?<![a-z0-9_])([a-z][a-z0-9_]*)=(\S+)")


def read_fix(
    text: str,
    *,
    user: str,
    default_target: str,
    actions: Mapping[str, Action] = CATALOGUE,
) -> tuple[str, dict[str, tuple[Any, str]]]:
    """Parse `restart checkout-api grace_seconds=5` to (action id, {parameter: (value, origin)}).

    Without a target it means the incident's own service. InputError lists the possible actions.
    """
    options = dict(_OPTION.findall(text))
    verb, *rest = _OPTION.sub("", text).split() or [""]
    for action in actions.values():
        if verb.lower() in action.synonyms or verb == action.id:
            break
    else:
        known = ", ".join(f"`{a.word} [target]`" for a in list(actions.values())[:MOST_NAMED])
        raise InputError(
            deferred("No action is called {verb!r}.", verb=verb[:40])
            if verb
            else deferred("Which action?"),
            field="action",
            remedy=deferred("Try: {known}.", known=known),
        )
    if len(rest) > 1:
        raise InputError(
            deferred("One target at a time."),
            field="target",
            remedy=deferred("Name one service."),
        )
    origin = f"asked by @{user}"
    parameters: dict[str, tuple[Any, str]] = {
        name: (value, origin) for name, value in options.items()
    }
    if rest:
        parameters["target"] = (rest[0], origin)
    elif default_target:
        parameters.setdefault("target", (default_target, "alert: service"))
    return action.id, parameters
