from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gateway.catalogue import ACTIONS, Catalogue
from bot.gateway.config import read_config
from bot.gateway.errors import Invalid
from bot.gateway.intents import read_intent
from bot.remediation.catalogue import CATALOGUE
from bot.remediation.contract import ExecuteRequest, canonical_json

TARGETS = read_config(
    {
        "targets": {
            "checkout-api": {"executor": "process", "argv": ["serve", "--port", "1"]},
            "web": {"executor": "docker", "container": "web-1"},
        }
    }
).targets
OFFERED = Catalogue(TARGETS)


@pytest.mark.parametrize(
    ("intent", "action"),
    [
        ("restart the service", "service.restart"),
        ("Restart the service.", "service.restart"),
        ("restart checkout-api", "service.restart"),
        ("restart the service checkout-api", "service.restart"),
        ("check container status", "service.status"),
        ("show service status and health", "service.status"),
        ("check if service is healthy", "service.status"),
        ("show recent logs", "service.logs"),
        ("show recent error logs", "service.logs"),
        ("stop the service", "service.stop"),
        ("stop checkout-api", "service.stop"),
        ("start the service", "service.start"),
        ("Show memory and CPU usage", "service.stats"),
    ],
)
def test_the_known_sentences_mean_their_actions(intent, action):
    assert read_intent(intent, "", "checkout-api") == (action, {})


@pytest.mark.parametrize("action", CATALOGUE.values(), ids=CATALOGUE)
def test_every_sentence_that_the_bot_sends_means_its_action_here(action):
    assert read_intent(action.intent, "", "checkout-api") == (action.id, {})
    assert action.id in ACTIONS


@pytest.mark.parametrize(
    ("intent", "context", "lines"),
    [
        ("show last 20 lines", "", 20),
        ("show the last 7 lines of the logs", "Requesting 9 lines", 7),
        ("show recent logs", "Requesting 120 lines, error level only", 120),
    ],
)
def test_a_number_of_lines_is_read(intent, context, lines):
    assert read_intent(intent, context, "web") == ("service.logs", {"lines": lines})


@pytest.mark.parametrize(
    "intent",
    [
        "",
        "do not restart the service",
        "restart the service and delete its data",
        "restart ledger",
        "execute command: restart",
        "restart the service; ls",
    ],
)
def test_a_sentence_that_no_rule_matches_whole_is_refused_with_the_known_ones(intent):
    with pytest.raises(Invalid, match="restart the service") as caught:
        read_intent(intent, "", "checkout-api")
    assert caught.value.code == "UNSUPPORTED_INTENT"


# Text without lone surrogates: JSON over the wire cannot carry those, see test_http.
plain_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
hostile = st.sampled_from(
    ["; ls", "$(ls)", "`ls`", "| sh", "&& ls", "\n ls", "--privileged", "../x", "web", "{}", "%s"]
)
texts = st.one_of(plain_texts, hostile, st.builds(str.__add__, st.sampled_from([
    "restart the service", "show recent logs", "check container status", "web", "checkout-api",
]), hostile))  # fmt: skip
values = st.one_of(st.none(), st.booleans(), st.integers(), texts, st.lists(texts, max_size=2))


@given(
    name=st.one_of(texts, st.sampled_from(sorted(TARGETS))),
    intent=texts,
    context=texts,
    action=st.none()
    | st.fixed_dictionaries(
        {
            "id": st.one_of(texts, st.sampled_from(sorted(ACTIONS))),
            "parameters": st.dictionaries(
                st.one_of(texts, st.sampled_from(["grace_seconds", "lines"])), values, max_size=3
            ),
        }
    ),
)
def test_only_declared_values_and_small_numbers_pass_for_any_text(name, intent, context, action):
    body = {
        "source_id": "s",
        "target_resource": {"name": name},
        "action_request": {"intent": intent, "context": context, "action": action},
    }
    try:
        call = OFFERED.resolve(ExecuteRequest.model_validate_json(canonical_json(body)))
    except ValueError:
        assert not name or (action is not None and not action["id"])  # too short: refused earlier
        return
    except Invalid:
        return
    assert call.config is TARGETS[name]
    assert call.action is ACTIONS[call.action.id]
    limits = {"grace_seconds": range(1, 121), "lines": range(1, 501)}
    for parameter, value in call.parameters.items():
        assert type(value) is int
        assert value in limits[parameter]
