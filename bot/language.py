"""Speaks the language of the reader: one catalogue has every sentence that a person sees.

The id of a message is its English sentence, so English needs no catalogue, and a sentence without
a translation is shown in English. The other languages are compiled catalogues in `bot/locale`;
`make messages` extracts and compiles them. Each entry point that renders for people (the outbox,
the listeners, the Home tabs, the notices outside of Slack) says `with speaking(language)`.

Nothing is stored in a language: the store has data, and the views speak. What an entry of the
timeline says is stored as its message and the parts of it, beside the English text.
"""

from __future__ import annotations

import gettext as catalogues
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

ENGLISH = "en"
DOMAIN = "sopbot"
LOCALES = Path(__file__).parent / "locale"

_language: ContextVar[str] = ContextVar("language of the reader", default=ENGLISH)


def languages() -> tuple[str, ...]:
    """The languages that have a catalogue, English first."""
    compiled = LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")
    return (ENGLISH, *sorted(file.parent.parent.name for file in compiled))


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Translate into this language meanwhile, in this task and in the tasks that it creates."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


@cache
def _catalogue(language: str) -> catalogues.NullTranslations:
    if language == ENGLISH:
        return catalogues.NullTranslations()
    return catalogues.translation(DOMAIN, LOCALES, [language])


def _(message: str) -> str:
    """The message in the language of the reader. Words go into it by `.format`, never by `+`."""
    # gettext keeps the catalogue's own header under the empty id.
    return _catalogue(_language.get()).gettext(message) if message else ""


def ngettext(singular: str, plural_form: str, count: int) -> str:
    """The form of the message for this count: a language may have other forms than two."""
    return _catalogue(_language.get()).ngettext(singular, plural_form, count)


def N_(message: str) -> str:  # noqa: N802 - the name by which every extractor knows it
    """Mark a message of a table for the catalogue; `_` translates it where it is shown."""
    return message


class Deferred(str):
    """An English text that can be translated later.

    An error is logged, recorded and answered over HTTP in English; the person reads it in their
    language.
    """

    message: str
    parts: Mapping[str, object]


def deferred(message: str, **parts: object) -> Deferred:
    """The English text; `translated` says the same in the language of the reader."""
    text = Deferred(message.format(**parts) if parts else message)
    text.message, text.parts = message, parts
    return text


def translated(text: str) -> str:
    """The text in the language of the reader; unchanged if the catalogue does not have it."""
    if not isinstance(text, Deferred):
        return _(text)
    parts = {
        name: translated(part) if isinstance(part, Deferred | StrEnum) else part
        for name, part in text.parts.items()
    }
    return _(text.message).format(**parts) if parts else _(text.message)


def spoken(text: str) -> str:
    """The text in the language of the reader if it is `deferred`; else as somebody wrote it."""
    return translated(text) if isinstance(text, Deferred) else text


def packed(text: str) -> str:
    """The message and the parts of the text as JSON, to be stored beside it; '' for a mere text."""
    return json.dumps(_as_data(text)) if isinstance(text, Deferred) else ""


def unpacked(stored: str, text: str) -> str:
    """The text that was `packed` so; `text`, the English of that time, if it cannot be read."""
    try:
        restored = _from_data(json.loads(stored))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return text
    return restored if isinstance(restored, Deferred) else text


def _as_data(part: object) -> object:
    if isinstance(part, Deferred):
        parts = {name: _as_data(value) for name, value in part.parts.items()}
        return {"message": part.message, "parts": parts}
    if isinstance(part, StrEnum):
        return {"message": str(part), "parts": {}}
    return part if isinstance(part, int | float) else str(part)


def _from_data(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    parts = {name: _from_data(value) for name, value in data["parts"].items()}
    return deferred(str(data["message"]), **parts)


def number(value: int) -> str:
    """A whole number with the separators of the language."""
    # Translators: the number 1000000 as your language writes it, which shows the separator.
    separator = _("1,000,000")[1]
    return f"{value:,}".replace(",", separator)


def plural(count: int, singular: str, plural_form: str) -> str:
    """`plural(3, "{count} alert", "{count} alerts")` is 3 alerts."""
    return ngettext(singular, plural_form, count).format(count=number(count))


def listed(items: Sequence[str]) -> str:
    """The items as one enumeration: a, b and c."""
    if len(items) < 2:
        return "".join(items)
    return _("{items} and {last}").format(items=", ".join(items[:-1]), last=items[-1])
