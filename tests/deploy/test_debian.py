"""The ways to install that need a Debian of their own: from nothing to the demo, and the images."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.conftest import ROOT
from tests.helpers.docker_engine import DockerDaemon, EngineUnavailableError, docker_engine

HERE = Path(__file__).parent
SCRIPTS = [HERE / "debian_root.sh", HERE / "clean_root.sh"]
TARGETS = ("bot", "gateway", "simulator")
MOST_MEBIBYTES = 120  # of an image above its base
HARDENED = (
    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--init=false"),
)
SECRET = "a secret of the tests, long enough"
TOKEN = "a token of the tests, long enough"

pytestmark = [pytest.mark.installs, pytest.mark.services("debootstrap")]


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minimal Debian with Python and make; SOPBOT_DEBIAN_ROOT keeps one between runs."""
    kept = os.environ.get("SOPBOT_DEBIAN_ROOT")
    root = Path(kept) if kept else tmp_path_factory.mktemp("debian") / "root"
    subprocess.run([SCRIPTS[0], root], check=True, timeout=900)
    return root


@pytest.fixture(scope="module")
def engine(debian: Path) -> Iterator[DockerDaemon]:
    """An engine with the three images, built as docs/install.md says, on that Debian."""
    try:
        with docker_engine(storage="overlay2") as daemon:
            tar = debian.parent / "base.tar"
            command = ["-C", debian, "--exclude=./home/*", "-cf", tar, "."]
            subprocess.run([str(shutil.which("tar")), *command], check=True, timeout=300)
            daemon.run("import", str(tar), "base:1", seconds=300)
            tar.unlink()
            context = checkout(debian.parent / "context")
            for target in TARGETS:
                daemon.run(
                    *("build", "--quiet", "--network", "host", "--build-arg", "BASE=base:1"),
                    *("-f", str(context / "deploy/docker/Dockerfile")),
                    *("--target", target, "-t", f"sopbot-{target}:1", str(context)),
                    seconds=1200,
                )
            yield daemon
    except EngineUnavailableError as error:
        pytest.skip(str(error))


def checkout(folder: Path) -> Path:
    """Copy what a build takes of this checkout."""
    shutil.rmtree(folder, ignore_errors=True)
    unneeded = shutil.ignore_patterns("__pycache__", "tests")
    for name in ("bot", "handlers", "store", "config", "deploy"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=unneeded)
    for file in (*ROOT.glob("requirements*.txt"), *ROOT.glob("*.toml"), ROOT / "manifest.yml"):
        shutil.copy(file, folder)
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def test_a_minimal_debian_gets_to_the_demo_by_the_wheel_and_by_a_checkout(
    debian: Path, wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.run(
        [SCRIPTS[1], wheel, ROOT, debian], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("1 thread, 1 restart, 1 approval") == 2
    with capsys.disabled():
        print(f"\n{done.stdout}")  # the seconds of each step, for who asks


def until(holds: Callable[[], bool], daemon: DockerDaemon, name: str) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, daemon.run("logs", name)
        time.sleep(0.5)


def test_the_images_are_small_and_run_together_without_any_right(engine: DockerDaemon) -> None:
    base = size_of(engine, "base:1")
    for target in TARGETS:
        assert size_of(engine, f"sopbot-{target}:1") - base < MOST_MEBIBYTES << 20, target

    # One network of their own, in which the local Slack's loopback is everybody's.
    engine.run("run", "-d", "--name", "slack", "--network=none", *HARDENED, "sopbot-simulator:1")
    until(lambda: healthy(engine, "slack"), engine, "slack")
    facts = json.loads(engine.run("logs", "slack").splitlines()[0])
    gateway = "sources: {sopbot: {secret_env: SECRET}}\nstate_dir: /var/lib/sopbot/state\n"
    start(engine, "gateway", {"gateway.yaml": gateway}, {"SECRET": SECRET})
    until(lambda: healthy(engine, "gateway"), engine, "gateway")
    settings = {
        "SLACK_API_URL": facts["api_url"],
        "SLACK_BOT_TOKEN": facts["bot_token"],
        "SLACK_APP_TOKEN": facts["app_token"],
        "SLACK_ALERT_CHANNELS": facts["channels"]["alerts"],
        "AI_COMMAND_GATEWAY_URL": "http://127.0.0.1:8003",
        "AI_COMMAND_GATEWAY_TIMEOUT": "75",
        "AI_COMMAND_GATEWAY_SOURCE_ID": "sopbot",
        "AI_COMMAND_GATEWAY_SECRET": SECRET,
        "AUDIT_KEY": "a" * 64,
        "ADVISOR": "rules",
        "HTTP_TOKEN": TOKEN,
        "STORE_URL": "sqlite:////var/lib/sopbot/sopbot.db",
    }
    start(engine, "bot", {}, settings)
    until(lambda: healthy(engine, "bot"), engine, "bot")

    for name in ("slack", "gateway", "bot"):
        assert engine.run("exec", name, "id", "-u") == "10001"
        assert engine.run("exec", name, "cat", "/proc/1/comm") == "tini"
        written = "touch /x /etc/sopbot/x /opt/sopbot/x 2>/dev/null || echo refused"
        assert engine.run("exec", name, "sh", "-c", written) == "refused"
    alert = {
        "status": "firing",
        "labels": {"alertname": "DiskFull", "service": "ledger", "severity": "critical"},
        "startsAt": "2026-11-27T10:00:00Z",
    }
    sent = ask(engine, "bot", "http://127.0.0.1:8080/alerts/alertmanager", {"alerts": [alert]})
    assert sent["accepted"] == 1
    history = f"{facts['api_url']}conversations.history?channel={facts['channels']['alerts']}"

    def card() -> bool:
        messages = ask(engine, "bot", history, token=facts["bot_token"])["messages"]
        return "DiskFull" in json.dumps(messages)

    until(card, engine, "bot")
    for name in ("bot", "gateway"):
        engine.run("stop", "-t", "60", name, seconds=90)
        assert engine.run("inspect", "-f", "{{.State.ExitCode}}", name) == "0"


def start(engine: DockerDaemon, name: str, files: dict[str, str], settings: dict[str, str]) -> None:
    """Start the image of that name beside the local Slack, with the example configuration."""
    config = Path(engine.url.removeprefix("unix://")).parent / f"config-{name}"
    shutil.copytree(ROOT / "config", config)
    for file, text in files.items():
        (config / file).write_text(text)
    config.parent.chmod(0o755)
    options = [word for item in settings.items() for word in ("-e", "=".join(item))]
    engine.run(
        *("run", "-d", "--name", name, "--network=container:slack", *HARDENED, *options),
        *("-v", f"{config}:/etc/sopbot/config:ro", "-v", f"{name}:/var/lib/sopbot"),
        f"sopbot-{name}:1",
    )


def healthy(engine: DockerDaemon, name: str) -> bool:
    return engine.run("inspect", "-f", "{{.State.Health.Status}}", name) == "healthy"


def size_of(engine: DockerDaemon, image: str) -> int:
    return int(engine.run("inspect", "-f", "{{.Size}}", image))


def ask(engine: DockerDaemon, name: str, url: str, body: Any = None, token: str = TOKEN) -> Any:
    """Call an address from inside a container; a body is posted as JSON."""
    code = (
        "import sys; from urllib.request import Request, urlopen; url, token, body = sys.argv[1:];"
        "headers = {'Authorization': 'Bearer ' + token, 'Content-Type': 'application/json'};"
        "print(urlopen(Request(url, body.encode() or None, headers), timeout=10).read().decode())"
    )
    text = json.dumps(body) if body is not None else ""
    return json.loads(engine.run("exec", name, "python3", "-I", "-c", code, url, token, text))
