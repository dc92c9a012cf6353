"""The profiles: named sets of other defaults. What a file says wins over its profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.policy.model import ProfileName

Values = Mapping[str, Mapping[str, Any]]

PROFILES: Mapping[ProfileName, Values] = {
    # To get to know the bot beside another one: it shows incidents, calls nobody, acts on nothing.
    "poc": {
        "features": {"advice": False, "evidence": False},
        "notify": {"unanswered_seconds": 0},
        "remediate": {"hourly_budget": 0, "propose_from_sop": False},
        "retention": {"alerts_days": 7, "turns_days": 30, "stats_days": 30},
    },
    # Alerts, cards, SOPs and approvals; no advisor and no source of evidence is asked.
    "core-fast": {
        "features": {"advice": False, "evidence": False},
        "correlate": {"card_update_seconds": 0.5},
        "slo": {"fast_path_p95_ms": 1_000, "fast_path_p99_ms": 2_000},
    },
    # Everything that the other keys declare.
    "full": {"features": {"advice": True, "evidence": True, "cascades": True}},
}
