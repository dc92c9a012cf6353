"""The actions that change nothing, by the bot's own word or the operator's."""

from __future__ import annotations

from bot.approvals.rules import fits_any
from bot.approvals.segment import Remediate

READING = frozenset(
    {
        *("service.status", "service.stats", "service.logs", "docker.disk_report"),
        *("kubernetes.events", "postgres.report", "mysql.report", "redis.report"),
        *("memcached.report", "files.report", "http.read", "flag.state", "ssh.read"),
        *("airflow.runs", "airflow.task_log"),
        "mongodb.report",
    }
)
"""The actions of our gateway that change nothing. Of others only the policy can say so."""


def is_reading(policy: Remediate, action_id: str) -> bool:
    """Return True if the bot or the policy says that the action changes nothing.

    A gateway's own word is not enough: what it calls reading would run without an approval.
    """
    return action_id in READING or fits_any(action_id, policy.reading)
