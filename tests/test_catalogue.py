"""The catalogues have every message of the code, and each translation keeps what it must."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable

import pytest
from babel.messages.catalog import Catalog, Message

from bot.errors import SopbotError
from bot.incidents.model import AlertStatus, IncidentStatus, Severity
from bot.incidents.remediation import RemediationStatus, Risk
from bot.language import (
    ENGLISH,
    _,
    deferred,
    languages,
    ngettext,
    number,
    plural,
    speaking,
    translated,
)
from handlers.views.words import error_text
from tests import catalogue

LANGUAGES = catalogue.translations()
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
MENTION = re.compile(r"<[!@#][^>]*>|<[^>|]*\|")
SIGNS = ("*", "`", "_", "~")  # Slack's formatting, which has to balance


def translations(catalog: Catalog) -> Iterable[tuple[Message, str, str]]:
    """(message, an English form, a translated form) of each; a plural has several forms."""
    for message in catalog:
        if not message.id:
            continue
        if isinstance(message.id, str):
            yield message, message.id, str(message.string or "")
        else:
            forms = message.string if isinstance(message.string, tuple | list) else ()
            for form in forms or ("",):
                yield message, message.id[1], form


def formatting(text: str) -> Counter[str]:
    bare = PLACEHOLDER.sub("", text)
    return Counter({sign: bare.count(sign) for sign in SIGNS if sign in bare})


def test_the_template_has_the_messages_of_the_code() -> None:
    assert catalogue.TEMPLATE.read_bytes() == catalogue.as_po(catalogue.template()), "make messages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_files_of_a_language_are_current(language) -> None:
    stale = [
        path.name
        for path, content in catalogue.written(language).items()
        if path.read_bytes() != content
    ]
    assert not stale, f"run `make messages`, then translate what is new: {stale}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_and_none_is_fuzzy(language) -> None:
    catalog = catalogue.read(language)
    assert [english for _m, english, text in translations(catalog) if not text.strip()] == []
    assert [message.id for message in catalog if message.fuzzy and message.id] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_placeholders_and_the_marks_of_its_message(language) -> None:
    changed = [
        (english, text)
        for _m, english, text in translations(catalogue.read(language))
        if set(PLACEHOLDER.findall(english)) != set(PLACEHOLDER.findall(text))
        or Counter(MENTION.findall(english)) != Counter(MENTION.findall(text))
        or formatting(english) != formatting(text)
        or english[:1].isspace() != text[:1].isspace()
        or english[-1:].isspace() != text[-1:].isspace()
    ]
    assert changed == []


def test_a_message_is_a_literal_without_values_in_it() -> None:
    """An f-string would be another message for each value, and none of them in a catalogue."""
    wrong = [
        f"{file.relative_to(catalogue.ROOT)}:{call.lineno}"
        for file in catalogue.files()
        if "bot.language" in (text := file.read_text(encoding="utf-8"))
        for call, arguments in catalogue.marked(ast.parse(text))
        if any(isinstance(arg, ast.JoinedStr | ast.BinOp) for arg in arguments)
    ]
    assert wrong == []


def test_no_module_hides_the_function_that_translates() -> None:
    """`name, _, rest = …` would make `_` a local name, and `_("…")` fail."""
    hidden = []
    for file in catalogue.files():
        text = file.read_text(encoding="utf-8")
        if not re.search(r"from bot\.language import [^\n]*\b_\b", text):
            continue
        for node in ast.walk(ast.parse(text)):
            is_stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            name = node.id if is_stored else node.arg if isinstance(node, ast.arg) else ""
            if name == "_":
                hidden.append(f"{file.relative_to(catalogue.ROOT)}:{node.lineno}")
    assert hidden == []


@pytest.mark.parametrize("states", [IncidentStatus, AlertStatus, Severity, RemediationStatus, Risk])
def test_each_state_has_a_word_in_every_language(states) -> None:
    known = {message.id for message in catalogue.template() if isinstance(message.id, str)}
    assert {str(state) for state in states} <= known


def test_a_text_is_english_unless_a_reader_has_another_language() -> None:
    assert _("Resolve") == "Resolve"
    with speaking("de"):
        assert _("Resolve") == "Lösen"
        assert _("no such message") == "no such message"
        assert _("") == ""
        with speaking(ENGLISH):
            assert _("Resolve") == "Resolve"
        assert _("Resolve") == "Lösen"
    assert languages() == (ENGLISH, *LANGUAGES)


def test_plurals_and_numbers_follow_the_language() -> None:
    alerts = "{count} alert", "{count} alerts"
    assert [plural(count, *alerts) for count in (0, 1, 1234)] == [
        "0 alerts",
        "1 alert",
        "1,234 alerts",
    ]
    with speaking("de"):
        assert [plural(count, *alerts) for count in (1, 1_234_567)] == [
            "1 Alarm",
            "1.234.567 Alarme",
        ]
        assert (ngettext(*alerts, 1), number(1000)) == ("{count} Alarm", "1.000")


def test_an_error_is_logged_in_english_and_read_in_the_readers_language() -> None:
    why = deferred("{number} is {status}.", number="INC-7", status=IncidentStatus.RESOLVED)
    error = SopbotError(
        deferred("Not counted: {why}.", why=why), remedy=deferred("Propose it again.")
    )
    with speaking("de"):
        assert error.message == "Not counted: INC-7 is resolved.."
        assert str(error) == "Not counted: INC-7 is resolved.. Propose it again."
        assert error_text(error) == "Nicht gezählt: INC-7 ist gelöst.. Neu vorschlagen."
        assert type(error.message) is str  # so that every writer of JSON takes it
        assert translated("a sentence of another system") == "a sentence of another system"
