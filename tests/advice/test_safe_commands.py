"""The bot runs no advisor command that trusts tools, in any spelling."""

from __future__ import annotations

import pytest

from bot.advice.environment import objections
from bot.advice.kinds.command import CommandAdvisor
from bot.errors import SettingsError

Q = ["q", "chat", "--no-interactive"]
CLAUDE = ["claude", "-p", "--output-format", "json"]
CODEX = ["codex", "exec", "--ephemeral", "-"]
GEMINI = ["gemini", "-p", ""]


@pytest.mark.attack("ASI05")
@pytest.mark.parametrize(
    "argv",
    [
        [*Q, "-a"],
        [*Q, "-ra"],
        [*Q, "--trust-all-tools"],
        [*Q, "--trust-all-tools=true"],
        [*Q, "--trust-tools=execute_bash"],
        [*Q, "--trust-tools", "fs_write"],
        [*Q, "--agent", "mine"],
        [*Q, "--agent=mine"],
        ["/usr/local/bin/q", "chat", "-a"],
        ["q", "--some-new-flag", "chat"],
        ["kiro-cli", "chat", "--v3", "--trust-tools=*"],
        ["kiro-cli", "acp"],
        [*CLAUDE, "--permission-mode", "bypassPermissions"],
        [*CLAUDE, "--permission-mode=acceptEdits"],
        [*CLAUDE, "--dangerously-skip-permissions"],
        [*CLAUDE, "--allowedTools", "Bash"],
        [*CLAUDE, "--tools", "Bash"],
        [*CLAUDE, "--mcp-config", "x.json"],
        [*CODEX, "--sandbox", "danger-full-access"],
        [*CODEX, "--sandbox=workspace-write"],
        [*CODEX, "--full-auto"],
        [*CODEX, "-c", "sandbox_mode=danger-full-access"],
        ["codex", "--yolo", "exec"],
        [*GEMINI, "-y"],
        [*GEMINI, "--yolo"],
        [*GEMINI, "--approval-mode", "yolo"],
        [*GEMINI, "--approval-mode=auto_edit"],
        ["aichat", "-S", "-e"],
        ["aichat", "--agent", "x"],
        ["llm", "-m", "a", "-T", "shell"],
        ["llm", "--functions", "x.py"],
        ["sh", "-c", "q chat -a"],
        ["/bin/bash", "-lc", "q chat"],
        ["env", "q", "chat", "-a"],
        ["timeout", "60", "q", "chat", "-a"],
        ["sudo", "q", "chat"],
        ["docker", "run", "q", "chat", "-a"],
        ["python3", "-c", "import os"],
        ["python3.11", "-Ic", "import os"],
        ["perl", "-e", "x"],
        ["node", "--eval", "x"],
        ["/opt/ours", "--trust-all-tools"],
        ["/opt/ours", "-y"],
        ["/opt/ours", "--mode=bypassPermissions"],
        ["/opt/ours", "--sandbox", "danger-full-access"],
    ],
    ids=" ".join,
)
def test_a_command_that_may_run_tools_is_refused(argv: list[str]) -> None:
    with pytest.raises(SettingsError, match="ADVISOR_COMMAND"):
        CommandAdvisor(argv)
    assert objections(argv, allow_unknown_flags=True) == [], "unless the operator says so in words"


@pytest.mark.parametrize(
    "argv",
    [
        [*Q, "--wrap", "never", "--agent", "sopbot-advisor"],
        [*Q, "--wrap=never", "--agent=sopbot-advisor", "--trust-tools="],
        ["kiro-cli", "chat", "--v2", "--no-interactive", "--wrap", "never"],
        [*CLAUDE, "--tools", "", "--strict-mcp-config", "--max-turns", "1"],
        [*CLAUDE, "--permission-mode", "plan"],
        ["codex", "exec", "--sandbox", "read-only", "--ephemeral", "--skip-git-repo-check", "-"],
        [*GEMINI, "--output-format", "json"],
        ["aichat", "-S", "-m", "MODEL"],
        ["llm", "-m", "MODEL", "-n", "--no-stream"],
        ["ollama", "run", "MODEL", "--nowordwrap", "--format", "json"],
        ["/opt/our-advisor", "--model", "x", "fast"],
        ["python3", "-u", "/opt/advisor.py", "-c", "config.yaml"],
        ["python3", "-m", "our.advisor"],
    ],
    ids=" ".join,
)
def test_known_safe_commands_and_programs_of_ones_own_run(argv: list[str]) -> None:
    assert objections(argv) == []
