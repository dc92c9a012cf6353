"""Reads `name=value` texts as the values of parameters that the operator declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.gateway.commands import CommandParameter
from bot.gateway.errors import NotAllowed
from bot.gateway.executors.remote import REFUSED, label


def declared_values(
    declared: Mapping[str, CommandParameter], pairs: Iterable[str], field: str
) -> dict[str, int | str]:
    """Return the value of every declared parameter: that of its pair, else its default.

    NotAllowed: a pair names no parameter or one twice, a value is missing, or does not fit.
    """
    texts: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if name not in declared or not equals or name in texts:
            known = ", ".join(declared) or "none"
            raise NotAllowed(REFUSED, f"{field}: {label(pair)}: write name=value. Names: {known}")
        texts[name] = text
    values: dict[str, int | str] = {}
    for name, parameter in declared.items():
        value = parameter.default if name not in texts else _typed(parameter, texts[name])
        if value is None:
            raise NotAllowed(REFUSED, f"{field}: {name} is missing")
        if problem := parameter.problem_of(value):
            raise NotAllowed(REFUSED, f"{field}: {name} {problem}")
        values[name] = value
    return values


def _typed(declared: CommandParameter, text: str) -> int | str:
    """Return the whole number that the text is, if one is declared; else the text."""
    is_number = text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 20
    return int(text) if declared.type == "integer" and is_number else text
