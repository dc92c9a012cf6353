"""What every test starts from: a clean environment, a HOME of its own, and honest skips."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from bot.settings import NAMES

_OURS = ("SLACK_", "AI_COMMAND_GATEWAY_", "QCHAT_", "ADVISOR_", "XDG_")


def unavailable(reason: str) -> NoReturn:
    """Skip with the reason; with REQUIRE_SERVICES=1 that is a failure."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"REQUIRE_SERVICES=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`@pytest.mark.services("program", …)` names the programs that the test runs."""
    for marker in item.iter_markers("services"):
        for program in marker.args:
            if shutil.which(program) is None:
                unavailable(f"{program} is not on this machine (make services)")


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """No setting of the machine and no file of its HOME reaches a test. Returns the new HOME."""
    for name in list(os.environ):
        base = name.upper().removesuffix("_FILE")
        if base in NAMES or base.startswith(_OURS):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port that nothing listens on, for programs that cannot choose one by themselves."""

    def pick() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return pick
