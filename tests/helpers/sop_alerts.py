"""An alert for tests of SOPs and their templates."""

from __future__ import annotations

from typing import Any

from bot.incidents.model import Alert, AlertStatus, Severity


def alert(**changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "source": "test",
        "status": AlertStatus.FIRING,
        "name": "HighCpu",
        "title": "CPU",
        "env": "prod",
        "region": "eu-west-1",
        "service": "omada-core",
        "category": "cpu",
        "severity": Severity.HIGH,
        "fingerprint": "fp",
    }
    return Alert(**{**fields, **changes})
