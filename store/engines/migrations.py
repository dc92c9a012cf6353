"""The schema, as numbered steps that are never edited: a change is a new function at the end.

Each is a script in SQLite's SQL; `store.engines.dialects` has the other engine's. During a rolling
upgrade the old and the new bot run on one schema, so a change comes in two releases: a step named
`mNNN_expand_…` adds what the older code can overlook; a later one, `mNNN_contract_…`, takes away
what no running code uses any more. Code meets steps that it does not know: it runs on when all of
them expand, and refuses otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from store.engines import (
    episode_columns,
    evidence_tables,
    feedback_tables,
    first_schema,
    home_tables,
    outbox_columns,
    outside_tables,
    record_tables,
    schema_changes,
    scope_columns,
    silence_tables,
    source_tables,
    stats_columns,
    steering_columns,
)

Migration = Callable[[], str]


def m001_initial() -> str:
    """Alerts, incidents, SOP map, turns, advice, approvals, executions, outbox, timeline."""
    return first_schema.M001


def m002_expand_storm() -> str:
    """Store how far each channel was backfilled, and the bot's own notices."""
    return schema_changes.M002


def m003_expand_audit() -> str:
    """The audit trail: every decision in a keyed hash chain, and where the chain stood."""
    return schema_changes.M003


def m004_expand_approvals() -> str:
    """Terms, targets and reasons of approvals; what people did by hand; the global freeze."""
    return schema_changes.M004


def m005_expand_identity() -> str:
    """The store's own id, which the metadata of its Slack messages carries."""
    return schema_changes.M005


def m006_expand_blockers() -> str:
    """Store the blocker that the card of a waiting approval shows."""
    return schema_changes.M006


def m007_expand_shown_alert() -> str:
    """Store the alert that an incident shows, and the stored alert of each firing one."""
    return schema_changes.M007


def m008_expand_proposing() -> str:
    """Add the queue of proposals, beside the queue of advice."""
    return schema_changes.M008


def m009_expand_news() -> str:
    """Store bad news, which the bot posts once in an incident's thread."""
    return schema_changes.M009


def m010_expand_shared_parts() -> str:
    """Store once the data that all alerts of one webhook delivery share."""
    return schema_changes.M010


def m011_expand_senders() -> str:
    """Store who sent an alert, by Slack or the endpoint: only that sender may clear it."""
    return schema_changes.M011


def m012_expand_turns() -> str:
    """Store the sender that a message is about, and its turn among those of other senders."""
    return schema_changes.M012


def m013_expand_attempts() -> str:
    """Let people retry an execution that provably did not run, while its approval is valid."""
    return schema_changes.M013


def m014_expand_questions() -> str:
    """Questions by HTTP without an alert, by the tracking id that their answer carries."""
    return schema_changes.M014


def m015_expand_takeovers() -> str:
    """Store when a dispatch was taken over and when it began to run, beside its start."""
    return schema_changes.M015


def m016_expand_watched() -> str:
    """Store the alerts that fired when a request was sent: they verify it."""
    return schema_changes.M016


def m017_expand_firing_order() -> str:
    """Store when an alert began to fire, and the order in which its incident shows it."""
    return schema_changes.M017


def m018_expand_recorded_requests() -> str:
    """Index the recorded requests by time: every click reads those of the last day."""
    return schema_changes.M018


def m019_expand_outbox_order() -> str:
    """The versions, the order and the giving up of a message, each in a column of its own.

    The bot of before still works: triggers copy the columns that it writes to the new ones, and
    back. Only the order is approximate while both run: it takes each new message of this bot for
    one of a critical incident. A later step takes the triggers and the old columns away.
    """
    return outbox_columns.M019


def m020_expand_idempotency_keys() -> str:
    """The keys of questions, apart from those of deliveries.

    A mention that Slack delivers to a bot of before and once more to this one, within the minutes
    in which both run, is answered twice.
    """
    return schema_changes.M020


def m021_expand_publications() -> str:
    """Store which incidents and which advice were published on NATS."""
    return schema_changes.M021


def m022_expand_last_active() -> str:
    """Add the time at which an alert or a person last said that the incident goes on."""
    return schema_changes.M022


def m023_expand_log_positions() -> str:
    """Store how far each log was read."""
    return schema_changes.M023


def m024_expand_activities() -> str:
    """Store the activity of people at the senders of alerts."""
    return schema_changes.M024


def m025_expand_subjects() -> str:
    """The region and place of an incident's scope, and what its first alert is about.

    The bot of before looks for open incidents by env and service only, and the index that
    promises one open incident of each SOP ID, env and service no longer holds for it: while both
    run, two regions are two incidents here and one there.
    """
    return scope_columns.M025


def m026_expand_cascades() -> str:
    """Store which incident is part of which, and the decision about each alert."""
    return schema_changes.M026


def m027_expand_stats() -> str:
    """Count repeats, store when an incident was opened and its card posted, and index both."""
    return stats_columns.M027


def m028_expand_silences() -> str:
    """Silences, and the alerts that they suppressed."""
    return silence_tables.M028


def m029_expand_episodes() -> str:
    """Store why an incident was resolved, the one before it of its scope, and whether it flaps."""
    return episode_columns.M029


def m030_expand_corrections() -> str:
    """Store what people split and merge, and which incident is perhaps related to which."""
    return schema_changes.M030


def m031_expand_mutes() -> str:
    """Store who muted the thread of an incident, and until when."""
    return silence_tables.M031


def m032_expand_traces() -> str:
    """Store when an alert arrived and was written, and the tracking id of its last repeat."""
    return stats_columns.M032


def m033_expand_scopes_of_categories() -> str:
    """Let two troubles of one service be open that have no category, and so one SOP ID."""
    return scope_columns.M033


def m034_expand_retention() -> str:
    """Store whose details were deleted, and the indexes by which retention finds its rows."""
    return stats_columns.M034


def m035_expand_reading_cases() -> str:
    """Store the messages that people say were read wrongly."""
    return schema_changes.M035


def m036_expand_remote_silences() -> str:
    """Store the id of a silence at the source that it was written to."""
    return silence_tables.M036


def m037_expand_evidence() -> str:
    """Store what is known about an incident, as its thread shows it."""
    return evidence_tables.M037


def m038_expand_home() -> str:
    """Store which Home tabs people have open, and index the open incidents by severity."""
    return home_tables.M038


def m039_expand_source_acknowledgements() -> str:
    """Store which acknowledgements were passed on to the senders of alerts."""
    return source_tables.M039


def m040_expand_records() -> str:
    """Store post-mortems, and the actions that follow from an incident."""
    return record_tables.M040


def m041_expand_deploys() -> str:
    """Keep the deploys of services: one may be the cause of an incident."""
    return evidence_tables.M041


def m042_expand_steering() -> str:
    """Store who set an incident's severity, and to whom it is escalated."""
    return steering_columns.M042


def m043_expand_handovers() -> str:
    """Store the handovers of a person's incidents to another person."""
    return record_tables.M043


def m044_expand_outside_notices() -> str:
    """Keep what went out by e-mail and webhook while Slack was unreachable."""
    return outside_tables.OUTSIDE_NOTICES


def m045_expand_wrong_runbooks() -> str:
    """Count who said that a cited passage of a runbook is wrong."""
    return evidence_tables.WRONG_RUNBOOKS


def m046_expand_digests() -> str:
    """Store which digests were posted or left out."""
    return home_tables.DIGESTS


def m047_expand_stakeholder_updates() -> str:
    """Store the update on an incident that its stakeholders read."""
    return record_tables.M047


def m048_expand_feedback() -> str:
    """Store people's opinions of advice, and the blocks that the workspace refuses."""
    return feedback_tables.FEEDBACK


MIGRATIONS: tuple[Migration, ...] = (
    m001_initial,
    m002_expand_storm,
    m003_expand_audit,
    m004_expand_approvals,
    m005_expand_identity,
    m006_expand_blockers,
    m007_expand_shown_alert,
    m008_expand_proposing,
    m009_expand_news,
    m010_expand_shared_parts,
    m011_expand_senders,
    m012_expand_turns,
    m013_expand_attempts,
    m014_expand_questions,
    m015_expand_takeovers,
    m016_expand_watched,
    m017_expand_firing_order,
    m018_expand_recorded_requests,
    m019_expand_outbox_order,
    m020_expand_idempotency_keys,
    m021_expand_publications,
    m022_expand_last_active,
    m023_expand_log_positions,
    m024_expand_activities,
    m025_expand_subjects,
    m026_expand_cascades,
    m027_expand_stats,
    m028_expand_silences,
    m029_expand_episodes,
    m030_expand_corrections,
    m031_expand_mutes,
    m032_expand_traces,
    m033_expand_scopes_of_categories,
    m034_expand_retention,
    m035_expand_reading_cases,
    m036_expand_remote_silences,
    m037_expand_evidence,
    m038_expand_home,
    m039_expand_source_acknowledgements,
    m040_expand_records,
    m041_expand_deploys,
    m042_expand_steering,
    m043_expand_handovers,
    m044_expand_outside_notices,
    m045_expand_wrong_runbooks,
    m046_expand_digests,
    m047_expand_stakeholder_updates,
    m048_expand_feedback,
)


def name_of(migration: Migration) -> str:
    """Return the migration's name as the database records it."""
    return migration.__name__


def statements_of(migration: Migration, engine: str = "sqlite") -> Iterator[str]:
    """Each statement of its script, without those that begin with `-- on` another engine."""
    for statement in migration().split(";\n"):
        begins = statement.strip().split("\n", 1)[0]
        if begins and not (begins.startswith("-- on ") and begins != f"-- on {engine}"):
            yield statement
