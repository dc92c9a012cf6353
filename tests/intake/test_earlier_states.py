"""No incident closes by what its alert was before: that is not what it is now."""

from __future__ import annotations

import pytest

from bot.incidents.model import AlertStatus
from bot.intake import parse_body, parse_message
from bot.intake.headline import read_headline
from bot.intake.states import state_of

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


def status_of_text(text: str, colour: str = "") -> AlertStatus:
    attachment = {"title": text.split("\n")[0], "text": text, "color": colour or "a30200"}
    content = {"attachments": [attachment]} if colour else {"text": text}
    (alert,) = parse_message({"bot_id": "B0ANY", "username": "watch", **content}).alerts
    return alert.status


@pytest.mark.parametrize("colour", ["", "a30200"])
@pytest.mark.parametrize(
    "text",
    [
        "Previous state: OK\nCurrent state: CRITICAL\nHost: berth-3",
        "State: CRITICAL (was OK)",
        "Status: CRITICAL (previously OK)",
        "berth-3 disk: CRITICAL (was OK)",
        "Disk is full\nState: CRITICAL (was OK)",
        "Disk is full\nState: CRITICAL [was: OK]",
        "Disk is full\nStatus: partially resolved",
        "Was resolved, fires again: disk is full",
        "Disk is full: was resolved, fires again",
        "Disk is full\nStatus: was resolved, fires again",
        "Reopened: disk is full (closed before)",
        "Reopened: disk is full (resolved 2 h ago)",
        "[Re-opened] disk is full [closed]",
        "Wieder offen: Platte voll (vorher behoben)",
        "重新打开: 磁盘已满（之前已恢复）",
        "Was: OK",
        "Was: OK\nHost: berth-3",
        "Was: OK\nNow: CRITICAL\nHost: berth-3",
        "Antes: resuelto\nAhora: crítico",
        "Disk is full\nNow: up 40 %",
        "Disco pieno\nOra: ok ma pieno",
    ],
)
def test_an_earlier_good_state_or_half_an_end_keeps_the_alert_open(text: str, colour: str) -> None:
    assert status_of_text(text, colour) is FIRING


@pytest.mark.parametrize(
    "text",
    [
        "State: OK (was CRITICAL)",
        "berth-3 disk: OK (was CRITICAL)",
        "[Recovered] berth-3 disk (was CRITICAL)",
        "Disk is full (alert was resolved)",
        "Disk is full\nState: OK (was CRITICAL)",
        "Was CRITICAL, is OK: disk is full",
        "Resolved: disk is full (reopened before)",
        "Was: CRITICAL\nNow: OK\nHost: berth-3",
        "Disk is full\nNow: back to normal",
        "Disk is full\nNow: OK :white_check_mark:",
        "The incident was resolved. Failed disk replaced",
    ],
)
def test_an_end_that_names_the_state_before_is_an_end(text: str) -> None:
    assert status_of_text(text) is RESOLVED


def test_the_state_before_does_not_tell_the_end_from_its_alert() -> None:
    firing, over = "berth-3 disk: CRITICAL (was OK)", "berth-3 disk: OK (was CRITICAL)"
    assert read_headline(firing).subject == read_headline(over).subject == "berth-3 disk"


def test_words_for_again_leave_the_title_of_the_alert() -> None:
    subjects = {
        read_headline(text).subject
        for text in (
            "Disk is full",
            "Was resolved, fires again: Disk is full",
            "Reopened: Disk is full (closed before)",
            "Réouvert : Disk is full",
            "Resolved: Disk is full",
        )
    }
    assert subjects == {"Disk is full"}


def test_an_earlier_name_in_brackets_stays_in_the_title() -> None:
    assert read_headline("orders (formerly sales) is down").title.startswith("orders (formerly")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("ok_to_down", FIRING),
        ("OK to ALARM", FIRING),
        ("alarm_to_ok", RESOLVED),
        ("back to normal", RESOLVED),
        ("up to date", RESOLVED),
        ("partially resolved", FIRING),
    ],
)
def test_a_state_field_says_what_it_changed_to(word: str, status: AlertStatus) -> None:
    assert state_of(word) is status
    (alert,) = parse_body("quay-watch", {"title": "Berths", "status": word}).alerts
    assert alert.status is status
