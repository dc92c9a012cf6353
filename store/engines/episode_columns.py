"""The columns of an incident about its episodes."""

M029 = """
-- '' while it is open, and in a row that the bot before resolved: see `rows.incident_from`.
ALTER TABLE incidents ADD COLUMN resolution TEXT NOT NULL DEFAULT '';
-- The last incident of its scope before it.
ALTER TABLE incidents ADD COLUMN previous_id INTEGER;
-- Changes between firing and resolved within the window (0: it does not flap), and the last one.
ALTER TABLE incidents ADD COLUMN flapping_changes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN changed_at TEXT NOT NULL DEFAULT '';
UPDATE incidents SET resolution = CASE resolved_by WHEN '' THEN 'cleared' ELSE 'person' END
    WHERE status = 'resolved';
-- Not of open incidents: SQLite would look for those in it, among all that ever ended.
CREATE INDEX incidents_by_end ON incidents (scope_service, scope_category, resolved_at)
    WHERE resolved_at IS NOT NULL;
CREATE INDEX flapping_incidents ON incidents (changed_at) WHERE flapping_changes > 0;
-- The last incident that an alert fired in is found by its newest message.
CREATE INDEX firing_alerts ON alerts (fingerprint, source, id) WHERE status = 'firing';
"""

M061 = """
-- A resolve that came before its firing closed nothing.
CREATE INDEX early_resolves ON alerts (fingerprint, source)
    WHERE status = 'resolved' AND incident_id IS NULL;
"""

M063 = """
-- What of a service ended just now, of any category.
CREATE INDEX ended_of_service ON incidents (scope_service, resolved_at)
    WHERE resolved_at IS NOT NULL;
"""
