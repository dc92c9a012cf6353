"""The scripts of the migrations that change the scope of an incident. None is ever edited."""

from __future__ import annotations

M025 = """
-- As scope_env: '-' is unknown. The place is the cluster and the domain of a host, '' if unknown.
-- The subject is JSON, of the first alert; it runs on a host or node.
ALTER TABLE incidents ADD COLUMN scope_region TEXT NOT NULL DEFAULT '-';
ALTER TABLE incidents ADD COLUMN scope_place TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN subject TEXT NOT NULL DEFAULT '{}';
ALTER TABLE incidents ADD COLUMN runs_on TEXT NOT NULL DEFAULT '';
DROP INDEX one_open_incident;
-- The database itself promises one open incident for each SOP ID, env, region, service and place.
CREATE UNIQUE INDEX one_open_incident
    ON incidents (sop_id, scope_env, scope_region, scope_service, scope_place)
    WHERE status IN ('open', 'acknowledged');
DROP INDEX open_incidents;
CREATE INDEX open_incidents_of_service ON incidents (scope_service, scope_category)
    WHERE status IN ('open', 'acknowledged');
CREATE INDEX open_incidents_of_sop ON incidents (scope_service, sop_id)
    WHERE status IN ('open', 'acknowledged');
CREATE INDEX open_incidents_on_host ON incidents (runs_on)
    WHERE status IN ('open', 'acknowledged') AND runs_on != '';
"""

M033 = """
-- Two troubles without a category have one SOP ID. The place has the Kubernetes namespace too.
DROP INDEX one_open_incident;
CREATE UNIQUE INDEX one_open_incident
    ON incidents (sop_id, scope_env, scope_region, scope_service, scope_place, scope_category)
    WHERE status IN ('open', 'acknowledged');
"""

M060 = """
-- The zone, data centre or rack that it runs in; '' if unknown.
ALTER TABLE incidents ADD COLUMN zone TEXT NOT NULL DEFAULT '';
CREATE INDEX open_incidents_in_zone ON incidents (zone, trouble)
    WHERE status IN ('open', 'acknowledged') AND zone != '';
"""
