"""Settings: one line a problem, no secret shown, closed by default."""

from __future__ import annotations

import pytest
from pydantic_settings import BaseSettings

from bot.errors import SettingsError
from bot.settings import NAMES, Settings, load, load_audit
from tests.helpers.good_settings import GOOD


@pytest.fixture
def no_file(tmp_path):
    return tmp_path / "none"


def problems(environ, file):
    with pytest.raises(SettingsError) as caught:
        load(environ, file)
    assert "secret" not in str(caught.value), "a secret must never stand in an error"
    return caught.value.problems


def test_the_required_settings_alone_are_enough(no_file):
    settings = load(GOOD, no_file)
    assert settings.slack_alert_channels == ("C0ALERTS01", "C0ALERTS02")
    assert settings.http_host == "127.0.0.1"
    assert settings.http_port == 8080


@pytest.mark.parametrize("name", GOOD)
def test_each_missing_setting_is_named_with_what_it_is_for(name, no_file):
    problem_lines = problems({k: v for k, v in GOOD.items() if k != name}, no_file)
    assert len(problem_lines) == 1
    assert problem_lines[0].startswith(f"{name}: missing; ")


def test_every_problem_has_its_own_line(no_file):
    problem_lines = problems({}, no_file)
    assert len(problem_lines) == len(GOOD)


def test_a_misspelt_name_is_refused_and_the_right_one_offered(no_file):
    (problem_lines,) = problems({**GOOD, "SLACK_ALERT_CHANNEL": "C1"}, no_file)
    assert "did you mean SLACK_ALERT_CHANNELS?" in problem_lines


def test_the_rest_of_the_environment_is_none_of_our_business(no_file):
    load({**GOOD, "LOG_DIR": "/x", "HTTP_PROXY": "http://p", "PATH": "/bin"}, no_file)


def test_any_unknown_name_in_the_file_is_refused(tmp_path):
    file = tmp_path / ".env"
    file.write_text("FOO=1\n", encoding="utf-8")
    (problem_lines,) = problems(GOOD, file)
    assert problem_lines.startswith("FOO: not a setting of sopbot (in .env)")


def test_the_environment_wins_over_the_file(tmp_path):
    file = tmp_path / ".env"
    file.write_text("\n".join(f"{k}={v}" for k, v in GOOD.items()), encoding="utf-8")
    assert load({"LOG_LEVEL": "DEBUG"}, file).log_level == "DEBUG"
    assert load({"AI_COMMAND_GATEWAY_SOURCE_ID": "other"}, file).ai_command_gateway_source_id == (
        "other"
    )


def test_names_are_case_insensitive(no_file):
    assert load({k.lower(): v for k, v in GOOD.items()}, no_file).slack_alert_channels


def test_a_secret_may_come_from_a_file(tmp_path, no_file):
    secret = tmp_path / "token"
    secret.write_text("xoxb-from-file\n", encoding="utf-8")
    good_settings = {k: v for k, v in GOOD.items() if k != "SLACK_BOT_TOKEN"}
    settings = load({**good_settings, "SLACK_BOT_TOKEN_FILE": str(secret)}, no_file)
    assert settings.slack_bot_token.get_secret_value() == "xoxb-from-file"


def test_a_secret_file_that_cannot_be_read_is_named(no_file):
    good_settings = {k: v for k, v in GOOD.items() if k != "SLACK_BOT_TOKEN"}
    problem_lines = problems({**good_settings, "SLACK_BOT_TOKEN_FILE": "/nowhere/token"}, no_file)
    assert problem_lines[0].startswith(
        "SLACK_BOT_TOKEN: the file of SLACK_BOT_TOKEN_FILE cannot be read: No such file"
    )
    assert len(problem_lines) == 1, "told once, and not as missing too"


def test_only_secrets_may_come_from_a_file(no_file):
    problem_lines = problems({**GOOD, "SLACK_API_URL_FILE": "/x"}, no_file)
    assert problem_lines[0].startswith("SLACK_API_URL_FILE: not a setting")


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
    (problem_lines,) = problems({**GOOD, name: value}, no_file)
    assert problem_lines.startswith(f"{name}: ")


def test_a_door_that_others_can_reach_needs_a_token(no_file):
    (problem_lines,) = problems({**GOOD, "HTTP_ADDR": "0.0.0.0:8080"}, no_file)
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
    (problem_lines,) = problems({**GOOD, "AUDIT_KEY": "15 bytes secret"}, no_file)
    assert problem_lines.startswith("AUDIT_KEY: shorter than 16 bytes; ")
    assert "openssl rand -hex 32" in problem_lines


def test_the_key_of_the_audit_trail_may_come_in_a_file(tmp_path, no_file):
    file = tmp_path / "key"
    file.write_text("a secret key in a file\n", encoding="utf-8")
    rest = {name: value for name, value in GOOD.items() if name != "AUDIT_KEY"}
    settings = load({**rest, "AUDIT_KEY_FILE": str(file)}, no_file)
    assert settings.audit_key.get_secret_value() == "a secret key in a file"


def test_the_audit_commands_ask_for_their_key_and_for_nothing_of_slack(no_file):
    with pytest.raises(SettingsError) as caught:
        load_audit({}, no_file)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["AUDIT_KEY"]
    load_audit({"AUDIT_KEY": GOOD["AUDIT_KEY"]}, no_file)


@pytest.mark.parametrize("name", ["alerts", "#alerts", "C0ALERTS01,alerts"])
def test_a_channel_s_name_is_no_id(name, no_file):
    (problem_lines,) = problems(GOOD | {"SLACK_ALERT_CHANNELS": name}, no_file)
    assert problem_lines.startswith("SLACK_ALERT_CHANNELS: ")


# What pydantic-settings does for us


def test_the_settings_read_the_environment_by_themselves(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert isinstance(settings, BaseSettings)
    assert settings.slack_alert_channels == ("C0ALERTS01", "C0ALERTS02")


def test_a_dot_env_file_of_windows_is_read(tmp_path):
    file = tmp_path / ".env"
    lines = "\r\n".join(f"{name}={value}" for name, value in GOOD.items())
    file.write_bytes(b"\xef\xbb\xbf" + lines.encode())
    assert load({}, file).audit_key.get_secret_value() == GOOD["AUDIT_KEY"]


def test_a_dot_env_file_that_is_no_text_is_named(tmp_path):
    file = tmp_path / ".env"
    file.write_bytes(b"AUDIT_KEY=\xff\xfe")
    assert problems(GOOD, file) == [".env: cannot be read: it is not UTF-8 text"]


def test_a_secret_in_the_environment_wins_over_a_secret_s_file_in_dot_env(tmp_path):
    file = tmp_path / ".env"
    file.write_text("AUDIT_KEY_FILE=/nowhere/key\n", encoding="utf-8")
    assert load(GOOD, file).audit_key.get_secret_value() == GOOD["AUDIT_KEY"]


def test_a_secret_s_file_in_the_environment_wins_over_the_secret_in_dot_env(tmp_path):
    file, key = tmp_path / ".env", tmp_path / "key"
    file.write_text("AUDIT_KEY=the secret of the .env file\n", encoding="utf-8")
    key.write_text("the secret of the key's file\n", encoding="utf-8")
    good_settings = {k: v for k, v in GOOD.items() if k != "AUDIT_KEY"} | {
        "AUDIT_KEY_FILE": str(key)
    }
    assert load(good_settings, file).audit_key.get_secret_value() == "the secret of the key's file"


# Names that people bring from other tools


@pytest.mark.parametrize(
    "name",
    [
        "QCHAT_BUFFER_SIZE",
        "QCHAT_POLL_INTERVAL",
        "HEALTH_CHECK_ENABLED",
        "QPROXY_SOPMAP_PATH",
        "QPROXY_WS_URL",
        "QPROXY_ANYTHING",
        "RALPH_QCHAT_TIMEOUT",
    ],
)
@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_name_of_another_tool_is_accepted_with_one_warning(name, place, tmp_path):
    file = tmp_path / ".env"
    if place == "file":
        file.write_text(f"{name}=secret-value\n", encoding="utf-8")
    (warning,) = load(GOOD if place == "file" else {**GOOD, name: "secret-value"}, file).warnings
    assert warning.startswith(f"{name} has no effect: ")
    assert "secret-value" not in warning


@pytest.mark.parametrize("name", ["QCHAT_VERBOSE", "QCHAT_DEBUG"])
@pytest.mark.parametrize(("value", "level"), [("1", "DEBUG"), ("TRUE", "DEBUG"), ("0", "INFO")])
def test_verbose_and_debug_are_the_log_level(name, value, level, no_file):
    settings = load({**GOOD, name: value}, no_file)
    assert settings.log_level == level
    assert settings.warnings == ()
    assert load({**GOOD, name: value, "LOG_LEVEL": "ERROR"}, no_file).log_level == "ERROR"


def test_the_address_and_the_folder_of_sops_of_qproxy_are_honoured(no_file):
    brought = {"QPROXY_HTTP_ADDR": "127.0.0.1:9000", "QPROXY_SOP_DIR": "/srv/sop"}
    settings = load(GOOD | brought, no_file)
    assert settings.http_addr == "127.0.0.1:9000"
    assert str(settings.sop_dir) == "/srv/sop"
    assert settings.warnings == ()
    ours = {"HTTP_ADDR": "127.0.0.1:8001", "SOP_DIR": "sops"}
    settings = load(GOOD | brought | ours, no_file)
    assert settings.http_addr == "127.0.0.1:8001"
    assert str(settings.sop_dir) == "sops"


def test_the_folder_of_conversations_of_qproxy_is_a_setting_without_a_warning(no_file):
    settings = load({**GOOD, "QPROXY_CONV_ROOT": "/srv/conversations"}, no_file)
    assert str(settings.qproxy_conv_root) == "/srv/conversations"
    assert settings.warnings == ()


def test_an_address_of_qproxy_that_is_every_interface_needs_a_token(no_file):
    (problem,) = problems({**GOOD, "QPROXY_HTTP_ADDR": ":8080"}, no_file)
    assert problem.startswith("HTTP_TOKEN: required")


def test_a_misspelt_name_of_the_adapter_is_refused_all_the_same(no_file):
    (problem,) = problems({**GOOD, "QCHAT_BUFER_SIZE": "1"}, no_file)
    assert problem.startswith("QCHAT_BUFER_SIZE: not a setting of sopbot (in the environment)")


def test_so_many_questions_at_once_and_no_more(no_file):
    assert load({**GOOD, "QCHAT_MAX_CONCURRENT": "64"}, no_file).qchat_max_concurrent == 64
    (problem,) = problems({**GOOD, "QCHAT_MAX_CONCURRENT": "65"}, no_file)
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
        for line in problems({**GOOD, name: token}, no_file)
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
    (line,) = problems({**GOOD, "MESSAGE_LANGUAGE": "fr"}, tmp_path / ".env")
    assert line.startswith("MESSAGE_LANGUAGE: must be one of en, de;")
    assert load({**GOOD, "MESSAGE_LANGUAGE": "de"}, tmp_path / ".env").message_language == "de"
    # A variable of GNU gettext, which many login shells set.
    assert load({**GOOD, "LANGUAGE": "en_US:en"}, tmp_path / ".env").message_language == "en"


def test_a_qdrant_needs_the_model_that_makes_its_vectors(no_file):
    assert problems({**GOOD, "RUNBOOK_QDRANT_URL": "http://qdrant:6333"}, no_file) == [
        "RUNBOOK_EMBED_MODEL: required, because RUNBOOK_QDRANT_URL is set"
    ]
