"""The wheel works alone: every command, the example files, the demo."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from bot.check.slack import MANIFEST
from tests.deploy.conftest import ROOT, Installed


def test_the_wheel_has_every_file_of_the_packages_and_no_test(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packages = {name.split("/")[0] for name in names} - {"sopbot-0.1.0.dist-info"}
    assert packages == {"bot", "handlers", "store"}
    committed = {
        file.relative_to(ROOT).as_posix()
        for package in packages
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and "tests" not in file.parts
        if not any(part.startswith(".") for part in file.parts)
    }
    examples = {
        f"bot/examples/config/{file.relative_to(ROOT / 'config')}"
        for file in (ROOT / "config").rglob("*")
        if file.is_file()
    }
    assert sorted((committed | examples) - names) == [], "name it under package-data"
    assert [name for name in names if "/tests/" in name] == []


def test_an_operator_begins_with_init_check_and_the_gateway(installed: Installed) -> None:
    assert installed.run("--version").stdout.startswith("sopbot 0.")
    assert "usage: sopbot " in installed.run("--help").stdout
    assert "send only what this manifest declares" in installed.run("simulator", "--help").stdout
    assert installed.run("simulator", "--manifest", "absent").returncode == 1

    (installed.folder / ".env").write_text("SLACK_BOT_TOKEN=mine\n")
    done = installed.run("init")
    assert done.returncode == 0, done.stderr
    assert "· .env is there already, and stays" in done.stdout
    assert (installed.folder / ".env").read_text() == "SLACK_BOT_TOKEN=mine\n"
    for file in (ROOT / "config").rglob("*"):
        if file.is_file():
            written = installed.folder / "config" / file.relative_to(ROOT / "config")
            assert written.read_bytes() == file.read_bytes()
    assert (installed.folder / "manifest.yml").read_bytes() == MANIFEST.read_bytes()

    gateway = installed.run("gateway", "--check", settings={"GATEWAY_SECRET": "s" * 32})
    assert gateway.stdout == "config/gateway.yaml: ok, 0 targets\n", gateway.stderr
    check = installed.run("check")
    assert check.returncode == 1
    assert "SLACK_APP_TOKEN" in check.stdout + check.stderr
    store = installed.run("store", "status")
    assert "sopbot.db" in store.stdout + store.stderr


def test_the_env_file_of_init_has_new_secrets_that_only_its_owner_reads(
    installed: Installed,
) -> None:
    texts = []
    for name in ("one", "two"):
        assert installed.run("init", name).returncode == 0
        env = installed.folder / name / ".env"
        assert env.stat().st_mode & 0o777 == 0o600
        texts.append(env.read_text())
    made = re.compile(r"^(AUDIT_KEY|\w+_SECRET)=(\w{64})$", re.MULTILINE)
    secrets = [made.findall(text) for text in texts]
    assert [len(matches) for matches in secrets] == [2, 2]
    assert not set(secrets[0]) & set(secrets[1])


def test_the_env_file_of_init_holds_the_store_url_that_commands_by_hand_use(
    installed: Installed,
) -> None:
    store_url = f"sqlite:///{installed.folder / 'elsewhere.db'}"
    assert installed.run("init", "three", "--store", store_url).returncode == 0
    assert f"\nSTORE_URL={store_url}\n" in (installed.folder / "three/.env").read_text()
    assert installed.run("init", "four").returncode == 0
    assert "\nSTORE_URL=sqlite:///sopbot.db\n" in (installed.folder / "four/.env").read_text()


@pytest.mark.installs
def test_the_demo_runs_from_the_wheel_in_an_empty_folder(installed: Installed) -> None:
    done = installed.run("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 thread, 1 restart, 1 approval" in done.stdout
