"""The columns of the progress of an execution. Never edited."""

from __future__ import annotations

PROGRESS = """
-- The gateway's latest word while it runs; NULL before the gateway said that it runs.
ALTER TABLE executions ADD COLUMN progress TEXT;
ALTER TABLE executions ADD COLUMN cancellable INTEGER NOT NULL DEFAULT 0;
"""
