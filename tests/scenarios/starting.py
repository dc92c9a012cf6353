"""Types of the fixtures that start a bot in a scenario, and the config of its gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bot.app import Bot
from tests.helpers.bot_processes import BotProcess
from tests.scenarios.world import LeakyService

StartBot = Callable[..., Awaitable[Bot]]
StartProcess = Callable[..., Awaitable[BotProcess]]


def gateway_config(leaky_service: LeakyService, state_dir: Path) -> dict[str, Any]:
    return {
        "listen": {"port": 0},
        "state_dir": str(state_dir),
        "sources": {"sopbot": {"secret_env": "GATEWAY_SECRET"}},
        "targets": {"checkout-api": leaky_service.target()},
    }
