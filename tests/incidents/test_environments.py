"""Environments: every spelling of a declared one is that one, and everything else is unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents.environments import DEFAULT, UNKNOWN, Environments, environment_glob

# Each looks like production to a person, and is none of the declared words.
DISGUISED = [
    "pr\u043ed",  # a Cyrillic o
    "pro\u200bd",  # a zero-width space
    "prod\u2060",  # a word joiner
    "xprod",
    "prod/../dev",
    "prod dev",
    "dev\nprod",
    "p\u0331rod",
    "prod\x00",
]


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("prod", "production"),
        ("Production", "production"),
        (" LIVE ", "production"),
        ("\uff50\uff52\uff4f\uff44", "production"),  # fullwidth letters
        ("prod-eu1", "production"),
        ("PRD", "production"),
        ("pre-prod", "preproduction"),
        ("stg", "staging"),
        ("dev", "development"),
        ("dev-2", "development"),
        ("", UNKNOWN),
        ("-", UNKNOWN),
        ("unknown", UNKNOWN),
        ("blue", UNKNOWN),
    ],
)
def test_every_spelling_of_an_environment_is_that_environment(word: str, name: str) -> None:
    assert DEFAULT.name_of(word) == name


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("word", DISGUISED)
def test_a_word_in_disguise_is_unknown_and_never_another_environment(word: str) -> None:
    assert DEFAULT.name_of(word) == UNKNOWN


@given(st.text())
def test_no_text_is_an_environment_that_is_not_declared(word: str) -> None:
    assert DEFAULT.name_of(word) in {*DEFAULT.names, UNKNOWN}


def test_the_longer_glob_decides_and_an_exact_word_before_any() -> None:
    declared = Environments.of({"all": ["p-*"], "europe": ["p-eu-*"], "one": ["p-eu-1"]})
    names = ["p-us", "p-eu-2", "p-eu-1"]
    assert [declared.name_of(word) for word in names] == ["all", "europe", "one"]


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ({"a": ["b"], "b": []}, "'b' is the name of two environments"),
        ({"a": ["x"], "b": ["X"]}, "'x' is the name of two environments"),
        ({"unknown": []}, "'unknown' cannot be an environment's name"),
        ({"a": ["unknown"]}, "'unknown' is the name of two environments"),
        ({"two words": []}, "'two words' cannot be an environment's name"),
        ({"a": ["pr\u043ed"]}, "can never match"),
    ],
)
def test_what_could_mean_two_environments_or_none_is_refused(
    declared: dict[str, list[str]], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Environments.of(declared)


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("production", {"production"}),
        ("prod", {"production"}),
        ("PROD*", {"production"}),
        ("live", {"production"}),
        ("*prod*", {"production", "preproduction"}),
        ("unknown", {UNKNOWN}),
        ("*", {*DEFAULT.names, UNKNOWN}),
        ("prodd", set()),
    ],
)
def test_a_glob_means_an_environment_by_any_of_its_spellings(glob: str, names: set[str]) -> None:
    assert DEFAULT.fitting(environment_glob(glob)) == names
