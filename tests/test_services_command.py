"""`python -m bot services`: drafts services.yaml, and suggests calls; it never writes a file."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.incidents.cascades import NO_CALLS, Calls
from bot.incidents.environments import DEFAULT
from bot.incidents.model import Alert
from bot.incidents.service_file import parse_services
from bot.incidents.services import NO_SERVICES, Catalogue, Service
from bot.incidents.subject import Scope
from bot.services_command.draft import Seen, are_alike, look_at, yaml_of
from bot.services_command.suggest import suggestions
from store import open_store
from tests.helpers.builders import NOW, alert, deliver


def drafted(*alerts: Alert, services: Catalogue = NO_SERVICES) -> str:
    seen: Seen = {}
    for item in alerts:
        look_at(seen, item, DEFAULT, services)
    return "\n".join(yaml_of(seen, ["drafted"]))


def parse(text: str) -> Catalogue:
    return parse_services(text, file="services.yaml")


# The draft


def test_a_draft_is_a_valid_file_that_says_how_often_each_was_seen() -> None:
    shop = [alert(service="shop", labels={"namespace": "shop-prod"})] * 12
    other = [alert(service="SHOP prod", source="datadog"), alert(service="web", env="staging")]
    text = drafted(*shop, *other)
    assert parse(text).services == {
        "shop": Service(name="shop", environment="production", namespaces=("shop-prod",)),
        "web": Service(name="web"),
    }
    assert "# 13 alerts, from alertmanager (12), datadog (1)" in text
    assert "# also written SHOP prod (1), which the bot reads as the same" in text
    assert "# 1 alert, from alertmanager (1)\n  # environments: staging (1)" in text


def test_a_draft_leaves_out_what_is_declared_guessed_or_no_service() -> None:
    text = drafted(
        alert(service="shop"),
        alert(service="inbox", read_from={"service": "guess"}),
        alert(service="node-exporter", read_from={"service": "label job"}),
        services=Catalogue.of([Service(name="store", aliases=("shop",))]),
    )
    assert text == "# drafted\nservices: {}"


def test_a_namespace_or_an_environment_of_several_is_not_drafted() -> None:
    labels = {"namespace": "shop"}
    both = [alert(service=name, labels=labels, env=env) for name in "ab" for env in ("prod", "dev")]
    text = drafted(*both * 10)
    assert parse(text).services == {"a": Service(name="a"), "b": Service(name="b")}
    assert text.count("# environments: production (10), development (10)") == 2


@pytest.mark.attack("ASI05")
@pytest.mark.parametrize(
    "name",
    ["x: {depends_on: [y]}", "a\n  evil: {}", "- [", "# no", "!!python/none x", "'\"", "null"],
)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    declared = parse(drafted(alert(service=name, source="a\nb: c"))).services
    assert len(declared) <= 1
    assert all(service == Service(name=word) for word, service in declared.items())


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("checkout", "checkout_svc", True),
        ("checkout_api", "checkoutapi", True),
        ("payment_api", "payments_api", True),
        ("orders_db", "orders_db_service", True),
        ("web_1", "web_2", False),
        ("checkout", "catalog", False),
    ],
)
def test_spellings_that_may_be_one_service_are_pointed_out(
    first: str, second: str, alike: bool
) -> None:
    assert are_alike(first, second) is are_alike(second, first) is alike


# The commands


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STORE_URL", f"sqlite:///{tmp_path}/sopbot.db")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/policy.yaml").write_text("correlate: {depends_on: {web: [db]}}")
    return tmp_path


def fill(folder: Path, *alerts: tuple[Alert, datetime]) -> None:
    async def filling() -> None:
        store = await open_store(f"sqlite:///{folder}/sopbot.db", owner="bot-a")
        for item, at in alerts:
            await deliver(store, item, at=at)
        await store.close()

    asyncio.run(filling())


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.rglob("*") if not file.name.startswith("sopbot.db")}


def test_the_draft_of_a_store_is_printed_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(folder, (alert(service="shop"), NOW), (alert(service="web", fingerprint="w"), NOW))
    before = names_in(folder)
    assert main(["services", "draft"]) == 0
    out = capsys.readouterr().out
    assert set(parse(out).services) == {"shop", "web"}
    assert "newest 2 alerts" in out
    assert names_in(folder) == before


def test_without_a_store_nothing_is_drafted_and_none_is_made(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["services", "draft"]) == 1
    assert capsys.readouterr().err.startswith("✗ ")
    assert not (folder / "sopbot.db").exists()


BACKSTAGE = """
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout-api
  title: Checkout
  annotations:
    backstage.io/kubernetes-namespace: shop
spec:
  owner: group:default/team-shop
  dependsOn: [resource:default/orders-db, component:payments]
---
kind: Resource
metadata: {name: orders-db}
---
kind: Group
metadata: {name: team-shop}
---
- not an entity
"""


def test_a_backstage_catalogue_becomes_services(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "catalog-info.yaml").write_text(BACKSTAGE)
    assert main(["services", "draft", "--from", "backstage", "catalog-info.yaml"]) == 0
    assert parse(capsys.readouterr().out).services == {
        "checkout-api": Service(
            name="checkout-api",
            aliases=("Checkout",),
            owner="team-shop",
            depends_on=("orders-db", "payments"),
            namespaces=("shop",),
        ),
        "orders-db": Service(name="orders-db"),
    }


def workload(kind: str, name: str, namespace: str, app: str) -> dict[str, object]:
    return {
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": app}},
    }


def test_the_workloads_of_kubernetes_become_services(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = [
        workload("Deployment", "checkout-api", "checkout", "till"),
        workload("StatefulSet", "orders-db", "orders", "orders"),
        workload("Deployment", "orders-api", "orders", "orders"),
        workload("DaemonSet", "node-exporter", "monitoring", "node-exporter"),
        {"kind": "ConfigMap", "metadata": {"name": "x"}},
        "nothing",
    ]
    (folder / "deploy.json").write_text(json.dumps({"kind": "List", "items": items}))
    assert main(["services", "draft", "--from", "kubernetes", "deploy.json"]) == 0
    assert parse(capsys.readouterr().out).services == {
        "checkout-api": Service(name="checkout-api", aliases=("till",), namespaces=("checkout",)),
        "orders-api": Service(name="orders-api"),
        "orders-db": Service(name="orders-db"),
    }


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("backstage", "none.yaml"), "none.yaml: cannot be read"),
        (("consul", "bad"), "--from consul: unknown; there are backstage, kubernetes"),
        (("kubernetes", "bad"), "bad: not JSON"),
        (("backstage", "bad"), "bad: not YAML"),
    ],
)
def test_what_cannot_be_read_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str], problem: str
) -> None:
    (folder / "bad").write_text("{[")
    assert main(["services", "draft", "--from", *arguments]) == 1
    assert problem in capsys.readouterr().err


# Suggestions


def openings(*pairs: tuple[str, float]) -> list[tuple[Scope, datetime]]:
    """(service, hours after NOW)."""
    return [
        (Scope("production", "-", service, "cpu"), NOW + timedelta(hours=hours))
        for service, hours in pairs
    ]


def together(times: int, *others: tuple[str, float]) -> list[tuple[Scope, datetime]]:
    """The database first, its caller two minutes later, so many times."""
    pairs = [
        (name, day * 24 + at) for day in range(times) for name, at in (("db", 0), ("web", 0.03))
    ]
    return openings(*pairs, *others)


def test_what_fails_together_again_and_again_is_suggested_with_its_figures() -> None:
    (suggestion,) = suggestions(together(4, ("web", 12), ("other", 13)), NO_CALLS)
    assert (suggestion.caller, suggestion.called) == ("web", "db")
    assert (suggestion.together, suggestion.first) == (4, 4)
    assert (suggestion.of_caller, suggestion.of_called) == (5, 4)


@pytest.mark.parametrize("calls", [{"web": ["db"]}, {"db": ["web"]}])
def test_a_declared_call_is_not_suggested(calls: dict[str, list[str]]) -> None:
    assert suggestions(together(4), Calls.of(calls)) == []


def test_too_few_or_too_rarely_together_suggests_nothing() -> None:
    assert suggestions(together(2), NO_CALLS) == []
    alone = [(name, hour) for hour in range(100, 140, 2) for name in ("web",)]
    alone += [("db", hour) for hour in range(101, 141, 2)]
    assert suggestions(together(4, *alone), NO_CALLS) == []
    assert suggestions([], NO_CALLS) == []


def test_two_services_that_always_fail_are_together_by_chance() -> None:
    always = [(name, minute / 60) for minute in range(0, 3000, 6) for name in ("web", "db")]
    assert suggestions(openings(*always), NO_CALLS) == []


def test_suggestions_are_printed_as_yaml_and_declared_calls_are_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alerts = [
        (alert(service=name, fingerprint=f"{name}-{day}", category=f"c{day}"),
         NOW + timedelta(days=day, minutes=minute))
        for day in range(4)
        for name, minute in (("db", 0), ("web", 1), ("stripe", 0), ("pay-api", 2))
    ]  # fmt: skip
    fill(folder, *alerts)
    assert main(["services", "suggest"]) == 0
    out = capsys.readouterr().out
    calls = parse(out).calls({})
    assert "stripe" in calls["pay-api"]
    assert "db" not in calls.get("web", set())
    assert "# together 4 times within 5 min, 4 of them after it; 4 and 4 incidents in all" in out
