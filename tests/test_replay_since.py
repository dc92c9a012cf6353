"""`python -m bot replay --since`: what the stored alerts would have become by other rules."""

from __future__ import annotations

import hashlib
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.configuration import Configuration, LiveConfiguration
from bot.policy import Correlate, Policy
from bot.replay.comparison import ReplayedAlert, compare
from store import open_store
from tests.helpers.bot_processes import completed
from tests.helpers.builders import alert, deliver
from tests.helpers.commands import environment

CALLS = "correlate: {depends_on: {web: [cart]}}\n"


async def filled(folder: Path, policy: Policy) -> str:
    """A store with an alert of web and one of cart, a minute later; returns its URL."""
    url = f"sqlite:///{folder / 'bot.db'}"
    config = LiveConfiguration(Configuration(policy))
    store = await open_store(url, owner="test", config=config)
    began = datetime.now(UTC) - timedelta(hours=1)
    for number, service in enumerate(("web", "cart")):
        item = alert(service=service, fingerprint=service, name=f"{service} fails")
        await deliver(store, item, at=began + timedelta(minutes=number))
    await store.close()
    return url


def run(folder: Path, url: str, policy: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "policy.yaml").write_text(policy)
    return completed(
        ["replay", "--since", "1d", *options],
        environment({"STORE_URL": url, "POLICY_FILE": str(folder / "policy.yaml")}),
        folder,
    )


def difference(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_a_declared_call_would_merge_what_two_incidents_are_now(tmp_path: Path) -> None:
    url = await filled(tmp_path, Policy())
    shown = difference(run(tmp_path, url, CALLS, "--json"))
    assert shown["alerts"] == 2
    assert (shown["stored"], shown["replayed"], shown["posts"]) == (2, 1, 1)
    assert shown["merged"] == [{"replayed": 1, "stored": [1, 2]}]
    assert shown["split"] == []
    assert shown["pages"] == {"stored": 0, "replayed": 0}
    assert shown["approvals_asked"] == {"stored": 0, "replayed": 0}
    assert "would merge  INC-1, INC-2" in run(tmp_path, url, CALLS).stdout


async def test_without_the_call_the_cascade_would_split(tmp_path: Path) -> None:
    url = await filled(tmp_path, Policy(correlate=Correlate(depends_on={"web": ("cart",)})))
    shown = difference(run(tmp_path, url, "{}\n", "--json"))
    assert shown["split"] == [{"stored": 1, "replayed": [1, 2]}]
    assert shown["merged"] == []


async def test_the_store_is_only_read(tmp_path: Path) -> None:
    url = await filled(tmp_path, Policy())
    file = tmp_path / "bot.db"
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    difference(run(tmp_path, url, CALLS, "--json"))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before


def test_a_store_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    done = run(tmp_path, f"sqlite:///{tmp_path / 'none.db'}", CALLS)
    assert done.returncode in (1, 78)
    assert not (tmp_path / "none.db").exists()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("window", ["soon", "0h", "99999d"])
def test_a_window_that_is_none_is_refused(tmp_path: Path, window: str) -> None:
    done = completed(
        ["replay", "--since", window],
        environment({"STORE_URL": f"sqlite:///{tmp_path / 'none.db'}"}),
        tmp_path,
    )
    assert done.returncode in (1, 78)
    assert "Traceback" not in done.stderr


def test_an_incident_whose_alerts_are_all_suppressed_is_silenced() -> None:
    alerts = [ReplayedAlert(1, None, suppressed=True), ReplayedAlert(2, 5), ReplayedAlert(3, None)]
    result = compare(alerts)
    assert result.silenced == [1]
    assert (result.stored, result.replayed) == (3, 1)


async def test_it_compares_how_often_people_were_mentioned(tmp_path: Path) -> None:
    url = await filled(tmp_path, Policy())
    approvers = "remediate: {approvers: [U0ANA]}\n"
    shown = difference(run(tmp_path, url, approvers, "--json"))
    assert shown["pages"] == {"stored": 0, "replayed": 2}, "nobody acknowledges in a replay"
    assert "paged        0 stored, 1 by these rules" in run(tmp_path, url, approvers + CALLS).stdout
