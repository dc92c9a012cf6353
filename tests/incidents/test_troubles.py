"""Slow troubles, node failures and deploys are known by the words of the alert."""

from __future__ import annotations

import pytest

from bot.incidents.troubles import TROUBLES, Trouble, trouble_of
from tests.helpers.builders import alert


@pytest.mark.parametrize(
    "name",
    [
        "CertificateExpiringSoon",
        "KubeClientCertificateExpiration",
        "SSLCertExpiry",
        "NodeFilesystemSpaceFillingUp",
        "NodeFilesystemAlmostOutOfSpace",
        "KubePersistentVolumeFillingUp",
        "HostOutOfDiskSpace",
        "DiskUsageHigh",
        "disk_space_low",
        "ElasticDiskWatermark",
        "DiskWillFillIn4Hours",
        "BackupFailed",
        "PostgresBackupTooOld",
        "KubeQuotaAlmostFull",
        "KubeJobFailed",
        "NodeClockNotSynchronising",
        "ErrorBudgetBurnSlow",
        "Watchdog",
        "MonthlyCostsOverBudget",
    ],
)
def test_a_slow_trouble_is_known_by_its_name(name: str) -> None:
    assert trouble_of(alert(name=name, category="", title="")) is Trouble.SLOW


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("KubeNodeNotReady", {}),
        ("KubeNodeUnreachable", {}),
        ("NodeDown", {}),
        ("HostDown", {}),
        ("host unreachable", {}),
        ("NodeExporterDown", {}),
        ("KubeletDown", {}),
        ("Host web-17 is DOWN", {}),
        ("Node ip-10-1-2-3 is not ready", {}),
        ("StatusCheckFailed_System", {}),
        ("InstanceDown", {"job": "node-exporter"}),
        ("AvailabilityZoneUnreachable", {}),
        ("ZoneNetworkPartition", {}),
        ("CrossZonePacketLoss", {}),
        ("DataCenterDown", {}),
    ],
)
def test_a_node_failure_is_known_by_its_name(name: str, labels: dict[str, str]) -> None:
    item = alert(name=name, category="", title="", labels=labels)
    assert trouble_of(item) is Trouble.NODE_DOWN


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("HighErrorRate", {}),
        ("KubePodCrashLooping", {}),
        ("KubeDeploymentReplicasMismatch", {}),
        ("TLSHandshakeErrors", {}),
        ("DiskLatencyHigh", {}),
        ("LowRequestRate", {}),
        ("MemoryUsageHigh", {}),
        ("InstanceDown", {"job": "checkout-api"}),
        ("HostHighCpuLoad", {}),
    ],
)
def test_anything_else_is_acute(name: str, labels: dict[str, str]) -> None:
    item = alert(name=name, category="", title="backup-service", labels=labels)
    assert trouble_of(item) is Trouble.ACUTE


@pytest.mark.parametrize(
    "name", ["disk_io_high", "NodeDiskIOSaturation", "SlowDiskWrites", "FilesystemReadOnly"]
)
def test_a_disk_that_is_slow_or_broken_is_no_disk_that_fills(name: str) -> None:
    assert trouble_of(alert(name=name, category="disk", title="")) is Trouble.ACUTE


@pytest.mark.parametrize(
    "title", ["web: certificate expires in 13 days", "/data will fill in 4 hours", "3 days left"]
)
def test_a_title_that_says_when_something_ends_is_slow(title: str) -> None:
    assert trouble_of(alert(name="Check", category="", title=title)) is Trouble.SLOW


def test_a_rule_that_could_not_be_evaluated_is_not_what_its_name_says() -> None:
    labels = {"alertname": "DatasourceError", "rulename": "billing-db DiskWillFill"}
    item = alert(name="DatasourceError: billing-db DiskWillFill", title="", labels=labels)
    assert trouble_of(item) is Trouble.ACUTE


def test_a_burn_rate_over_a_long_window_is_slow() -> None:
    fast, slow = (
        alert(name="ErrorBudgetBurn", category="slo", labels={"long": window})
        for window in ("1h", "3d")
    )
    assert (trouble_of(fast), trouble_of(slow)) == (Trouble.ACUTE, Trouble.SLOW)


def test_a_deploy_is_known_by_its_name_or_its_sender() -> None:
    by_name = alert(name="DeploymentFailed", category="")
    by_sender = alert(name="web", category="", source="argocd")
    assert {trouble_of(by_name), trouble_of(by_sender)} == {Trouble.DEPLOY}


def test_each_row_of_the_table_says_what_it_is() -> None:
    assert all(row.what and row.phrases for row in TROUBLES)


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


@pytest.mark.parametrize(
    ("title", "service", "trouble"),
    [
        ("High latency on billing", "billing", Trouble.ACUTE),
        ("billing-api is slow", "billing-api", Trouble.ACUTE),
        ("High latency on billing-api for billing-api", "billing-api", Trouble.ACUTE),
        ("Backup failed on backup", "backup", Trouble.SLOW),  # the first word is the trouble
        ("Station backup", "backup", Trouble.SLOW),  # "on" is no word here
        ("Latency on billing", "bill", Trouble.SLOW),  # another word than the service's name
        ("Latency of billing-api", "billing-ap", Trouble.SLOW),
    ],
)
def test_the_services_name_is_no_trouble(title: str, service: str, trouble: Trouble) -> None:
    item = alert(name=title, category="", title=title, service=service)
    assert trouble_of(item) is trouble
