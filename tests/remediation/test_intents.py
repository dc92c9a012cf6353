"""A person's words to an action, by fixed rules: what is not understood is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InputError
from bot.remediation.catalogue import CATALOGUE, propose
from bot.remediation.intents import read_fix

ASKED = "asked by @U0ANA"
TRY = "Try: `restart [target]`, `stop [target]`, `start [target]`."
LABEL = "alert: service"


def read(text: str, default: str = "web") -> tuple[str, dict[str, tuple[object, str]]]:
    return read_fix(text, user="U0ANA", default_target=default)


@pytest.mark.parametrize(
    ("phrase", "fields"),
    [
        ("restart", {"target": ("web", LABEL)}),
        ("RESTART", {"target": ("web", LABEL)}),
        ("reboot api", {"target": ("api", ASKED)}),
        ("bounce api", {"target": ("api", ASKED)}),
        ("service.restart api", {"target": ("api", ASKED)}),
        (
            "restart api grace_seconds=5",
            {"grace_seconds": ("5", ASKED), "target": ("api", ASKED)},
        ),
        (
            "restart grace_seconds=5",
            {"grace_seconds": ("5", ASKED), "target": ("web", LABEL)},
        ),
        ("restart target=api", {"target": ("api", ASKED)}),
        ("  restart \n api  ", {"target": ("api", ASKED)}),
    ],
)
def test_words_become_an_action_with_where_each_value_is_from(
    phrase: str, fields: dict[str, tuple[str, str]]
) -> None:
    assert read(phrase) == ("service.restart", fields)


def test_without_any_target_the_catalogue_asks_for_one() -> None:
    action, parameters = read("restart", default="")
    assert parameters == {}
    with pytest.raises(InputError, match="target"):
        propose(action, parameters)


@pytest.mark.parametrize(
    ("phrase", "message"),
    [
        ("", f"Which action? {TRY}"),
        ("   ", f"Which action? {TRY}"),
        (
            "grace_seconds=5",
            f"Which action? {TRY}",
        ),
        (
            "delete web",
            f"No action is called 'delete'. {TRY}",
        ),
        (
            "restarts",
            f"No action is called 'restarts'. {TRY}",
        ),
        (
            "service.Restart",
            f"No action is called 'service.Restart'. {TRY}",
        ),
    ],
)
def test_an_unknown_action_is_refused_with_what_can_be_asked(phrase: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(phrase)
    assert caught.value.field == "action"
    assert str(caught.value) == message


def test_one_target_at_a_time() -> None:
    with pytest.raises(InputError, match="One target at a time") as caught:
        read("restart web api")
    assert caught.value.field == "target"


def test_a_person_cannot_choose_the_address_to_probe() -> None:
    action, parameters = read("restart web probe_url=http://169.254.169.254/")
    with pytest.raises(InputError, match="probe_url can only come from an SOP"):
        propose(action, parameters)


def test_a_very_long_word_is_not_repeated_whole() -> None:
    with pytest.raises(InputError) as caught:
        read("x" * 5000)
    assert len(str(caught.value)) < 200


@given(st.text(st.characters(codec=None), max_size=80), st.text(max_size=20))
def test_no_words_do_worse_than_an_input_error(phrase: str, default: str) -> None:
    for text in (phrase, f"restart {phrase}"):
        made = None
        with suppress(InputError):
            made = propose(*read(text, default))
        assert made is None or made.action_id in CATALOGUE
