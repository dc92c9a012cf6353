"""A stranger's text in a log line is escaped."""

from bot.serving.log_lines import indented, one_line


def test_every_line_end_and_control_character_is_escaped():
    assert one_line("a\nb\r\x1b[2J\u2028\x85\ud800") == "a\\nb\\r\\x1b[2J\\u2028\\x85\\ud800"
    assert one_line("plain · ✓ 漢") == "plain · ✓ 漢"


def test_no_line_of_a_traceback_begins_where_a_log_line_begins():
    lines = indented("Traceback\nValueError: x\r\n2026-11-26 INFO approved").splitlines()
    assert lines[0] == ""
    assert all(line.startswith("    ") for line in lines[1:])
