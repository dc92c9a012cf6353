"""A target has one gateway, and several gateways offer one list together."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import GatewayUnavailable, InputError
from bot.gateway_file import parse_gateways
from bot.remediation.contract import ActionInfo, ActionList, TargetInfo
from bot.remediation.gateways import Gateways, NamedGateway
from bot.remediation.offers import NO_OFFERS, Offers, merged, read_offers

CLIENT: Any = None


def listed(*targets: str, **action: Any) -> Offers:
    grace = {"type": "integer", "minimum": 1, "description": "seconds"}
    info = ActionInfo(
        **{
            "id": "service.restart",
            "targets": targets,
            "parameters": {"type": "object", "properties": {"grace_seconds": grace}},
        }
        | action
    )
    own = tuple(TargetInfo(name=name, actions=(info.id,)) for name in targets)
    return read_offers(ActionList(actions=(info,), targets=own))


def _all(_gateway: str, _target: str) -> bool:
    return True


def routed(offers: Offers, *, payments: tuple[str, ...] = (), search: tuple[str, ...] = ()) -> Any:
    gateways = Gateways(
        [
            NamedGateway(CLIENT),
            NamedGateway(CLIENT, "payments", targets=payments),
            NamedGateway(CLIENT, "search", targets=search),
        ],
        lambda: offers,
    )
    return lambda target: gateways.for_target(target).name


def test_a_target_is_acted_on_by_the_gateway_that_lists_it_and_else_by_that_of_the_settings():
    route = routed(merged({"": listed("web"), "payments": listed("pay")}, _all))
    assert [route(name) for name in ("web", "pay", "unknown")] == ["", "payments", ""]


def test_a_name_that_no_gateway_lists_goes_to_the_one_whose_targets_name_it():
    route = routed(NO_OFFERS, payments=("pay-*",), search=("*-search",))
    assert [route(name) for name in ("pay-api", "web-search", "web")] == ["payments", "search", ""]
    with pytest.raises(InputError, match="Two gateways have a target pay-search"):
        route("pay-search")


def test_a_target_of_two_gateways_is_offered_by_neither_and_routed_to_neither():
    offers = merged({"": listed("web", "db"), "payments": listed("web")}, _all)
    assert (set(offers.targets), offers.clashes) == ({"db"}, {"web": ("", "payments")})
    with pytest.raises(InputError, match="default, payments"):
        routed(offers)("web")


def test_a_gateway_cannot_claim_a_target_that_the_operator_does_not_give_it():
    gateways = {"": NamedGateway(CLIENT), "payments": NamedGateway(CLIENT, targets=("pay-*",))}
    lists = {"": listed("web"), "payments": listed("web", "pay-api")}
    offers = merged(lists, lambda name, target: gateways[name].may_offer(target))
    assert {name: target.gateway for name, target in offers.targets.items()} == {
        "web": "",
        "pay-api": "payments",
    }


def test_an_action_that_a_later_gateway_calls_harmless_is_not_requested_there():
    other = listed("pay", mutating=False)
    offers = merged({"": listed("web"), "payments": other}, _all)
    assert offers.differing == (("payments", "service.restart"),)
    assert [a.id for a in offers.of_target("web", mutating=True)] == ["service.restart"]
    assert offers.targets["pay"].actions == ()


def test_an_action_that_a_later_gateway_takes_back_otherwise_is_not_requested_there():
    first = listed("web", id="queue.pause", inverse="queue.purge")
    later = listed("pay", id="queue.pause", inverse="queue.resume")
    offers = merged({"": first, "payments": later}, _all)
    assert offers.differing == (("payments", "queue.pause"),)
    assert offers.targets["pay"].actions == ()


def test_two_gateways_that_only_describe_an_action_in_other_schema_both_offer_it():
    schema = {"type": "object", "properties": {"grace_seconds": {"type": "integer", "minimum": 1}}}
    offers = merged({"": listed("web"), "payments": listed("pay", parameters=schema)}, _all)
    assert (offers.differing, set(offers.targets)) == ((), {"web", "pay"})
    assert offers.targets["pay"].actions == ("service.restart",)
    schema["properties"]["grace_seconds"]["minimum"] = 0
    differing = merged({"": listed("web"), "payments": listed("pay", parameters=schema)}, _all)
    assert differing.targets["pay"].actions == ()


def test_a_gateway_that_is_not_declared_any_more_is_not_replaced_by_another():
    with pytest.raises(GatewayUnavailable, match="old is not declared any more"):
        Gateways([NamedGateway(CLIENT)]).named("old")


URL = "url: http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gateways: {Pay ments: {url: http://a}}", "must be a name: a-z, 0-9 and '-'"),
        ("gateways: {default: {url: http://a}}", "the name of the gateway of the settings"),
        ("gateways: {pay: {}}", "gateways.pay.url"),
        ("gateways: {pay: {url: ftp://a}}", "must be an address"),
        (f"gateways: {{pay: {{{URL}, secret: x}}}}", "gateways.pay.secret"),
        (f"gateways: {{pay: {{{URL}, timeout: 0}}}}", "gateways.pay.timeout"),
        (f"gateways: {{pay: {{{URL}, targets: ['$(id)']}}}}", "must be a target's name, or a glob"),
        (f"gateways: {{pay: {{{URL}, client_cert: a}}}}", "client_key belong together"),
        (f"gateways: {{pay: {{{URL}, ca_file: a}}}}", "would not be used"),
        ("gateways: {pay: {url: http://a, token_file: a}}", "can read the token"),
        (f"gateways: {{pay: {{{URL}}}, pay: {{{URL}}}}}", "pay"),
        ("[]", "must be a mapping with the key gateways"),
        ("gateways: {{", "gateways.yaml"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(text: str, problem: str):
    with pytest.raises(InputError) as refused:
        parse_gateways(text, file="config/gateways.yaml")
    assert "gateways.yaml" in refused.value.message
    assert problem in refused.value.message


def test_an_empty_file_declares_no_gateway_and_a_short_entry_needs_only_its_address():
    assert parse_gateways("gateways:\n", file="g.yaml") == {}
    (declared,) = parse_gateways(f"gateways: {{pay: {{{URL}}}}}", file="g.yaml").values()
    assert (declared.secret_file, declared.targets, declared.required) == (None, (), None)
