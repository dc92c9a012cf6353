"""The sources of settings: environment, `.env`, files of secrets, names of other tools."""

from __future__ import annotations

import pytest
from pydantic_settings import BaseSettings

from bot.settings import Settings, load
from tests.helpers.good_settings import GOOD
from tests.helpers.refused_settings import problems_of


@pytest.fixture
def no_file(tmp_path):
    return tmp_path / "none"


def test_a_misspelt_name_is_refused_and_the_right_one_offered(no_file):
    (problem_lines,) = problems_of({**GOOD, "SLACK_ALERT_CHANNEL": "C1"}, no_file)
    assert "did you mean SLACK_ALERT_CHANNELS?" in problem_lines


def test_the_rest_of_the_environment_is_none_of_our_business(no_file):
    load({**GOOD, "LOG_DIR": "/x", "HTTP_PROXY": "http://p", "PATH": "/bin"}, no_file)


def test_any_unknown_name_in_the_file_is_refused(tmp_path):
    file = tmp_path / ".env"
    file.write_text("FOO=1\n", encoding="utf-8")
    (problem_lines,) = problems_of(GOOD, file)
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
    problem_lines = problems_of(
        {**good_settings, "SLACK_BOT_TOKEN_FILE": "/nowhere/token"}, no_file
    )
    assert problem_lines[0].startswith(
        "SLACK_BOT_TOKEN: the file of SLACK_BOT_TOKEN_FILE cannot be read: No such file"
    )
    assert len(problem_lines) == 1, "told once, and not as missing too"


def test_only_secrets_may_come_from_a_file(no_file):
    problem_lines = problems_of({**GOOD, "SLACK_API_URL_FILE": "/x"}, no_file)
    assert problem_lines[0].startswith("SLACK_API_URL_FILE: not a setting")


def test_the_key_of_the_audit_trail_may_come_in_a_file(tmp_path, no_file):
    file = tmp_path / "key"
    file.write_text("a secret key in a file\n", encoding="utf-8")
    rest = {name: value for name, value in GOOD.items() if name != "AUDIT_KEY"}
    settings = load({**rest, "AUDIT_KEY_FILE": str(file)}, no_file)
    assert settings.audit_key.get_secret_value() == "a secret key in a file"


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
    assert problems_of(GOOD, file) == [".env: cannot be read: it is not UTF-8 text"]


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
    (problem,) = problems_of({**GOOD, "QPROXY_HTTP_ADDR": ":8080"}, no_file)
    assert problem.startswith("HTTP_TOKEN: required")


def test_a_misspelt_name_of_the_adapter_is_refused_all_the_same(no_file):
    (problem,) = problems_of({**GOOD, "QCHAT_BUFER_SIZE": "1"}, no_file)
    assert problem.startswith("QCHAT_BUFER_SIZE: not a setting of sopbot (in the environment)")
