"""Migration 19: columns for the order and state of the outbox, computed from the former ones.

It is never edited.
"""

from __future__ import annotations

import re
from functools import partial

# The order of a message by the `rank` of the bot before: -2 a notice, -1 a state change, twice the
# severity a card, 1 more a reply right behind those cards, 8 more a reply behind all cards.
_IS_REPLY = "in_thread = 1 AND rank >= 8 AND rank = 2 * (rank / 2)"
_BY_THE_BOT_BEFORE = {
    "class": f"CASE WHEN rank < -1 THEN 0 WHEN rank = -1 THEN 1 WHEN {_IS_REPLY} THEN 3 ELSE 2 END",
    "severity": f"CASE WHEN rank < 0 THEN 0 WHEN {_IS_REPLY} THEN (rank - 8) / 2 ELSE rank / 2 END",
    "promoted": "CASE WHEN rank > 0 AND rank != 2 * (rank / 2) THEN 1 ELSE 0 END",
    "desired_version": "wanted",
    "sent_version": "sent",
    "given_up_at": "CASE failed WHEN 1 THEN COALESCE(given_up_at, not_before) END",
    "enqueued_at": "COALESCE(due_since, not_before)",
}
_ORDER = ("class", "severity", "promoted")
_STATE = ("desired_version", "sent_version", "given_up_at")


def _copied(*columns: str) -> str:
    return ", ".join(f"{column} = {_BY_THE_BOT_BEFORE[column]}" for column in columns)


def _assigned(*columns: str) -> str:
    """The same as assignments of PL/pgSQL."""
    of_row = partial(re.compile(r"\b[a-z_]+\b").sub, r"NEW.\g<0>")
    return " ".join(f"NEW.{name} := {of_row(_BY_THE_BOT_BEFORE[name])};" for name in columns)


_DIFFERS = (
    "NEW.wanted != NEW.desired_version OR NEW.sent != NEW.sent_version"
    " OR NEW.failed != (NEW.given_up_at IS NOT NULL)"
)

# The bot before writes `wanted`, `sent` and `failed`; this one writes `desired_version`,
# `sent_version` and `given_up_at`. The triggers copy either to the other.
M019 = f"""
-- The version that Slack should show; the version that it shows.
ALTER TABLE outbox ADD COLUMN desired_version INTEGER;
ALTER TABLE outbox ADD COLUMN sent_version INTEGER NOT NULL DEFAULT 0;
-- The order in a channel, before turn and not_before: see store/messages.py. `promoted` is 1 for a
-- reply right behind the cards of its severity.
ALTER TABLE outbox ADD COLUMN class INTEGER NOT NULL DEFAULT 2;
ALTER TABLE outbox ADD COLUMN severity INTEGER NOT NULL DEFAULT 3;
ALTER TABLE outbox ADD COLUMN promoted INTEGER NOT NULL DEFAULT 0;
-- Since when the desired version is due: no retry moves it.
ALTER TABLE outbox ADD COLUMN enqueued_at TEXT;
-- Since when it is given up: Slack does not take it.
ALTER TABLE outbox ADD COLUMN given_up_at TEXT;
UPDATE outbox SET {_copied(*_BY_THE_BOT_BEFORE)};
CREATE INDEX outbox_in_order ON outbox
    (channel, class, severity, promoted, turn, not_before, id)
    WHERE sent_version < desired_version AND given_up_at IS NULL;
CREATE INDEX outbox_of_a_sender ON outbox (channel, class, severity, promoted, sender, turn)
    WHERE sent_version < desired_version AND given_up_at IS NULL AND ts IS NULL;
DROP INDEX outbox_by_turn;
DROP INDEX outbox_of_sender;
-- on sqlite
CREATE TRIGGER outbox_inserted_before AFTER INSERT ON outbox WHEN NEW.desired_version IS NULL
    BEGIN UPDATE outbox SET {_copied(*_BY_THE_BOT_BEFORE)} WHERE id = NEW.id; END;
-- on sqlite
CREATE TRIGGER outbox_moved_before AFTER UPDATE OF rank ON outbox WHEN NEW.rank != OLD.rank
    BEGIN UPDATE outbox SET {_copied(*_ORDER)} WHERE id = NEW.id; END;
-- on sqlite
CREATE TRIGGER outbox_written_before AFTER UPDATE OF wanted, sent, failed ON outbox WHEN {_DIFFERS}
    BEGIN UPDATE outbox SET {_copied(*_STATE)} WHERE id = NEW.id; END;
-- on sqlite
CREATE TRIGGER outbox_written AFTER UPDATE OF desired_version, sent_version, given_up_at ON outbox
    WHEN {_DIFFERS} BEGIN UPDATE outbox SET wanted = desired_version, sent = sent_version,
    failed = (given_up_at IS NOT NULL) WHERE id = NEW.id; END;
-- on postgresql
CREATE OR REPLACE FUNCTION outbox_inserted_before() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN {_assigned(*_BY_THE_BOT_BEFORE)} RETURN NEW; END $$;
-- on postgresql
CREATE TRIGGER outbox_inserted_before BEFORE INSERT ON outbox FOR EACH ROW
    WHEN (NEW.desired_version IS NULL) EXECUTE FUNCTION outbox_inserted_before();
-- on postgresql
CREATE OR REPLACE FUNCTION outbox_moved_before() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN {_assigned(*_ORDER)} RETURN NEW; END $$;
-- on postgresql
CREATE TRIGGER outbox_moved_before BEFORE UPDATE OF rank ON outbox FOR EACH ROW
    WHEN (NEW.rank != OLD.rank) EXECUTE FUNCTION outbox_moved_before();
-- on postgresql
CREATE OR REPLACE FUNCTION outbox_written_before() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN {_assigned(*_STATE)} RETURN NEW; END $$;
-- on postgresql
CREATE TRIGGER outbox_written_before BEFORE UPDATE OF wanted, sent, failed ON outbox FOR EACH ROW
    EXECUTE FUNCTION outbox_written_before();
-- on postgresql
CREATE OR REPLACE FUNCTION outbox_written() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.wanted := NEW.desired_version; NEW.sent := NEW.sent_version; NEW.failed
    := CASE WHEN NEW.given_up_at IS NULL THEN 0 ELSE 1 END; RETURN NEW; END $$;
-- on postgresql
CREATE TRIGGER outbox_written BEFORE UPDATE OF desired_version, sent_version, given_up_at
    ON outbox FOR EACH ROW EXECUTE FUNCTION outbox_written();
"""  # noqa: S608 - constants
