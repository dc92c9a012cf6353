"""The tables that limit what the advisors cost."""

CACHED_ANSWERS = """
-- The advisors' answers, to be used again for some minutes.
CREATE TABLE cached_answers (
    key TEXT PRIMARY KEY,               -- see bot/advice/load/question_key.py
    body TEXT NOT NULL,                 -- JSON, see bot/advice/model.py: Advice
    at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX cached_answers_by_time ON cached_answers (at);
"""

ADVISOR_RUNS = """
-- The runs of the advisors, which the budget counts.
CREATE TABLE advisor_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    about TEXT NOT NULL,                -- INC-7, or the incident key of a question by HTTP
    started_at TEXT NOT NULL,
    milliseconds INTEGER NOT NULL DEFAULT 0,  -- 0 until it ended
    tokens INTEGER NOT NULL DEFAULT 0   -- 0 where no advisor counts them
);
CREATE INDEX advisor_runs_by_time ON advisor_runs (started_at);
CREATE INDEX advisor_runs_about ON advisor_runs (about);
CREATE INDEX advice_questions ON advice (asked_at) WHERE question != '';
"""

STANDING_ADVICE = """
-- The later advice that is in force instead; NULL while this one is.
ALTER TABLE advice ADD COLUMN replaced_by INTEGER;
ALTER TABLE advice ADD COLUMN by_model INTEGER NOT NULL DEFAULT 0;
-- The advisors that are asked, and since when; '' until the card says so.
ALTER TABLE advice ADD COLUMN asking TEXT NOT NULL DEFAULT '';
ALTER TABLE advice ADD COLUMN asking_since TEXT NOT NULL DEFAULT '';
"""

SHARED_QUESTIONS = """
-- The question that one replica asks the advisors for all of them.
CREATE TABLE shared_questions (
    key TEXT PRIMARY KEY,               -- see bot/advice/load/question_key.py
    owner TEXT NOT NULL,                -- the replica that asks
    claimed_at TEXT NOT NULL,
    ended_at TEXT NOT NULL,             -- '' while it asks
    body TEXT NOT NULL                  -- the answer as JSON; '' without one
) WITHOUT ROWID;
CREATE INDEX shared_questions_by_time ON shared_questions (claimed_at);
"""
