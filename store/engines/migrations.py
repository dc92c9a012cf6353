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
    advice_tables,
    episode_columns,
    evidence_tables,
    feedback_tables,
    gateway_tables,
    home_tables,
    learning_tables,
    operation_tables,
    outside_tables,
    progress_columns,
    record_tables,
    schema_changes,
    scope_columns,
    silence_tables,
    source_tables,
    steering_columns,
)
from store.engines.earlier_migrations import EARLIER_MIGRATIONS

Migration = Callable[[], str]


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


def m049_expand_cached_answers() -> str:
    """Store the advisors' answers, to be used again for some minutes."""
    return advice_tables.CACHED_ANSWERS


def m050_expand_advisor_runs() -> str:
    """Store the runs of the advisors, which the budget counts."""
    return advice_tables.ADVISOR_RUNS


def m051_expand_gateway_offers() -> str:
    """Store what the gateway offers, so that a restart without it still knows."""
    return gateway_tables.OFFERS


def m052_expand_lessons() -> str:
    """Store the lessons that people keep of incidents."""
    return learning_tables.LESSONS


def m053_expand_removed_lessons() -> str:
    """Store who removed a wrong lesson."""
    return learning_tables.REMOVED_LESSONS


def m054_expand_store_sizes() -> str:
    """Store the size of each day, and find the silences that ended long ago."""
    return operation_tables.SIZES


def m055_expand_standing_advice() -> str:
    """Store which advice is in force, and which advisors are asked."""
    return advice_tables.STANDING_ADVICE


def m056_expand_evidence_by_time() -> str:
    """Find the evidence of the last seconds."""
    return operation_tables.EVIDENCE_BY_TIME


def m057_expand_progress() -> str:
    """Store how far an execution is while it runs."""
    return progress_columns.PROGRESS


def m058_expand_shared_questions() -> str:
    """Let one replica ask the advisors an equal question for all."""
    return advice_tables.SHARED_QUESTIONS


def m059_expand_spoken_timeline() -> str:
    """Store what an entry of the timeline says as its message and the parts of it, as JSON."""
    return record_tables.SPOKEN_TIMELINE


def m060_expand_zones() -> str:
    """Store the zone of an incident, and find what is open there."""
    return scope_columns.M060


def m061_expand_early_resolves() -> str:
    """Find the resolves that came before their firing."""
    return episode_columns.M061


def m062_expand_spoken_outcomes() -> str:
    """Store an execution's error and the note of its verification as messages with their parts."""
    return progress_columns.SPOKEN_OUTCOMES


def m063_expand_just_ended() -> str:
    """Find what of a service ended just now."""
    return episode_columns.M063


MIGRATIONS: tuple[Migration, ...] = (
    *EARLIER_MIGRATIONS,
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
    m049_expand_cached_answers,
    m050_expand_advisor_runs,
    m051_expand_gateway_offers,
    m052_expand_lessons,
    m053_expand_removed_lessons,
    m054_expand_store_sizes,
    m055_expand_standing_advice,
    m056_expand_evidence_by_time,
    m057_expand_progress,
    m058_expand_shared_questions,
    m059_expand_spoken_timeline,
    m060_expand_zones,
    m061_expand_early_resolves,
    m062_expand_spoken_outcomes,
    m063_expand_just_ended,
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
