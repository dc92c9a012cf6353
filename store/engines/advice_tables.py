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
