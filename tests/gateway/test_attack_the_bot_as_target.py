"""The bot and its gateway are no targets of an action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from bot.gateway.ourselves import lives_in
from tests.helpers.waiting import until


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    ("name", "target", "says"),
    [
        ("sopbot", {"argv": ["true"]}, "is the name of the bot"),
        ("AI-Command-Gateway", {"argv": ["true"]}, "is the name of the bot"),
        ("caller", {"argv": ["true"]}, "is the name of the bot"),
        ("web", {"argv": ["python3", "-m", "bot"]}, "starts the bot or its gateway"),
        ("web", {"argv": ["python3", "-mbot.gateway"]}, "starts the bot or its gateway"),
        ("web", {"argv": ["python3", "-Im", "bot"]}, "starts the bot or its gateway"),
        ("web", {"argv": ["python3", "-umbot.gateway"]}, "starts the bot or its gateway"),
        ("web", {"argv": ["python3", "-m", "bot.__main__"]}, "starts the bot or its gateway"),
        ("web", {"argv": ["/opt/bot/bin/sopbot", "run"]}, "starts the bot or its gateway"),
        ("web", {"executor": "docker", "container": "sopbot-gateway"}, "container: is the bot"),
    ],
)
def test_the_bot_and_its_gateway_are_no_targets_of_a_config(
    name: str, target: dict[str, Any], says: str
) -> None:
    target = {"executor": "process"} | target
    with pytest.raises(ConfigError, match=says):
        read_config({"sources": {"caller": {}}, "targets": {name: target}})


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize("where", ["argv", "verify"])
def test_no_declared_command_and_no_check_of_one_starts_the_bot(where: str) -> None:
    argv = ["python3", "-m", "bot.gateway"]
    command = {"title": "Warm", "targets": ["web"], "argv": ["true"]}
    command |= {"argv": argv} if where == "argv" else {"verify": {"argv": argv}}
    config = {"targets": {"web": {"executor": "command"}}, "commands": {"cache.warm": command}}
    with pytest.raises(ConfigError, match="starts the bot or its gateway"):
        read_config(config)


ID = "4f1c" * 16
ON_HOST = (
    "36 25 0:31 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n"
    f"37 25 0:32 / /var/lib/docker/containers/{ID}/mounts/shm rw - tmpfs shm rw\n"
)
IN_CONTAINER = (
    f"50 40 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
)


@pytest.mark.parametrize(
    ("cgroup", "mountinfo", "inside"),
    [
        ("0::/user.slice/session-1.scope\n", ON_HOST, False),
        ("0::/\n", IN_CONTAINER, True),
        (f"0::/system.slice/docker-{ID}.scope\n", "", True),
        (f"12:cpu:/docker/{ID}\n", "", True),
        ("", "", False),
        ("", "nonsense\n", False),
    ],
)
def test_a_gateway_knows_the_container_it_lives_in_from_others_on_its_host(
    cgroup: str, mountinfo: str, inside: bool
) -> None:
    assert lives_in(ID, cgroup, mountinfo) is inside


@pytest.mark.attack("ASI02")
async def test_a_service_that_turns_out_to_be_the_bot_cannot_be_planned(
    start: Callable[..., Any],
) -> None:
    # Its config names a script; what runs in the end has the command line of a bot.
    script = "exec -a python3 sh -c 'sleep 1000; :' -m bot run"
    target = {"executor": "process", "argv": ["bash", "-c", script]}
    desk = await start({"web": target})
    body = {
        "source_id": "sopbot",
        "target_resource": {"name": "web"},
        "action_request": {"action": {"id": "service.restart"}},
    }

    async def refused() -> bool:
        status, answer = await desk.post("/plan", body)
        return bool(status == 502 and answer["error"]["code"] == "SELF_TARGET")

    await until(lambda: refused())
