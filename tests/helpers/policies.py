"""Policies of people and groups who approve."""

from __future__ import annotations

from typing import Any

from bot.approvals.segment import Remediate

BEN, SRE = "U0BEN", "S0SRE"


def policy(**keys: Any) -> Remediate:
    return Remediate.model_validate({"approvers": [BEN]} | keys)
