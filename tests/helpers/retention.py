"""Limits of retention for tests."""

from __future__ import annotations

from datetime import datetime

from store.operations.retention import Limits


def limits(deliveries: datetime, details: datetime) -> Limits:
    """Limits that keep conversations and summaries."""
    long_ago = datetime.fromisoformat("2000-01-01T00:00:00Z")
    return Limits(deliveries, details, long_ago, long_ago, long_ago, long_ago)
