"""Columns of an incident that people set by commands. Never edited."""

from __future__ import annotations

M042 = """
-- Who set the severity; '' while the senders decide. Their changes of it do not count until then.
ALTER TABLE incidents ADD COLUMN severity_by TEXT NOT NULL DEFAULT '';
-- The second person whom somebody asked for help, and who has not answered yet; '' for nobody.
ALTER TABLE incidents ADD COLUMN escalated_to TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN escalated_by TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN escalated_at TEXT NOT NULL DEFAULT '';
"""
