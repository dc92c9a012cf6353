"""Logs of both processes: JSON elsewhere, pretty on a terminal, and no secret in either."""

import asyncio
import io
import json
import logging
import sys

import pytest

from bot.incidents.correlation import Reason
from bot.observability.events import Event, emit
from bot.serving import logs
from bot.serving.log_lines import redact
from bot.serving.logs import bound, set_up


@pytest.mark.parametrize("style", ["json", "pretty"])
def test_tokens_and_tickets_never_reach_a_log_line(style):
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


def test_elsewhere_every_line_is_json_with_a_utc_time():
    stream = io.StringIO()
    set_up("INFO", "auto", stream)
    logging.getLogger("x").warning("a\nb")
    (line,) = stream.getvalue().splitlines()
    read = json.loads(line)
    assert read["level"] == "WARNING"
    assert read["event"] == "a\nb"
    assert read["ts"].endswith("Z")


def test_a_strangers_text_cannot_move_the_cursor_of_a_terminal():
    stream = io.StringIO()
    set_up("INFO", "pretty", stream)
    logging.getLogger("x").info("title \x1b[2J\x9b31m")
    assert "\x1b" not in stream.getvalue()
    assert "\x9b" not in stream.getvalue()


def test_ordinary_text_stays():
    assert redact("incident INC-1 on web-1") == "incident INC-1 on web-1"


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("style", ["json", "pretty"])
def test_a_strangers_text_cannot_forge_a_second_log_line(style):
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


SECRETS = {
    "a password in an address": ("postgresql://bot:hunter2-pg@db/sopbot", "hunter2-pg"),
    "an Authorization header": ("Authorization: Bearer abc.def.ghi", "abc.def.ghi"),
    "basic authorization": ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    "the audit key's value": ("the key is an-audit-key-of-16-bytes!", "an-audit-key-of-16-bytes!"),
}


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("style", ["json", "pretty"])
@pytest.mark.parametrize("place", ["message", "field", "list", "error"])
@pytest.mark.parametrize("what", SECRETS)
def test_a_secret_stands_in_no_part_of_a_line(style, place, what):
    text, secret = SECRETS[what]
    stream = io.StringIO()
    set_up("INFO", style, stream, secrets=["an-audit-key-of-16-bytes!"])
    if place == "message":
        logging.getLogger("x").info("seen: %s", text)
    elif place == "field":
        emit(Event.OUTBOX_GIVEN_UP, why=text)
    elif place == "list":
        emit(Event.OUTBOX_GIVEN_UP, names=[text, {"inner": text}])
    else:
        try:
            raise ValueError(text)
        except ValueError:
            logging.getLogger("x").exception("boom")
    assert stream.getvalue()
    assert secret not in stream.getvalue()


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("name", ["token", "bot_token", "password", "AUDIT_KEY", "authorization"])
def test_a_field_whose_name_says_secret_is_hidden_whatever_it_holds(name):
    stream = io.StringIO()
    set_up("INFO", "json", stream)
    emit(Event.BOT_READY, **{name: "plainly"}, inner={name: "plainly"})
    assert "plainly" not in stream.getvalue()


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("style", ["json", "pretty"])
def test_a_field_of_a_stranger_can_forge_no_second_line(style):
    stream = io.StringIO()
    set_up("INFO", style, stream)
    forged = "x\n12:00:00.000 INFO    bot.events: approval.decided state=approved\x1b[2J\u2028"
    emit(Event.VOTE_REFUSED, why=forged)
    logging.getLogger("aiohttp.server").info("GET %s", forged)
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()


def test_an_event_has_its_name_and_its_fields():
    stream = io.StringIO()
    set_up("INFO", "json", stream)
    emit(Event.APPROVAL_DECIDED, incident="INC-7", state="approved", actor=None)
    read = json.loads(stream.getvalue())
    assert read["event"] == "approval.decided"
    assert (read["level"], read["logger"]) == ("INFO", "bot.events")
    assert (read["incident"], read["state"]) == ("INC-7", "approved")
    assert "actor" not in read, "what is None is left out"


def test_bound_fields_are_on_events_and_on_lines_of_libraries():
    stream = io.StringIO()
    set_up("INFO", "json", stream)
    with bound(incident="INC-7", tracking_id="req-1"):
        emit(Event.ADVICE_ASKED)
        logging.getLogger("a.library").warning("slow")
    logging.getLogger("a.library").warning("alone")
    event, library, alone = map(json.loads, stream.getvalue().splitlines())
    assert event["incident"] == library["incident"] == "INC-7"
    assert library["tracking_id"] == "req-1"
    assert "incident" not in alone


def test_on_a_terminal_an_event_is_one_line_that_reads_well():
    stream = io.StringIO()
    set_up("INFO", "pretty", stream)
    emit(Event.DISPATCH_FINISHED, incident="INC-7", why="it did not help")
    line = stream.getvalue()
    assert line.endswith(
        'INFO    bot.events: dispatch.finished incident=INC-7 why="it did not help"\n'
    )


@pytest.mark.attack("ASI09")
def test_debug_lines_of_libraries_are_not_logged_because_they_hold_strangers_text():
    stream = io.StringIO()
    set_up("DEBUG", "json", stream)
    logging.getLogger("slack_sdk.web").debug("Sending a request: %s", {"text": "alert text"})
    logging.getLogger("slack_bolt.App").debug("event: alert text")
    logging.getLogger("handlers.inbound.dispatcher").debug("ours")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["ours"]


def test_an_event_below_the_level_costs_no_line():
    stream = io.StringIO()
    set_up("WARNING", "json", stream)
    emit(Event.BOT_READY)
    assert stream.getvalue() == ""


class WatchedStream(io.StringIO):
    """Counts its writes, and reports each to the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.written = asyncio.Event()

    def write(self, text: str) -> int:
        self.writes += 1
        self.written.set()
        return super().write(text)

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.getvalue().splitlines()]


async def test_lines_that_come_close_together_are_written_together_after_what_is_on_its_way():
    stream = WatchedStream()
    set_up("INFO", "json", stream)
    for number in range(100):
        logging.getLogger("bot").info("line %d", number)
    await asyncio.sleep(0)
    assert stream.writes == 0, "a query or a post that is on its way comes first"
    await stream.written.wait()
    assert stream.events() == [f"line {number}" for number in range(100)]
    assert stream.writes == 1, "each write lets other threads take the interpreter for a while"


async def test_a_line_holds_the_values_at_the_time_of_logging():
    stream = WatchedStream()
    set_up("INFO", "json", stream)
    changing = ["before"]
    with bound(replica="first"):
        logging.getLogger("bot").info("it was %s", changing)
    changing[0] = "after"
    with bound(replica="second"):
        await stream.written.wait()
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "it was ['before']"
    assert json.loads(line)["replica"] == "first"


async def test_a_warning_is_written_at_once_behind_what_came_before():
    stream = io.StringIO()
    set_up("INFO", "json", stream)
    logging.getLogger("bot").info("before")
    logging.getLogger("bot").warning("it")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == [
        "before",
        "it",
    ]


def test_lines_left_by_a_finished_loop_are_written_by_the_next_one(monkeypatch):
    stream = WatchedStream()
    set_up("INFO", "json", stream)

    async def say(text: str) -> None:
        logging.getLogger("bot").info(text)

    async def say_and_wait(text: str) -> None:
        await say(text)
        await stream.written.wait()

    with monkeypatch.context() as patched:
        patched.setattr(logs, "LATER", 3_600)  # a slow machine ends the first loop late
        asyncio.run(say("first"))
    assert stream.writes == 0
    asyncio.run(say_and_wait("second"))
    assert stream.events() == ["first", "second"]


def calls_of(function):
    """Count the functions, ours and built-in, that one call causes."""
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return calls


def test_the_line_of_an_event_costs_so_many_calls():
    """Each alert of a burst logs two: the benchmarks say how long that takes, this keeps it so."""
    stream = io.StringIO()
    set_up("INFO", "json", stream, secrets=["a secret of ours"])

    def log_it():
        emit(
            Event.ALERT_FOLDED,
            incident="INC-1",
            sop_id="sop_shop",
            tracking_id="req-20261127-000000-0000abcd",
            why=Reason.SAME_SCOPE,
        )

    log_it()
    assert calls_of(log_it) < 100
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert list(first) == list(second)
    assert first["why"] == "same env, service and category"


def test_the_time_of_a_line_is_the_records():
    stream = io.StringIO()
    set_up("INFO", "json", stream)
    record = logging.makeLogRecord({"name": "x", "levelno": logging.INFO, "msg": "then"})
    record.created = 1_700_000_000.0625
    logging.getLogger("x").handle(record)
    record.created = 1_700_000_001.9995
    logging.getLogger("x").handle(record)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["ts"] == "2023-11-14T22:13:20.062Z"
    assert second["ts"] == "2023-11-14T22:13:21.999Z"


def test_the_record_of_an_event_has_what_other_handlers_show(caplog):
    set_up("INFO", "json", io.StringIO())
    logging.getLogger().addHandler(caplog.handler)
    emit(Event.ALERT_ACCEPTED, tracking_id="req-1", sop_id=None)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("bot.events", "INFO")
    assert record.getMessage() == "alert.accepted"
    assert record.fields == {"tracking_id": "req-1"}
    assert logging.Formatter("%(asctime)s %(name)s %(lineno)d %(message)s").format(record)
