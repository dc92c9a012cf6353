"""The gateway's state folder is its own: no link, no other user, no open permission."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.gateway.errors import ConfigError
from bot.gateway.journal import Journal

from .conftest import as_root


@pytest.mark.attack("ASI05")
@pytest.mark.parametrize("name", ["journal.db", "journal.lock", "plan.key"])
async def test_a_link_in_the_state_folder_is_not_followed(
    start: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    state, precious = tmp_path / "state", tmp_path / "precious"
    state.mkdir(mode=0o700)
    precious.write_text("not yours")
    (state / name).symlink_to(precious)
    with pytest.raises(ConfigError, match="is a link; it is not followed"):
        await start({"web": {"executor": "process", "argv": ["true"], "autostart": False}})
    assert precious.read_text() == "not yours"


@pytest.mark.attack("ASI05")
@pytest.mark.parametrize("mode", [0o755, 0o770, 0o707])
async def test_a_state_folder_that_others_can_enter_is_refused(tmp_path: Path, mode: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(mode)
    with pytest.raises(ConfigError, match="is open to other users"):
        await Journal.open(state)


async def test_a_state_folder_is_made_for_the_gateway_alone(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "state")
    await journal.close()
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "state")
    with pytest.raises(ConfigError, match="links are not followed"):
        await Journal.open(tmp_path / "link")


@as_root
@pytest.mark.attack("ASI05")
async def test_a_state_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    os.chown(state, 65534, 65534)
    with pytest.raises(ConfigError, match="belongs to user 65534"):
        await Journal.open(state)
