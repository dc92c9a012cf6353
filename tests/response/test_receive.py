"""Receiving a delivery: each alert gets its keys, and repeats are told from new alerts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bot.incidents.correlation import DeliveryPart, IdentifiedAlert
from bot.incidents.keys import sop_id_of
from bot.incidents.routes import Route
from bot.incidents.services import Catalogue, Service
from bot.incidents.sops import SopLibrary
from bot.response.receive import ALERTS_A_STEP, Delivery, name_all, named_in_steps
from tests.helpers.builders import NOW, alert

SOPS = SopLibrary.load([("sops.jsonl", '{"sop_id": "web-cpu", "keys": ["svc:web"]}')])


def test_each_telling_of_a_standing_alert_has_its_own_key_that_begins_the_same():
    firing_alert = alert(starts_at=NOW)
    first, second = (
        next(name_all(Delivery(key, "C1", [firing_alert], repeats=True), SOPS, NOW))
        for key in ("http/1", "http/2")
    )
    assert first.series_key == second.series_key
    assert first.dedup_key != second.dedup_key
    assert first.dedup_key.startswith(first.series_key)


def test_a_sender_that_does_not_repeat_itself_is_told_apart_by_its_delivery():
    (item,) = name_all(Delivery("slack/C1/1.5/", "C1", [alert(starts_at=NOW)]), SOPS, NOW)
    assert (item.series_key, item.edit_of, item.dedup_key) == ("", None, "slack/C1/1.5/#0")


def test_an_edit_says_which_message_it_changes():
    delivery = Delivery("slack/C1/1.5/2", "C1", [alert(), alert()], edit_of="slack/C1/1.5/")
    assert [edit.edit_of for edit in name_all(delivery, SOPS, NOW)] == [
        DeliveryPart("slack/C1/1.5/", 0),
        DeliveryPart("slack/C1/1.5/", 1),
    ]


@pytest.mark.parametrize(
    ("service", "own", "expected"),
    [
        ("web", "own", "web-cpu"),
        ("api", "own", "own"),
        ("api", "", sop_id_of("prod|api|cpu|high")),
    ],
    ids=["the matched rule's", "else the alert's own", "else the key's hash"],
)
def test_the_sop_id_of_an_alert_is(service: str, own: str, expected: str) -> None:
    incoming = alert(service=service, sop_id=own, env="prod", category="cpu")
    (identified,) = name_all(Delivery("d", "C1", [incoming]), SOPS, NOW)
    assert identified.sop_id == expected


def test_only_the_library_counts_as_a_match():
    ours, theirs = alert(), alert(service="api", sop_id="their-procedure")
    named = list(name_all(Delivery("d", "C1", [ours, theirs]), SOPS, NOW))
    assert [(item.sop_id, item.sop_matched) for item in named] == [
        ("web-cpu", True),
        ("their-procedure", False),
    ]


async def test_the_event_loop_goes_on_while_a_delivery_of_many_alerts_is_named() -> None:
    others: list[int] = []
    named_so_far = 0

    async def something_else() -> None:
        while named_so_far < 500:
            others.append(named_so_far)
            await asyncio.sleep(0)

    def counted() -> Iterator[IdentifiedAlert]:
        nonlocal named_so_far
        for name in name_all(Delivery("d", "C1", [alert()] * 500), SOPS, NOW):
            named_so_far += 1
            yield name

    other = asyncio.create_task(something_else())
    assert len(await named_in_steps(counted())) == 500
    await other
    assert others == list(range(ALERTS_A_STEP, 500, ALERTS_A_STEP))


# Declared names

SHOP = Service(name="shop", aliases=("www",), environment="production", channel="C0SHOP")
KEYS = '{"sop_id": "shop-prod", "keys": ["svc:shop", "env:production", "region:eu-west-1"]}'


def declared(posted: bool = False, **changes: object) -> IdentifiedAlert:
    library = SopLibrary.load([("sops.jsonl", KEYS)], services=Catalogue.of([SHOP]))
    delivery = Delivery("d", "C1", [alert(**{"env": "", **changes})], posted=posted)
    (identified,) = name_all(delivery, library, NOW)
    return identified


def test_the_keys_of_an_sop_see_the_declared_names() -> None:
    assert declared(service="www", region="eu-west-1a").sop_id == "shop-prod"
    assert declared(service="www", region="eu-west-1a", env="staging").sop_id != "shop-prod"
    assert declared(service="www", region="us-east-1").sop_id != "shop-prod"
    assert declared(service="WWW prod", labels={"cluster": "prod-euw1"}).sop_id == "shop-prod"


def test_the_card_of_a_declared_service_goes_to_its_channel_unless_a_message_brought_it() -> None:
    assert declared(service="www").channel == "C0SHOP"
    assert declared(service="other").channel == ""
    assert declared(posted=True, service="www").channel == ""
    route = Route.model_validate({"match": {"service": "shop"}, "channel": "C0ROUTE"})
    library = SopLibrary(services=Catalogue.of([SHOP]))
    delivery = Delivery("d", "C1", [alert(service="www")])
    (routed,) = name_all(delivery, library, NOW, routes=[route])
    assert routed.channel == "C0ROUTE", "the operator's route decides first"


def test_the_incident_key_keeps_the_senders_own_words() -> None:
    assert declared(service="www", env="live").incident_key == "live|www|cpu|high"


@pytest.mark.parametrize(
    ("word", "labels", "service"),
    [
        ("app", {"container": "app", "pod": "shop-7d9f8b6c5-x2x9k"}, "shop"),
        ("kube-state-metrics", {"deployment": "shop"}, "shop"),
        ("", {"pod": "shop-db-0"}, "shop-db"),
        ("node-exporter", {"instance": "10.0.0.1:9100"}, "node-exporter"),
        ("www", {"pod": "other-0"}, "www"),
    ],
)
def test_an_alert_whose_word_names_no_service_gets_that_of_its_subject(
    word: str, labels: dict[str, str], service: str
) -> None:
    where = next((f"label {name}" for name in labels if labels[name] == word), "field")
    identified = declared(service=word, labels=labels, read_from={"service": where})
    assert identified.alert.service == service
    assert identified.incident_key == f"-|{service.replace('-', '_')}|cpu|high"
    assert (
        identified.subject
        == declared(service=service, labels=labels, read_from=identified.alert.read_from).subject
    )
