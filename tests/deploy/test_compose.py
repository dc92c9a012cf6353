"""deploy/compose.yaml and the files that it mounts: read by the programs that use them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.gateway.config import load_config
from bot.incidents.keys import is_tracking_id
from bot.intake import parse_body
from bot.settings import NAMES
from tests.deploy.conftest import ROOT

DEPLOY = ROOT / "deploy"
OURS = ("bot", "gateway")
WATCHED = ("prometheus", "alertmanager", "grafana", "nats", "vmalert", "vector")
PROFILES = ("nats", "qdrant", "ollama", "jaeger", "clickhouse", "vector", "vmalert")


def run(program: str, *arguments: str | Path, cwd: Path = DEPLOY) -> str:
    done = subprocess.run(
        [str(shutil.which(program)), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.services("docker-compose")
def test_compose_understands_the_file_and_every_file_that_it_mounts_is_there(
    tmp_path: Path,
) -> None:
    copy = tmp_path / "deploy"
    shutil.copytree(DEPLOY, copy)
    (copy / ".env").write_text("SLACK_BOT_TOKEN=xoxb-of-the-bot\nHTTP_TOKEN=of-the-senders\n")
    config = tmp_path / "config"  # the operator's
    profiles = [word for name in PROFILES for word in ("--profile", name)]
    stack = yaml.safe_load(
        run("docker-compose", "-f", "compose.yaml", *profiles, "config", cwd=copy)
    )
    services: dict[str, Any] = stack["services"]
    assert set(services) == {*OURS, *WATCHED, "postgres", *PROFILES}
    for name in (*OURS, *WATCHED):
        assert services[name]["read_only"] is True, name
        assert services[name]["cap_drop"] == ["ALL"], name
    for service in services.values():
        for port in service.get("ports", ()):
            assert str(port).startswith("127.0.0.1:"), "a published port is for this machine only"
        for mount in service.get("volumes", ()):
            source = Path(mount.split(":")[0])
            assert not source.is_absolute() or source.exists() or source == config, mount
    has_tokens = {name for name in services if "xoxb-of-the-bot" in str(services[name])}
    assert has_tokens == {"bot"}, "no other container gets the bot's tokens and keys"
    assert services["vector"]["environment"] == {"HTTP_TOKEN": "of-the-senders"}
    ours = [name.removesuffix("_FILE") for name in services["bot"]["environment"]]
    assert set(ours) <= set(NAMES)


@pytest.mark.services("promtool", "amtool")
def test_prometheus_and_alertmanager_understand_their_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    for program, check, name in (
        ("promtool", ("check", "config"), "prometheus/prometheus.yml"),
        ("amtool", ("check-config",), "alertmanager/alertmanager.yml"),
    ):
        text = (DEPLOY / name).read_text()
        assert "/run/secrets/http_token" in text
        copy = tmp_path / Path(name).name  # the check wants the file of the token to be there
        text = text.replace("/run/secrets/http_token", str(tmp_path / "token"))
        copy.write_text(text.replace("../alerts/", f"{DEPLOY}/alerts/*"))
        run(program, *check, copy)


def test_the_gateway_of_compose_demands_the_secret_of_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "gateway"
    secret.write_text("s" * 32)
    secret.chmod(0o600)
    text = (DEPLOY / "gateway/gateway.yaml").read_text()
    copy = tmp_path / "gateway.yaml"
    copy.write_text(text.replace("/run/secrets/gateway", str(secret)))
    config = load_config(copy, {})
    assert [name for name, _ in config.callers.signing] == ["sopbot"]
    assert config.listen.host == "0.0.0.0"


def test_the_bot_keeps_the_tracking_ids_that_vector_gives() -> None:
    text = (DEPLOY / "vector/vector.yaml").read_text()
    pattern = re.search(r"r'(\^req.*\$)'", text)
    assert pattern
    made = "req-20261127-101500-0a1b2c3d"
    assert re.match(pattern[1], made)
    assert is_tracking_id(made)
    line = {"tracking_id": made, "service": "ledger", "level": "error", "message": "disk full"}
    (alert,) = parse_body("vector", line).alerts
    assert alert.tracking_id == made
    assert alert.service == "ledger"
