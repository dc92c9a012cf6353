"""Each expression of the Grafana dashboards is PromQL, and names only metrics that exist."""

from __future__ import annotations

import json
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
FILES = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
PROMTOOL = shutil.which("promtool") or ""


def panels(file: Path) -> list[dict[str, Any]]:
    panels_: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["panels"]
    return panels_


def expressions() -> list[str]:
    return [t["expr"] for file in FILES for panel in panels(file) for t in panel["targets"]]


def test_each_expression_names_metrics_that_exist() -> None:
    metrics = Metrics()
    metrics.dispatched("succeeded", 1, "default")
    names = {"up", *exported(metrics.registry), *exported(GatewayMetrics(())._registry)}
    assert len(expressions()) > 30
    unknown = {name for text in expressions() for name in metrics_of(text)} - names
    assert unknown == set(), "no such metric"
    labels = {label for text in expressions() for label in labels_of(text)}
    known = {"job", "le", "part", "what", "outcome", "choice", "state", "type", "advisor", "why"}
    assert labels <= {*known, "how"}
    undrawn = {
        name
        for name in exported(metrics.registry)
        if name.startswith("sopbot_") and name.endswith("_seconds_bucket")
    } - {name for text in expressions() for name in metrics_of(text)}
    assert undrawn == set(), "a service level that no panel shows"


@pytest.mark.skipif(not PROMTOOL, reason="promtool is missing; `make services` installs it")
def test_prometheus_can_read_each_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": text.replace("$__rate_interval", "5m")}
        for number, text in enumerate(expressions())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        [PROMTOOL, "check", "rules", str(file)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_do_not_overlap_and_say_what_they_show() -> None:
    for file in FILES:
        taken: set[tuple[int, int]] = set()
        for panel in panels(file):
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, panel["title"]
            assert max(x for x, _ in cells) < 24, panel["title"]
            taken |= cells
            assert all(target["legendFormat"] for target in panel["targets"])
