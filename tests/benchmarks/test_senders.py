"""The alerts of the benchmarks have the groups and fingerprints that they claim."""

import json

from benchmarks.senders import slack_event, webhook_body, word
from bot.intake import parse_body, parse_message
from tests.helpers.builders import identify

MANY = 200
GROUPS = 20


def test_words_tell_numbers_apart_without_a_digit():
    spelled = [word(number) for number in range(5_000)]
    assert len(set(spelled)) == len(spelled)
    assert all(text.isalpha() for text in spelled)


def test_messages_of_one_burst_have_a_fingerprint_each_and_fall_into_their_groups():
    alerts = [
        parse_message(
            slack_event("C1", f"1.{n:06}", service=f"shop-{word(n % GROUPS)}", instance=word(n))
        ).alerts[0]
        for n in range(MANY)
    ]
    assert {alert.source for alert in alerts} == {"alertmanager"}
    assert len({alert.fingerprint for alert in alerts}) == MANY
    assert len({identify(alert).scope for alert in alerts}) == GROUPS


def test_posted_bodies_do_the_same():
    bodies = [json.loads(webhook_body(n, GROUPS)) for n in range(MANY)]
    alerts = [parse_body("alertmanager", body).alerts[0] for body in bodies]
    assert len({alert.fingerprint for alert in alerts}) == MANY
    assert len({identify(alert).scope for alert in alerts}) == GROUPS
