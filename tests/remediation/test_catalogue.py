"""The catalogue: typed actions only, each value with its origin, each refusal with its name."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InputError
from bot.incidents.remediation import Parameter
from bot.remediation.catalogue import CATALOGUE, propose

FROM_LABEL = "alert: service"
FROM_SOP = "SOP web-procedure"
FROM_ANA = "asked by @U0ANA"


def given_values(**values: Any) -> dict[str, tuple[Any, str]]:
    return {name: (value, FROM_LABEL) for name, value in values.items()}


def test_a_proposal_shows_every_value_that_will_run_and_where_it_is_from() -> None:
    made = propose(
        "service.restart",
        {
            "target": ("checkout-api", FROM_LABEL),
            "probe_url": ("http://127.0.0.1:8000/health", FROM_SOP),
        },
    )
    assert (made.action_id, made.title, made.target) == (
        "service.restart",
        "Restart checkout-api",
        "checkout-api",
    )
    assert made.parameters == (
        Parameter("target", "checkout-api", FROM_LABEL),
        Parameter("grace_seconds", 10, "default"),
        Parameter("probe_url", "http://127.0.0.1:8000/health", FROM_SOP),
    )
    assert (made.risk, made.intent) == ("medium", "restart the service")
    assert made.reversible


def test_a_number_that_came_as_text_becomes_the_number_that_runs() -> None:
    made = propose("service.restart", given_values(target="web", grace_seconds="5"))
    assert Parameter("grace_seconds", 5, FROM_LABEL) in made.parameters


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"target": ""}, "target"),
        ({"target": "web;reboot"}, "target"),
        ({"target": "web\n"}, "target"),
        ({"target": "-rf"}, "target"),
        ({"target": "../etc"}, "target"),
        ({"target": "web api"}, "target"),
        ({"target": "$(id)"}, "target"),
        ({"target": "wéb"}, "target"),
        ({"target": "w" * 101}, "target"),
        ({"target": None}, "target"),
        ({"target": ["web"]}, "target"),
        ({"target": "web", "grace_seconds": 0}, "grace_seconds"),
        ({"target": "web", "grace_seconds": 121}, "grace_seconds"),
        ({"target": "web", "grace_seconds": "soon"}, "grace_seconds"),
        ({"target": "web", "force": True}, "force"),
    ],
)
def test_a_value_that_may_not_run_is_refused_by_its_name(
    values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        propose("service.restart", given_values(**values))
    assert caught.value.field == field
    assert caught.value.message.startswith(f"service.restart: {field}: ")


@pytest.mark.parametrize("target", ["web", "0", "checkout-api", "a.b_c-d", "w" * 100])
def test_these_targets_may_be_named(target: str) -> None:
    assert propose("service.restart", given_values(target=target)).target == target


@pytest.mark.parametrize("origin", [FROM_LABEL, FROM_ANA, "", "the SOP", "sop x"])
def test_an_address_to_probe_comes_from_an_sop_only(origin: str) -> None:
    with pytest.raises(InputError, match="probe_url can only come from an SOP") as caught:
        propose(
            "service.restart",
            {"target": ("web", FROM_SOP), "probe_url": ("http://169.254.169.254/", origin)},
        )
    assert caught.value.field == "probe_url"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x", "web", "", "http://"])
def test_an_address_to_probe_is_http_even_from_an_sop(url: str) -> None:
    with pytest.raises(InputError) as caught:
        propose("service.restart", {"target": ("web", FROM_SOP), "probe_url": (url, FROM_SOP)})
    assert caught.value.field == "probe_url"


@pytest.mark.parametrize(
    "url", ["http://user:pw@web/health", "https://t0ken@web/health", "http://:pw@web/"]
)
def test_an_address_to_probe_tells_no_password(url: str) -> None:
    with pytest.raises(InputError, match="must not hold a user or a password") as caught:
        propose("service.restart", {"target": ("web", FROM_SOP), "probe_url": (url, FROM_SOP)})
    assert caught.value.message.startswith("service.restart: probe_url: ")
    assert "pw" not in caught.value.message
    assert "t0ken" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://web/health?token=s3cret", "http://web/health?token=…"),
        ("http://web/h?a=1&token=s3cret&s3cret#s3cret", "http://web/h?a=…&token=…&…#…"),
        ("http://web/health?token=a=b?c", "http://web/health?token=…"),
        ("http://web:8000/health", "http://web:8000/health"),
    ],
)
def test_the_values_of_an_addresss_query_run_but_are_not_shown(url: str, shown: str) -> None:
    made = propose("service.restart", {"target": ("web", FROM_SOP), "probe_url": (url, FROM_SOP)})
    probe = made.parameters[-1]
    assert (probe.value, probe.shown) == (url, shown)
    assert [p.shown for p in made.parameters[:-1]] == [p.value for p in made.parameters[:-1]]


def test_an_action_that_is_not_in_the_catalogue_is_refused_with_what_is() -> None:
    with pytest.raises(InputError, match=r"disk\.wipe is not in the catalogue") as caught:
        propose("disk.wipe", given_values(target="web"))
    assert caught.value.field == "action"
    assert "Known: service.restart" in caught.value.message


def test_every_entry_says_what_a_person_needs_to_decide() -> None:
    for name, action in CATALOGUE.items():
        assert action.id == name
        assert action.verb
        assert action.intent
        assert action.risk in ("low", "medium", "high")
        assert action.reversible
        assert "target" in action.parameters.model_fields
        assert action.synonyms
        assert all(word == word.lower() for word in action.synonyms)


@given(
    st.dictionaries(
        st.sampled_from(["target", "grace_seconds", "probe_url", "x"]),
        st.tuples(
            st.text(st.characters(codec=None)) | st.integers() | st.none() | st.booleans(),
            st.sampled_from([FROM_LABEL, FROM_SOP, FROM_ANA]),
        ),
    )
)
def test_no_values_do_worse_than_an_input_error(values: dict[str, tuple[Any, str]]) -> None:
    made = None
    with suppress(InputError):
        made = propose("service.restart", values)
    assert made is None or made.target == values["target"][0]
