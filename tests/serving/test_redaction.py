"""Private data in text that leaves the bot: each rule with what it hides, and what it leaves."""

from __future__ import annotations

import time
from typing import get_args

import pytest

from bot.advice.model import Subject
from bot.advice.prompt import build_prompt
from bot.serving.redaction import RuleName, redacted

ALL = get_args(RuleName)
HIDDEN = [
    ("secrets", "password=hunter2 here", "[secret] here"),
    ("secrets", "postgres://app:pw12345@db/x", "postgres://[secret]@db/x"),
    ("secrets", "key AKIAABCDEFGHIJKLMNOP end", "key [secret] end"),
    ("secrets", "password=yes-it-is-one", "[secret]"),
    ("secrets", "Authorization: Bearer abcdef", "[secret]"),
    ("emails", "mail to ana.b+x@shop.example.com, now", "mail to [e-mail], now"),
    ("cards", "card 4111 1111 1111 1111 declined", "card [card] declined"),
    ("cards", "card 5500-0000-0000-0004", "card [card]"),
    ("phones", "call +49 (30) 123-456-78 now", "call [phone] now"),
    ("national_ids", "SSN 123-45-6789.", "SSN [id]."),
    ("addresses", "from 10.1.2.3:8080 to 192.168.0.255", "from [address]:8080 to [address]"),
    ("addresses", "from fe80::1ff:fe23:4567 and ::", "from [address] and ::"),
    ("addresses", "2001:db8:0:1:1:1:1:1", "[address]"),
]
KEPT = [
    "Access denied for user 'shop' (using password: YES)",
    "order 1732698000000 at 2026-11-27T09:00:00Z",
    "req-20261121-030412-9f2c1ab0",
    "version 1.2.3 of 4.5",
    "error rate 4111111111111112",  # fails the check digit
    "trace id 6011000990139425a",
    "10:30:00 and 300.1.2.3",
    "checkout-api-7d9f 500 errors, p95 1.234 s",
    "@ana see #123-45-678",
]


@pytest.mark.parametrize(("rule", "text", "result"), HIDDEN)
def test_a_rule_hides_its_own_kind_of_data(rule: str, text: str, result: str) -> None:
    assert redacted(text, [rule]) == result
    assert redacted(text, [name for name in ALL if name != rule]) != result


@pytest.mark.parametrize("text", KEPT)
def test_ordinary_words_of_an_alert_stay(text: str) -> None:
    assert redacted(text, ALL) == text


def test_every_text_of_a_nested_value_is_redacted_and_keys_stay() -> None:
    value = {"a@b.example": ["x@y.example", {"n": 3, "t": ("z@z.example",)}]}
    assert redacted(value, ["emails"]) == {"a@b.example": ["[e-mail]", {"n": 3, "t": ["[e-mail]"]}]}


@pytest.mark.parametrize("unit", ["1", "4-", "+1 ", "a.", "a@", "1.", "f:", "x@a.", "Aa0_-."])
def test_a_long_hostile_text_is_redacted_in_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text, taken = (unit * size)[:size], []
        for _ in range(3):  # the quickest: another thread only adds to it
            began = time.thread_time()
            redacted(text, ALL)
            taken.append(time.thread_time() - began)
        return min(taken)

    assert seconds(80_000) < 64 * max(seconds(5_000), 0.0005), "16 times the text"


@pytest.mark.attack("ASI06")
def test_the_advisor_is_never_sent_what_the_policy_hides() -> None:
    subject = Subject(incident_key="k", sop_id="s", question="why does ana@shop.example see 500?")
    assert "shop.example" in build_prompt(subject, "", nonce="n")
    prompt = build_prompt(subject, "", nonce="n", private=["emails"])
    assert "shop.example" not in prompt
    assert "why does [e-mail] see 500?" in prompt
