"""The zone of an alert, and data sources and gateways of metrics, which are no services."""

from __future__ import annotations

import pytest

from bot.incidents.environments import DEFAULT
from bot.incidents.services import NO_SERVICES
from bot.incidents.subject_reader import subject_of
from tests.helpers.builders import alert


def test_a_rule_that_cannot_be_evaluated_is_about_its_data_source() -> None:
    labels = {"alertname": "DatasourceError", "service": "search", "datasource_uid": "P1"}
    assert subject_of(alert(labels=labels), DEFAULT, NO_SERVICES).service == "datasource-P1"
    labels["alertname"] = "DatasourceNoData"  # only its own series may be gone
    assert subject_of(alert(labels=labels), DEFAULT, NO_SERVICES).service != "datasource-P1"


@pytest.mark.parametrize(
    ("labels", "zone"),
    [
        ({"zone": "eu-west-1b", "region": "eu-west-1"}, "eu-west-1b"),
        ({"topology_kubernetes_io_zone": "europe-west1-b"}, "europe-west1-b"),
        ({"zone": "eu-west-1"}, ""),
        ({"zone": "2", "region": "westeurope"}, "westeurope-2"),
        ({"zone": "2"}, ""),
        ({"datacenter": "DC 1"}, "dc-1"),
        ({"region": "eu-west-1"}, ""),
    ],
)
def test_the_zone_is_read_from_what_names_it(labels: dict[str, str], zone: str) -> None:
    item = alert(labels=labels, region=labels.get("region", ""))
    assert subject_of(item, DEFAULT, NO_SERVICES).zone == zone


def test_the_instance_of_a_pushgateway_is_no_host() -> None:
    labels = {"job": "pushgateway", "instance": "10.0.0.7:9091"}
    assert subject_of(alert(service="", labels=labels), DEFAULT, NO_SERVICES).host == ""
