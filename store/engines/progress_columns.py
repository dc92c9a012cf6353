"""Columns of the executions: progress, and translatable texts. Never edited."""

from __future__ import annotations

PROGRESS = """
-- The gateway's latest word while it runs; NULL before the gateway said that it runs.
ALTER TABLE executions ADD COLUMN progress TEXT;
ALTER TABLE executions ADD COLUMN cancellable INTEGER NOT NULL DEFAULT 0;
"""

SPOKEN_OUTCOMES = """
-- `error` and `verify_note` as a message with its parts, in JSON; '' for a gateway's own text.
ALTER TABLE executions ADD COLUMN error_message TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN verify_message TEXT NOT NULL DEFAULT '';
"""
