"""The base of the executors that act on a Kubernetes cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from bot.gateway.executors.kubernetes_access import access_of
from bot.gateway.executors.kubernetes_api import Api
from bot.gateway.executors.kubernetes_target import ClusterTarget
from bot.gateway.executors.remote import RemoteExecutor

POLL_SECONDS = 0.2

C = TypeVar("C", bound=ClusterTarget)


class ClusterExecutor(RemoteExecutor[C]):
    """Opens a connection to a target's cluster with credentials that are read for each call."""

    @asynccontextmanager
    async def connected(self, name: str, target: ClusterTarget) -> AsyncIterator[Api]:
        """Give a connection to the target's cluster."""
        token = self.secret(name, "token")
        access = await asyncio.to_thread(access_of, target, token)
        async with Api(access, timeout_seconds=target.timeout_seconds) as api:
            yield api
