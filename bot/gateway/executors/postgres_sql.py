"""The SQL of the PostgreSQL executor. Values are always parameters, never part of the text."""

from __future__ import annotations

# The gateway's own role, the bot's store and every superuser or replication session are left out
# here, so that no filter can choose them.
_MAY_BE_TOUCHED = """
    a.backend_type = 'client backend'
    AND a.pid <> pg_backend_pid()
    AND a.usename <> current_user
    AND a.application_name NOT ILIKE 'sopbot%%'
    AND a.datname = ANY(%(databases)s)
    AND NOT a.usename = ANY(%(protected)s)
    AND (%(superusers)s OR NOT (r.rolsuper OR r.rolreplication))
    AND a.state = ANY(%(states)s)
    AND clock_timestamp() - CASE WHEN a.state = 'active' THEN a.query_start ELSE a.state_change END
        >= make_interval(secs => %(min_seconds)s)
    AND (%(user)s = '' OR a.usename = %(user)s)
    AND (%(application)s = '' OR a.application_name = %(application)s)
    AND (%(pid)s = 0 OR a.pid = %(pid)s)
"""

SESSIONS = f"""
SELECT a.pid, a.backend_start, a.query_start, a.usename::text, a.datname::text,
    a.application_name, coalesce(host(a.client_addr), 'local'), a.state,
    extract(epoch FROM clock_timestamp() - CASE WHEN a.state = 'active' THEN a.query_start
        ELSE a.state_change END)::int,
    (SELECT count(*) FROM pg_locks l WHERE l.pid = a.pid AND l.granted
        AND l.locktype = 'relation')::int
FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
WHERE {_MAY_BE_TOUCHED}
ORDER BY a.backend_start, a.pid
LIMIT %(limit)s
"""  # noqa: S608 - both parts are constants


def signal(function: str) -> str:
    """Return the statement that signals the planned sessions that still match the filter.

    A session is the planned one only with the same start; a query is, only with the same start of
    the query. MATERIALIZED: the rows are chosen before the function runs on the first of them.
    """
    return f"""
WITH planned AS (
    SELECT * FROM unnest(%(pids)s::int[], %(starts)s::timestamptz[], %(queries)s::timestamptz[])
        AS p(pid, backend_start, query_start)
), chosen AS MATERIALIZED (
    SELECT a.pid FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
    JOIN planned p ON p.pid = a.pid AND p.backend_start = a.backend_start
        AND p.query_start IS NOT DISTINCT FROM a.query_start
    WHERE {_MAY_BE_TOUCHED}
)
SELECT pid, {function}(pid) FROM chosen
"""  # noqa: S608 - the function is one of two constants of ours


STILL_THERE = """
SELECT a.pid FROM pg_stat_activity a
JOIN unnest(%(pids)s::int[], %(starts)s::timestamptz[], %(queries)s::timestamptz[])
    AS p(pid, backend_start, query_start)
    ON p.pid = a.pid AND p.backend_start = a.backend_start
WHERE %(whole)s OR (a.state = 'active' AND p.query_start = a.query_start)
ORDER BY a.pid
"""

SERVER = """
SELECT version(), pg_postmaster_start_time(),
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'),
    pg_has_role(current_user, 'pg_signal_backend', 'USAGE')
"""

ACTIVITY = """
SELECT datname::text, coalesce(state, 'unknown'), count(*)::int,
    coalesce(max(extract(epoch FROM clock_timestamp() - state_change))::int, 0)
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = ANY(%(databases)s)
GROUP BY 1, 2 ORDER BY 1, 3 DESC
"""

LONGEST = """
SELECT pid, usename::text, application_name, state,
    extract(epoch FROM clock_timestamp() - xact_start)::int, left(query, 400)
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    AND datname = ANY(%(databases)s)
ORDER BY xact_start LIMIT 10
"""

BLOCKED = """
SELECT pid, pg_blocking_pids(pid), extract(epoch FROM clock_timestamp() - query_start)::int,
    left(query, 400)
FROM pg_stat_activity
WHERE datname = ANY(%(databases)s) AND cardinality(pg_blocking_pids(pid)) > 0
ORDER BY query_start LIMIT 10
"""

DATABASES = """
SELECT datname::text, pg_size_pretty(pg_database_size(datname)) FROM pg_database
WHERE datname = ANY(%(databases)s) ORDER BY pg_database_size(datname) DESC LIMIT 10
"""

TABLES = """
SELECT c.oid::regclass::text, pg_size_pretty(pg_total_relation_size(c.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY pg_total_relation_size(c.oid) DESC LIMIT 5
"""
