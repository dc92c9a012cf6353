"""`python -m bot policy shadow` lists the alerts about which the shadow policy differs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.policy import parse_policy
from store import open_store
from tests.helpers.builders import CHANNEL, alert, identify

SHADOW = "ingest: {routes: [{match: {service: web}, channel: C0WEB}]}"


async def filled(url: str) -> None:
    store = await open_store(url, owner="test")
    policy = parse_policy(SHADOW, file="shadow.yaml")
    store.config.current = replace(store.config.current, shadow=policy)
    item, now = identify(alert()), datetime.now(UTC)
    await store.accept("d", [item], channel=CHANNEL, now=now, posted=False)
    await store.close()


def test_the_command_counts_and_lists_the_differences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'sopbot.db'}"
    monkeypatch.setenv("STORE_URL", url)
    asyncio.run(filled(url))
    assert main(["policy", "shadow"]) == 0
    counted, _, listed = capsys.readouterr().out.splitlines()
    assert counted == "     1  opened now, routed by the shadow policy"
    assert "INC-1      opened → routed C0WEB  req-" in listed
    assert main(["policy", "shadow", "--since", "1d", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["counts"] == [{"live": "opened", "would_be": "routed", "alerts": 1}]
    assert shown["alerts"][0]["shadow_channel"] == "C0WEB"


def test_a_store_that_is_not_there_is_an_error_and_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STORE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    assert main(["policy", "shadow"]) != 0
    assert not (tmp_path / "none.db").exists()
    assert "✗" in capsys.readouterr().err
