"""The alert rules fire on the series that they are for, and name only metrics that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.gateway.metrics import Metrics as GatewayMetrics
from bot.observability.metrics import Metrics
from tests.deploy.promql import exported, labels_of, metrics_of

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "alerts"
RULES: list[dict[str, Any]] = yaml.safe_load((ALERTS / "sopbot.yml").read_text())["groups"][0][
    "rules"
]
TESTS: list[dict[str, Any]] = yaml.safe_load((ALERTS / "sopbot_test.yml").read_text())["tests"]

PROMTOOL = shutil.which("promtool") or ""
VMALERT = shutil.which("vmalert") or ""
needs_promtool = pytest.mark.skipif(
    not PROMTOOL, reason="promtool is missing; `make services` installs it"
)


def names() -> set[str]:
    metrics = Metrics()
    metrics.dispatched("succeeded", 1, "default")  # the metrics of the gateway are absent before
    return {"up", *exported(metrics.registry), *exported(GatewayMetrics(())._registry)}


@needs_promtool
def test_each_rule_fires_on_its_series_and_on_no_other() -> None:
    done = subprocess.run(
        [PROMTOOL, "test", "rules", "sopbot_test.yml"],
        cwd=ALERTS,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not VMALERT, reason="vmalert is missing: Debian's victoria-metrics")
def test_vmalert_reads_the_same_rules(tmp_path: Path) -> None:
    def read(file: Path) -> subprocess.CompletedProcess[str]:
        command = [VMALERT, "-dryRun", f"-rule={file}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    done = read(ALERTS / "sopbot.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = tmp_path / "wrong.yml"
    wrong.write_text((ALERTS / "sopbot.yml").read_text().replace("sum(", "sum((", 1))
    assert read(wrong).returncode != 0, "an expression that cannot be read"


def test_each_rule_has_series_on_which_it_fires_and_on_which_it_does_not() -> None:
    fires: set[str] = set()
    silent: set[str] = set()
    for case in (case for test in TESTS for case in test["alert_rule_test"]):
        (fires if case.get("exp_alerts") else silent).add(case["alertname"])
    assert fires == silent == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_names_metrics_that_exist_and_is_known_to_be_about_the_bot(
    rule: dict[str, Any],
) -> None:
    assert metrics_of(rule["expr"]) <= names()
    assert labels_of(rule["expr"]) <= {"job", "part", "le", "state", "what"}
    assert rule["labels"]["service"] == "sopbot"
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert f"`{rule['alert']}`" in (ROOT / "docs" / "watching.md").read_text()


def test_an_expression_s_names_are_found() -> None:
    expression = 'sum by (le) (rate(sopbot_x_bucket{part!="a b"}[5m])) > max(up{job=~"s"} or y)'
    assert metrics_of(expression) == {"sopbot_x_bucket", "up", "y"}
    assert labels_of(expression) == {"le", "part", "job"}
    assert "sopbot_alert_to_card_seconds_bucket" in names()
    assert not metrics_of("rate(sopbot_misspelt_total[5m])") <= names()
    assert re.search("sopbot_stuck", str(RULES))
