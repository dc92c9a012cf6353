"""Log lines of the gateway: one line a message, whatever a stranger put in it."""

import logging
import sys

import pytest

from bot.serving.log_lines import OneLineFormatter, one_line


def test_every_line_end_and_control_character_is_escaped():
    assert one_line("a\nb\r\x1b[2J\u2028\x85\ud800") == "a\\nb\\r\\x1b[2J\\u2028\\x85\\ud800"
    assert one_line("plain · ✓ 漢") == "plain · ✓ 漢"


@pytest.mark.attack("ASI09")
def test_a_message_and_its_traceback_begin_one_log_line():
    try:
        raise ValueError("x\n2026-11-26 INFO bot.gateway approved")
    except ValueError:
        record = logging.LogRecord(
            "g", logging.ERROR, "f", 1, "%s failed", ("/x\nforged",), sys.exc_info()
        )
    first, *rest = OneLineFormatter("%(levelname)s %(message)s").format(record).splitlines()
    assert first == "ERROR /x\\nforged failed"
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert record.exc_info, "other handlers still get the traceback"
