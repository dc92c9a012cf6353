from __future__ import annotations

import pytest

from bot.advice.environment import argv_of, child_environment, display_name, objections
from bot.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("q chat --no-interactive", ("/opt/q", "chat", "--no-interactive")),
        ("kiro-cli chat 'a b'", ("kiro-cli", "chat", "a b")),
        ('["q", "chat", "a b"]', ("/opt/q", "chat", "a b")),
        ("", ()),
        ("  ", ()),
    ],
)
def test_the_command_is_read_from_words_or_a_json_list(text: str, argv: tuple[str, ...]) -> None:
    assert argv_of(text, q_bin="/opt/q") == argv


@pytest.mark.parametrize("text", ["q 'chat", "[]", "[1]", '["q"', "[{}]"])
def test_a_command_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="ADVISOR_COMMAND"):
        argv_of(text)


@pytest.mark.attack("ASI03")
def test_an_own_allow_list_cannot_let_a_secret_of_the_bot_through() -> None:
    environ = {"SLACK_BOT_TOKEN": "s", "slack_app_token": "s", "AUDIT_KEY_FILE": "s", "MY_URL": "u"}
    seen = child_environment(environ, "q", allow=["*"])
    assert set(seen) == {"MY_URL", "NO_COLOR", "Q_DISABLE_TELEMETRY"}


def test_a_key_goes_only_to_the_program_it_is_for() -> None:
    environ = {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}
    assert "ANTHROPIC_API_KEY" in child_environment(environ, "/usr/bin/claude")
    assert "OPENAI_API_KEY" not in child_environment(environ, "claude")
    assert "ANTHROPIC_API_KEY" not in child_environment(environ, "q")


@pytest.mark.parametrize(
    ("program", "name"),
    [("/usr/bin/q", "Amazon Q"), ("kiro-cli", "Kiro"), ("claude", "Claude Code"), ("my", "my")],
)
def test_the_advisor_is_called_by_the_name_people_know(program: str, name: str) -> None:
    assert display_name([program]) == name


@pytest.mark.parametrize(
    "argv",
    [
        ["q", "chat", "--no-interactive", "--wrap", "never", "--agent", "sopbot-advisor"],
        ["kiro-cli", "chat", "--v2", "--no-interactive", "--agent", "sopbot-advisor"],
        ["claude", "-p", "--output-format", "json", "--tools", "", "--strict-mcp-config"],
        ["codex", "exec", "--sandbox", "read-only", "--ephemeral", "--skip-git-repo-check", "-"],
        ["llm", "-m", "a", "-n", "--no-stream"],
        ["aichat", "-S", "-m", "a"],
    ],
)
def test_commands_without_tools_are_welcome(argv: list[str]) -> None:
    assert objections(argv) == []
