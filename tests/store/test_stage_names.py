"""A trace names every stage in words for people."""

from __future__ import annotations

import re
from pathlib import Path

from store.operations import stages

OPERATIONS = Path(stages.__file__).parent
REPLIES = re.compile(r'incidents\.reply\(\s*\w+,\s*"(\w+)"')
ROWS = re.compile(r'kind="(\w+)"')


def test_every_message_about_an_incident_has_a_name_without_an_internal_word() -> None:
    text = "\n".join(file.read_text("utf-8") for file in OPERATIONS.glob("*.py"))
    kinds = {*REPLIES.findall(text), *ROWS.findall(text)} - {"digest", "silence", "audit_head"}
    assert len(kinds) > 12, "the search finds them"
    assert kinds <= set(stages.POSTED)
    for name in (*stages.POSTED.values(), *stages.NAMES.values()):
        assert "_" not in name
        assert "steered" not in name
