"""Machines by SSH: runs declared commands."""

from __future__ import annotations

from bot.gateway.executors import Executor, Kind, Setup
from bot.gateway.executors.ssh_target import READ, RUN, SshTarget


def _build(setup: Setup) -> Executor:
    from bot.gateway.executors.ssh_commands import SshExecutor

    return SshExecutor(setup)


KIND = Kind(
    name="ssh",
    target=SshTarget,
    actions=(RUN, READ),
    build=_build,
    requires=("asyncssh",),
    extra="gateway-ssh",
)
