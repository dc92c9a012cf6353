"""`python -m tests.deploy.stack FOLDER`, in its own namespaces: what Compose starts and Debian has.

Prometheus and Alertmanager read the very files of deploy/. An alert that Alertmanager is given must
become an incident of the bot on PostgreSQL. tests/deploy/test_stack.py starts it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import yaml

from tests.helpers.postgres import postgres_server

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SECRETS = Path("/run/secrets")
TOKEN = "a token of the tests, long enough"


def main(folder: Path) -> None:
    (SECRETS / "http_token").write_text(TOKEN)
    (SECRETS / "gateway").write_text("a secret of the tests, long enough")
    (SECRETS / "gateway").chmod(0o600)
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server())
        (SECRETS / "store_url").write_text(server.url)
        slack = start(stack, folder, "slack", [sys.executable, "-m", "bot.simulator"])
        until(lambda: slack.read_text().endswith("\n"), folder)
        facts = json.loads(slack.read_text().splitlines()[0])
        gateway = (DEPLOY / "gateway/gateway.yaml").read_text()
        (folder / "gateway.yaml").write_text(gateway.replace("/var/lib/sopbot", str(folder)))
        python = [sys.executable, "-m", "bot"]
        start(stack, folder, "gateway", [*python, "gateway", "--config", folder / "gateway.yaml"])
        until(lambda: bool(ask("http://gateway:8003/health")), folder)
        compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
        settings = compose["services"]["bot"]["environment"] | {
            "SLACK_API_URL": facts["api_url"],
            "SLACK_BOT_TOKEN": facts["bot_token"],
            "SLACK_APP_TOKEN": facts["app_token"],
            "SLACK_ALERT_CHANNELS": facts["channels"]["alerts"],
            "AUDIT_KEY": "a" * 64,
            "ADVISOR": "rules",
            "HTTP_ADDR": "0.0.0.0:8080",
        }
        start(stack, folder, "bot", python, settings)
        until(lambda: bool(ask("http://bot:8080/readyz")), folder)
        config = f"--config.file={DEPLOY}/prometheus/prometheus.yml"
        data = f"--storage.tsdb.path={folder}/prometheus"
        start(stack, folder, "prometheus", ["prometheus", config, data])
        config = f"--config.file={DEPLOY}/alertmanager/alertmanager.yml"
        data, alone = f"--storage.path={folder}/alertmanager", "--cluster.listen-address="
        start(stack, folder, "alertmanager", ["prometheus-alertmanager", config, data, alone])

        def watched() -> bool:
            targets = ask("http://prometheus:9090/api/v1/targets")["data"]["activeTargets"]
            return sorted((t["labels"]["job"], t["health"]) for t in targets) == [
                ("sopbot", "up"),
                ("sopbot-gateway", "up"),
            ]

        until(watched, folder)
        assert ask("http://prometheus:9090/api/v1/rules")["data"]["groups"], "no rule is loaded"
        managers = ask("http://prometheus:9090/api/v1/alertmanagers")["data"]
        assert len(managers["activeAlertmanagers"]) == 1
        labels = {"alertname": "DiskFull", "service": "ledger", "severity": "critical"}
        until(lambda: ask("http://alertmanager:9093/-/ready", text=True) != "", folder)
        ask("http://alertmanager:9093/api/v2/alerts", [{"labels": labels}], text=True)

        def opened() -> bool:
            return "DiskFull" in json.dumps(ask("http://bot:8080/api/v3/incidents"))

        until(opened, folder)
    print("the alert became an incident")


def start(
    stack: ExitStack,
    folder: Path,
    name: str,
    argv: list[Any],
    settings: Mapping[str, str] | None = None,
) -> Path:
    """Start a program until the stack ends; returns the file of its output."""
    log = folder / f"{name}.log"
    kept = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, cwd=ROOT, env=kept | dict(settings or {}), stdout=output, stderr=output
        )
    stack.callback(process.wait, 60)
    stack.callback(process.terminate)
    return log


def ask(url: str, body: Any = None, text: bool = False) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    with urlopen(Request(url, data, headers), timeout=10) as answer:  # noqa: S310 - ours
        content = answer.read().decode()
    return content if text else json.loads(content)


def until(holds: Callable[[], bool], folder: Path) -> None:
    """Wait for it; a program that does not listen yet, or is not ready, is asked again."""
    deadline = time.monotonic() + 120
    while True:
        try:
            if holds():
                return
        except (URLError, ConnectionError):
            pass
        if time.monotonic() > deadline:
            logs = (f"{log.name}: {log.read_text()[-2000:]}" for log in folder.glob("*.log"))
            raise TimeoutError("\n".join(logs))
        time.sleep(0.2)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
