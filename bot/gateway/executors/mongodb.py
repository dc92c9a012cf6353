"""MongoDB: kills operations by filter, and reports operations, connections and replicas."""

from __future__ import annotations

from bot.gateway.executors import Executor, Kind, Setup
from bot.gateway.executors.mongodb_target import KILL, REPORT, MongodbTarget


def _build(setup: Setup) -> Executor:
    from bot.gateway.executors.mongodb_operations import MongodbExecutor

    return MongodbExecutor(setup)


KIND = Kind(
    name="mongodb",
    target=MongodbTarget,
    actions=(KILL, REPORT),
    build=_build,
    requires=("pymongo",),
    extra="gateway-mongodb",
)
