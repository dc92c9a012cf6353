"""`python -m bot services suggest` proposes what services.yaml should declare from corrections."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from bot.__main__ import main
from bot.incidents.cascades import Calls, Member, links
from bot.incidents.service_file import parse_services
from bot.incidents.services import NO_SERVICES, Catalogue, Service
from bot.incidents.subject import Scope
from bot.services_command.proposals import proposals
from store import open_store
from store.operations.history import Correction
from tests.helpers.builders import NOW, alert, deliver


def correction(
    kind: Literal["split", "merge"],
    service: str,
    root: str,
    *,
    first: bool = False,
    facts: dict[str, Any] | None = None,
) -> Correction:
    return Correction(kind, 2, 1, service, root, first, "calls" if facts else "", facts or {})


def of(*corrections: Correction, services: Catalogue = NO_SERVICES) -> list[tuple[str, str, str]]:
    calls = Calls.of(services.calls({}), services.apart())
    proposed, _ = proposals(corrections, services, calls)
    return [(item.service, item.key, item.value) for item in proposed]


def test_a_merge_proposes_a_call_to_the_service_that_began_first() -> None:
    assert of(correction("merge", "web", "orders_db")) == [("web", "depends_on", "orders_db")]
    assert of(correction("merge", "orders_db", "web", first=True)) == [
        ("web", "depends_on", "orders_db")
    ]


def test_a_merge_of_two_spellings_proposes_an_alias_of_the_declared_one() -> None:
    services = Catalogue.of([Service(name="payments-api")])
    merge = correction("merge", "payment_api", "payments_api")
    assert of(merge, services=services) == [("payments_api", "aliases", "payment_api")]


def test_a_split_proposes_to_keep_the_two_apart_that_the_rule_had_linked() -> None:
    """The root may be a third service."""
    facts = {"caller": "web", "callee": "cache"}
    assert of(correction("split", "web", "orders_db", facts=facts)) == [("cache", "apart", "web")]


def test_what_is_declared_or_both_ways_proposes_nothing_and_is_counted() -> None:
    services = Catalogue.of(
        [Service(name="web", depends_on=("db",)), Service(name="cache", apart=("mail",))]
    )
    calls = Calls.of(services.calls({}), services.apart())
    proposed, unused = proposals(
        [
            correction("merge", "web", "db"),
            correction("split", "mail", "cache"),
            correction("merge", "a1", "b2"),
            correction("split", "a1", "b2"),
            correction("merge", "web", "web"),
            correction("split", "web", "node 10.0.0.1"),
        ],
        services,
        calls,
    )
    assert (proposed, unused) == ([], 6)


def test_the_pair_that_people_corrected_most_often_comes_first() -> None:
    often = [correction("split", "mail", "cache")] * 3
    proposed = of(correction("merge", "web", "db"), *often)
    assert [service for service, *_ in proposed] == ["cache", "web"]


# The key `apart`


def member(service: str, number: int = 0, root: int = 0) -> Member:
    scope = Scope("production", "-", service, "errors")
    times = dict.fromkeys(("at", "grew_at", "came_at"), NOW)
    return Member(id=number, root_id=root, scope=scope, service=service, **times)


def test_services_that_are_declared_apart_are_not_linked_and_link_no_two_cascades() -> None:
    depends_on = {"web": ["db", "cache"]}
    alone = Calls.of(depends_on, {"cache": ["web"]})
    assert links(member("web"), [member("cache", 1, 1)], alone) == []
    assert len(links(member("web"), [member("cache", 1, 1)], Calls.of(depends_on))) == 1
    # A third service calls both: it joins neither, because it would link the two.
    apart = Calls.of({"web": ["db", "cache"]}, {"db": ["Cache"]})
    assert links(member("web"), [member("cache", 1, 1), member("db", 2, 2)], apart) == []


def test_apart_is_read_from_the_file_by_any_spelling() -> None:
    text = "services: {OrdersDb: {apart: [report]}, reports: {aliases: [report]}}"
    services = parse_services(text, file="services.yaml")
    assert services.apart() == {"OrdersDb": {"reports"}}
    assert Calls.of({}, services.apart()).apart == {frozenset({"orders_db", "reports"})}


# From the store to the page


def test_splits_and_merges_in_a_store_are_printed_as_yaml_that_keeps_them_from_happening_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STORE_URL", f"sqlite:///{tmp_path}/sopbot.db")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/policy.yaml").write_text("correlate: {depends_on: {web: [db]}}")

    async def history() -> None:
        store = await open_store(f"sqlite:///{tmp_path}/sopbot.db", owner="bot-a")
        ids = [
            await deliver(
                store,
                alert(service=name, fingerprint=name, category="errors"),
                at=NOW + timedelta(minutes=minutes),
            )
            for name, minutes in (("edge", 0), ("stripe", 1), ("db", 20), ("web", 21))
        ]
        await store.merge(ids[1], ids[0], "U1", NOW + timedelta(minutes=30))
        await store.merge(ids[3], ids[2], "U1", NOW + timedelta(minutes=31))
        await store.split(ids[3], "U1", NOW + timedelta(minutes=32))
        await store.split(ids[3], "U1", NOW + timedelta(minutes=33))  # a root: changes nothing
        await store.close()

    asyncio.run(history())
    assert main(["services", "suggest"]) == 0
    out = capsys.readouterr().out
    declared = parse_services(out, file="services.yaml")
    assert declared.calls({})["stripe"] == {"edge"}
    assert "# people merged INC-2 and INC-1" in out
    assert "# 2 corrections propose nothing: one service, no service, or both ways." in out
