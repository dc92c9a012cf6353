"""Values of settings: one line a problem, no secret shown, closed by default."""

from __future__ import annotations

import pytest

from bot.errors import SettingsError
from bot.settings import NAMES, load, load_audit
from tests.helpers.good_settings import GOOD
from tests.helpers.refused_settings import problems_of


@pytest.fixture
def no_file(tmp_path):
    return tmp_path / "none"


def test_the_required_settings_alone_are_enough(no_file):
    settings = load(GOOD, no_file)
    assert settings.slack_alert_channels == ("C0ALERTS01", "C0ALERTS02")
    assert settings.http_host == "127.0.0.1"
    assert settings.http_port == 8080


@pytest.mark.parametrize("name", GOOD)
def test_each_missing_setting_is_named_with_what_it_is_for(name, no_file):
    problem_lines = problems_of({k: v for k, v in GOOD.items() if k != name}, no_file)
    assert len(problem_lines) == 1
    assert problem_lines[0].startswith(f"{name}: missing; ")


def test_every_problem_has_its_own_line(no_file):
    problem_lines = problems_of({}, no_file)
    assert len(problem_lines) == len(GOOD)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AI_COMMAND_GATEWAY_URL", "ftp://x"),
        ("AI_COMMAND_GATEWAY_TIMEOUT", "0"),
        ("AI_COMMAND_GATEWAY_TIMEOUT", "soon"),
        ("AI_COMMAND_GATEWAY_SOURCE_ID", ""),
        ("SLACK_ALERT_CHANNELS", " , "),
        ("QCHAT_MAX_CONCURRENT", "0"),
        ("HTTP_ADDR", "8080"),
        ("LOG_LEVEL", "LOUD"),
        ("NATS_URL", "http://secret-host:4222"),
        ("NATS_URL", "nats://bot:secret@"),
        ("NATS_URL", "nats://a:4222,nats://b:secret"),
        ("NATS_URL", "nats://a b"),
        ("NATS_STREAM", "a.b"),
        ("NATS_CONSUMER", ""),
        ("NATS_CREDS", "/etc/secret.creds"),
        ("BACKUP_SCHEDULE", "daily"),
        ("BACKUP_KEEP", "1"),
        ("LOG_FILE_MAX_MB", "0"),
        ("HTTP_REQUESTS_PER_MINUTE", "-1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("RUNBOOK_EMBED_URL", "ollama"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter-two"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(name, value, no_file):
    (problem_lines,) = problems_of({**GOOD, name: value}, no_file)
    assert problem_lines.startswith(f"{name}: ")


def test_a_door_that_others_can_reach_needs_a_token(no_file):
    (problem_lines,) = problems_of({**GOOD, "HTTP_ADDR": "0.0.0.0:8080"}, no_file)
    assert problem_lines.startswith("HTTP_TOKEN: required")
    load({**GOOD, "HTTP_ADDR": "0.0.0.0:8080", "HTTP_TOKEN": "sixteen letters."}, no_file)
    load({**GOOD, "HTTP_ADDR": "[::1]:8080"}, no_file)


def test_no_representation_of_the_settings_shows_a_secret(no_file):
    settings = load(GOOD, no_file)
    assert "secret-value" not in repr(settings)
    assert "secret-value" not in str(settings.model_dump())


def test_every_name_is_upper_case_and_known():
    assert all(name == name.upper() for name in NAMES)


def test_a_key_of_the_audit_trail_that_could_be_guessed_is_refused(no_file):
    (problem_lines,) = problems_of({**GOOD, "AUDIT_KEY": "15 bytes secret"}, no_file)
    assert problem_lines.startswith("AUDIT_KEY: shorter than 16 bytes; ")
    assert "openssl rand -hex 32" in problem_lines


def test_the_audit_commands_ask_for_their_key_and_for_nothing_of_slack(no_file):
    with pytest.raises(SettingsError) as caught:
        load_audit({}, no_file)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["AUDIT_KEY"]
    load_audit({"AUDIT_KEY": GOOD["AUDIT_KEY"]}, no_file)


@pytest.mark.parametrize("name", ["alerts", "#alerts", "C0ALERTS01,alerts"])
def test_a_channel_s_name_is_no_id(name, no_file):
    (problem_lines,) = problems_of(GOOD | {"SLACK_ALERT_CHANNELS": name}, no_file)
    assert problem_lines.startswith("SLACK_ALERT_CHANNELS: ")


def test_so_many_questions_at_once_and_no_more(no_file):
    assert load({**GOOD, "QCHAT_MAX_CONCURRENT": "64"}, no_file).qchat_max_concurrent == 64
    (problem,) = problems_of({**GOOD, "QCHAT_MAX_CONCURRENT": "65"}, no_file)
    assert problem.startswith("QCHAT_MAX_CONCURRENT: ")


@pytest.mark.attack("ASI07")
def test_neither_a_bearer_token_nor_certificates_go_with_plain_http_over_the_network(no_file):
    def environ_of(url: str, **names: str) -> dict[str, str]:
        ours = {f"AI_COMMAND_GATEWAY_{name}": value for name, value in names.items()}
        return {**GOOD, "AI_COMMAND_GATEWAY_URL": url, **ours}

    remote = ("http://gw.example:8003", "http://10.0.0.9")
    for url in remote:
        with pytest.raises(SettingsError, match="AI_COMMAND_GATEWAY_TOKEN: everybody on the way"):
            load(environ_of(url, TOKEN="sixteen letters."), no_file)
        assert load(environ_of(url, TOKEN="sixteen letters.", SECRET="sixteen letters."), no_file)
    for url in ("https://gw.example", "http://127.0.0.1:8003", "http://[::1]", "http://localhost"):
        assert load(environ_of(url, TOKEN="sixteen letters."), no_file)
    with pytest.raises(SettingsError, match="AI_COMMAND_GATEWAY_URL: is http://"):
        load(environ_of("http://gw.example", CA_FILE="/etc/ca.pem"), no_file)


@pytest.mark.attack("ASI03")
def test_a_short_token_is_refused_where_the_network_can_reach_the_door(no_file):
    with pytest.raises(SettingsError, match="HTTP_TOKEN: shorter than 16 characters"):
        load({**GOOD, "HTTP_ADDR": "0.0.0.0:8080", "HTTP_TOKEN": "x"}, no_file)
    assert load({**GOOD, "HTTP_TOKEN": "x"}, no_file), "on loopback it may be short"
    for alone in ({}, {"HTTP_TOKEN": "sixteen letters."}):
        previous = "short" if alone else "sixteen letters."
        with pytest.raises(SettingsError, match="HTTP_TOKEN_PREVIOUS: needs HTTP_TOKEN"):
            load({**GOOD, **alone, "HTTP_TOKEN_PREVIOUS": previous}, no_file)


@pytest.mark.parametrize(
    ("name", "token", "problem"),
    [
        ("SLACK_BOT_TOKEN", "xapp-secret", "must begin with xoxb-: are the two tokens swapped?"),
        ("SLACK_APP_TOKEN", "xoxb-secret", "must begin with xapp-: are the two tokens swapped?"),
        ("SLACK_BOT_TOKEN", "xoxb-secret\nX-Header: 1", "holds a space, a line end"),
        ("SLACK_APP_TOKEN", "  ", "is empty"),
    ],
)
def test_a_token_that_slack_cannot_have_made_is_refused(name, token, problem, no_file):
    assert any(
        line.startswith(name) and problem in line
        for line in problems_of({**GOOD, name: token}, no_file)
    )


def test_the_password_in_an_address_of_nats_is_a_secret(no_file):
    url = "nats://bot:hunter-two@a:4222, tls://b"
    settings = load({**GOOD, "NATS_URL": url}, no_file)
    assert settings.nats_servers == ("nats://bot:hunter-two@a:4222", "tls://b")
    assert "hunter-two" in settings.secrets()
    assert "hunter-two" not in repr(settings)


def test_a_credentials_file_of_nats_is_read(tmp_path, no_file):
    file = tmp_path / "bot.creds"
    file.write_text("-----BEGIN NATS USER JWT-----\nabc\n------END NATS USER JWT------\n")
    settings = load({**GOOD, "NATS_CREDS_FILE": str(file)}, no_file)
    assert settings.nats_creds.get_secret_value().startswith("-----BEGIN")


def test_an_unknown_language_is_refused_with_the_languages_that_there_are(tmp_path):
    (line,) = problems_of({**GOOD, "MESSAGE_LANGUAGE": "fr"}, tmp_path / ".env")
    assert line.startswith("MESSAGE_LANGUAGE: must be one of en, de;")
    assert load({**GOOD, "MESSAGE_LANGUAGE": "de"}, tmp_path / ".env").message_language == "de"
    # A variable of GNU gettext, which many login shells set.
    assert load({**GOOD, "LANGUAGE": "en_US:en"}, tmp_path / ".env").message_language == "en"


def test_a_qdrant_needs_the_model_that_makes_its_vectors(no_file):
    assert problems_of({**GOOD, "RUNBOOK_QDRANT_URL": "http://qdrant:6333"}, no_file) == [
        "RUNBOOK_EMBED_MODEL: required, because RUNBOOK_QDRANT_URL is set"
    ]
