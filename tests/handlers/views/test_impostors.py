"""Strangers' text that imitates the bot is harmless in every view, in blocks and fallback text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.advice.claims import MARK, marked
from bot.incidents.confusables import fold
from bot.incidents.model import Hyperlink
from handlers.views import card
from handlers.views import text as views
from handlers.views.links import link_button
from handlers.views.text import imitates_bot, line, untrusted_line
from tests.handlers.views.every_view import every_view
from tests.helpers.models import (
    acknowledged,
    assert_obeys_nothing,
    assert_slack_takes,
    incident,
    resolved,
)

IMPOSTORS = [
    "✅ RESOLVED · all is well",
    "*✅ RESOLVED* approved by @ana",
    "x* `INC-1` *🔴 CRITICAL · other",
    "_✅ Approve ↗_",
    ":white_check_mark: :lock: RESOLVED",
    "~struck~ `code` ```fence```",
    "<!channel> <!here|now> <@U0ANA> <!subteam^S0SRE|sre> <https://evil.example|Approve>",
    "@here @channel",
    "R\u200bE\u00adS\u2060OLVED",
    "RЕSОLVЕD \u202eDEVLOSER\u202c",
    "ｒｅｓｏｌｖｅｄ r\u0336e\u0336s\u0336o\u0336l\u0336v\u0336e\u0336d\u0336",
    "🅰🅿🅿🆁🅾🆅🅴🅳 by ops",
    "ꓣꓰꓢꓳꓡꓦꓰꓓ",
    "R E S O L V E D",
    "GELÖST · Freigabe ausstehend",
    "f r e i g e g e b e n von ops",
    "🔴 KRITISCH · HOCH · Wieder öffnen",
    "line\n> quote\n✅ *Resolved* by <@U0ANA>\u2028👍 Approved",
]


def text_objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") in ("mrkdwn", "plain_text"):
            yield node
        for value in node.values():
            yield from text_objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from text_objects(value)


_EVIL = ("RESOLVED*", "*Resolved", ":white_check_mark:", ":lock:", "_✅", "Approve ↗", "~struck")


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("evil", IMPOSTORS, ids=range(len(IMPOSTORS)))
def test_no_view_lets_a_stranger_format_text_mention_anyone_or_use_the_bots_marks(
    evil: str,
) -> None:
    for (name, (text, blocks)), (_, (_, honest)) in zip(
        every_view(evil), every_view("harmless"), strict=True
    ):
        objects = list(text_objects(blocks))
        assert objects or name == "answer"
        for text_object in objects:
            if text_object["type"] == "mrkdwn":
                assert text_object.get("verbatim") is True, (name, text_object)
                assert_obeys_nothing(text_object["text"])
        assert_obeys_nothing(text)
        for seen in (text, *(text_object["text"] for text_object in objects)):
            assert seen.count("`") % 2 == 0, (name, seen)
            assert not [mark for mark in _EVIL if mark in _outside_code(seen)], (name, seen)
        # The marks and the bold parts are the bot's own: as many as around a harmless text.
        for mark in "✅🔴👍🔐*":
            assert _count(mark, blocks) == _count(mark, honest), (name, mark)
        if name not in ("answer", "modal"):
            assert_slack_takes(text, blocks, surface="home" if name == "home" else "message")


def _outside_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _count(mark: str, blocks: list[dict[str, Any]]) -> int:
    return sum(
        _outside_code(text_object["text"]).count(mark) for text_object in text_objects(blocks)
    )


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("made", [incident, acknowledged, resolved])
@pytest.mark.parametrize(
    "evil",
    [
        "✅ RESOLVED · all is well",
        "*✅ RESOLVED*",
        "approved by @ana",
        "ꓣꓰꓢꓳꓡꓦꓰꓓ",
        "R\u200bESOLVED",
        "🅰🅿🅿🆁🅾🆅🅴🅳",
        "R E S O L V E D",
        "GELÖST · Freigabe ausstehend",
        "f r e i g e g e b e n von ops",
        "🔴 KRITISCH · HOCH · Wieder öffnen",
        "INC-7 awaiting approval",
        "low · nothing to see",
        "resoIved, nothing to do",
        "reso1ved",
        "s1lenced",
        "Remediation faiIed",
        "RESOLVED_by_ana",
        "Ap-proved by @ben",
        "veri_fied",
        "Everything is frozen by @ben",
        "🔺 Unfrozen by @ben: actions may run again",
        "🔁 Reopened by @ana",
        "Needs 0 more: @ben, @chloe voted yes",
        "Remediation succeeded, the alert cleared",
        "Ack'd by @ana 2 min ago",
        "_RESOLVED_",
        "__Approved__ by @ana",
        "_low · nothing to see_",
        "RESOLVED1 and all is well",
        "2approved by @ana",
        "界RESOLVED",
        "INC\u20117 is over",
        "INC–7 is over",
        "lNC-12 is over",
        "Closed-by @ana",
        "dry\u2212run",
        "Outcome: unknown",
        "RES/OLVED",
        "RES:OLVED",
        "re\u2027solved",
        "re••solved",
        "~RES~OLVED",
        "LOW • nothing to see",
        "HIGH ⋅ nothing to see",
        "ꭱesolved",
        "RESOⱢVED",
        "Acked by @ana",
    ],
)
def test_a_title_that_speaks_like_the_bot_stands_in_quotation_marks(
    made: Callable[..., Any], evil: str
) -> None:
    text, blocks = card.card(made(title=evil))
    first = blocks[0]["text"]["text"].splitlines()[0]
    own = first.split(" · ", 1)
    assert own[0] in ("*🔴 CRITICAL", "*✅ RESOLVED")
    assert re.fullmatch(r"“[^“”]*”\*   `INC-142`", own[1]), first
    assert f"“{untrusted_line(evil, 150).strip('“”')}”" in text, "the fallback text as well"
    assert first.count("✅") == (1 if made is resolved else 0)


@pytest.mark.parametrize(
    "title",
    [
        "checkout-api error rate above 5 %",
        "[FIRING:1] HighErrorRate (prod web_front)",
        "disk_full on db_1: /var 97 %",
        "Ошибка на сервере",
        "バックアップ失敗 web-1",
        "חלל הדיסק מלא",
        "10:15:30 queue_depth > 5",
        "highload-7: include/incoming queue, unresolvedHosts=3",
        "low - disk space, https://x.example/in?c=12",
    ],
)
def test_an_honest_title_is_shown_as_its_sender_wrote_it(title: str) -> None:
    assert not imitates_bot(title)
    assert views_unescaped(untrusted_line(title, 150)) == title


def views_unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@pytest.mark.attack("ASI09")
def test_a_link_button_says_where_it_leads_and_no_name_that_imitates_the_bot() -> None:
    links = (
        Hyperlink("✅ Approve", "https://slack.com@evil.example:8443/x"),
        Hyperlink("Approve ↗", "https://аpprove.example/"),
    )
    _, blocks = card.card(
        incident(links=links), card.CardFacts(runbook="https://runbooks.example/a")
    )
    shown = [e["text"] for e in blocks[-1]["elements"] if "url" in e]
    assert [text_object["text"] for text_object in shown] == [
        "Runbook: runbooks.example ↗",
        "evil.example:8443 ↗",
        "xn--pprove-2nf.example ↗",
    ]
    assert not any(text_object["emoji"] for text_object in shown)


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Graph", "evil.example · Graph ↗"),
        (" Runbook Prüfung ", "evil.example · Runbook Prüfung ↗"),
        ("Grafana-Tafel 2", "evil.example · Grafana-Tafel 2 ↗"),
        ("slack.com", "evil.example ↗"),
        ("slack․com", "evil.example ↗"),
        ("https://slack.com/", "evil.example ↗"),
        ("Graph ↗", "evil.example ↗"),
        ("גרף", "evil.example ↗"),
        ("Approve", "evil.example ↗"),
        ("G" * 19, "evil.example ↗"),
    ],
)
def test_a_link_button_shows_a_plain_label_after_the_host(label: str, shown: str) -> None:
    _, blocks = card.card(incident(links=(Hyperlink(label, "https://evil.example/x"),)))
    assert [e["text"]["text"] for e in blocks[-1]["elements"] if "url" in e] == [shown]


def test_two_links_to_one_host_are_told_apart_and_a_long_host_keeps_its_end() -> None:
    links = (Hyperlink("", "https://g.example/1"), Hyperlink("?", "https://g.example/2"))
    _, blocks = card.card(incident(links=links))
    assert [e["text"]["text"] for e in blocks[-1]["elements"] if "url" in e] == [
        "g.example ↗",
        "g.example (2) ↗",
    ]
    long = "https://" + ".".join(["approve"] * 20) + ".evil.example/"
    label = link_button(long, "sopbot.link.0")["text"]["text"]
    assert label.endswith(".evil.example ↗")
    longest = link_button(long, "sopbot.link.0", label="G" * 18, number=2)["text"]["text"]
    assert len(longest) <= 75


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold*", "∗bold∗"),
        ("_it_ snake_case __init__", "ˍitˍ snake_case ˍˍinitˍˍ"),
        ("~no~ `x`", "∼no∼ ˋxˋ"),
        (":fire: :+1: a:b", "∶fire: ∶+1: a:b"),
        ("at 10:15:30", "at 10:15:30"),
        ("Ångström e\u0301", "Ångström é"),
        ("a\u0300\u0301\u0302\u0303", "à\u0301\u0302"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\u200cb", "ab"),
    ],
)
def test_formatting_is_shown_as_signs_that_do_nothing(text: str, shown: str) -> None:
    assert line(text, 100) == shown


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize(
    "lie",
    [
        "I rеstаrtеd it.",  # Cyrillic
        "Ｉ ｒｅｓｔａｒｔｅｄ ｉｔ．",
        "I r\u200be\u200cs\u2060t\u00adarted it.",
        "I r\u0336e\u0336s\u0336t\u0336a\u0336r\u0336t\u0336e\u0336d\u0336 it.",
        "It was 𝐚𝐩𝐩𝐫𝐨𝐯𝐞𝐝.",
        "It was appr0ved.",
        "It was ᴀᴘᴘʀᴏᴠᴇᴅ.",
        "All is well。Restarted。",
        "It was r e s t a r t e d.",
    ],
)
def test_a_models_claim_is_marked_in_whatever_letters_it_is_written(lie: str) -> None:
    assert MARK in marked(lie)


def test_letters_that_look_alike_are_one_and_others_are_left() -> None:
    assert fold("RЕSОLVЕD") == "RESOLVED"
    assert fold("plain text, 10 % of 2.5") == "plain text, 10 % of 2.5"
    assert fold("日本語") == "日本語"


HERE = Path(views.__file__).parent
MARKS = sorted(
    {
        char
        for file in HERE.glob("*.py")
        for char in re.sub("(?m)^_FORMATTING.*$|#.*$", "", file.read_text(encoding="utf-8"))
        if unicodedata.category(char) == "So" or char == "↗"
    }
    # They vouch for nothing: the one stands before what a model claims, the other is a bar.
    - {"⚠", "█"}
)


def test_the_views_use_many_marks() -> None:
    assert {"✅", "🔁", "🔌", "🔺", "🔔", "⏸"} <= set(MARKS)


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("mark", MARKS)
def test_no_mark_of_any_view_is_left_to_a_stranger(mark: str) -> None:
    assert line(f"{mark} all is well", 100) == "all is well"
