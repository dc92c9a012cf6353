"""The steps of the schema up to m034. None is ever edited, and none is added here.

`store.engines.migrations` describes steps, and takes new ones.
"""

from __future__ import annotations

from store.engines import (
    episode_columns,
    first_schema,
    outbox_columns,
    schema_changes,
    scope_columns,
    silence_tables,
    stats_columns,
)


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


EARLIER_MIGRATIONS = (
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
)
