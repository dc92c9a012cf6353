"""The rules choose the cascade that a new incident joins, and its most probable cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bot.incidents.cascades import Calls, Member, links
from bot.incidents.correlation import Reason
from bot.incidents.perhaps_related import perhaps_related
from bot.incidents.root_cause import cause
from bot.incidents.subject import Scope
from bot.incidents.troubles import Trouble
from tests.helpers.builders import NOW, later

CALLS = Calls.of({"edge": ["web"], "web": ["cart-api"], "cart-api": ["orders-db"]})
SCOPE = Scope("production", "eu-west-1", "web", "errors")


def member(number: int = 1, service: str = "web", at: datetime = NOW, **changes: Any) -> Member:
    scope = replace(SCOPE, service=service, category=changes.pop("category", f"c{number}"))
    fields = {"id": number, "root_id": number, "scope": scope, "service": service}
    return Member(**{**fields, "at": at, "grew_at": at, "came_at": at, **changes})


def rules(new: Member, *members: Member) -> list[tuple[int, Reason]]:
    return [(link.member.id, link.rule) for link in links(new, members, CALLS)]


def test_the_earlier_rule_counts_where_two_link_the_same_cascade() -> None:
    node = member(1, "", runs_on="n1", trouble=Trouble.NODE_DOWN)
    other = member(2, "web", root_id=1, runs_on="n1")
    assert rules(member(0, "web", runs_on="n1"), node, other) == [(1, Reason.NODE_DOWN)]


def test_what_runs_in_a_zone_that_is_down_is_linked_with_the_zone_alone() -> None:
    zone = member(1, "", zone="eu-west-1b", trouble=Trouble.NODE_DOWN)
    node = member(2, "", zone="eu-west-1b", runs_on="n1", trouble=Trouble.NODE_DOWN)
    pod = member(0, "web", zone="eu-west-1b", runs_on="n2")
    assert rules(pod, zone) == [(1, Reason.ZONE_DOWN)]
    assert rules(pod, node) == [], "a node is not its zone"
    assert rules(replace(zone, id=0), node) == [(2, Reason.ZONE_DOWN)], "whichever came first"
    assert rules(replace(pod, zone="eu-west-1a"), zone) == []
    assert rules(replace(pod, zone=""), replace(zone, zone="")) == []
    assert cause([node, zone], CALLS) is zone


@pytest.mark.parametrize(
    ("seconds", "rule"), [(300, [(1, Reason.SYMPTOM)]), (301, []), (-300, [(1, Reason.SYMPTOM)])]
)
def test_a_window_counts_from_the_newest_member(
    seconds: float, rule: list[tuple[int, Reason]]
) -> None:
    older = member(1, at=later(-3600), grew_at=NOW)
    assert rules(member(0, at=later(seconds)), older) == rule


@pytest.mark.parametrize(
    ("behind", "after", "rule"),
    [
        (420, 60, [(1, Reason.SYMPTOM)]),
        (600, 300, [(1, Reason.SYMPTOM)]),
        (600, 301, []),
        (601, 60, []),
        (3600, 0, []),
    ],
)
def test_the_times_of_arrival_count_where_those_of_two_senders_differ_as_clocks_do(
    behind: float, after: float, rule: list[tuple[int, Reason]]
) -> None:
    assert rules(member(0, at=later(-behind), came_at=later(after)), member(1)) == rule
    assert rules(member(0, came_at=later(after)), member(1, at=later(-behind), came_at=NOW)) == rule


def probe(number: int, domain: str = "example.com") -> Member:
    scope = replace(SCOPE, service="host web-shop", category="up", place=f"||{domain}")
    return member(number, "host web-shop", suggested="web_shop", scope=scope)


def test_an_alert_that_only_suggests_a_service_is_linked_with_one_that_names_it() -> None:
    named = member(0, "web_shop")
    assert rules(named, probe(1)) == [(1, Reason.NAMED_ALIKE)]
    assert rules(replace(probe(1), id=0), replace(named, id=2, root_id=2)) == [
        (2, Reason.NAMED_ALIKE)
    ], "whichever came first"
    assert rules(member(0, "web"), probe(1)) == []
    guess = member(3, "", suggested="web_shop")
    assert rules(probe(0, ""), guess) == [], "neither names it"


def test_a_name_links_no_second_host_of_another_domain() -> None:
    first, named = probe(1), member(2, "web_shop", root_id=1)
    assert rules(probe(0, "example.org"), first, named) == []
    assert rules(named, first, probe(3, "example.org")) == [], "one of the two, nobody knows which"


def test_a_deploy_has_a_longer_window() -> None:
    deploy = member(1, trouble=Trouble.DEPLOY)
    assert rules(member(0, at=later(900)), deploy) == [(1, Reason.DEPLOY)]
    assert rules(member(0, at=later(901)), deploy) == []


@pytest.mark.parametrize("change", [{"env": "staging"}, {"region": "us-east-1"}])
def test_another_place_is_another_cascade(change: dict[str, str]) -> None:
    other = member(1)
    assert rules(member(0), replace(other, scope=replace(other.scope, **change))) == []


def test_a_new_incident_of_unknown_region_joins_neither_of_two_regions() -> None:
    here, there = member(1), member(2)
    there = replace(there, scope=replace(there.scope, region="us-east-1"))
    new = member(0)
    new = replace(new, scope=replace(new.scope, region="-"))
    assert rules(new, here) == [(1, Reason.SYMPTOM)]
    assert rules(new, here, there) == []


def placed(new: Member, **place: str) -> Member:
    return replace(new, scope=replace(new.scope, **place))


ELSEWHERE = [({"region": "-"}, {"region": "us-east-1"}), ({"env": "-"}, {"env": "staging"})]


@pytest.mark.parametrize(("unknown", "other"), ELSEWHERE, ids=["region", "environment"])
def test_a_member_of_unknown_place_brings_no_second_place_into_its_cascade(
    unknown: dict[str, str], other: dict[str, str]
) -> None:
    root, vague = member(1, "web"), placed(member(2, "cart_api", root_id=1), **unknown)
    store = member(0, "orders_db")
    assert rules(store, root, vague) == [(2, Reason.CALLS)]
    assert rules(placed(store, **other), root, vague) == []
    vague_root, child = replace(vague, id=1), replace(root, id=2, root_id=1)
    assert rules(placed(store, **other), vague_root, child) == [], "a child counts as its root"
    merged = placed(member(3, "cart_api", root_id=1), **other)
    assert rules(placed(store, **other), root, merged) == [(3, Reason.CALLS)], "a person did that"


@pytest.mark.parametrize(("unknown", "other"), ELSEWHERE, ids=["region", "environment"])
def test_two_cascades_whose_members_contradict_each_other_are_not_brought_together(
    unknown: dict[str, str], other: dict[str, str]
) -> None:
    here = [member(1, "edge"), placed(member(2, "web", root_id=1), **unknown)]
    there = [placed(member(3, "mail"), **other), placed(member(4, "web", root_id=3), **unknown)]
    new = placed(member(0, "cart_api"), **unknown)
    assert rules(new, *here) == [(2, Reason.CALLS)]
    assert rules(new, *here, *there) == []


def test_what_a_person_merged_keeps_no_two_cascades_apart() -> None:
    here, there = member(1, "edge"), member(3, "orders_db")
    merged = placed(member(2, "mail", root_id=1), region="us-east-1")
    calls = Calls.of({"cart-api": ["edge", "orders-db"]})
    new = member(0, "cart_api")
    linked = [link.member.id for link in links(new, [here, merged, there], calls)]
    assert linked == [1, 3]


def test_two_large_cascades_are_compared_by_their_regions_and_not_by_their_members(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[Scope] = []
    compare = Scope.is_of_another_region

    def counting(scope: Scope, other: Scope) -> bool:
        compared.append(other)
        return compare(scope, other)

    monkeypatch.setattr(Scope, "is_of_another_region", counting)
    members = [
        placed(member(n, f"s{n}", root_id=1 + n % 2), region="-" if n % 3 else "eu-west-1")
        for n in range(3, 403)
    ]
    members += [member(1, "edge"), member(2, "orders_db")]
    calls = Calls.of({"cart-api": ["edge", "orders-db"]}, apart={"edge": ["mail"]})
    assert len(links(member(0, "cart_api"), members, calls)) == 2
    assert len(compared) < 5 * len(members), "each member a few times, and not each with each"


def test_clusters_of_one_region_may_have_their_store_in_common() -> None:
    root = member(1, "cart_api")
    child = placed(member(2, "web", root_id=1), place="prod-a||")
    root = placed(root, place="")
    assert rules(placed(member(0, "web"), place="prod-b||"), root, child) == [(1, Reason.CALLS)]


def test_without_a_service_or_a_node_nothing_is_linked() -> None:
    assert rules(member(0, ""), member(1, "")) == []


def test_a_member_links_all_cascades_that_it_touches_the_oldest_first() -> None:
    members = [member(7, "orders_db"), member(3, "web")]
    assert rules(member(0, "cart_api"), *members) == [(3, Reason.CALLS), (7, Reason.CALLS)]


@pytest.mark.parametrize(
    ("members", "number"),
    [
        ([member(1, "web"), member(2, "cart_api"), member(3, "orders_db")], 3),
        ([member(1, "web"), member(2, "cart_api")], 2),
        ([member(1, "orders-db"), member(2, "", trouble=Trouble.NODE_DOWN)], 2),
        ([member(1, "web"), member(2, "web", trouble=Trouble.DEPLOY)], 2),
        ([member(1, "web", at=later(9)), member(2, "web")], 2),
        (
            [
                member(1, "edge", category="errors"),
                member(2, "mail", category="errors", at=later(-9)),
                member(3, "queue", category="availability"),
            ],
            3,
        ),
    ],
    ids=[
        "the store that is called",
        "the callee",
        "the node",
        "the deploy",
        "the earliest",
        "the one that is down",
    ],
)
def test_the_most_probable_cause_is(members: list[Member], number: int) -> None:
    assert cause(members, CALLS).id == number


def test_only_a_close_neighbour_of_the_namespace_is_perhaps_related() -> None:
    new = member(0, "search", namespace="shop")
    near = member(1, "mail", namespace="shop", at=later(-60))
    assert perhaps_related(new, [near]) is near
    for other in (
        replace(near, at=later(-61)),
        replace(near, namespace="bank"),
        replace(near, trouble=Trouble.SLOW),
    ):
        assert perhaps_related(new, [other]) is None
