"""Logs: JSON elsewhere, pretty on a terminal, and no secret in either."""

import io
import json
import logging

import pytest

from bot.observability.logs import blot, set_up


@pytest.fixture
def root():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.parametrize("style", ["json", "pretty"])
def test_tokens_and_tickets_never_reach_a_log_line(root, style):
    stream = io.StringIO()
    set_up("INFO", style, stream)
    logging.getLogger("x").info(
        "token xoxb-1234-abcdef app %s wss://h/link/?ticket=t-123&app_id=A Bearer abc.def",
        "xapp-1-A-123456789",
    )
    try:
        raise ValueError("xoxb-9999-zzzzzz")
    except ValueError:
        logging.getLogger("x").exception("boom")
    text = stream.getvalue()
    for secret in ("xoxb-1234", "xapp-1-A", "t-123", "abc.def", "xoxb-9999"):
        assert secret not in text
    assert "app_id=A" in text


def test_elsewhere_every_line_is_json_with_a_utc_time(root):
    stream = io.StringIO()
    set_up("INFO", "auto", stream)
    logging.getLogger("x").warning("a\nb")
    (line,) = stream.getvalue().splitlines()
    read = json.loads(line)
    assert read["level"] == "WARNING"
    assert read["msg"] == "a\nb"
    assert read["ts"].endswith("Z")


def test_a_strangers_text_cannot_move_the_cursor_of_a_terminal(root):
    stream = io.StringIO()
    set_up("INFO", "pretty", stream)
    logging.getLogger("x").info("title \x1b[2J\x9b31m")
    assert "\x1b" not in stream.getvalue()
    assert "\x9b" not in stream.getvalue()


def test_what_is_no_secret_stays():
    assert blot("incident INC-1 on web-1") == "incident INC-1 on web-1"


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("style", ["json", "pretty"])
def test_a_strangers_text_cannot_forge_a_second_log_line(root, style):
    stream = io.StringIO()
    set_up("INFO", style, stream)
    forged = "/x\n12:00:00.000 INFO    bot: approved by @ana\u2028\r\x85\x0b"
    try:
        raise ValueError(forged)
    except ValueError:
        logging.getLogger("x").exception("GET %s failed", forged)
    lines = stream.getvalue().splitlines()
    assert not any(line.startswith("12:00:00.000 INFO    bot:") for line in lines), lines
    assert "approved by @ana" in lines[0], "it is told, as a part of its own line"
    if style == "pretty":
        assert all(line.startswith("    ") for line in lines[1:])
