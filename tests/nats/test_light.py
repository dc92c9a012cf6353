"""NATS is an extra: a bot without NATS_URL does not import the library."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import cast

import pytest

from bot.errors import SettingsError
from bot.from_settings import nats_session_of
from bot.observability.metrics import Metrics
from bot.response import IncidentService
from bot.settings import load
from tests.helpers.good_settings import GOOD


def test_the_bot_and_its_check_do_not_import_the_library() -> None:
    code = "import sys, bot.app, bot.check; print([m for m in sys.modules if m == 'nats'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


async def test_nats_url_without_the_library_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setitem(sys.modules, "nats", None)
    for name in [name for name in sys.modules if name.startswith("bot.nats.")]:
        monkeypatch.delitem(sys.modules, name)
    settings = load({**GOOD, "NATS_URL": "nats://127.0.0.1"}, tmp_path / "none")
    with pytest.raises(SettingsError, match=r"NATS_URL: .*make nats"):
        await nats_session_of(
            settings, cast("IncidentService", None), lambda: datetime.now(UTC), Metrics()
        )
