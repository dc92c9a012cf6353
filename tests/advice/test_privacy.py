"""No private string goes to a model, and none that comes back is shown or kept."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from bot.advice.answer import read_answer
from bot.advice.kinds.contract import Reply
from bot.advice.model import Fact, Guidance, Subject, Turn
from bot.advice.prompt import build_prompt
from bot.advice.verdict import without_private_data
from bot.incidents.model import Alert, AlertStatus
from bot.serving.redaction import redacted

DEFAULT = ("secrets", "emails", "cards", "phones", "national_ids")
ALL = (*DEFAULT, "addresses")
NOW = datetime(2026, 11, 27, tzinfo=UTC)
X = "Zx9Qw7Er5Ty3Ui1Op8As6Df4Gh2Jk0Lm"  # stands for the random part of a key

# A text, and what of it must not be seen. The parts are joined here, so that no scanner of this
# repository takes one for a real key.
PRIVATE = [
    ("password=hunter2", "hunter2"),
    ("PASSWORD: hunter2", "hunter2"),
    ("passwd=hunter2;", "hunter2"),
    ("pwd = 'hunter2'", "hunter2"),
    ("db_password=hunter2", "hunter2"),
    ("DB_PASSWORD=hunter2", "hunter2"),
    ('{"password": "hunter2"}', "hunter2"),
    ("secret=hunter2", "hunter2"),
    ("client_secret=hunter2", "hunter2"),
    ("api_key=hunter2", "hunter2"),
    ("API-KEY: hunter2", "hunter2"),
    ("apikey=hunter2", "hunter2"),
    ("x-api-key: hunter2", "hunter2"),
    ("access_key=hunter2", "hunter2"),
    ("private_key=hunter2", "hunter2"),
    ("token=hunter2", "hunter2"),
    ("auth_token=hunter2", "hunter2"),
    ("access_token=hunter2&x=1", "hunter2"),
    ("SECRET_TOKEN=hunter2", "hunter2"),
    ("--password hunter22", "hunter22"),
    ("Authorization: Bearer hunter2abc", "hunter2abc"),
    ("authorization: basic aHVudGVyMg==", "aHVudGVyMg"),
    ("Bearer hunter2abc", "hunter2abc"),
    ("Cookie: session=hunter2abc", "hunter2abc"),
    ("Set-Cookie: sid=hunter2abc; Path=/", "hunter2abc"),
    ("postgres://app:hunter2@db/x", "hunter2"),
    ("https://bob:hunter2@git.example/x.git", "hunter2"),
    ("redis://:hunter2@cache:6379", "hunter2"),
    ("AKIA" + "ABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMNOP"),
    ("ASIA" + "ABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMNOP"),
    ("aws_secret_access_key = " + X, X),
    ("ghp_" + X, X),
    ("github_pat_" + X, X),
    ("glpat-" + X, X),
    ("xoxb-" + "123456789012-" + X, X),
    ("xapp-1-" + X, X),
    ("https://hooks.slack.com/services/T01/B01/" + X, X),
    ("sk-" + X, X),
    ("sk-ant-api03-" + X, X),
    ("sk_live_" + X, X),
    ("rk_live_" + X, X),
    ("AIza" + X + "abc", X),
    ("npm_" + X + "1234", X),
    ("pypi-" + X + X, X),
    ("hf_" + X + "12", X),
    ("dop_v1_" + "0123456789abcdef" * 4, "0123456789abcdef"),
    ("SG." + X[:22] + "." + X + "12345678901", X),
    ("AccountKey=" + X + "==;", X),
    ("SharedAccessSignature sig=" + X, X),
    ("hvs." + X, X),
    ("dapi" + "0123456789abcdef" * 2, "0123456789abcdef"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0x." + X, X),
    (f"-----BEGIN RSA PRIVATE KEY-----\n{X}\n-----END RSA PRIVATE KEY-----", X),
    (f"-----BEGIN OPENSSH PRIVATE KEY-----\n{X}", X),
    ("ana@shop.example", "ana@"),
    ("Ana.Lopez+pager@mail.shop.example", "Lopez"),
    ("mailto:ops@shop.example?x", "ops@"),
    ("4111 1111 1111 1111", "1111 1111"),
    ("5500-0000-0000-0004", "0000-0004"),
    ("378282246310005", "378282246310005"),
    ("+49 30 1234567", "1234567"),
    ("+1 (415) 555-0132", "555-0132"),
    ("123-45-6789", "123-45"),
]
BY_CHOICE = [
    ("10.1.2.3", "10.1.2.3"),
    ("192.168.0.12:8080", "192.168.0.12"),
    ("fe80::1ff:fe23:4567", "fe80"),
    ("2001:db8:0:1:1:1:1:1", "2001:db8"),
]
TABLE = [*((text, part, DEFAULT) for text, part in PRIVATE), *((*row, ALL) for row in BY_CHOICE)]


@pytest.mark.attack("ASI06")
@pytest.mark.parametrize(("text", "part", "rules"), TABLE, ids=range(len(TABLE)))
def test_a_private_string_is_neither_sent_nor_shown(
    text: str, part: str, rules: tuple[str, ...]
) -> None:
    wild = f"failed with {text} today"
    alert = Alert(
        source="alertmanager",
        status=AlertStatus.FIRING,
        name="Errors",
        title=wild,
        text=wild,
        labels={"note": wild},
        annotations={"description": wild},
        fingerprint="f",
    )
    subject = Subject(
        incident_key="k",
        sop_id="s",
        about=alert,
        question=wild,
        guidance=Guidance(sop_id="s", commands=(wild,)),
        facts=(Fact("Loki", wild, "E1"),),
        history=(Turn("person", NOW, wild),),
    )
    prompt = build_prompt(subject, "", nonce="n", private=rules)
    assert part not in prompt.replace("\\u0040", "@")
    assert prompt.count("failed with ") == 8

    parts = {"root_cause": wild, "evidence": [wild], "suggested_actions": [wild], "summary": wild}
    for answer in (wild, json.dumps(parts), json.dumps(parts)[:-1]):
        reply = Reply(text=answer, name="Q")
        advice = without_private_data(read_answer(reply, subject, prompt), rules)
        assert part not in json.dumps(asdict(advice), ensure_ascii=False)


@pytest.mark.attack("ASI06")
@pytest.mark.parametrize("name", ["password", "DB_PASSWORD", "api-key", "auth_token", "signature"])
def test_the_value_of_a_label_with_a_secret_name_is_not_sent(name: str) -> None:
    assert redacted({"labels": {name: "hunter2"}}, DEFAULT) == {"labels": {name: "[secret]"}}


@pytest.mark.parametrize(("text", "_part"), BY_CHOICE)
def test_addresses_are_kept_unless_the_policy_names_them(text: str, _part: str) -> None:
    assert redacted(text, DEFAULT) == text


@pytest.mark.parametrize(
    "text",
    [
        "sk-checkout and npm_config_loglevel=warn",
        "the token bucket is empty, tokens: 0 of 100 left",
        "secretary-api restarted, passwords are rotated monthly",
        "the password is wrong",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "commit 9f2c1ab0d4e5f60718293a4b5c6d7e8f90a1b2c3",
        "checkout-api-7d9f4b8c6d-x2x4z was OOM killed",
        "SG.1 of EU.2",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redacted(text, DEFAULT) == text
