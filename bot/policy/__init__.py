"""The operator's policy: what the bot may do, and who decides."""

from bot.policy.model import Policy
from bot.policy.reading import (
    APPROVERS_FILE,
    LoadedPolicy,
    load_policy,
    parse_policy,
    parse_roles,
    read_policy,
)
from bot.policy.segments import Correlate, Notify, Retention, Slo

__all__ = [
    "APPROVERS_FILE",
    "Correlate",
    "LoadedPolicy",
    "Notify",
    "Policy",
    "Retention",
    "Slo",
    "load_policy",
    "parse_policy",
    "parse_roles",
    "read_policy",
]
