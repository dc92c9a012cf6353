"""MySQL and MariaDB: ends sessions and queries by filter, and reports activity and sizes."""

from __future__ import annotations

from bot.gateway.executors import Executor, Kind, Setup
from bot.gateway.executors.mysql_target import KILL_QUERIES, KILL_SESSIONS, REPORT, MysqlTarget


def _build(setup: Setup) -> Executor:
    from bot.gateway.executors.mysql_sessions import MysqlExecutor

    return MysqlExecutor(setup)


KIND = Kind(
    name="mysql",
    target=MysqlTarget,
    actions=(KILL_SESSIONS, KILL_QUERIES, REPORT),
    build=_build,
    requires=("pymysql",),
    extra="gateway-mysql",
)
