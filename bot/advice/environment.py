"""Limits the environment of an advisor, and refuses unsafe commands."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath

from bot.advice.safe_commands import unsafe_arguments
from bot.errors import SettingsError

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
ENV_ALLOW: tuple[str, ...] = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_*"),
    *("AWS_*", "AMAZON_Q_SIGV4", "KIRO_API_KEY"),
    *_PROXIES,
    *(name.lower() for name in _PROXIES),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)
# A key is passed only to the program that it belongs to.
_OWN_KEYS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("claude", "claude-code-acp", "claude-agent-acp"),
        ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CONFIG_DIR"),
    ),
    **dict.fromkeys(("codex", "codex-acp"), ("OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_HOME")),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "llm": ("OPENAI_API_KEY", "LLM_USER_PATH"),
    "aichat": ("OPENAI_API_KEY", "AICHAT_CONFIG_DIR"),
    "ollama": ("OLLAMA_HOST",),
}
# Always ours, also on an allow-list: with these, model output could reach Slack or infrastructure.
_NEVER = ("SLACK_*", "AI_COMMAND_GATEWAY_*", "AUDIT_KEY*", "HTTP_TOKEN*", "STORE_URL*")

_NAMES = {
    "q": "Amazon Q",
    "qchat": "Amazon Q",
    "kiro-cli": "Kiro",
    "kiro-cli-chat": "Kiro",
    "kiro": "Kiro",
    "claude": "Claude Code",
    "claude-code-acp": "Claude Code",
    "claude-agent-acp": "Claude Code",
    "codex": "Codex",
    "codex-acp": "Codex",
    "gemini": "Gemini",
    "ollama": "Ollama",
}


def child_environment(
    environ: Mapping[str, str], program: str, allow: Iterable[str] = ENV_ALLOW
) -> dict[str, str]:
    """Return the environment of an advisor run: names matching `allow` (globs), none of sopbot's
    own.

    `NO_COLOR` and `Q_DISABLE_TELEMETRY` are set to 1. Only a known CLI itself gets its key.
    """
    patterns = (*allow, *_OWN_KEYS.get(PurePath(program).name, ()))
    passed = {
        name: value
        for name, value in environ.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
        and not any(fnmatchcase(name.upper(), pattern) for pattern in _NEVER)
    }
    return {**passed, "NO_COLOR": "1", "Q_DISABLE_TELEMETRY": "1"}


def display_name(argv: Sequence[str]) -> str:
    """Return the advisor's name for people, from the program's file name."""
    base = PurePath(argv[0]).name
    return _NAMES.get(base, base)


def objections(
    argv: Sequence[str], *, allow_unknown_flags: bool = False, acp: bool = False
) -> list[str]:
    """Return the reasons, one per line, why this command must not run as an advisor.

    An advisor reads alert text, which strangers write. A command that lets the model run tools
    without a question would let that text act on this host. With `allow_unknown_flags` the operator
    is responsible for the flags. `acp` is for ADVISOR_ACP_COMMAND.
    """
    variable = "ADVISOR_ACP_COMMAND" if acp else "ADVISOR_COMMAND"
    if not argv or not argv[0].strip():
        return [f"{variable}: the command is empty. Name a program, or leave the setting out."]
    problems = [] if allow_unknown_flags else unsafe_arguments(argv, acp=acp)
    if any("\0" in word for word in argv):
        problems.append("an argument holds a NUL character. Remove it.")
    return [f"{variable}: {problem}" for problem in problems]


def argv_of(text: str, *, q_bin: str = "q", variable: str = "ADVISOR_COMMAND") -> tuple[str, ...]:
    """Parse the setting `variable` to argv: a JSON list of strings, or words quoted as for a shell.

    A first word `q` becomes `q_bin`. Empty text returns an empty tuple: no command advisor. Raises
    SettingsError for anything else.
    """
    text = text.strip()
    if not text:
        return ()
    try:
        argv = json.loads(text) if text.startswith("[") else shlex.split(text)
    except ValueError as error:
        raise SettingsError([f"{variable}: not readable: {error}."]) from None
    if not argv or not all(isinstance(argument, str) for argument in argv):
        raise SettingsError([f"{variable}: a JSON list must hold strings, at least one."])
    return (q_bin if argv[0] == "q" else argv[0], *argv[1:])
