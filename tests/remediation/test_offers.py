"""The gateway's list of actions: somebody else's text, read within bounds or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import InputError
from bot.incidents.remediation import Risk
from bot.remediation.catalogue import CATALOGUE, actions_with, propose
from bot.remediation.contract import ActionInfo, ActionList, TargetInfo
from bot.remediation.offers import NO_OFFERS, read_offers
from bot.remediation.schemas import SchemaProblem, fields_of

REGION = {"type": "string", "pattern": "^(?:[a-z]{2}-[a-z]+)$"}
BATCH = {"type": "integer", "minimum": 1, "maximum": 500, "default": 50, "title": "Batch"}


def schema(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list(required),
    }


def listed(*actions: ActionInfo, **targets: tuple[str, ...]) -> ActionList:
    return ActionList(
        actions=actions,
        targets=tuple(TargetInfo(name=name, actions=ids) for name, ids in targets.items()),
    )


def warm(**more: Any) -> ActionInfo:
    parameters = schema(("region",), region=REGION, batch=BATCH)
    fields = {"id": "cache.warm", "title": "Warm the cache", "parameters": parameters} | more
    return ActionInfo(**fields)


def values(**given_values: Any) -> dict[str, tuple[Any, str]]:
    return {name: (value, "asked by @U1") for name, value in given_values.items()}


def test_an_action_that_only_the_gateway_knows_is_proposed_with_high_risk_and_checked_values():
    offers = read_offers(listed(warm(risk="low", inverse="cache.cool"), web=("cache.warm",)))
    actions = actions_with(offers)
    made = propose("cache.warm", values(target="web", region="eu-west"), actions=actions)
    assert made.title == "Warm the cache on web"
    assert made.risk == Risk.HIGH, "a gateway cannot lower a risk"
    assert made.reversible == "yes, by cache.cool"
    assert {p.name: p.value for p in made.parameters} == {
        "target": "web",
        "region": "eu-west",
        "batch": 50,
    }


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"region": "EU"}, "region"),
        ({"region": "eu-west\n"}, "region"),
        ({"region": "eu-west", "batch": 501}, "batch"),
        ({"region": "eu-west", "batch": "many"}, "batch"),
        ({"region": "eu-west", "shell": "sh"}, "shell"),
        ({}, "region"),
    ],
)
def test_a_value_that_does_not_fit_the_gateways_schema_is_refused(parameters, field):
    actions = actions_with(read_offers(listed(warm(), web=("cache.warm",))))
    with pytest.raises(InputError) as refused:
        propose("cache.warm", values(target="web", **parameters), actions=actions)
    assert refused.value.field == field


@pytest.mark.attack("ASI07")
def test_a_gateway_cannot_change_what_the_bot_decides_by_itself():
    harmless = warm(id="service.stop", risk="low", title="Do nothing", parameters=schema())
    offers = read_offers(listed(harmless, web=("service.stop",)))
    assert actions_with(offers)["service.stop"] is CATALOGUE["service.stop"]


@pytest.mark.attack("ASI07")
@pytest.mark.parametrize(
    "parameters",
    [
        schema(x={"$ref": "#/$defs/x"}),
        schema(x={"type": "array", "items": {"type": "string"}}),
        schema(x={"type": "object"}),
        schema(x={"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        schema(x={"type": "string", "format": "regex"}),
        schema(x={"type": "string", "maxLength": "9"}),
        schema(x={"type": "integer", "multipleOf": 3}),
        schema(x={"type": "integer", "minimum": "0"}),
        schema(x={"type": "integer", "default": {"a": 1}}),
        schema(x={"type": "integer", "default": "5"}),
        schema(x={"type": "integer", "maximum": 5, "default": 6}),
        schema(x={"type": "string", "default": "x" * 501}),
        schema(x={"enum": []}),
        schema(x={"enum": [{"a": 1}]}),
        schema(target={"type": "string"}),
        schema(probe_url={"type": "string"}),
        schema(__class__={"type": "string"}),
        schema(**{f"x{n}": {"type": "string"} for n in range(31)}),
        {"$defs": {}, "properties": {}},
        {"properties": []},
    ],
)
def test_a_schema_outside_of_the_small_language_makes_an_action_that_cannot_be_requested(
    parameters,
):
    with pytest.raises(SchemaProblem):
        fields_of(parameters)
    offers = read_offers(listed(warm(parameters=parameters), web=("cache.warm",)))
    assert offers.actions["cache.warm"].problem
    assert "cache.warm" not in actions_with(offers)


@pytest.mark.attack("ASI07")
def test_names_and_sentences_of_a_hostile_list_are_dropped_or_cut():
    many = {f"t{n}": ("cache.warm",) for n in range(6_000)}
    offers = read_offers(
        listed(
            warm(title="x\u202e" * 900, blast="a\nb", inverse="rm -rf /"),
            warm(id="Cache Warm"),
            warm(id="a." * 60),
            **many,
            **{"bad name": ("cache.warm",), "sopbot": ("cache.warm",)},
        )
    )
    assert set(offers.actions) == {"cache.warm"}
    action = offers.actions["cache.warm"]
    assert len(action.title) <= 100
    assert "\u202e" not in action.title
    assert (action.blast, action.inverse) == ("a b", "")
    assert len(offers.targets) == 5_000
    assert not {"bad name", "sopbot"} & offers.targets.keys()


def test_a_gateway_that_lists_no_targets_is_read_by_the_targets_of_its_actions():
    old = ActionInfo(id="service.restart", targets=("web",), parameters=schema())
    offers = read_offers(ActionList(actions=(old,), environments={"web": "production"}))
    assert offers.targets["web"].environment == "production"
    assert [a.id for a in offers.of_target("web", mutating=True)] == ["service.restart"]
    assert NO_OFFERS.of_target("web", mutating=True) == []


def test_the_schemas_of_our_own_gateway_are_all_in_the_small_language():
    from bot.gateway.executors.registry import built_in_actions

    unreadable = {}
    for action in built_in_actions().values():
        try:
            fields_of(action.parameters.model_json_schema())
        except SchemaProblem as problem:
            unreadable[action.id] = str(problem)
    assert not unreadable, "write its parameters as flat numbers, text, choices and booleans"
