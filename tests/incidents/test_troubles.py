"""Slow troubles are told by the words of the alert, never by the name of the service."""

from __future__ import annotations

import pytest

from bot.incidents.troubles import Trouble, trouble_of
from tests.helpers.builders import alert


@pytest.mark.parametrize(
    ("name", "service", "trouble"),
    [
        ("High request latency on billing_web", "billing_web", Trouble.ACUTE),
        ("High latency of billing", "billing", Trouble.ACUTE),
        ("snapshot-api: 12 % of requests fail", "snapshot-api", Trouble.ACUTE),
        ("BackupFailed", "backup", Trouble.SLOW),
        ("CertificateExpiresSoon", "billing-web", Trouble.SLOW),
        ("DiskWillFillIn24Hours", "orders-db", Trouble.SLOW),
        ("CertificateExpiresSoon", "", Trouble.SLOW),
    ],
)
def test_a_word_in_the_name_of_the_service_says_nothing_of_the_trouble(
    name: str, service: str, trouble: Trouble
) -> None:
    received = alert(name=name, title=name, service=service, category="")
    assert trouble_of(received) is trouble
